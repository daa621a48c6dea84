//! The organisations that an issuer's people may sign in to (SEC-A3).

use domain::{SignInProblem, TenantId, access::SystemRole, identity::IdentityKey};
use store::{
    AuthTx, StoreError,
    login_attempt::FollowedInvite,
    tenant::{Tenant, tenant_find_by_directory, tenant_find_by_slug, tenant_find_only},
};
use uuid::Uuid;

use super::sign_in_error::SignInError;
use crate::{Ctx, Initiator, NewOrganisation, Owner, Person, tenant_create};

/// A directory that may become an organisation, with its configured owner:
/// nobody becomes owner by signing in first.
#[derive(Clone, Debug)]
pub struct Directory {
    /// The directory's id in Entra.
    pub tid: Uuid,
    /// The owner's object id in the directory.
    pub owner: Uuid,
    /// The organisation's slug.
    pub slug: String,
    /// The organisation's name.
    pub name: String,
}

/// What the configuration says about an issuer's people.
#[derive(Clone, Copy, Debug)]
pub struct IssuerPolicy<'a> {
    pub name: &'a str,
    /// Slugs of the organisations that the issuer is for. New members join the
    /// first one, which also audits rejected sign-ins. If empty: the only
    /// organisation of the installation.
    pub tenants: &'a [String],
    /// True if the person's Entra directory decides the organisation.
    pub by_directory: bool,
    /// Directories whose first sign-in creates their organisation.
    pub directories: &'a [Directory],
    /// The role of new members; without one an administrator grants it.
    pub default_role: Option<SystemRole>,
}

impl IssuerPolicy<'_> {
    /// True if people of this issuer may be members of the organisation.
    pub(super) fn serves(&self, slug: &str) -> bool {
        self.tenants.is_empty() || self.tenants.iter().any(|tenant| tenant == slug)
    }

    /// The directory that decides the person's organisation, if one does.
    fn directory_of(&self, person: &IdentityKey) -> Option<Uuid> {
        match person {
            IdentityKey::Entra { tid, .. } if self.by_directory => Some(*tid),
            _ => None,
        }
    }
}

/// Creates the organisation of a configured directory at its first sign-in. The
/// configured owner becomes its owner.
pub(super) async fn directory_tenant_ensure(
    ctx: &Ctx,
    issuer: &IssuerPolicy<'_>,
    person: &IdentityKey,
) -> Result<(), SignInError> {
    let Some(tid) = issuer.directory_of(person) else {
        return Ok(());
    };
    let Some(admitted) = issuer.directories.iter().find(|d| d.tid == tid) else {
        return Ok(());
    };
    let is_known = async || {
        let mut tx = ctx.store.begin_auth().await?;
        Ok::<_, StoreError>(tenant_find_by_directory(&mut tx, tid).await?.is_some())
    };
    if is_known().await? {
        return Ok(());
    }
    let owner = Person {
        display_name: "Owner".to_owned(),
        email: None,
        identity: IdentityKey::Entra {
            tid,
            oid: admitted.owner,
        },
    };
    let organisation = NewOrganisation {
        slug: &admitted.slug,
        name: &admitted.name,
        is_demo: false,
        directory: Some(tid),
    };
    match tenant_create(ctx, Initiator::Cli, &organisation, Owner::Known(&owner)).await {
        Ok(created) => {
            tracing::info!(slug = admitted.slug, id = %created.id, "a directory became an organisation");
            Ok(())
        }
        // A concurrent sign-in created it.
        Err(_) if is_known().await? => Ok(()),
        Err(error) => {
            tracing::error!(slug = admitted.slug, %error, "a directory can't become an organisation");
            Err(SignInError::new(SignInProblem::Internal, "directory"))
        }
    }
}

/// The organisations that this person may sign in to; with an invite, only the
/// invite's.
pub(super) async fn candidate_tenants(
    tx: &mut AuthTx,
    issuer: &IssuerPolicy<'_>,
    person: &IdentityKey,
    invite: Option<FollowedInvite>,
) -> Result<Vec<Tenant>, SignInError> {
    let Some(FollowedInvite { tenant_id, .. }) = invite else {
        return allowed_tenants(tx, issuer, person).await;
    };
    let tenants = match allowed_tenants(tx, issuer, person).await {
        // The directory belongs to another organisation, or to none.
        Err(error) if error.problem == SignInProblem::Directory => Vec::new(),
        other => other?,
    };
    tenants
        .into_iter()
        .find(|tenant| tenant.id == tenant_id)
        .map(|tenant| vec![tenant])
        .ok_or_else(|| SignInError::new(SignInProblem::InviteWrongIssuer, "invite_elsewhere"))
}

/// The organisations of the issuer or, with all directories, the one of the
/// person's directory.
async fn allowed_tenants(
    tx: &mut AuthTx,
    issuer: &IssuerPolicy<'_>,
    person: &IdentityKey,
) -> Result<Vec<Tenant>, SignInError> {
    let Some(tid) = issuer.directory_of(person) else {
        return Ok(issuer_tenants(tx, issuer).await?);
    };
    match tenant_find_by_directory(tx, tid).await? {
        Some(tenant) if issuer.serves(&tenant.slug) => Ok(vec![tenant]),
        _ => Err(SignInError::new(
            SignInProblem::Directory,
            "directory_unknown",
        )),
    }
}

async fn issuer_tenants(
    tx: &mut AuthTx,
    issuer: &IssuerPolicy<'_>,
) -> Result<Vec<Tenant>, StoreError> {
    if issuer.tenants.is_empty() {
        return Ok(tenant_find_only(tx).await?.into_iter().collect());
    }
    let mut tenants = Vec::new();
    for slug in issuer.tenants {
        match tenant_find_by_slug(tx, slug).await? {
            Some(tenant) => tenants.push(tenant),
            None => {
                tracing::warn!(
                    slug,
                    "an issuer is configured for an organisation that does not exist"
                );
            }
        }
    }
    Ok(tenants)
}

/// The organisation that audits what can't be attributed to another: the first
/// one of the issuer.
pub(super) async fn audit_tenant(
    tx: &mut AuthTx,
    issuer: Option<&IssuerPolicy<'_>>,
) -> Result<Option<TenantId>, StoreError> {
    let tenants = match issuer {
        Some(issuer) => issuer_tenants(tx, issuer).await?,
        None => tenant_find_only(tx).await?.into_iter().collect(),
    };
    Ok(tenants.first().map(|tenant| tenant.id))
}
