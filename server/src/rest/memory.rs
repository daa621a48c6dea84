//! Memories, by API key: the caller's own, and those shared with the member
//! behind it.

use axum::{
    Extension, Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use domain::{
    MemoryId,
    memory::{MemoryFilter, MemoryKind, MemoryVersion, Origin, Visibility},
    memory_order::{MemoryFields, MemoryOrder},
};
use serde::{Deserialize, Serialize};
use service::Ctx;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use super::{
    PATH,
    input::{Asked, Caller, Given, Named},
    memory_shape::{Found, Inquiry, Memory, MemoryPatch, MemoryRow, NewMemory},
    paged::Paged,
    problem::Refusal,
};

/// Which memories, and where in their list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct MemoriesAsked {
    /// `fact`, `preference`, `event`, `skill_note` or `context`.
    kind: String,
    /// Tags, separated by commas: all of them, exactly.
    tag: String,
    /// The id of one of the member's own personas.
    persona: String,
    /// `mine`, `shared` (those of others) or a member's id.
    owner: String,
    /// The id of a team: what is shared with it.
    team: String,
    /// Where they came from, e.g. `dashboard`, `import`, `api` or `mcp`.
    origin: String,
    /// `short` or `long`.
    term: String,
    /// `private`, `team` or `org`.
    visibility: String,
    /// Changed on this day (`YYYY-MM-DD`) or later.
    from: String,
    /// Changed on this day or earlier.
    to: String,
    /// `trash`: the member's own deleted ones instead.
    state: String,
    /// `next` of the page before; without it, the first page.
    after: Option<String>,
}

/// A memory as it was before a change.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EarlierMemory {
    /// Which version it was.
    version: i32,
    /// The title then.
    title: String,
    /// The text then.
    content: String,
    /// The kind then.
    #[schema(value_type = String)]
    kind: MemoryKind,
    /// The tags then.
    tags: Vec<String>,
    /// Who could see it then.
    #[schema(value_type = String)]
    visibility: Visibility,
    /// Why it was changed, where somebody said so.
    reason: Option<String>,
    /// Who changed it.
    changed_by: String,
    /// When it was changed.
    #[serde(with = "time::serde::rfc3339")]
    changed_at: OffsetDateTime,
}

impl From<MemoryVersion> for EarlierMemory {
    fn from(version: MemoryVersion) -> Self {
        Self {
            version: version.version,
            title: version.title,
            content: version.content,
            kind: version.kind,
            tags: version.tags,
            visibility: version.visibility,
            reason: version.reason,
            changed_by: version.changed_by_name,
            changed_at: version.changed_at,
        }
    }
}

/// List memories
///
/// Own and shared ones, last changed first, each with the beginning of its
/// text.
#[utoipa::path(
    get, path = "/memories", tag = "Memories",
    security(("key" = ["memory.read"])),
    params(MemoriesAsked),
    responses((status = 200, description = "One page of memories", body = Paged<MemoryRow>)),
)]
pub(super) async fn memories_list(
    Extension(ctx): Extension<Ctx>,
    Caller(actor): Caller,
    Asked(asked): Asked<MemoriesAsked>,
) -> Result<Json<Paged<MemoryRow>>, Refusal> {
    let filter = MemoryFilter {
        kind: asked.kind,
        tag: asked.tag,
        persona: asked.persona,
        owner: asked.owner,
        team: asked.team,
        origin: asked.origin,
        term: asked.term,
        visibility: asked.visibility,
        from: asked.from,
        to: asked.to,
        state: asked.state,
    };
    let page = service::memory_list(&ctx, &actor, &filter, asked.after.as_deref()).await?;
    Ok(Json(Paged::of(page)))
}

/// Create a memory
///
/// It is private to the member behind the key, and found by meaning as soon
/// as its vector is computed: within seconds, as a rule.
#[utoipa::path(
    post, path = "/memories", tag = "Memories",
    security(("key" = ["memory.write"])),
    request_body = NewMemory,
    responses((status = 201, description = "The new memory", body = Memory)),
)]
pub(super) async fn memories_create(
    Extension(ctx): Extension<Ctx>,
    Caller(actor): Caller,
    Given(new): Given<NewMemory>,
) -> Result<(StatusCode, HeaderMap, Json<Memory>), Refusal> {
    let new = MemoryFields::from(new).parse(Origin::Api)?;
    let memory = service::memory_order(&ctx, &actor, MemoryOrder::Create(new)).await?;
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
    Caller(actor): Caller,
    Named(id): Named<MemoryId>,
) -> Result<Json<Memory>, Refusal> {
    let memory = service::memory_get(&ctx, &actor, id).await?;
    Ok(Json(memory.into()))
}

/// Change a memory
///
/// An own one, from the version that the change started from: where somebody
/// was faster, the answer is 409 and nothing is changed. What it said before
/// is kept as a version.
#[utoipa::path(
    patch, path = "/memories/{id}", tag = "Memories",
    security(("key" = ["memory.write"])),
    params(("id" = Uuid, Path, description = "The memory's id")),
    request_body = MemoryPatch,
    responses((status = 200, description = "The memory as it is now", body = Memory)),
)]
pub(super) async fn memories_update(
    Extension(ctx): Extension<Ctx>,
    Caller(actor): Caller,
    Named(id): Named<MemoryId>,
    Given(patch): Given<MemoryPatch>,
) -> Result<Json<Memory>, Refusal> {
    let order = MemoryOrder::Update {
        id,
        version: patch.version,
        edit: patch.into(),
    };
    let memory = service::memory_order(&ctx, &actor, order).await?;
    Ok(Json(memory.into()))
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
    Caller(actor): Caller,
    Named(id): Named<MemoryId>,
) -> Result<StatusCode, Refusal> {
    service::memory_order(&ctx, &actor, MemoryOrder::Delete { id }).await?;
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
    Caller(actor): Caller,
    Named(id): Named<MemoryId>,
) -> Result<Json<Memory>, Refusal> {
    let memory = service::memory_order(&ctx, &actor, MemoryOrder::Restore { id }).await?;
    Ok(Json(memory.into()))
}

/// List a memory's versions
///
/// What an own one said before each change, newest first. Of others' memories
/// there are none to be seen.
#[utoipa::path(
    get, path = "/memories/{id}/versions", tag = "Memories",
    security(("key" = ["memory.read"])),
    params(("id" = Uuid, Path, description = "The memory's id")),
    responses((status = 200, description = "Its earlier versions", body = Paged<EarlierMemory>)),
)]
pub(super) async fn memories_versions(
    Extension(ctx): Extension<Ctx>,
    Caller(actor): Caller,
    Named(id): Named<MemoryId>,
) -> Result<Json<Paged<EarlierMemory>>, Refusal> {
    let versions = service::memory_versions(&ctx, &actor, id).await?;
    Ok(Json(Paged::whole(versions)))
}

/// Search memories
///
/// By words and by meaning, best first. What is looked for travels in the
/// body, so that it is in no log of addresses.
#[utoipa::path(
    post, path = "/memories/search", tag = "Memories",
    security(("key" = ["memory.read"])),
    request_body = Inquiry,
    responses((status = 200, description = "What was found", body = Found)),
)]
pub(super) async fn memories_search(
    Extension(ctx): Extension<Ctx>,
    Caller(actor): Caller,
    Given(question): Given<Inquiry>,
) -> Result<Json<Found>, Refusal> {
    Ok(Json(question.ask(&ctx, &actor).await?))
}
