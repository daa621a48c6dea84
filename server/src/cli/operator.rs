//! `atrium operator`: manages operators, members who also run this
//! installation. No page and no API can make somebody an operator.

use clap::{Args, Subcommand};
use domain::AppError;

use super::identity::MemberIdentity;
use crate::{
    boot::{Deployment, Model},
    config::Config,
    database::IfRunning,
    failure::Failure,
};

/// Manage operators: members who also run this installation.
#[derive(Debug, Subcommand)]
pub(super) enum Operator {
    /// Make a member of an organisation an operator.
    Add(MemberArgs),
    /// Make an operator a normal member again, effective with the next request.
    Remove(MemberArgs),
    /// List the operators.
    List {
        /// Slug of an organisation; all by default.
        #[arg(long)]
        organisation: Option<String>,
    },
}

/// A member of an organisation.
#[derive(Debug, Args)]
pub(super) struct MemberArgs {
    /// Slug of the member's organisation.
    #[arg(long)]
    organisation: String,
    #[command(flatten)]
    identity: MemberIdentity,
}

impl Operator {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let deployment = Deployment::open(config, IfRunning::Connect, Model::NotNeeded).await?;
        let result = match &self {
            Self::Add(member) => member.add(config, &deployment).await,
            Self::Remove(member) => member.remove(config, &deployment).await,
            Self::List { organisation } => list(&deployment, organisation.as_deref()).await,
        };
        deployment.close().await;
        result
    }
}

impl MemberArgs {
    async fn add(&self, config: &Config, deployment: &Deployment) -> Result<(), Failure> {
        let (ctx, key) = (&deployment.ctx, self.identity.key(config)?);
        let tenant_id = super::tenant_lifecycle::id_of(deployment, &self.organisation).await?;
        let is_new = service::operator_add(ctx, tenant_id, &key)
            .await
            .map_err(|error| self.to_failure(error))?;
        println!(
            "{}",
            if is_new {
                "Operator added. Takes effect with the next request."
            } else {
                "This member is already an operator."
            }
        );
        Ok(())
    }

    async fn remove(&self, config: &Config, deployment: &Deployment) -> Result<(), Failure> {
        let (ctx, key) = (&deployment.ctx, self.identity.key(config)?);
        let tenant_id = super::tenant_lifecycle::id_of(deployment, &self.organisation).await?;
        let was_operator = service::operator_remove(ctx, tenant_id, &key)
            .await
            .map_err(|error| self.to_failure(error))?;
        println!(
            "{}",
            if was_operator {
                "Operator removed."
            } else {
                "This member is not an operator."
            }
        );
        Ok(())
    }

    fn to_failure(&self, error: AppError) -> Failure {
        match error {
            AppError::NotFound => Failure::Usage(format!(
                "{} has no member with this identity. Members are known once they were named or signed in.",
                self.organisation
            )),
            other => Failure::failed(other),
        }
    }
}

async fn list(deployment: &Deployment, organisation: Option<&str>) -> Result<(), Failure> {
    let ctx = &deployment.ctx;
    if let Some(slug) = organisation {
        super::tenant_lifecycle::id_of(deployment, slug).await?;
    }
    let tenants = service::tenant_list(ctx).await.map_err(Failure::failed)?;
    let mut found = false;
    for listed in tenants {
        let tenant = listed.tenant;
        if organisation.is_some_and(|slug| slug != tenant.slug) {
            continue;
        }
        let operators = service::operator_list(ctx, tenant.id)
            .await
            .map_err(Failure::failed)?;
        for operator in operators {
            found = true;
            println!(
                "{}  {}  {}",
                operator.user_id, tenant.slug, operator.display_name
            );
        }
    }
    if !found {
        println!("No operators. Add one with: atrium operator add --help");
    }
    Ok(())
}
