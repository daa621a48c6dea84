//! API keys, and the agents and services that sign in with nothing else.

use std::collections::BTreeSet;

use domain::{
    Action, Actor, ActorKind, ApiKeyId, AppError, Page, Permission, RequestFacts, UserId,
    api_key::{
        ApiKey, ApiKeyDetail, ApiKeyDraft, ApiKeyFilter, ApiKeyScope, CreatedApiKey, KeyOwner,
        NewApiKey, NewServiceAccount, ServiceAccount, ServiceAccountDraft,
    },
    audit::Outcome,
    paging::PAGE_SIZE,
};
use serde_json::json;
use store::{
    StoreError, TenantTx,
    actor::{ActorRecord, actor_load},
    api_key::{ApiKeySecret, StoredApiKey, api_key_find, api_key_touch},
    audit::{AuditEvent, audit_append},
    user::{NewUser, user_create, user_touch},
};
use subtle::ConstantTimeEq as _;
use time::Duration;

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    member::first_ungrantable,
    secret::{Secret, SecretKind},
};

/// Services on a page; beyond that they are found in the member list.
const MAX_SERVICES: u16 = 200;

/// Minimum interval between updates of a key's last use.
const TOUCH_INTERVAL: Duration = Duration::MINUTE;

/// One page of keys, newest first: the actor's own, or everybody's if the
/// filter says so.
pub async fn api_key_list(
    ctx: &Ctx,
    actor: &Actor,
    filter: &ApiKeyFilter,
    cursor: Option<&str>,
) -> Result<Page<ApiKey>, AppError> {
    let action = if filter.all {
        Action::ApiKeyListAll
    } else {
        Action::ApiKeyList
    };
    let mut act = AuthorizedTx::begin(ctx, actor, action).await?;
    let now = ctx.clock.now();
    Ok(store::api_key::api_key_list(&mut act.tx, filter, now, cursor, PAGE_SIZE).await?)
}

/// One key with its effective permissions: its scopes that the owner holds now.
pub async fn api_key_get(
    ctx: &Ctx,
    actor: &Actor,
    reach: ApiKeyScope,
    id: ApiKeyId,
) -> Result<ApiKeyDetail, AppError> {
    let action = match reach {
        ApiKeyScope::Own => Action::ApiKeyList,
        ApiKeyScope::Any => Action::ApiKeyListAll,
    };
    let mut act = AuthorizedTx::begin(ctx, actor, action).await?;
    let key = key_find(&mut act.tx, actor, reach, id).await?;
    let owner = actor_load(&mut act.tx, key.owner_id).await?;
    let held: BTreeSet<_> = if owner.may_act() {
        owner.profile.permissions.into_iter().collect()
    } else {
        BTreeSet::new()
    };
    let effective = key
        .scopes
        .iter()
        .copied()
        .filter(|p| held.contains(p))
        .collect();
    Ok(ApiKeyDetail {
        is_own: key.owner_id == actor.user_id,
        effective,
        key,
    })
}

/// The owner of a new key (`None`: the actor) and the scopes that it could
/// have.
///
/// # Errors
/// [`AppError::NotFound`] for anybody but the actor, an agent or a service.
pub async fn api_key_owner(
    ctx: &Ctx,
    actor: &Actor,
    owner: Option<UserId>,
) -> Result<KeyOwner, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, create_action(actor, owner)).await?;
    let record = owner_load(&mut act.tx, actor, owner).await?;
    Ok(KeyOwner {
        offered: offered_permissions(actor, &record).into_iter().collect(),
        id: record.profile.user_id,
        name: record.profile.display_name,
        kind: record.kind,
    })
}

/// Creates a key for the actor or, if `owner` is set, for an agent or a
/// service. The key itself is only in the response.
///
/// # Errors
/// [`AppError::Invalid`] also for a scope that the owner doesn't hold;
/// [`AppError::Forbidden`] for one that the actor can't grant;
/// [`AppError::NotFound`] for an owner other than the actor, an agent or a
/// service, because a key acts as its owner.
pub async fn api_key_create(
    ctx: &Ctx,
    actor: &Actor,
    owner: Option<UserId>,
    draft: &ApiKeyDraft,
) -> Result<CreatedApiKey, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, create_action(actor, owner)).await?;
    let new = NewApiKey::parse(draft)?;
    // Otherwise a key could read what its vendor may not, through another's.
    if actor.vendor.is_some_and(|vendor| vendor != new.vendor) {
        return Err(AppError::field(
            "vendor",
            "A key made with a key is used by the same product as that one.",
        ));
    }
    let record = owner_load(&mut act.tx, actor, owner).await?;
    let offered = offered_permissions(actor, &record);
    if let Some(permission) = first_ungrantable(actor, &new.scopes) {
        return Err(act
            .deny_permission(AuditTarget::user(record.profile.user_id), permission)
            .await);
    }
    if let Some(scope) = new.scopes.iter().find(|scope| !offered.contains(scope)) {
        let name = record.profile.display_name;
        return Err(AppError::field(
            "scopes",
            format!("{name} doesn't hold “{scope}”, so no key of it can."),
        ));
    }
    let now = ctx.clock.now();
    // Otherwise a key could extend its own lifetime through another one.
    if let Some(maker) = actor.request.api_key_id {
        let maker = store::api_key::api_key_get(&mut act.tx, maker).await?;
        let end = new.lifetime.map(|lifetime| now + lifetime);
        if maker
            .expires_at
            .is_some_and(|last| end.is_none_or(|end| end > last))
        {
            return Err(AppError::field(
                "lifetime",
                "A key made with a key can't outlive it. Choose fewer days.",
            ));
        }
    }

    let id: ApiKeyId = ctx.ids.id();
    let secret = Secret::make(SecretKind::ApiKey, &ctx.ids);
    let mark = ApiKeySecret {
        hash: &secret.hash(),
        prefix: secret.shown(),
    };
    let owner = record.profile.user_id;
    store::api_key::api_key_create(&mut act.tx, id, owner, mark, &new, now).await?;
    let after = json!({ "after": {
        "owner": owner,
        "label": new.label,
        "prefix": mark.prefix,
        "scopes": new.scopes,
        "vendor": new.vendor,
        "days": new.lifetime.map(Duration::whole_days),
    } });
    act.commit(AuditTarget::api_key(id).with_changes(after))
        .await?;
    Ok(CreatedApiKey {
        id,
        label: new.label,
        key: secret.expose().to_owned(),
    })
}

/// Revokes a key, effective with its next request.
///
/// # Errors
/// [`AppError::Conflict`] if it was already revoked.
pub async fn api_key_revoke(
    ctx: &Ctx,
    actor: &Actor,
    reach: ApiKeyScope,
    id: ApiKeyId,
) -> Result<(), AppError> {
    let action = match reach {
        ApiKeyScope::Own => Action::ApiKeyRevoke,
        ApiKeyScope::Any => Action::ApiKeyRevokeAny,
    };
    let mut act = AuthorizedTx::begin(ctx, actor, action).await?;
    let key = key_find(&mut act.tx, actor, reach, id).await?;
    match store::api_key::api_key_revoke(&mut act.tx, id, ctx.clock.now()).await {
        Err(StoreError::NotFound) => {
            return Err(AppError::Conflict {
                message: "This key was revoked already.".to_owned(),
            });
        }
        other => other?,
    }
    let before =
        json!({ "before": { "owner": key.owner_id, "label": key.label, "prefix": key.prefix } });
    act.commit(AuditTarget::api_key(id).with_changes(before))
        .await
}

/// The organisation's agents and services, by name.
pub async fn service_account_list(
    ctx: &Ctx,
    actor: &Actor,
) -> Result<Vec<ServiceAccount>, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ApiKeyListAll).await?;
    let now = ctx.clock.now();
    Ok(store::api_key::service_account_list(&mut act.tx, now, MAX_SERVICES).await?)
}

/// Creates an agent or a service without a role; until it is granted one, its
/// keys can do nothing.
pub async fn service_account_create(
    ctx: &Ctx,
    actor: &Actor,
    draft: &ServiceAccountDraft,
) -> Result<UserId, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ServiceAccountCreate).await?;
    let new = NewServiceAccount::parse(draft)?;
    let user = NewUser {
        id: ctx.ids.id(),
        display_name: &new.name,
        email: None,
        kind: new.kind,
    };
    user_create(&mut act.tx, &user, ctx.clock.now()).await?;
    let after = json!({ "after": { "name": new.name, "kind": new.kind } });
    act.commit(AuditTarget::user(user.id).with_changes(after))
        .await?;
    Ok(user.id)
}

/// The reason why a key is rejected.
#[derive(Debug, PartialEq, Eq)]
pub enum ApiKeyError {
    /// Fails the checksum; the database was not queried.
    Malformed,
    /// Never existed, or its organisation is gone.
    Unknown,
    Expired,
    Revoked,
    /// Its owner or organisation is not active.
    OwnerInactive,
    /// The check itself failed.
    Failed(AppError),
}

impl From<StoreError> for ApiKeyError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// True if `text` passes the checksum of keys and is worth a database query.
pub fn api_key_is_well_formed(text: &str) -> bool {
    Secret::parse(SecretKind::ApiKey, text).is_some()
}

/// A rejected key, and its record if it ever existed.
#[derive(Debug)]
pub struct RejectedKey {
    pub error: ApiKeyError,
    stored: Option<StoredApiKey>,
}

impl From<ApiKeyError> for RejectedKey {
    fn from(error: ApiKeyError) -> Self {
        Self {
            error,
            stored: None,
        }
    }
}

impl From<StoreError> for RejectedKey {
    fn from(error: StoreError) -> Self {
        ApiKeyError::from(error).into()
    }
}

/// The member behind a key, with the permissions that both the key's scopes and
/// the member's current roles allow (SEC-D5, SEC-B3).
///
/// # Errors
/// The reason for rejection; audited if the key ever existed.
pub async fn api_key_actor(
    ctx: &Ctx,
    text: &str,
    facts: &RequestFacts,
) -> Result<Actor, ApiKeyError> {
    match api_key_check(ctx, text, facts).await {
        Ok(actor) => Ok(actor),
        Err(rejected) => {
            let written = api_key_rejection_audit(ctx, &rejected, facts).await;
            written.map_err(ApiKeyError::Failed)?;
            Err(rejected.error)
        }
    }
}

/// As [`api_key_actor`], but leaves it to the caller to audit a rejection with
/// [`api_key_rejection_audit`].
pub async fn api_key_check(
    ctx: &Ctx,
    text: &str,
    facts: &RequestFacts,
) -> Result<Actor, RejectedKey> {
    let secret = Secret::parse(SecretKind::ApiKey, text).ok_or(ApiKeyError::Malformed)?;
    let hash = secret.hash();
    let now = ctx.clock.now();
    let mut tx = ctx.store.begin_auth().await?;
    let key = api_key_find(&mut tx, &hash).await?;
    // The index already compared hashes; this comparison is constant-time.
    let key = key.filter(|key| key.key_hash.ct_eq(&hash).into());
    let key = key.ok_or(ApiKeyError::Unknown)?;
    let error = match &key {
        key if key.revoked_at.is_some() => Some(ApiKeyError::Revoked),
        key if key.expires_at.is_some_and(|at| at <= now) => Some(ApiKeyError::Expired),
        _ => None,
    };
    if let Some(error) = error {
        return Err(RejectedKey {
            error,
            stored: Some(key),
        });
    }
    let is_due = key.last_used_at.is_none_or(|at| now - at >= TOUCH_INTERVAL);
    if is_due {
        api_key_touch(&mut tx, &hash, now).await?;
    }
    // The system role may update the member's last-seen time.
    let mut tx = tx.enter_as_system(key.tenant_id).await?;
    let record = match actor_load(&mut tx, key.user_id).await {
        Err(StoreError::NotFound) => return Err(ApiKeyError::Unknown.into()),
        other => other?,
    };
    if !record.may_act() {
        return Err(RejectedKey {
            error: ApiKeyError::OwnerInactive,
            stored: Some(key),
        });
    }
    if is_due {
        user_touch(&mut tx, key.user_id, now).await?;
    }
    tx.commit().await?;
    let mut actor = record.to_actor(RequestFacts {
        session_id: None,
        api_key_id: Some(key.id),
        ..facts.clone()
    });
    actor.permissions.retain(|held| key.scopes.contains(held));
    actor.vendor = Some(key.vendor);
    Ok(actor)
}

/// Audits a rejection of a key that existed; for any other there is no
/// organisation whose log could have it.
pub async fn api_key_rejection_audit(
    ctx: &Ctx,
    rejected: &RejectedKey,
    facts: &RequestFacts,
) -> Result<(), AppError> {
    let Some(key) = &rejected.stored else {
        return Ok(());
    };
    let reason = match &rejected.error {
        ApiKeyError::Revoked => "revoked",
        ApiKeyError::Expired => "expired",
        _ => "owner_inactive",
    };
    let event = AuditEvent {
        actor_label: "A refused API key".to_owned(),
        ip: facts.ip,
        user_agent: facts.user_agent.clone(),
        request_id: Some(facts.request_id),
        resource_type: Some("api_key".to_owned()),
        resource_id: Some(key.id.to_string()),
        metadata: Some(json!({ "reason": reason, "owner": key.user_id })),
        ..AuditEvent::by_system("api_key.use", Outcome::Denied, ctx.clock.now())
    };
    let mut tx = ctx.store.begin_as_system(key.tenant_id).await?;
    audit_append(&mut tx, &[event]).await?;
    Ok(tx.commit().await?)
}

fn create_action(actor: &Actor, owner: Option<UserId>) -> Action {
    match owner {
        Some(owner) if owner != actor.user_id => Action::ApiKeyCreateFor,
        _ => Action::ApiKeyCreate,
    }
}

/// Checks `reach` explicitly, because row-level security may show others' keys
/// for other reasons.
async fn key_find(
    tx: &mut TenantTx,
    actor: &Actor,
    reach: ApiKeyScope,
    id: ApiKeyId,
) -> Result<ApiKey, AppError> {
    let key = store::api_key::api_key_get(tx, id).await?;
    if reach == ApiKeyScope::Any || key.owner_id == actor.user_id {
        Ok(key)
    } else {
        Err(AppError::NotFound)
    }
}

async fn owner_load(
    tx: &mut TenantTx,
    actor: &Actor,
    owner: Option<UserId>,
) -> Result<ActorRecord, AppError> {
    let record = actor_load(tx, owner.unwrap_or(actor.user_id)).await?;
    let is_program = matches!(record.kind, ActorKind::Agent | ActorKind::Service);
    if record.profile.user_id == actor.user_id || is_program {
        Ok(record)
    } else {
        Err(AppError::NotFound)
    }
}

/// Permissions that the owner holds, a key can have and the actor can grant. An
/// actor who uses a key can grant no more than the key's own.
fn offered_permissions(actor: &Actor, owner: &ActorRecord) -> BTreeSet<Permission> {
    let grantable = Permission::grantable(&actor.permissions);
    let held = owner.profile.permissions.iter().copied();
    held.filter(|permission| grantable.contains(permission) && !permission.is_entrusted())
        .collect()
}
