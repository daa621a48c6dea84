//! Signs in a person verified by their issuer: member, roles and session are
//! written in one transaction.

use domain::{
    ActorKind, RequestFacts, SignInProblem, Timestamp, UserId, group_mapping::GroupClaims,
    identity::IdentityKey,
};
use store::{
    AuthTx, StoreError, TenantTx,
    identity::{Identity, identity_create, identity_find},
    login_attempt::FollowedInvite,
    role::{RoleSource, user_role_grant},
    session::session_delete,
    tenant::Tenant,
    user::{NewUser, UserStatus, user_create, user_find, user_profile_set, user_status_set},
};

use super::{
    issuer::{IssuerPolicy, candidate_tenants, directory_tenant_ensure},
    new_session::{IssuerSession, session_commit, session_open},
    seal::Tokens,
    settings::SessionSettings,
    sign_in_error::SignInError,
    token::{IssuedToken, SessionToken},
};
use crate::{Ctx, authorized_tx::AuditTarget, invite_accept};

/// Audit action for signing in.
pub(super) const SIGN_IN: &str = "session.sign_in";
/// Audit action for joining by an invite.
pub(super) const INVITE_ACCEPT: &str = "invite.accept";

/// A person verified by the issuer.
#[derive(Clone, Debug)]
pub struct VerifiedPerson {
    pub key: IdentityKey,
    /// `iss` of the ID token; logout messages refer to sessions by it and
    /// `subject`.
    pub issuer: String,
    /// `sub` of the ID token.
    pub subject: String,
    /// For display only.
    pub name: Option<String>,
    /// For display only; never identifies a person (SEC-A9).
    pub email: Option<String>,
    /// The session at the issuer.
    pub sid: Option<String>,
    pub groups: GroupClaims,
}

/// A verified sign-in.
#[derive(Debug)]
pub struct SignIn<'a> {
    pub issuer: IssuerPolicy<'a>,
    pub person: &'a VerifiedPerson,
    /// Stored with the session.
    pub tokens: Tokens,
    /// When to renew them; `None` without a refresh token.
    pub refresh_at: Option<Timestamp>,
    /// The invite whose link was followed; accepted in the same transaction.
    pub invite: Option<FollowedInvite>,
    /// The browser's earlier session, which ends in the same transaction.
    pub replaces: Option<SessionToken>,
    pub facts: &'a RequestFacts,
}

/// Writes the session and everything that belongs to it, and returns its token.
pub async fn sign_in(
    ctx: &Ctx,
    settings: &SessionSettings,
    sign_in: &SignIn<'_>,
) -> Result<IssuedToken, SignInError> {
    directory_tenant_ensure(ctx, &sign_in.issuer, &sign_in.person.key).await?;
    let try_once = || try_sign_in(ctx, settings, sign_in);
    let result = match try_once().await {
        // A concurrent first sign-in, for example in another tab, created the
        // identity; the retry finds it.
        Err(AttemptError::IdentityTaken) => try_once().await,
        other => other,
    };
    result.map_err(|error| match (error, sign_in.invite) {
        (AttemptError::Rejected(error), Some(invite)) => {
            error.with_invite(invite.tenant_id, invite.id)
        }
        (AttemptError::Rejected(error), None) => error,
        (AttemptError::IdentityTaken, _) => {
            SignInError::new(SignInProblem::Internal, "identity_taken")
        }
    })
}

/// The reason why one attempt failed.
enum AttemptError {
    Rejected(SignInError),
    /// A concurrent sign-in created the identity.
    IdentityTaken,
}

impl From<SignInError> for AttemptError {
    fn from(error: SignInError) -> Self {
        Self::Rejected(error)
    }
}

impl From<StoreError> for AttemptError {
    fn from(error: StoreError) -> Self {
        Self::Rejected(error.into())
    }
}

async fn try_sign_in(
    ctx: &Ctx,
    settings: &SessionSettings,
    sign_in: &SignIn<'_>,
) -> Result<IssuedToken, AttemptError> {
    let now = ctx.clock.now();
    let person = sign_in.person;
    let mut tx = ctx.store.begin_auth().await?;
    let (tenant, identity, is_new) = find_or_create_identity(ctx, &mut tx, sign_in).await?;
    let user_id = identity.user_id;

    if let Some(earlier) = &sign_in.replaces {
        session_delete(&mut tx, &earlier.hash(), now).await?;
    }
    let issuer = IssuerSession {
        name: Some(sign_in.issuer.name.to_owned()),
        issuer: Some(person.issuer.clone()),
        subject: Some(person.subject.clone()),
        sid: person.sid.clone(),
        tokens: Some(sign_in.tokens.clone()),
        refresh_at: sign_in.refresh_at,
    };
    let member = (tenant.id, identity);
    let session = session_open(ctx, settings, &mut tx, member, issuer, None, sign_in.facts).await?;

    // As the system role, because the member may not exist yet.
    let mut tx = tx.enter_as_system(tenant.id).await?;
    let mut done = Vec::new();
    if is_new {
        create_member(ctx, &mut tx, user_id, person).await?;
        done.push(("user.create", AuditTarget::of(user_id)));
    } else {
        update_member(ctx, &mut tx, user_id, person).await?;
    }
    let mut gives_role = false;
    if let Some(followed) = sign_in.invite {
        let accepted = invite_accept(ctx, &mut tx, followed, user_id).await?;
        let target = AuditTarget::of(followed.id).with_changes(accepted.changes);
        done.push((INVITE_ACCEPT, target));
        gives_role = accepted.gives_role;
    }
    if let Some(role) = sign_in.issuer.default_role
        && is_new
        && !gives_role
    {
        user_role_grant(&mut tx, user_id, role.key(), RoleSource::Manual, now).await?;
    }
    let (claims, facts) = (Some(&person.groups), sign_in.facts);
    Ok(session_commit(ctx, tx, session, claims, SIGN_IN, done, facts).await?)
}

/// The person's organisation and identity in it, and true if the identity is
/// new.
async fn find_or_create_identity(
    ctx: &Ctx,
    tx: &mut AuthTx,
    sign_in: &SignIn<'_>,
) -> Result<(Tenant, Identity, bool), AttemptError> {
    let key = &sign_in.person.key;
    let tenants = candidate_tenants(tx, &sign_in.issuer, key, sign_in.invite).await?;
    let mut known = None;
    for tenant in &tenants {
        if let Some(identity) = identity_find(tx, tenant.id, key).await? {
            known = Some((tenant.clone(), identity));
            break;
        }
    }
    let is_new = known.is_none();
    let (tenant, identity) = match (known, tenants.into_iter().next()) {
        (Some(known), _) => known,
        (None, Some(first)) => {
            let (id, user_id) = (ctx.ids.id(), ctx.ids.id());
            (first, Identity { id, user_id })
        }
        (None, None) => {
            return Err(SignInError::new(SignInProblem::Unknown, "no_tenant").into());
        }
    };
    if let Some(problem) = SignInProblem::of_tenant(tenant.status) {
        let error = SignInError::new(problem, problem.code());
        return Err(error.with_tenant(tenant.id).into());
    }
    if is_new {
        let now = ctx.clock.now();
        let Identity { id, user_id } = identity;
        match identity_create(tx, id, tenant.id, user_id, key, now).await {
            Err(StoreError::Constraint(_)) => return Err(AttemptError::IdentityTaken),
            other => other?,
        }
    }
    Ok((tenant, identity, is_new))
}

/// Creates a member without a role.
async fn create_member(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: UserId,
    person: &VerifiedPerson,
) -> Result<(), StoreError> {
    let user = NewUser {
        id,
        display_name: person.name.as_deref().unwrap_or("New member"),
        email: person.email.as_deref(),
        kind: ActorKind::Human,
    };
    user_create(tx, &user, ctx.clock.now()).await
}

/// Rejects an inactive member, else updates name and e-mail from the issuer.
async fn update_member(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: UserId,
    person: &VerifiedPerson,
) -> Result<(), AttemptError> {
    let now = ctx.clock.now();
    let user = user_find(tx, id).await?;
    match user.status {
        UserStatus::Active => {}
        UserStatus::Invited => user_status_set(tx, id, UserStatus::Active, now).await?,
        UserStatus::Suspended | UserStatus::Deactivated => {
            let error = SignInError::new(SignInProblem::Suspended, user.status.key());
            return Err(error.with_tenant(tx.tenant_id()).into());
        }
    }
    let name = person.name.as_deref().unwrap_or(&user.display_name);
    let email = person.email.as_deref().or(user.email.as_deref());
    user_profile_set(tx, id, name, email, now).await?;
    Ok(())
}
