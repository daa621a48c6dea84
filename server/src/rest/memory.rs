//! Memories, by API key: the caller's own, and those shared with the member
//! behind it.

use axum::{
    Extension, Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use domain::{MemoryId, memory::Origin, memory_command::MemoryCommand};
use serde::Deserialize;
use service::Ctx;
use utoipa::IntoParams;

use super::{
    PATH,
    input::{Authenticated, JsonBody, PathId, QueryParams},
    memory_filter::{MemoryFilterParams, WithFilter},
    memory_shape::{Memory, MemoryPatch, MemoryRow, NewMemory},
    paged::Paged,
    problem::ApiError,
};

/// Where in a list of memories.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct MemoryListParams {
    /// `next` of the page before; without it, the first page.
    after: Option<String>,
}

/// List memories
///
/// Own and shared ones, last changed first, each with the beginning of its
/// text.
#[utoipa::path(
    get, path = "/memories", tag = "Memories",
    security(("key" = ["memory.read"])),
    params(MemoryFilterParams, MemoryListParams),
    responses((status = 200, description = "One page of memories", body = Paged<MemoryRow>)),
)]
pub(super) async fn memories_list(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    QueryParams(WithFilter { filter, asked }): QueryParams<WithFilter<MemoryListParams>>,
) -> Result<Json<Paged<MemoryRow>>, ApiError> {
    let page = service::memory_list(&ctx, &actor, &filter, asked.after.as_deref()).await?;
    Ok(Json(Paged::of(page)))
}

/// Create a memory
///
/// It is private to the member behind the key, and found by meaning as soon
/// as its vector is computed: within seconds, as a rule. With `parent_id` it is
/// a reply, which whoever sees that memory sees.
#[utoipa::path(
    post, path = "/memories", tag = "Memories",
    security(("key" = ["memory.write"])),
    request_body = NewMemory,
    responses((status = 201, description = "The new memory", body = Memory)),
)]
pub(super) async fn memories_create(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    JsonBody(new): JsonBody<NewMemory>,
) -> Result<(StatusCode, HeaderMap, Json<Memory>), ApiError> {
    let (memory, _) = service::memory_apply(&ctx, &actor, new.command(Origin::Api)?).await?;
    let mut headers = HeaderMap::new();
    if let Ok(location) = HeaderValue::from_str(&format!("{PATH}/memories/{}", memory.id)) {
        headers.insert(header::LOCATION, location);
    }
    Ok((StatusCode::CREATED, headers, Json(memory.into())))
}

/// Get a memory
///
/// An own one also from the trash.
#[utoipa::path(
    get, path = "/memories/{id}", tag = "Memories",
    security(("key" = ["memory.read"])),
    params(("id" = Uuid, Path, description = "The memory's id")),
    responses((status = 200, description = "The memory", body = Memory)),
)]
pub(super) async fn memories_get(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<MemoryId>,
) -> Result<Json<Memory>, ApiError> {
    let memory = service::memory_get(&ctx, &actor, id).await?;
    Ok(Json(memory.into()))
}

/// Change a memory
///
/// An own one, from the version that the change started from: where somebody
/// was faster, the answer is 409 and nothing is changed. What it said before
/// is kept as a version.
///
/// Where others see the memory and decide what they see, the answer is 202: the
/// change waits for a review as `proposal_id`, and they go on seeing the memory
/// as the answer shows it. That needs `memory.share` as well.
#[utoipa::path(
    patch, path = "/memories/{id}", tag = "Memories",
    security(("key" = ["memory.write"])),
    params(("id" = Uuid, Path, description = "The memory's id")),
    request_body = MemoryPatch,
    responses(
        (status = 200, description = "The memory as it is now", body = Memory),
        (status = 202, description = "The change waits for a review", body = Memory),
    ),
)]
pub(super) async fn memories_update(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<MemoryId>,
    JsonBody(patch): JsonBody<MemoryPatch>,
) -> Result<(StatusCode, Json<Memory>), ApiError> {
    let command = MemoryCommand::Update {
        id,
        version: patch.version,
        edit: patch.into(),
    };
    let (memory, proposal_id) = service::memory_apply(&ctx, &actor, command).await?;
    let memory = Memory::changed(memory, proposal_id);
    Ok((memory.status(), Json(memory)))
}

/// Delete a memory
///
/// An own one, which goes to the trash: it can be restored from there.
#[utoipa::path(
    delete, path = "/memories/{id}", tag = "Memories",
    security(("key" = ["memory.write"])),
    params(("id" = Uuid, Path, description = "The memory's id")),
    responses((status = 204, description = "It is in the trash")),
)]
pub(super) async fn memories_delete(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<MemoryId>,
) -> Result<StatusCode, ApiError> {
    service::memory_apply(&ctx, &actor, MemoryCommand::Delete { id }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Restore a memory
///
/// Takes an own one out of the trash.
#[utoipa::path(
    post, path = "/memories/{id}/restore", tag = "Memories",
    security(("key" = ["memory.write"])),
    params(("id" = Uuid, Path, description = "The memory's id")),
    responses((status = 200, description = "The memory as it is now", body = Memory)),
)]
pub(super) async fn memories_restore(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<MemoryId>,
) -> Result<Json<Memory>, ApiError> {
    let (memory, _) = service::memory_apply(&ctx, &actor, MemoryCommand::Restore { id }).await?;
    Ok(Json(memory.into()))
}
