//! `atrium tenant suspend`, `resume`, `delete` and `tier`.

use clap::{Args, ValueEnum};
use domain::{
    AppError, TenantId,
    tenant::{GRACE_DAYS, MAX_GRACE_DAYS, TenantTier},
};
use service::Initiator;
use time::Duration;

use crate::{boot::Deployment, failure::Failure};

/// An organisation and a reason.
#[derive(Debug, Args)]
pub(super) struct Suspend {
    /// Slug of the organisation.
    slug: String,
    /// Reason, recorded in the organisation's audit log.
    #[arg(long)]
    reason: String,
}

/// An organisation, a reason, and a grace period.
#[derive(Debug, Args)]
pub(super) struct Delete {
    /// Slug of the organisation.
    slug: String,
    /// Reason, recorded in the organisation's audit log.
    #[arg(long)]
    reason: String,
    /// Days in which it can be resumed before its data is removed.
    #[arg(long, default_value_t = GRACE_DAYS, value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_GRACE_DAYS)))]
    grace_days: u16,
    /// Remove its data immediately and permanently, without a grace period.
    #[arg(long, conflicts_with = "grace_days")]
    now: bool,
}

/// An organisation and its tier.
#[derive(Debug, Args)]
pub(super) struct Tier {
    /// Slug of the organisation.
    slug: String,
    /// New tier.
    tier: TierName,
}

/// Names of the tiers as typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum TierName {
    Free,
    Starter,
    Professional,
    Enterprise,
}

impl From<TierName> for TenantTier {
    fn from(name: TierName) -> Self {
        match name {
            TierName::Free => Self::Free,
            TierName::Starter => Self::Starter,
            TierName::Professional => Self::Professional,
            TierName::Enterprise => Self::Enterprise,
        }
    }
}

impl Suspend {
    pub(super) async fn run(&self, deployment: &Deployment) -> Result<(), Failure> {
        let id = id_of(deployment, &self.slug).await?;
        service::tenant_suspend(&deployment.ctx, Initiator::Cli, id, &self.reason)
            .await
            .map_err(to_failure)?;
        println!(
            "Suspended {}. Members can't sign in. Nothing was deleted.",
            self.slug
        );
        Ok(())
    }
}

/// Resumes a suspended or deleted organisation.
pub(super) async fn resume(deployment: &Deployment, slug: &str) -> Result<(), Failure> {
    let id = id_of(deployment, slug).await?;
    service::tenant_resume(&deployment.ctx, Initiator::Cli, id)
        .await
        .map_err(to_failure)?;
    println!("Resumed {slug}. Everything restored.");
    Ok(())
}

impl Delete {
    pub(super) async fn run(&self, deployment: &Deployment) -> Result<(), Failure> {
        let ctx = &deployment.ctx;
        let id = id_of(deployment, &self.slug).await?;
        let grace = if self.now {
            Duration::ZERO
        } else {
            Duration::days(self.grace_days.into())
        };
        service::tenant_delete(ctx, Initiator::Cli, id, None, &self.reason, Some(grace))
            .await
            .map_err(to_failure)?;
        if self.now {
            service::tenants_purge(ctx).await.map_err(Failure::failed)?;
            println!("Permanently deleted {}.", self.slug);
        } else {
            println!(
                "Deleted {}. Its data is permanently deleted in {} days. To restore it: atrium tenant resume {}",
                self.slug, self.grace_days, self.slug
            );
        }
        Ok(())
    }
}

impl Tier {
    pub(super) async fn run(&self, deployment: &Deployment) -> Result<(), Failure> {
        let id = id_of(deployment, &self.slug).await?;
        let tier = TenantTier::from(self.tier);
        service::tenant_tier_set(&deployment.ctx, Initiator::Cli, id, tier)
            .await
            .map_err(to_failure)?;
        println!("{} is {} now.", self.slug, tier.key());
        Ok(())
    }
}

/// The id of the organisation with this slug.
pub(super) async fn id_of(deployment: &Deployment, slug: &str) -> Result<TenantId, Failure> {
    service::tenant_id_by_slug(&deployment.ctx, slug)
        .await
        .map_err(|error| match error {
            AppError::NotFound => Failure::Usage(format!("There is no organisation “{slug}”.")),
            other => Failure::failed(other),
        })
}

fn to_failure(error: AppError) -> Failure {
    match error {
        AppError::Invalid { .. } | AppError::Conflict { .. } => Failure::Usage(error.to_string()),
        other => Failure::failed(other),
    }
}
