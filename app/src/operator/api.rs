//! Server functions for the installation's operators.

use domain::{
    AppError, Page, TenantId,
    tenant::{TenantDetail, TenantSummary},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::query::TenantQuery;
use crate::{Flash, api, forms};

/// A new organisation with the invite link of its owner, which is shown once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CreatedTenant {
    pub(crate) id: TenantId,
    pub(crate) link: String,
}

/// One page of the installation's organisations, by name.
pub(crate) async fn tenant_list(list: TenantQuery) -> Result<Page<TenantSummary>, AppError> {
    let (ctx, actor) = api::caller()?;
    let after = Some(list.after).filter(|after| !after.is_empty());
    service::tenant_page(&ctx, &actor, &list.filter, after.as_deref()).await
}

pub(crate) async fn tenant_get(id: TenantId) -> Result<TenantDetail, AppError> {
    let (ctx, actor) = api::caller()?;
    service::tenant_get(&ctx, &actor, id).await
}

/// Creates an organisation. The form's page shows the owner's invite link once.
#[server(endpoint = "tenant_create")]
pub(crate) async fn tenant_create(
    #[server(default)] name: String,
    #[server(default)] slug: String,
    #[server(default)] email: String,
) -> Result<CreatedTenant, AppError> {
    use domain::email::EmailAddress;

    let (ctx, actor) = api::caller()?;
    let email = match email.trim() {
        "" => None,
        text => {
            let parsed = EmailAddress::parse(text);
            Some(parsed.map_err(|message| AppError::field("email", message))?)
        }
    };
    let organisation = service::NewOrganisation {
        slug: slug.trim(),
        name: name.trim(),
        is_demo: false,
        directory: None,
    };
    let owner = service::Owner::Invited {
        email: email.as_ref(),
    };
    let initiator = service::Initiator::Operator(&actor);
    let created = service::tenant_create(&ctx, initiator, &organisation, owner).await?;
    let token = created.invite.ok_or(AppError::Internal)?;
    forms::stay();
    Ok(CreatedTenant {
        id: created.id,
        link: token.link(&api::origin()?),
    })
}

#[server(endpoint = "tenant_suspend")]
pub(crate) async fn tenant_suspend(
    id: TenantId,
    #[server(default)] reason: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::tenant_suspend(&ctx, service::Initiator::Operator(&actor), id, &reason).await?;
    api::redirect_with_flash(&format!("/operator/{id}"), Flash::TENANT_SUSPENDED);
    Ok(())
}

#[server(endpoint = "tenant_resume")]
pub(crate) async fn tenant_resume(id: TenantId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::tenant_resume(&ctx, service::Initiator::Operator(&actor), id).await?;
    api::redirect_with_flash(&format!("/operator/{id}"), Flash::TENANT_RESUMED);
    Ok(())
}

/// Deletes an organisation; its data is removed after a grace period.
#[server(endpoint = "tenant_delete")]
pub(crate) async fn tenant_delete(
    id: TenantId,
    #[server(default)] confirm: String,
    #[server(default)] reason: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let initiator = service::Initiator::Operator(&actor);
    service::tenant_delete(&ctx, initiator, id, Some(&confirm), &reason, None).await?;
    api::redirect_with_flash(&format!("/operator/{id}"), Flash::TENANT_DELETED);
    Ok(())
}

#[server(endpoint = "tenant_tier_set")]
pub(crate) async fn tenant_tier_set(
    id: TenantId,
    #[server(default)] tier: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let tier = domain::tenant::TenantTier::parse(&tier)?;
    service::tenant_tier_set(&ctx, service::Initiator::Operator(&actor), id, tier).await?;
    api::redirect_with_flash(&format!("/operator/{id}"), Flash::TENANT_TIER_SET);
    Ok(())
}
