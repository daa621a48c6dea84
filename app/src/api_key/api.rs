//! Server functions of API keys.

use domain::{
    ApiKeyId, AppError, Page, UserId,
    api_key::{ApiKey, ApiKeyDetail, ApiKeyFilter, CreatedApiKey, KeyOwner, ServiceAccount},
};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use domain::api_key::{ApiKeyDraft, ApiKeyScope, ServiceAccountDraft};

#[cfg(feature = "ssr")]
use crate::{Flash, api, forms};

/// One page of keys, newest first; `after` is a cursor, empty for the first
/// page.
#[server(endpoint = "api_key_list")]
pub(crate) async fn api_key_list(
    #[server(default)] filter: ApiKeyFilter,
    #[server(default)] after: String,
) -> Result<Page<ApiKey>, AppError> {
    let (ctx, actor) = api::caller()?;
    let after = Some(after).filter(|after| !after.is_empty());
    service::api_key_list(&ctx, &actor, &filter, after.as_deref()).await
}

#[server(endpoint = "api_key_get")]
pub(crate) async fn api_key_get(id: ApiKeyId) -> Result<ApiKeyDetail, AppError> {
    let (ctx, actor) = api::caller()?;
    service::api_key_get(&ctx, &actor, ApiKeyScope::of(&actor), id).await
}

/// The owner of a new key and the permissions that it can be given; the caller
/// without an id.
#[server(endpoint = "api_key_owner")]
pub(crate) async fn api_key_owner(
    #[server(default)] owner: Option<UserId>,
) -> Result<KeyOwner, AppError> {
    let (ctx, actor) = api::caller()?;
    service::api_key_owner(&ctx, &actor, owner).await
}

/// Creates a key and shows it once on the form's page: no URL holds it.
#[server(endpoint = "api_key_create")]
pub(crate) async fn api_key_create(
    owner: UserId,
    #[server(default)] label: String,
    #[server(default)] scopes: Vec<String>,
    #[server(default)] vendor: String,
    #[server(default)] lifetime: String,
) -> Result<CreatedApiKey, AppError> {
    let (ctx, actor) = api::caller()?;
    let draft = ApiKeyDraft {
        label,
        scopes,
        vendor,
        lifetime,
    };
    let created = service::api_key_create(&ctx, &actor, Some(owner), &draft).await?;
    forms::stay();
    Ok(created)
}

#[server(endpoint = "api_key_revoke")]
pub(crate) async fn api_key_revoke(id: ApiKeyId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::api_key_revoke(&ctx, &actor, ApiKeyScope::of(&actor), id).await?;
    api::redirect_with_flash(&format!("/keys/{id}"), Flash::KeyRevoked);
    Ok(())
}

/// The organisation's agents and services.
#[server(endpoint = "service_account_list")]
pub(crate) async fn service_account_list() -> Result<Vec<ServiceAccount>, AppError> {
    let (ctx, actor) = api::caller()?;
    service::service_account_list(&ctx, &actor).await
}

/// Creates an agent or a service.
#[server(endpoint = "service_account_create")]
pub(crate) async fn service_account_create(
    #[server(default)] name: String,
    #[server(default)] kind: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let draft = ServiceAccountDraft { name, kind };
    service::service_account_create(&ctx, &actor, &draft).await?;
    api::redirect_with_flash("/keys/services", Flash::ServiceAccountCreated);
    Ok(())
}
