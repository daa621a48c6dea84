//! The organisation's roles.

use std::collections::BTreeSet;

use axum::{Extension, Json};
use domain::{Page, Permission, RoleId, role};
use serde::Serialize;
use service::Ctx;
use utoipa::ToSchema;

use super::{
    input::{Authenticated, PathId},
    paged::Paged,
    problem::ApiError,
};

/// A named set of permissions.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Role {
    /// Its id.
    #[schema(value_type = Uuid)]
    id: RoleId,
    /// Unique in the organisation.
    key: String,
    /// Its name.
    name: String,
    /// What it is for.
    description: String,
    /// What it allows.
    #[schema(value_type = Vec<String>)]
    permissions: BTreeSet<Permission>,
    /// It came with the organisation and never changes.
    is_system: bool,
    /// How many hold it.
    holders: i64,
}

impl From<role::Role> for Role {
    fn from(role: role::Role) -> Self {
        Self {
            id: role.id,
            key: role.key,
            name: role.name,
            description: role.description,
            permissions: role.permissions,
            is_system: role.is_system,
            holders: role.holders,
        }
    }
}

/// List roles
///
/// All of them at once: those of every organisation first, then by name.
#[utoipa::path(
    get, path = "/roles", tag = "Members, roles and teams",
    security(("key" = ["member.read"])),
    responses((status = 200, description = "The roles", body = Paged<Role>)),
)]
pub(super) async fn roles_list(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
) -> Result<Json<Paged<Role>>, ApiError> {
    let items = service::role_list(&ctx, &actor).await?;
    Ok(Json(Paged::of(Page { items, next: None })))
}

/// Get a role
#[utoipa::path(
    get, path = "/roles/{id}", tag = "Members, roles and teams",
    security(("key" = ["member.read"])),
    params(("id" = Uuid, Path, description = "The role's id")),
    responses((status = 200, description = "The role", body = Role)),
)]
pub(super) async fn roles_get(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<RoleId>,
) -> Result<Json<Role>, ApiError> {
    let detail = service::role_get(&ctx, &actor, id).await?;
    Ok(Json(detail.role.into()))
}
