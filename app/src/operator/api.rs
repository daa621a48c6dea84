//! Server functions of those who run the installation.

use domain::{
    AppError, Page, TenantId,
    tenant::{TenantDetail, TenantSummary},
};
use leptos::prelude::*;

use super::query::TenantQuery;
#[cfg(feature = "ssr")]
use crate::{Flash, api};

/// One page of the installation's organisations.
#[server(endpoint = "tenant_list")]
pub(crate) async fn tenant_list(query: TenantQuery) -> Result<Page<TenantSummary>, AppError> {
    let (ctx, actor) = api::caller()?;
    let after = Some(query.after).filter(|after| !after.is_empty());
    service::tenant_page(&ctx, &actor, &query.filter, after.as_deref()).await
}

/// One organisation.
#[server(endpoint = "tenant_get")]
pub(crate) async fn tenant_get(id: TenantId) -> Result<TenantDetail, AppError> {
    let (ctx, actor) = api::caller()?;
    service::tenant_get(&ctx, &actor, id).await
}

/// Puts everybody of an organisation out.
#[server(endpoint = "tenant_suspend")]
pub(crate) async fn tenant_suspend(
    id: TenantId,
    #[server(default)] reason: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::tenant_suspend(&ctx, service::By::Operator(&actor), id, &reason).await?;
    api::go(&format!("/operator/{id}"), Flash::TenantSuspended);
    Ok(())
}

/// Lets an organisation in again.
#[server(endpoint = "tenant_resume")]
pub(crate) async fn tenant_resume(id: TenantId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::tenant_resume(&ctx, service::By::Operator(&actor), id).await?;
    api::go(&format!("/operator/{id}"), Flash::TenantResumed);
    Ok(())
}

/// Has an organisation removed after a time of grace.
#[server(endpoint = "tenant_delete")]
pub(crate) async fn tenant_delete(
    id: TenantId,
    #[server(default)] confirm: String,
    #[server(default)] reason: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let by = service::By::Operator(&actor);
    service::tenant_delete(&ctx, by, id, Some(&confirm), &reason, None).await?;
    api::go(&format!("/operator/{id}"), Flash::TenantDeleted);
    Ok(())
}

/// Puts an organisation into another tier.
#[server(endpoint = "tenant_tier_set")]
pub(crate) async fn tenant_tier_set(
    id: TenantId,
    #[server(default)] tier: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let tier = domain::tenant::TenantTier::parse(&tier)?;
    service::tenant_tier_set(&ctx, service::By::Operator(&actor), id, tier).await?;
    api::go(&format!("/operator/{id}"), Flash::TenantTierSet);
    Ok(())
}
