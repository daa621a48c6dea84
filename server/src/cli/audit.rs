//! `atrium audit`: proving that the log is whole.

use clap::Subcommand;
use store::audit::AuditVerdict;

use crate::{
    boot::{Deployment, Model},
    config::Config,
    database::Joining,
    failure::Failure,
};

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Recompute every hash of the chain and name the first row that is
    /// wrong. Ends with status 1 when one is.
    Verify {
        /// Only this organisation, by its slug.
        #[arg(long)]
        tenant: Option<String>,
    },
}

impl Audit {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let deployment = Deployment::open(config, Joining::Allowed, Model::NotNeeded).await?;
        let Self::Verify { tenant } = self;
        let result = verify(&deployment, tenant.as_deref()).await;
        deployment.close().await;
        result
    }
}

async fn verify(deployment: &Deployment, slug: Option<&str>) -> Result<(), Failure> {
    let ctx = &deployment.ctx;
    let tenants = service::tenant_list(ctx).await.map_err(Failure::failed)?;
    let chosen: Vec<_> = tenants
        .into_iter()
        .map(|listed| listed.tenant)
        .filter(|tenant| slug.is_none_or(|slug| slug == tenant.slug))
        .collect();
    if let (Some(slug), true) = (slug, chosen.is_empty()) {
        return Err(Failure::Usage(format!(
            "There is no organisation “{slug}”."
        )));
    }
    let mut broken = 0_usize;
    for tenant in &chosen {
        match service::audit_verify(ctx, tenant.id)
            .await
            .map_err(Failure::failed)?
        {
            AuditVerdict::Intact(head) => {
                println!("{}: the chain is whole, its head is {head}", tenant.slug);
            }
            AuditVerdict::Broken { seq, problem } => {
                broken += 1;
                println!("{}: row {seq}: {problem}", tenant.slug);
            }
        }
    }
    if broken > 0 {
        return Err(Failure::Failed(format!(
            "The audit log of {broken} of {} organisations is not whole.",
            chosen.len()
        )));
    }
    Ok(())
}
