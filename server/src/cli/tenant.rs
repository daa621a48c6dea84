//! `atrium tenant`: manages the organisations of this deployment.

use clap::{Args, Subcommand};
use domain::{AppError, email::EmailAddress, identity::IdentityKey};
use service::{InviteToken, NewOrganisation, Owner, Person};
use uuid::Uuid;

use super::{
    identity::identity_key,
    tenant_lifecycle::{Delete, Suspend, Tier, resume},
};
use crate::{
    boot::{self, Deployment, Model},
    config::Config,
    database::IfRunning,
    failure::Failure,
};

/// Manage the organisations of this deployment.
#[derive(Debug, Subcommand)]
pub(super) enum Tenant {
    /// Create an organisation and name its owner. Nobody becomes an owner by
    /// signing in first.
    Create(Create),
    /// Create a new one-time link that makes whoever accepts it the owner. The
    /// previous link becomes invalid.
    InviteOwner(InviteOwner),
    /// List the organisations.
    List,
    /// Suspend an organisation: its members lose access, nothing is deleted.
    Suspend(Suspend),
    /// Resume an organisation that was suspended or deleted.
    Resume {
        /// Slug of the organisation.
        slug: String,
    },
    /// Delete an organisation: its members lose access, and its data is removed
    /// after a grace period.
    Delete(Delete),
    /// Change an organisation's tier.
    Tier(Tier),
}

/// A new organisation and its owner: `--owner-invite` for whoever accepts a
/// one-time link, `--owner-subject` for an identity at any OIDC issuer,
/// `--owner-oid` and `--owner-tid` for one in Entra ID.
#[derive(Debug, Args)]
pub(super) struct Create {
    /// Short name: lower-case letters, digits, hyphens.
    #[arg(long)]
    slug: String,
    /// Display name [default: the slug].
    #[arg(long)]
    name: Option<String>,
    /// Display name of the owner.
    #[arg(long, default_value = "Owner")]
    owner_name: String,
    /// Print a link that makes whoever accepts it the owner. It works once and
    /// expires after 7 days.
    #[arg(long, conflicts_with_all = ["owner_subject", "owner_oid", "owner_tid"])]
    owner_invite: bool,
    /// Email address of the link's recipient, as a hint for signing in.
    #[arg(long, requires = "owner_invite")]
    owner_email: Option<String>,
    /// The owner's `sub` claim at the configured issuer.
    #[arg(long, conflicts_with_all = ["owner_oid", "owner_tid"])]
    owner_subject: Option<String>,
    /// The owner's object id in Entra ID.
    #[arg(
        long,
        requires = "owner_tid",
        required_unless_present_any = ["owner_subject", "owner_invite"]
    )]
    owner_oid: Option<Uuid>,
    /// Id of the Entra tenant (directory).
    #[arg(long, requires = "owner_oid")]
    owner_tid: Option<Uuid>,
    /// Id of the Entra tenant whose members sign in to it, for an issuer that
    /// serves several tenants.
    #[arg(long)]
    directory: Option<Uuid>,
}

/// An organisation that needs a new owner link.
#[derive(Debug, Args)]
pub(super) struct InviteOwner {
    /// Slug of the organisation.
    #[arg(long)]
    slug: String,
    /// Email address of the link's recipient, as a hint for signing in.
    #[arg(long)]
    email: Option<String>,
}

impl Tenant {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let deployment = Deployment::open(config, IfRunning::Connect, Model::NotNeeded).await?;
        let result = match self {
            Self::Create(create) => create.run(config, &deployment).await,
            Self::InviteOwner(invite) => invite.run(config, &deployment).await,
            Self::List => list(&deployment).await,
            Self::Suspend(suspend) => suspend.run(&deployment).await,
            Self::Resume { slug } => resume(&deployment, &slug).await,
            Self::Delete(delete) => delete.run(&deployment).await,
            Self::Tier(tier) => tier.run(&deployment).await,
        };
        deployment.close().await;
        result
    }
}

impl Create {
    async fn run(self, config: &Config, deployment: &Deployment) -> Result<(), Failure> {
        let email = parse_email(self.owner_email.as_deref())?;
        let person = if self.owner_invite {
            None
        } else {
            Some(Person {
                identity: self.identity(config)?,
                display_name: self.owner_name,
                email: None,
            })
        };
        let owner = match &person {
            Some(person) => Owner::Known(person),
            None => Owner::Invited {
                email: email.as_ref(),
            },
        };
        let name = self.name.as_deref().unwrap_or(&self.slug);
        let organisation = NewOrganisation {
            slug: &self.slug,
            name,
            is_demo: false,
            directory: self.directory,
        };
        let created = service::tenant_create(
            &deployment.ctx,
            service::Initiator::Cli,
            &organisation,
            owner,
        )
        .await
        .map_err(|error| match error {
            AppError::Invalid { .. } | AppError::Conflict { .. } => {
                Failure::Usage(error.to_string())
            }
            other => Failure::failed(other),
        })?;
        let (slug, id) = (&self.slug, created.id);
        match created.invite {
            None => println!("Created {slug} ({id}). Its owner can sign in now."),
            Some(token) => {
                println!("Created {slug} ({id}).");
                print_invite_link(config, &token)?;
            }
        }
        Ok(())
    }

    fn identity(&self, config: &Config) -> Result<IdentityKey, Failure> {
        let subject = self.owner_subject.as_deref();
        let key = identity_key(config, subject, self.owner_tid, self.owner_oid)?;
        key.ok_or_else(|| {
            Failure::Usage(
                "Name the owner with --owner-subject, or --owner-oid and --owner-tid.".to_owned(),
            )
        })
    }
}

impl InviteOwner {
    async fn run(self, config: &Config, deployment: &Deployment) -> Result<(), Failure> {
        let ctx = &deployment.ctx;
        let email = parse_email(self.email.as_deref())?;
        let tenants = service::tenant_list(ctx).await.map_err(Failure::failed)?;
        let listed = tenants
            .iter()
            .find(|listed| listed.tenant.slug == self.slug)
            .ok_or_else(|| Failure::Usage(format!("There is no organisation “{}”.", self.slug)))?;
        let token = service::owner_invite_create(ctx, listed.tenant.id, email.as_ref())
            .await
            .map_err(Failure::failed)?;
        print_invite_link(config, &token)
    }
}

fn parse_email(typed: Option<&str>) -> Result<Option<EmailAddress>, Failure> {
    let parsed = typed.map(EmailAddress::parse).transpose();
    parsed.map_err(|why| Failure::Usage(why.to_owned()))
}

/// Prints the link on its own line, so that it can be copied.
fn print_invite_link(config: &Config, token: &InviteToken) -> Result<(), Failure> {
    println!(
        "The person who opens this link and signs in becomes the owner. It works once, for 7 days, and can't be shown again:"
    );
    println!("{}", token.link(&boot::site(config)?.origin()));
    Ok(())
}

async fn list(deployment: &Deployment) -> Result<(), Failure> {
    let tenants = service::tenant_list(&deployment.ctx)
        .await
        .map_err(Failure::failed)?;
    if tenants.is_empty() {
        println!("No organisations yet. Create one with: atrium tenant create --help");
    }
    for listed in tenants {
        let demo = if listed.is_demo { "  demo" } else { "" };
        let until = listed.delete_after.map_or_else(String::new, |at| {
            format!("  its data goes on {}", at.date())
        });
        let tenant = listed.tenant;
        println!(
            "{}  {:<9}  {}  {}{demo}{until}",
            tenant.id,
            tenant.status.key(),
            tenant.slug,
            tenant.name
        );
    }
    Ok(())
}
