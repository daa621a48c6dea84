//! Server functions of roles.

use domain::{
    AppError, RoleId,
    role::{Role, RoleDetail},
};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::{Flash, api};

#[server(endpoint = "role_list")]
pub(crate) async fn role_list() -> Result<Vec<Role>, AppError> {
    let (ctx, actor) = api::caller()?;
    service::role_list(&ctx, &actor).await
}

#[server(endpoint = "role_get")]
pub(crate) async fn role_get(id: RoleId) -> Result<RoleDetail, AppError> {
    let (ctx, actor) = api::caller()?;
    service::role_get(&ctx, &actor, id).await
}

#[server(endpoint = "role_create")]
pub(crate) async fn role_create(
    #[server(default)] name: String,
    #[server(default)] description: String,
    #[server(default)] permissions: Vec<String>,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let draft = domain::role::RoleDraft {
        name,
        description,
        permissions,
    };
    let id = service::role_create(&ctx, &actor, &draft).await?;
    api::redirect_with_flash(&format!("/roles/{id}"), Flash::RoleCreated);
    Ok(())
}

/// Changes a role; `version` is the one that the form shows.
#[server(endpoint = "role_update")]
pub(crate) async fn role_update(
    id: RoleId,
    version: i32,
    #[server(default)] name: String,
    #[server(default)] description: String,
    #[server(default)] permissions: Vec<String>,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let draft = domain::role::RoleDraft {
        name,
        description,
        permissions,
    };
    service::role_update(&ctx, &actor, id, version, &draft).await?;
    api::redirect_with_flash(&format!("/roles/{id}"), Flash::RoleUpdated);
    Ok(())
}

/// Deletes a role; `holders` is the number of holders that the page showed.
#[server(endpoint = "role_delete")]
pub(crate) async fn role_delete(id: RoleId, version: i32, holders: i64) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::role_delete(&ctx, &actor, id, version, holders).await?;
    api::redirect_with_flash("/roles", Flash::RoleDeleted);
    Ok(())
}
