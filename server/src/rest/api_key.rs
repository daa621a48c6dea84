//! API keys, by API key.

use axum::{
    Extension, Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use domain::{
    ApiKeyId, Permission, UserId, Vendor,
    api_key::{ApiKey, ApiKeyDraft, ApiKeyFilter, ApiKeyScope, CreatedApiKey, NEVER},
};
use serde::{Deserialize, Serialize};
use service::Ctx;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use super::{
    PATH,
    input::{Authenticated, JsonBody, PathId, QueryParams},
    paged::{After, Paged},
    problem::ApiError,
};

/// A key, without the key itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Key {
    /// Its id.
    #[schema(value_type = Uuid)]
    id: ApiKeyId,
    /// What it is for.
    label: String,
    /// How it begins.
    #[schema(example = "atr_3xYz")]
    prefix: String,
    /// As whom it acts.
    #[schema(value_type = Uuid)]
    owner_id: UserId,
    /// The owner's name.
    owner_name: String,
    /// What it may do at most.
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Permission>,
    /// By whose product it is used: chatgpt, claude, cursor, copilot, gemini or
    /// other. Memories that this product may not read are out of its sight.
    #[schema(value_type = String)]
    vendor: Vendor,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// From when on it is refused; null: it does not end by itself.
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    /// When it was last used, to the minute.
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
    /// When it was revoked.
    #[serde(with = "time::serde::rfc3339::option")]
    revoked_at: Option<OffsetDateTime>,
}

impl From<ApiKey> for Key {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            label: key.label,
            prefix: key.prefix,
            owner_id: key.owner_id,
            owner_name: key.owner_name,
            scopes: key.scopes,
            vendor: key.vendor,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            revoked_at: key.revoked_at,
        }
    }
}

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewKey {
    /// What it is for, in 1 to 100 characters.
    #[schema(example = "Nightly export")]
    label: String,
    /// What it may do at most: keys of permissions that the owner holds and
    /// that this key may give.
    #[schema(example = json!(["memory.read"]))]
    scopes: Vec<String>,
    /// By whose product it is used: chatgpt, claude, cursor, copilot, gemini or
    /// other. Without it, as the key that asks.
    #[schema(example = "claude")]
    vendor: Option<String>,
    /// Days until it ends; without it, it works until it is revoked.
    #[schema(example = 90)]
    expires_in_days: Option<u16>,
    /// The agent or service that it acts as; without it, the member behind
    /// the key that asks.
    #[schema(value_type = Option<Uuid>)]
    owner_id: Option<UserId>,
}

/// A new key: the one time that it is shown.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeKey {
    /// Its id.
    #[schema(value_type = Uuid)]
    id: ApiKeyId,
    /// What it is for.
    label: String,
    /// The key. Atrium keeps a fingerprint of it only.
    #[schema(example = "atr_…")]
    key: String,
}

/// Which keys.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ApiKeyListParams {
    /// Everybody's keys, which needs `api_key.manage`.
    #[serde(default)]
    all: bool,
    /// Revoked and expired ones instead of those that work.
    #[serde(default)]
    ended: bool,
}

/// List API keys
///
/// The member's own, newest first.
#[utoipa::path(
    get, path = "/api-keys", tag = "API keys",
    security(("key" = ["api_key.own"])),
    params(ApiKeyListParams, After),
    responses((status = 200, description = "One page of keys", body = Paged<Key>)),
)]
pub(super) async fn api_keys_list(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    QueryParams(asked): QueryParams<ApiKeyListParams>,
    QueryParams(After { after }): QueryParams<After>,
) -> Result<Json<Paged<Key>>, ApiError> {
    let filter = ApiKeyFilter {
        all: asked.all,
        ended: asked.ended,
    };
    let page = service::api_key_list(&ctx, &actor, &filter, after.as_deref()).await?;
    Ok(Json(Paged::of(page)))
}

/// Create an API key
///
/// The answer holds the key, and nothing else ever will. With an
/// `Idempotency-Key`, the same call gives the same answer for a day.
#[utoipa::path(
    post, path = "/api-keys", tag = "API keys",
    security(("key" = ["api_key.own"])),
    request_body = NewKey,
    responses((status = 201, description = "The new key", body = MadeKey)),
)]
pub(super) async fn api_keys_create(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    JsonBody(new): JsonBody<NewKey>,
) -> Result<(StatusCode, HeaderMap, Json<MadeKey>), ApiError> {
    let draft = ApiKeyDraft {
        label: new.label,
        scopes: new.scopes,
        vendor: new
            .vendor
            .or_else(|| actor.vendor.map(|vendor| vendor.key().to_owned()))
            .unwrap_or_default(),
        lifetime: new
            .expires_in_days
            .map_or_else(|| NEVER.to_owned(), |days| days.to_string()),
    };
    let made = service::api_key_create(&ctx, &actor, new.owner_id, &draft).await?;
    let CreatedApiKey { id, label, key } = made;
    let mut headers = HeaderMap::new();
    if let Ok(location) = HeaderValue::from_str(&format!("{PATH}/api-keys/{id}")) {
        headers.insert(header::LOCATION, location);
    }
    Ok((
        StatusCode::CREATED,
        headers,
        Json(MadeKey { id, label, key }),
    ))
}

/// Get an API key
#[utoipa::path(
    get, path = "/api-keys/{id}", tag = "API keys",
    security(("key" = ["api_key.own"])),
    params(("id" = Uuid, Path, description = "The key's id")),
    responses((status = 200, description = "The key", body = Key)),
)]
pub(super) async fn api_keys_get(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<ApiKeyId>,
) -> Result<Json<Key>, ApiError> {
    let detail = service::api_key_get(&ctx, &actor, ApiKeyScope::of(&actor), id).await?;
    Ok(Json(detail.key.into()))
}

/// Revoke an API key
///
/// It is refused from its next request on. Also the one that asks.
#[utoipa::path(
    delete, path = "/api-keys/{id}", tag = "API keys",
    security(("key" = ["api_key.own"])),
    params(("id" = Uuid, Path, description = "The key's id")),
    responses((status = 204, description = "It is revoked")),
)]
pub(super) async fn api_keys_revoke(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<ApiKeyId>,
) -> Result<StatusCode, ApiError> {
    service::api_key_revoke(&ctx, &actor, ApiKeyScope::of(&actor), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
