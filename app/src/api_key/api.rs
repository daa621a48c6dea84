//! Server functions of API keys.

use domain::{
    ApiKeyId, AppError, NoInput, UserId,
    api_key::{
        ApiKeyDetail, CreatedApiKey, CreatedServiceAccount, KeyOwner, ServiceAccount,
        ServiceAccountChoices,
    },
    api_key::{
        ApiKeyInput, ApiKeyPath, ApiKeyScope, OrganisationApiKeyInput, ServiceAccountInput,
        ServiceAccountPath,
    },
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{Flash, api, forms};

pub(crate) async fn api_key_get(id: ApiKeyId) -> Result<ApiKeyDetail, AppError> {
    let (ctx, actor) = api::caller()?;
    let input = ApiKeyPath { id };
    match ApiKeyScope::of(&actor) {
        ApiKeyScope::Own => service::call::<service::ApiKeyGet>(&ctx, &actor, input).await,
        ApiKeyScope::Any => {
            service::call::<service::OrganisationApiKeyGet>(&ctx, &actor, input).await
        }
    }
}

/// The owner of a new key and the permissions that it can be given; the caller
/// without an id.
pub(crate) async fn api_key_owner(owner: Option<UserId>) -> Result<KeyOwner, AppError> {
    let (ctx, actor) = api::caller()?;
    match owner.filter(|owner| *owner != actor.user_id) {
        None => service::call::<service::ApiKeyOwnerGet>(&ctx, &actor, NoInput {}).await,
        Some(id) => {
            let input = ServiceAccountPath { id };
            service::call::<service::ServiceAccountOwnerGet>(&ctx, &actor, input).await
        }
    }
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
    let input = ApiKeyInput {
        label,
        scopes,
        vendor: Some(vendor),
        lifetime,
    };
    let created = if owner == actor.user_id {
        service::call::<service::ApiKeyCreate>(&ctx, &actor, input).await?
    } else {
        let input = OrganisationApiKeyInput::new(owner, input);
        service::call::<service::OrganisationApiKeyCreate>(&ctx, &actor, input).await?
    };
    forms::stay();
    Ok(created)
}

#[server(endpoint = "api_key_revoke")]
pub(crate) async fn api_key_revoke(id: ApiKeyId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    revoke(&ctx, &actor, id).await?;
    api::redirect_with_flash(&format!("/keys/{id}"), Flash::KEY_REVOKED);
    Ok(())
}

/// Revokes any key if the caller may, else one of their own.
pub(crate) async fn revoke(
    ctx: &service::Ctx,
    actor: &domain::Actor,
    id: ApiKeyId,
) -> Result<(), AppError> {
    let input = ApiKeyPath { id };
    match ApiKeyScope::of(actor) {
        ApiKeyScope::Own => service::call::<service::ApiKeyRevoke>(ctx, actor, input).await,
        ApiKeyScope::Any => {
            service::call::<service::OrganisationApiKeyRevoke>(ctx, actor, input).await
        }
    }
}

/// The organisation's agents and services.
pub(crate) async fn service_account_list() -> Result<Vec<ServiceAccount>, AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::ServiceAccountList>(&ctx, &actor, NoInput {}).await
}

/// The roles and permissions that a new agent or service can be given.
pub(crate) async fn service_account_choices_get() -> Result<ServiceAccountChoices, AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::ServiceAccountChoicesGet>(&ctx, &actor, NoInput {}).await
}

/// The form for a new agent or service.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ServiceAccountForm {
    name: String,
    kind: String,
    roles: Vec<String>,
    /// Not empty: with a first key, of the following fields.
    with_key: String,
    label: String,
    scopes: Vec<String>,
    vendor: String,
    lifetime: String,
}

/// Creates an agent or a service with its roles. A first key is shown once on the
/// form's page.
#[server(endpoint = "service_account_create")]
pub(crate) async fn service_account_create(
    #[server(flatten)] form: ServiceAccountForm,
) -> Result<CreatedServiceAccount, AppError> {
    let (ctx, actor) = api::caller()?;
    let has_role = !form.roles.is_empty();
    let key = (!form.with_key.is_empty()).then_some(ApiKeyInput {
        label: form.label,
        scopes: form.scopes,
        vendor: Some(form.vendor),
        lifetime: form.lifetime,
    });
    let input = ServiceAccountInput {
        name: form.name,
        kind: form.kind,
        roles: form.roles,
        key,
    };
    let created = service::call::<service::ServiceAccountCreate>(&ctx, &actor, input).await?;
    if created.key.is_some() {
        forms::stay();
    } else {
        let flash = if has_role {
            Flash::SERVICE_ACCOUNT_WITHOUT_KEY
        } else {
            Flash::SERVICE_ACCOUNT_CREATED
        };
        api::redirect_with_flash("/keys/services", flash);
    }
    Ok(created)
}
