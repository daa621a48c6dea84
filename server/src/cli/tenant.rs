//! `atrium tenant`: organisations of this deployment.

use clap::{Args, Subcommand};
use domain::AppError;
use service::{NewOrganisation, Person};
use store::identity::IdentityKey;
use uuid::Uuid;

use crate::{
    boot::{Deployment, Model},
    config::Config,
    database::Joining,
    failure::Failure,
};

/// What to do with organisations.
#[derive(Debug, Subcommand)]
pub(super) enum Tenant {
    /// Create an organisation and name its owner. Nobody becomes an owner by
    /// being the first to sign in.
    Create(Create),
    /// List the organisations.
    List,
}

/// An organisation and its owner's identity: `--owner-subject` for any OIDC
/// issuer, `--owner-oid` and `--owner-tid` for Entra ID.
#[derive(Debug, Args)]
pub(super) struct Create {
    /// Its short name: lower-case letters, digits, hyphens.
    #[arg(long)]
    slug: String,
    /// Its name on pages [default: the slug].
    #[arg(long)]
    name: Option<String>,
    /// The owner's name on pages.
    #[arg(long, default_value = "Owner")]
    owner_name: String,
    /// The owner's `sub` at the configured issuer.
    #[arg(long, conflicts_with_all = ["owner_oid", "owner_tid"])]
    owner_subject: Option<String>,
    /// The owner's object id in Entra ID.
    #[arg(
        long,
        requires = "owner_tid",
        required_unless_present = "owner_subject"
    )]
    owner_oid: Option<Uuid>,
    /// The Entra tenant's (directory's) id.
    #[arg(long, requires = "owner_oid")]
    owner_tid: Option<Uuid>,
    /// The Entra tenant whose people sign in to it, where the issuer speaks
    /// for several.
    #[arg(long)]
    directory: Option<Uuid>,
}

impl Tenant {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let deployment = Deployment::open(config, Joining::Allowed, Model::NotNeeded).await?;
        let result = match self {
            Self::Create(create) => create.run(config, &deployment).await,
            Self::List => list(&deployment).await,
        };
        deployment.close().await;
        result
    }
}

impl Create {
    async fn run(self, config: &Config, deployment: &Deployment) -> Result<(), Failure> {
        let owner = Person {
            identity: self.identity(config)?,
            display_name: self.owner_name,
            email: None,
        };
        let name = self.name.as_deref().unwrap_or(&self.slug);
        let organisation = NewOrganisation {
            slug: &self.slug,
            name,
            is_demo: false,
            directory: self.directory,
        };
        let id = service::tenant_create(&deployment.ctx, &organisation, &owner)
            .await
            .map_err(|error| match error {
                AppError::Invalid { .. } | AppError::Conflict { .. } => {
                    Failure::Usage(error.to_string())
                }
                other => Failure::failed(other),
            })?;
        println!("Created {} ({id}). Its owner can sign in now.", self.slug);
        Ok(())
    }

    fn identity(&self, config: &Config) -> Result<IdentityKey, Failure> {
        match (&self.owner_subject, self.owner_tid, self.owner_oid) {
            (_, Some(tid), Some(oid)) => Ok(IdentityKey::Entra { tid, oid }),
            (Some(subject), ..) => {
                let oidc = config.oidc.as_ref().ok_or_else(|| {
                    Failure::Usage(
                        "Set ATRIUM_OIDC__ISSUER first: a subject means something only at its issuer."
                            .to_owned(),
                    )
                })?;
                Ok(IdentityKey::Subject {
                    issuer: oidc.issuer.clone(),
                    subject: subject.clone(),
                })
            }
            _ => Err(Failure::Usage(
                "Name the owner with --owner-subject, or --owner-oid and --owner-tid.".to_owned(),
            )),
        }
    }
}

async fn list(deployment: &Deployment) -> Result<(), Failure> {
    let tenants = service::tenant_list(&deployment.ctx)
        .await
        .map_err(Failure::failed)?;
    if tenants.is_empty() {
        println!("There is no organisation yet. Create one with: atrium tenant create --help");
    }
    for listed in tenants {
        let demo = if listed.is_demo { "  demo" } else { "" };
        let tenant = listed.tenant;
        println!(
            "{}  {:<9}  {}  {}{demo}",
            tenant.id,
            tenant.status.key(),
            tenant.slug,
            tenant.name
        );
    }
    Ok(())
}
