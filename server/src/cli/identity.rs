//! Arguments that identify a person as the issuer does, never by email.

use clap::Args;
use domain::identity::IdentityKey;
use uuid::Uuid;

use crate::{config::Config, failure::Failure};

/// A member's identity: `--subject` for any OIDC issuer, `--oid` and `--tid`
/// for Entra ID.
#[derive(Debug, Args)]
pub(super) struct MemberIdentity {
    /// The member's `sub` claim at the configured issuer.
    #[arg(long, conflicts_with_all = ["oid", "tid"])]
    subject: Option<String>,
    /// The member's object id in Entra ID.
    #[arg(long, requires = "tid", required_unless_present = "subject")]
    oid: Option<Uuid>,
    /// Id of the Entra tenant (directory).
    #[arg(long, requires = "oid")]
    tid: Option<Uuid>,
}

impl MemberIdentity {
    /// The identity given by the arguments.
    pub(super) fn key(&self, config: &Config) -> Result<IdentityKey, Failure> {
        identity_key(config, self.subject.as_deref(), self.tid, self.oid)?.ok_or_else(|| {
            Failure::Usage("Name the member with --subject, or --oid and --tid.".to_owned())
        })
    }
}

/// Builds an identity from its parts; `None` if they are incomplete.
pub(super) fn identity_key(
    config: &Config,
    subject: Option<&str>,
    tid: Option<Uuid>,
    oid: Option<Uuid>,
) -> Result<Option<IdentityKey>, Failure> {
    match (subject, tid, oid) {
        (_, Some(tid), Some(oid)) => Ok(Some(IdentityKey::Entra { tid, oid })),
        (Some(subject), ..) => {
            let oidc = config.oidc.as_ref().ok_or_else(|| {
                Failure::Usage(
                    "Set ATRIUM_OIDC__ISSUER first: a subject means something only at its issuer."
                        .to_owned(),
                )
            })?;
            Ok(Some(IdentityKey::Subject {
                issuer: oidc.issuer.clone(),
                subject: subject.to_owned(),
            }))
        }
        _ => Ok(None),
    }
}
