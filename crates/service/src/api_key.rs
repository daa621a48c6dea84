//! API keys, and the agents and services that sign in with nothing else.

use std::collections::BTreeSet;

use domain::{
    Action, Actor, ActorKind, ApiKeyId, AppError, NoInput, Page, Permission, RequestFacts, UserId,
    api_key::{
        ApiKey, ApiKeyDetail, ApiKeyInput, ApiKeyListInput, ApiKeyPath, ApiKeyScope, CreatedApiKey,
        CreatedServiceAccount, KeyOwner, NewApiKey, NewServiceAccount, OrganisationApiKeyInput,
        ServiceAccount, ServiceAccountInput, ServiceAccountPath,
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
    user::{NewUser, user_create},
};
use subtle::ConstantTimeEq as _;
use time::Duration;

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    identity::caller::{CallerError, caller_load, is_use_due},
    member::first_ungrantable,
    operation::{Done, Group, Operation, Route, operations},
    secret::{Secret, SecretKind},
};

operations! {
    ApiKeyList,
    ApiKeyCreate,
    ApiKeyOwnerGet,
    ApiKeyGet,
    ApiKeyRevoke,
    OrganisationApiKeyList,
    OrganisationApiKeyCreate,
    OrganisationApiKeyGet,
    OrganisationApiKeyRevoke,
    ServiceAccountList,
    ServiceAccountCreate,
    ServiceAccountOwnerGet,
}

/// Services on a page; beyond that they are found in the member list.
const MAX_SERVICES: u16 = 200;

pub struct ApiKeyList;

impl Operation for ApiKeyList {
    const ACTION: Action = Action::ApiKeyList;
    const ROUTE: Route = Route::get("/api-keys");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "List the member's own API keys";
    const DESCRIPTION: &'static str = "The newest first.";
    type Input = ApiKeyListInput;
    type Output = Page<ApiKey>;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: ApiKeyListInput,
    ) -> Result<Done<Page<ApiKey>>, AppError> {
        list(tx, ApiKeyScope::Own, &input).await
    }
}

pub struct OrganisationApiKeyList;

impl Operation for OrganisationApiKeyList {
    const ACTION: Action = Action::ApiKeyListAll;
    const ROUTE: Route = Route::get("/organisation/api-keys");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "List everybody's API keys";
    const DESCRIPTION: &'static str = "The newest first.";
    type Input = ApiKeyListInput;
    type Output = Page<ApiKey>;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: ApiKeyListInput,
    ) -> Result<Done<Page<ApiKey>>, AppError> {
        list(tx, ApiKeyScope::Any, &input).await
    }
}

async fn list(
    tx: &mut AuthorizedTx<'_>,
    scope: ApiKeyScope,
    input: &ApiKeyListInput,
) -> Result<Done<Page<ApiKey>>, AppError> {
    let now = tx.now();
    let page = store::api_key::api_key_list(tx, scope, input, now, PAGE_SIZE).await?;
    Ok(Done::read(page))
}

pub struct ApiKeyGet;

impl Operation for ApiKeyGet {
    const ACTION: Action = Action::ApiKeyList;
    const ROUTE: Route = Route::get("/api-keys/{id}");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "Get one of the member's own API keys";
    const DESCRIPTION: &'static str =
        "With its effective permissions: the scopes that its owner holds now.";
    type Input = ApiKeyPath;
    type Output = ApiKeyDetail;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: ApiKeyPath,
    ) -> Result<Done<ApiKeyDetail>, AppError> {
        get(tx, ApiKeyScope::Own, input.id).await
    }
}

pub struct OrganisationApiKeyGet;

impl Operation for OrganisationApiKeyGet {
    const ACTION: Action = Action::ApiKeyListAll;
    const ROUTE: Route = Route::get("/organisation/api-keys/{id}");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "Get an API key of any member";
    const DESCRIPTION: &'static str =
        "With its effective permissions: the scopes that its owner holds now.";
    type Input = ApiKeyPath;
    type Output = ApiKeyDetail;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: ApiKeyPath,
    ) -> Result<Done<ApiKeyDetail>, AppError> {
        get(tx, ApiKeyScope::Any, input.id).await
    }
}

async fn get(
    tx: &mut AuthorizedTx<'_>,
    scope: ApiKeyScope,
    id: ApiKeyId,
) -> Result<Done<ApiKeyDetail>, AppError> {
    let actor = tx.actor;
    let key = key_find(tx, actor, scope, id).await?;
    let owner = actor_load(tx, key.owner_id).await?;
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
    Ok(Done::read(ApiKeyDetail {
        is_own: key.owner_id == actor.user_id,
        effective,
        key,
    }))
}

pub struct ApiKeyOwnerGet;

impl Operation for ApiKeyOwnerGet {
    const ACTION: Action = Action::ApiKeyList;
    const ROUTE: Route = Route::get("/api-keys/owner");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "Get the member as the owner of a new API key";
    const DESCRIPTION: &'static str = "With the scopes that the key could have.";
    type Input = NoInput;
    type Output = KeyOwner;

    async fn run(tx: &mut AuthorizedTx<'_>, input: NoInput) -> Result<Done<KeyOwner>, AppError> {
        let NoInput {} = input;
        let id = tx.actor.user_id;
        get_owner(tx, id).await
    }
}

pub struct ServiceAccountOwnerGet;

impl Operation for ServiceAccountOwnerGet {
    const ACTION: Action = Action::ApiKeyListAll;
    const ROUTE: Route = Route::get("/service-accounts/{id}/owner");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "Get an agent or a service as the owner of a new API key";
    const DESCRIPTION: &'static str = "With the scopes that the key could have.";
    type Input = ServiceAccountPath;
    type Output = KeyOwner;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: ServiceAccountPath,
    ) -> Result<Done<KeyOwner>, AppError> {
        get_owner(tx, input.id).await
    }
}

async fn get_owner(tx: &mut AuthorizedTx<'_>, id: UserId) -> Result<Done<KeyOwner>, AppError> {
    let actor = tx.actor;
    let record = owner_load(tx, actor, id).await?;
    Ok(Done::read(KeyOwner {
        offered: offered_permissions(actor, &record).into_iter().collect(),
        id: record.profile.user_id,
        name: record.profile.display_name,
        kind: record.kind,
    }))
}

pub struct ApiKeyCreate;

impl Operation for ApiKeyCreate {
    const ACTION: Action = Action::ApiKeyCreate;
    const ROUTE: Route = Route::create("/api-keys");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "Create an API key";
    const DESCRIPTION: &'static str = "The answer has the key, which can't be read later. With an `Idempotency-Key`, the same call has the same answer for a day.";
    type Input = ApiKeyInput;
    type Output = CreatedApiKey;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: ApiKeyInput,
    ) -> Result<Done<CreatedApiKey>, AppError> {
        let owner = tx.actor.user_id;
        create(tx, owner, input).await
    }
}

pub struct OrganisationApiKeyCreate;

impl Operation for OrganisationApiKeyCreate {
    const ACTION: Action = Action::ApiKeyCreateFor;
    const ROUTE: Route = Route::create("/organisation/api-keys");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "Create an API key for an agent or a service";
    const DESCRIPTION: &'static str = "The answer has the key, which can't be read later.";
    type Input = OrganisationApiKeyInput;
    type Output = CreatedApiKey;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: OrganisationApiKeyInput,
    ) -> Result<Done<CreatedApiKey>, AppError> {
        create(tx, input.owner_id, input.into_key()).await
    }
}

/// Creates a key that acts as `owner`.
///
/// # Errors
/// [`AppError::Invalid`] also for a scope that the owner doesn't hold;
/// [`AppError::Forbidden`] for one that the actor can't grant;
/// [`AppError::NotFound`] for an owner other than the actor, an agent or a
/// service, because a key acts as its owner.
async fn create(
    tx: &mut AuthorizedTx<'_>,
    owner: UserId,
    mut input: ApiKeyInput,
) -> Result<Done<CreatedApiKey>, AppError> {
    let (ctx, actor) = (tx.ctx, tx.actor);
    if input.vendor.is_none() {
        input.vendor = actor.vendor.map(|vendor| vendor.key().to_owned());
    }
    let new = NewApiKey::parse(&input)?;
    // Otherwise a key could read what its vendor may not, through another's.
    if actor.vendor.is_some_and(|vendor| vendor != new.vendor) {
        return Err(AppError::field(
            "vendor",
            "A key made with a key is used by the same product as that one.",
        ));
    }
    let record = owner_load(tx, actor, owner).await?;
    tx.set_about(AuditTarget::of(owner));
    let offered = offered_permissions(actor, &record);
    if let Some(permission) = first_ungrantable(actor, &new.scopes) {
        return Err(AppError::Forbidden { permission });
    }
    if let Some(scope) = new.scopes.iter().find(|scope| !offered.contains(scope)) {
        let name = record.profile.display_name;
        return Err(AppError::field(
            "scopes",
            format!("{name} doesn't hold “{scope}”, so no key of it can."),
        ));
    }
    let now = tx.now();
    // Otherwise a key could extend its own lifetime through another one.
    if let Some(maker) = actor.request.api_key_id {
        let maker = store::api_key::api_key_get(tx, maker).await?;
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
    store::api_key::api_key_create(tx, id, owner, mark, &new, now).await?;
    let after = json!({ "after": {
        "owner": owner,
        "label": new.label,
        "prefix": mark.prefix,
        "scopes": new.scopes,
        "vendor": new.vendor,
        "days": new.lifetime.map(Duration::whole_days),
    } });
    let created = CreatedApiKey {
        id,
        label: new.label,
        key: secret.expose().to_owned(),
    };
    Ok(Done::audited(
        created,
        AuditTarget::of(id).with_changes(after),
    ))
}

pub struct ApiKeyRevoke;

impl Operation for ApiKeyRevoke {
    const ACTION: Action = Action::ApiKeyRevoke;
    const ROUTE: Route = Route::delete("/api-keys/{id}");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "Revoke one of the member's own API keys";
    const DESCRIPTION: &'static str =
        "It is refused from the next request on. Also the one that calls.";
    type Input = ApiKeyPath;
    type Output = ();

    async fn run(tx: &mut AuthorizedTx<'_>, input: ApiKeyPath) -> Result<Done<()>, AppError> {
        revoke(tx, ApiKeyScope::Own, input.id).await
    }
}

pub struct OrganisationApiKeyRevoke;

impl Operation for OrganisationApiKeyRevoke {
    const ACTION: Action = Action::ApiKeyRevokeAny;
    const ROUTE: Route = Route::delete("/organisation/api-keys/{id}");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "Revoke an API key of any member";
    const DESCRIPTION: &'static str = "It is refused from the next request on.";
    type Input = ApiKeyPath;
    type Output = ();

    async fn run(tx: &mut AuthorizedTx<'_>, input: ApiKeyPath) -> Result<Done<()>, AppError> {
        revoke(tx, ApiKeyScope::Any, input.id).await
    }
}

/// # Errors
/// [`AppError::Conflict`] if it was already revoked.
async fn revoke(
    tx: &mut AuthorizedTx<'_>,
    scope: ApiKeyScope,
    id: ApiKeyId,
) -> Result<Done<()>, AppError> {
    let actor = tx.actor;
    let key = key_find(tx, actor, scope, id).await?;
    let now = tx.now();
    match store::api_key::api_key_revoke(tx, id, now).await {
        Err(StoreError::NotFound) => {
            return Err(AppError::Conflict {
                message: "This key was revoked already.".to_owned(),
            });
        }
        other => other?,
    }
    let before =
        json!({ "before": { "owner": key.owner_id, "label": key.label, "prefix": key.prefix } });
    Ok(Done::audited((), AuditTarget::of(id).with_changes(before)))
}

pub struct ServiceAccountList;

impl Operation for ServiceAccountList {
    const ACTION: Action = Action::ApiKeyListAll;
    const ROUTE: Route = Route::get("/service-accounts");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "List agents and services";
    const DESCRIPTION: &'static str = "At most 200, by name.";
    type Input = NoInput;
    type Output = Vec<ServiceAccount>;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: NoInput,
    ) -> Result<Done<Vec<ServiceAccount>>, AppError> {
        let NoInput {} = input;
        let now = tx.now();
        let accounts = store::api_key::service_account_list(tx, now, MAX_SERVICES).await?;
        Ok(Done::read(accounts))
    }
}

pub struct ServiceAccountCreate;

impl Operation for ServiceAccountCreate {
    const ACTION: Action = Action::ServiceAccountCreate;
    const ROUTE: Route = Route::create("/service-accounts");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "Create an agent or a service";
    const DESCRIPTION: &'static str =
        "It has no role; until it is granted one, its keys can do nothing.";
    type Input = ServiceAccountInput;
    type Output = CreatedServiceAccount;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: ServiceAccountInput,
    ) -> Result<Done<CreatedServiceAccount>, AppError> {
        let new = NewServiceAccount::parse(&input)?;
        let user = NewUser {
            id: tx.ctx.ids.id(),
            display_name: &new.name,
            email: None,
            kind: new.kind,
        };
        let now = tx.now();
        user_create(tx, &user, now).await?;
        let after = json!({ "after": { "name": new.name, "kind": new.kind } });
        let target = AuditTarget::of(user.id).with_changes(after);
        let created = CreatedServiceAccount { id: user.id };
        Ok(Done::audited(created, target))
    }
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
    let used_at = is_use_due(key.last_used_at, now).then_some(now);
    if used_at.is_some() {
        api_key_touch(&mut tx, &hash, now).await?;
    }
    let (tx, record) = match caller_load(tx, key.tenant_id, key.user_id, used_at).await {
        Ok(loaded) => loaded,
        Err(CallerError::Unknown) => return Err(ApiKeyError::Unknown.into()),
        Err(CallerError::Inactive(_)) => {
            return Err(RejectedKey {
                error: ApiKeyError::OwnerInactive,
                stored: Some(key),
            });
        }
        Err(CallerError::Failed(error)) => return Err(ApiKeyError::Failed(error).into()),
    };
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

/// Checks `scope` explicitly, because row-level security may show others' keys
/// for other reasons.
async fn key_find(
    tx: &mut TenantTx,
    actor: &Actor,
    scope: ApiKeyScope,
    id: ApiKeyId,
) -> Result<ApiKey, AppError> {
    let key = store::api_key::api_key_get(tx, id).await?;
    if scope == ApiKeyScope::Any || key.owner_id == actor.user_id {
        Ok(key)
    } else {
        Err(AppError::NotFound)
    }
}

async fn owner_load(
    tx: &mut TenantTx,
    actor: &Actor,
    owner: UserId,
) -> Result<ActorRecord, AppError> {
    let record = actor_load(tx, owner).await?;
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
