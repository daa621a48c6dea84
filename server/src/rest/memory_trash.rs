//! The member's own memories in the trash, gone for good. They are listed by
//! `state=trash`.

use axum::{Extension, Json, http::StatusCode};
use domain::MemoryId;
use serde::Serialize;
use service::Ctx;
use utoipa::ToSchema;

use super::{
    input::{Authenticated, PathId},
    problem::ApiError,
};

/// What became of the trash.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TrashEmptied {
    /// How many memories are gone for good, replies to them included.
    deleted: usize,
}

/// Empty the trash
///
/// Deletes the member's own memories that are in it for good, with their
/// versions and the replies to them.
#[utoipa::path(
    delete, path = "/memories/trash", tag = "Memories",
    security(("key" = ["memory.write"])),
    responses((status = 200, description = "It is empty", body = TrashEmptied)),
)]
pub(super) async fn trash_empty(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
) -> Result<Json<TrashEmptied>, ApiError> {
    let deleted = service::memory_trash_empty(&ctx, &actor).await?;
    Ok(Json(TrashEmptied { deleted }))
}

/// Delete a memory for good
///
/// An own one that is in the trash, with its versions and the replies to it.
#[utoipa::path(
    delete, path = "/memories/trash/{id}", tag = "Memories",
    security(("key" = ["memory.write"])),
    params(("id" = Uuid, Path, description = "The memory's id")),
    responses((status = 204, description = "It is gone")),
)]
pub(super) async fn trash_delete(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<MemoryId>,
) -> Result<StatusCode, ApiError> {
    service::memory_purge(&ctx, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
