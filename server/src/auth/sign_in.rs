//! Signs in a person verified by the issuer: member, roles and session are
//! written in one transaction.

use domain::{
    ActorKind, RequestFacts, SessionId, SignInProblem, Timestamp, UserId, audit::Outcome,
    group_mapping::GroupClaims,
};
use serde_json::json;
use store::{
    AuthTx, StoreError, TenantTx,
    actor::actor_load,
    audit::{AuditEvent, audit_append},
    identity::{Identity, IdentityKey, identity_create, identity_find},
    login_attempt::FollowedInvite,
    role::{RoleSource, user_role_grant},
    session::{NewSession, session_create},
    settings::settings_of,
    tenant::{Tenant, tenant_find_by_directory},
    user::{
        NewUser, UserStatus, user_create, user_find, user_profile_set, user_status_set, user_touch,
    },
};
use tower_sessions::session::Id;
use uuid::Uuid;

use super::{
    Auth,
    invite::candidate_tenants,
    issuer::Issuer,
    seal::Tokens,
    session::{hash, id_hash},
    settings::{IssuerKind, OidcSettings},
    sign_in_error::{AccountHash, SIGN_IN, SignInError, tenants},
    token::{Claims, TokenFault},
};

/// A person verified by the issuer.
#[derive(Debug)]
pub(super) struct Person {
    key: IdentityKey,
    /// `iss` and `sub`; logout messages refer to sessions by them.
    issuer: String,
    subject: String,
    /// For display only.
    name: Option<String>,
    /// For display only; never identifies a person (SEC-A9).
    email: Option<String>,
    /// The session at the issuer.
    sid: Option<String>,
    groups: GroupClaims,
}

impl Person {
    /// Reads verified claims.
    pub(super) fn from_claims(
        claims: &Claims,
        groups: GroupClaims,
        settings: &OidcSettings,
    ) -> Result<Self, SignInError> {
        let extra = claims.additional_claims();
        let key = match settings.kind {
            IssuerKind::Generic => IdentityKey::Subject {
                issuer: claims.issuer().to_string(),
                subject: claims.subject().as_str().to_owned(),
            },
            IssuerKind::Entra => {
                let id = |claim: &Option<String>| claim.as_deref().and_then(|id| id.parse().ok());
                let (Some(tid), Some(oid)) = (id(&extra.tid), id(&extra.oid)) else {
                    return Err(TokenFault::Rule("tid and oid are not both there").into());
                };
                // With all directories, `iss` was already compared with `tid`.
                if !settings.is_multi_tenant() && settings.entra_tid() != Some(tid) {
                    return Err(TokenFault::Rule("tid is not the issuer's").into());
                }
                IdentityKey::Entra { tid, oid }
            }
        };
        let name = claims
            .name()
            .and_then(|name| name.get(None))
            .map(|name| name.as_str());
        let username = claims.preferred_username().map(|name| name.as_str());
        let email = claims.email().map(|email| email.as_str());
        Ok(Self {
            key,
            issuer: claims.issuer().to_string(),
            subject: claims.subject().as_str().to_owned(),
            name: [name, username, email]
                .into_iter()
                .flatten()
                .find_map(|text| clean(text, 200)),
            email: email.and_then(|email| clean(email, 320)),
            sid: extra.sid.as_deref().and_then(|sid| clean(sid, 255)),
            groups,
        })
    }
}

impl Person {
    /// Hash of the person's identity, for counting failures.
    pub(super) fn account(&self) -> AccountHash {
        let text = match &self.key {
            IdentityKey::Entra { tid, oid } => format!("{tid} {oid}"),
            IdentityKey::Subject { issuer, subject } => format!("{issuer} {subject}"),
        };
        let hash = hash(text.as_bytes());
        std::array::from_fn(|n| hash[n])
    }

    /// The directory that decides the person's organisation, if one does.
    fn directory(&self, settings: &OidcSettings) -> Option<Uuid> {
        match self.key {
            IdentityKey::Entra { tid, .. } if settings.is_multi_tenant() => Some(tid),
            _ => None,
        }
    }
}

/// The tokens of a sign-in.
#[derive(Debug)]
pub(super) struct NewTokens {
    /// Stored with the session.
    pub kept: Tokens,
    /// When to renew them; `None` without a refresh token.
    pub refresh_at: Option<Timestamp>,
}

/// Removes control characters and truncates; `None` if nothing is left.
fn clean(text: &str, max_chars: usize) -> Option<String> {
    let text: String = text
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(max_chars)
        .collect();
    (!text.is_empty()).then_some(text)
}

impl Auth {
    /// Creates the organisation of a configured directory at its first sign-in.
    /// The configured owner becomes its owner.
    async fn ensure_directory_tenant(
        &self,
        issuer: &Issuer,
        person: &Person,
    ) -> Result<(), SignInError> {
        let settings = issuer.settings();
        let Some(tid) = person.directory(settings) else {
            return Ok(());
        };
        let Some(admitted) = settings.directories.iter().find(|d| d.tid == tid) else {
            return Ok(());
        };
        let is_known = async || {
            let mut tx = self.0.ctx.store.begin_auth().await?;
            Ok::<_, StoreError>(tenant_find_by_directory(&mut tx, tid).await?.is_some())
        };
        if is_known().await? {
            return Ok(());
        }
        let owner = service::Person {
            display_name: "Owner".to_owned(),
            email: None,
            identity: IdentityKey::Entra {
                tid,
                oid: admitted.owner,
            },
        };
        let organisation = service::NewOrganisation {
            slug: &admitted.slug,
            name: &admitted.name,
            is_demo: false,
            directory: Some(tid),
        };
        let owner = service::Owner::Known(&owner);
        match service::tenant_create(&self.0.ctx, service::Initiator::Cli, &organisation, owner)
            .await
        {
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

    /// Writes the session and everything that belongs to it, and returns the id
    /// for the cookie. An invite is accepted in the same transaction.
    pub(super) async fn sign_in(
        &self,
        issuer: &Issuer,
        person: &Person,
        tokens: NewTokens,
        invite: Option<FollowedInvite>,
        facts: &RequestFacts,
    ) -> Result<Id, SignInError> {
        self.ensure_directory_tenant(issuer, person).await?;
        let try_once = || self.try_sign_in(issuer, person, &tokens, invite, facts);
        match try_once().await {
            // A concurrent first sign-in, for example in another tab, created
            // the identity; the retry finds it.
            Err(AttemptError::IdentityTaken) => try_once().await,
            other => other,
        }
        .map_err(|error| match error {
            AttemptError::Rejected(error) => {
                error.by_invite(invite.map(|invite| (invite.tenant_id, invite.id)))
            }
            AttemptError::IdentityTaken => {
                SignInError::new(SignInProblem::Internal, "identity_taken")
            }
        })
    }

    async fn try_sign_in(
        &self,
        issuer: &Issuer,
        person: &Person,
        tokens: &NewTokens,
        invite: Option<FollowedInvite>,
        facts: &RequestFacts,
    ) -> Result<Id, AttemptError> {
        let now = self.0.ctx.clock.now();
        let mut tx = self.0.ctx.store.begin_auth().await?;
        let tenants = candidate_tenants(&mut tx, issuer, person, invite).await?;
        let member = find_member(&mut tx, &tenants, &person.key).await?;
        let is_new = member.is_none();
        let (tenant, identity): (&Tenant, Identity) = match (member, tenants.first()) {
            (Some(member), _) => member,
            (None, Some(first)) => {
                let ids = &self.0.ctx.ids;
                let (id, user_id) = (ids.id(), ids.id());
                (first, Identity { id, user_id })
            }
            (None, None) => {
                return Err(SignInError::new(SignInProblem::Unknown, "no_tenant").into());
            }
        };
        let user_id = identity.user_id;
        if let Some(problem) = SignInProblem::of_tenant(tenant.status) {
            let error = SignInError::new(problem, problem.code());
            return Err(error.with_tenant(tenant).into());
        }
        if is_new {
            match identity_create(&mut tx, identity.id, tenant.id, user_id, &person.key, now).await
            {
                Err(StoreError::Constraint(_)) => return Err(AttemptError::IdentityTaken),
                other => other?,
            }
        }

        let cookie = Id(i128::from_le_bytes(self.0.ctx.ids.bytes()));
        let session: SessionId = self.0.ctx.ids.id();
        let settings = settings_of(&mut tx, tenant.id).await?;
        let lifetimes = self.0.settings.lifetimes.within(&settings);
        session_create(
            &mut tx,
            &NewSession {
                id: session,
                id_hash: id_hash(cookie),
                tenant_id: tenant.id,
                user_id,
                idle_expires_at: now + lifetimes.idle,
                absolute_expires_at: now + lifetimes.absolute,
                ip: facts.ip,
                user_agent: facts.user_agent.clone(),
                identity_id: Some(identity.id),
                issuer_name: Some(issuer.settings().name.clone()),
                oidc_issuer: Some(person.issuer.clone()),
                oidc_subject: Some(person.subject.clone()),
                oidc_sid: person.sid.clone(),
                data: Vec::new(),
                tokens_encrypted: self.0.sealer.seal(
                    self.0.ctx.ids.bytes(),
                    tenant.id,
                    session,
                    &tokens.kept,
                ),
                refresh_at: tokens.refresh_at,
            },
            now,
        )
        .await?;

        // As the system role, because the member may not exist yet.
        let mut tx = tx.enter_as_system(tenant.id).await?;
        let mut events = Vec::new();
        if is_new {
            self.create_member(&mut tx, user_id, person).await?;
            events.push(("user.create", "user", user_id.to_string(), None));
        } else {
            self.update_member(&mut tx, user_id, person, tenant).await?;
        }
        let gives_role = self
            .accept_followed_invite(&mut tx, invite, user_id, &mut events)
            .await?;
        if let Some(role) = issuer.settings().default_role
            && is_new
            && !gives_role
        {
            user_role_grant(&mut tx, user_id, role.key(), RoleSource::Manual, now).await?;
        }
        let changed = self.grants_set(&mut tx, user_id, &person.groups).await?;
        user_touch(&mut tx, user_id, now).await?;
        events.push((SIGN_IN, "session", session.to_string(), None));

        let mut facts = facts.clone();
        facts.session_id = Some(session);
        let record = actor_load(&mut tx, user_id).await?;
        let actor = record.to_actor(facts);
        let mut events: Vec<_> = events
            .into_iter()
            .map(|(action, kind, id, changes)| AuditEvent {
                resource_type: Some(kind.to_owned()),
                resource_id: Some(id),
                changes,
                metadata: Some(json!({ "roles": record.role_keys })),
                ..AuditEvent::by_actor(&actor, action, Outcome::Success, now)
            })
            .collect();
        events.extend(self.grants_events(&actor, &changed));
        audit_append(&mut tx, &events).await?;
        tx.commit().await?;
        Ok(cookie)
    }

    /// Creates a member without a role.
    async fn create_member(
        &self,
        tx: &mut TenantTx,
        id: UserId,
        person: &Person,
    ) -> Result<(), StoreError> {
        let now = self.0.ctx.clock.now();
        let display_name = person.name.as_deref().unwrap_or("New member");
        let email = person.email.as_deref();
        user_create(
            tx,
            &NewUser {
                id,
                display_name,
                email,
                kind: ActorKind::Human,
            },
            now,
        )
        .await
    }

    /// Rejects an inactive member, else updates name and e-mail from the
    /// issuer.
    async fn update_member(
        &self,
        tx: &mut TenantTx,
        id: UserId,
        person: &Person,
        tenant: &Tenant,
    ) -> Result<(), AttemptError> {
        let now = self.0.ctx.clock.now();
        let user = user_find(tx, id).await?;
        match user.status {
            UserStatus::Active => {}
            UserStatus::Invited => user_status_set(tx, id, UserStatus::Active, now).await?,
            UserStatus::Suspended | UserStatus::Deactivated => {
                let error = SignInError::new(SignInProblem::Suspended, user.status.key());
                return Err(error.with_tenant(tenant).into());
            }
        }
        let name = person.name.as_deref().unwrap_or(&user.display_name);
        let email = person.email.as_deref().or(user.email.as_deref());
        user_profile_set(tx, id, name, email, now).await?;
        Ok(())
    }
}

/// The organisations that this person may sign in to (SEC-A3): those of the
/// issuer or, with all directories, the one of their directory.
pub(super) async fn allowed_tenants(
    tx: &mut AuthTx,
    issuer: &Issuer,
    person: &Person,
) -> Result<Vec<Tenant>, SignInError> {
    let settings = issuer.settings();
    let Some(tid) = person.directory(settings) else {
        return Ok(tenants(tx, &settings.tenants).await?);
    };
    match tenant_find_by_directory(tx, tid).await? {
        Some(tenant) if settings.serves(&tenant.slug) => Ok(vec![tenant]),
        _ => Err(SignInError::new(
            SignInProblem::Directory,
            "directory_unknown",
        )),
    }
}

/// The first of `tenants` that has this identity.
async fn find_member<'t>(
    tx: &mut AuthTx,
    tenants: &'t [Tenant],
    key: &IdentityKey,
) -> Result<Option<(&'t Tenant, Identity)>, StoreError> {
    for tenant in tenants {
        if let Some(identity) = identity_find(tx, tenant.id, key).await? {
            return Ok(Some((tenant, identity)));
        }
    }
    Ok(None)
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
