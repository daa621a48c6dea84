//! API keys: a member's own keys, and what they share with the organisation's.

mod authenticate;
mod organisation;

use std::collections::BTreeSet;

use domain::{
    Action, Actor, ActorKind, ApiKeyId, AppError, NoInput, Page, Permission, UserId,
    api_key::{
        ApiKey, ApiKeyDetail, ApiKeyInput, ApiKeyListInput, ApiKeyPath, ApiKeyScope, CreatedApiKey,
        KeyOwner, NewApiKey,
    },
    paging::PAGE_SIZE,
};
use serde_json::json;
use store::{
    StoreError, TenantTx,
    actor::{ActorRecord, actor_load},
    api_key::ApiKeySecret,
};
use time::Duration;

pub use authenticate::{
    ApiKeyError, RejectedKey, api_key_actor, api_key_check, api_key_is_well_formed,
    api_key_rejection_audit,
};
pub use organisation::{
    OrganisationApiKeyCreate, OrganisationApiKeyGet, OrganisationApiKeyList,
    OrganisationApiKeyRevoke, ServiceAccountChoicesGet, ServiceAccountCreate, ServiceAccountList,
    ServiceAccountOwnerGet,
};

use crate::{
    authorized_tx::{AuditTarget, AuthorizedTx},
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
    ServiceAccountChoicesGet,
    ServiceAccountCreate,
    ServiceAccountOwnerGet,
}

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

pub struct ApiKeyRevoke;

impl Operation for ApiKeyRevoke {
    const ACTION: Action = Action::ApiKeyRevoke;
    const ROUTE: Route = Route::delete("/api-keys/{id}");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "Revoke one of the member's own API keys";
    const DESCRIPTION: &'static str =
        "It is blocked from the next request. This can be the calling key itself.";
    type Input = ApiKeyPath;
    type Output = ();

    async fn run(tx: &mut AuthorizedTx<'_>, input: ApiKeyPath) -> Result<Done<()>, AppError> {
        revoke(tx, ApiKeyScope::Own, input.id).await
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
    set_default_vendor(tx.actor, &mut input);
    let new = NewApiKey::parse(&input)?;
    let (created, target) = create_in_tx(tx, owner, new).await?;
    Ok(Done::audited(created, target))
}

/// A key created with a key has the same client unless it names one.
fn set_default_vendor(actor: &Actor, input: &mut ApiKeyInput) {
    if input.vendor.is_none() {
        input.vendor = actor.vendor.map(|vendor| vendor.key().to_owned());
    }
}

/// As [`create`], with a validated input.
async fn create_in_tx(
    tx: &mut AuthorizedTx<'_>,
    owner: UserId,
    new: NewApiKey,
) -> Result<(CreatedApiKey, AuditTarget), AppError> {
    let (ctx, actor) = (tx.ctx, tx.actor);
    // Otherwise a key could read what its vendor may not, through another's.
    if actor.vendor.is_some_and(|vendor| vendor != new.vendor) {
        return Err(AppError::field(
            "vendor",
            "A key created with a key has the same client.",
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
            format!("{name} doesn't have the permission “{scope}”."),
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
                "A key created with a key can't outlive it. Choose fewer days.",
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
    Ok((created, AuditTarget::of(id).with_changes(after)))
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
                message: "This key is already revoked.".to_owned(),
            });
        }
        other => other?,
    }
    let before =
        json!({ "before": { "owner": key.owner_id, "label": key.label, "prefix": key.prefix } });
    Ok(Done::audited((), AuditTarget::of(id).with_changes(before)))
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
