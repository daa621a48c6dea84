//! Server functions of roles.

use domain::{
    AppError, NoInput, RoleId,
    role::{Role, RoleDetail},
    role::{RoleDeleteInput, RoleInput, RolePath, RoleUpdateInput},
};
use leptos::prelude::*;

use crate::{Flash, api};

pub(crate) async fn role_list() -> Result<Vec<Role>, AppError> {
    let (ctx, actor) = api::caller()?;
    let page = service::call::<service::RoleList>(&ctx, &actor, NoInput {}).await?;
    Ok(page.items)
}

pub(crate) async fn role_get(id: RoleId) -> Result<RoleDetail, AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::RoleGet>(&ctx, &actor, RolePath { id }).await
}

#[server(endpoint = "role_create")]
pub(crate) async fn role_create(
    #[server(default)] name: String,
    #[server(default)] description: String,
    #[server(default)] permissions: Vec<String>,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = RoleInput {
        name,
        description,
        permissions,
    };
    let role = service::call::<service::RoleCreate>(&ctx, &actor, input).await?;
    api::redirect_with_flash(&format!("/roles/{}", role.id), Flash::ROLE_CREATED);
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
    let input = RoleUpdateInput {
        id,
        version,
        name,
        description,
        permissions,
    };
    service::call::<service::RoleUpdate>(&ctx, &actor, input).await?;
    api::redirect_with_flash(&format!("/roles/{id}"), Flash::ROLE_UPDATED);
    Ok(())
}

/// Deletes a role; `holder_count` is the number of holders that the page showed.
#[server(endpoint = "role_delete")]
pub(crate) async fn role_delete(
    id: RoleId,
    version: i32,
    holder_count: i64,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = RoleDeleteInput {
        id,
        version,
        holder_count,
    };
    service::call::<service::RoleDelete>(&ctx, &actor, input).await?;
    api::redirect_with_flash("/roles", Flash::ROLE_DELETED);
    Ok(())
}
