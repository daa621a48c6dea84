//! What a memory said before its changes, how that differs, and back to it.

use axum::{Extension, Json, http::StatusCode};
use domain::{
    MemoryId,
    memory::{MemoryKind, MemoryVersion, Visibility},
    memory_version::{self, DiffKind, VersionDiff, VersionSide},
};
use serde::{Deserialize, Serialize};
use service::Ctx;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::{
    input::{Authenticated, JsonBody, PathId, QueryParams},
    memory_shape::Memory,
    paged::{After, Paged},
    problem::ApiError,
};

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

/// What a version was besides its text.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DiffSide {
    /// Its number.
    version: i32,
    /// The title then.
    title: String,
    /// The kind then.
    #[schema(value_type = String)]
    kind: MemoryKind,
    /// The tags then.
    tags: Vec<String>,
    /// Who could see it then.
    #[schema(value_type = String)]
    visibility: Visibility,
}

impl From<VersionSide> for DiffSide {
    fn from(side: VersionSide) -> Self {
        Self {
            version: side.version,
            title: side.title,
            kind: side.kind,
            tags: side.tags,
            visibility: side.visibility,
        }
    }
}

/// A piece of text in a comparison.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DiffSpan {
    /// `same`, `deleted` or `inserted`.
    #[schema(value_type = String)]
    kind: DiffKind,
    /// The piece.
    text: String,
}

impl From<memory_version::DiffSpan> for DiffSpan {
    fn from(span: memory_version::DiffSpan) -> Self {
        Self {
            kind: span.kind,
            text: span.text,
        }
    }
}

/// A version beside the one that took its place.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Difference {
    /// The earlier one.
    before: DiffSide,
    /// The later one.
    after: DiffSide,
    /// The titles compared, in the order of reading: without what was inserted
    /// they are the earlier one, without what was deleted the later one.
    title: Vec<DiffSpan>,
    /// The texts compared, as the titles.
    content: Vec<DiffSpan>,
    /// Why it was changed, where somebody said so.
    reason: Option<String>,
    /// Who changed it.
    changed_by: String,
    /// When it was changed.
    #[serde(with = "time::serde::rfc3339")]
    changed_at: OffsetDateTime,
}

impl From<VersionDiff> for Difference {
    fn from(diff: VersionDiff) -> Self {
        Self {
            before: diff.before.into(),
            after: diff.after.into(),
            title: diff.title.into_iter().map(Into::into).collect(),
            content: diff.content.into_iter().map(Into::into).collect(),
            reason: diff.reason,
            changed_by: diff.changed_by_name,
            changed_at: diff.changed_at,
        }
    }
}

/// What a restored version takes the place of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Restore {
    /// The memory's version now, as the caller has read it.
    #[schema(example = 2)]
    current: i32,
}

/// List a memory's versions
///
/// What an own one said before each change, newest first. Of others' memories
/// there are none to be seen.
#[utoipa::path(
    get, path = "/memories/{id}/versions", tag = "Memories",
    security(("key" = ["memory.read"])),
    params(("id" = Uuid, Path, description = "The memory's id"), After),
    responses((status = 200, description = "One page of its earlier versions", body = Paged<EarlierMemory>)),
)]
pub(super) async fn memories_versions(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<MemoryId>,
    QueryParams(asked): QueryParams<After>,
) -> Result<Json<Paged<EarlierMemory>>, ApiError> {
    let page = service::memory_version_list(&ctx, &actor, id, asked.after.as_deref()).await?;
    Ok(Json(Paged::of(page)))
}

/// Get a version of a memory
///
/// What an own one said before it was changed.
#[utoipa::path(
    get, path = "/memories/{id}/versions/{version}", tag = "Memories",
    security(("key" = ["memory.read"])),
    params(
        ("id" = Uuid, Path, description = "The memory's id"),
        ("version" = i32, Path, description = "Which version"),
    ),
    responses((status = 200, description = "The earlier version", body = EarlierMemory)),
)]
pub(super) async fn memories_version(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId((id, version)): PathId<(MemoryId, i32)>,
) -> Result<Json<EarlierMemory>, ApiError> {
    let earlier = service::memory_version_get(&ctx, &actor, id, version).await?;
    Ok(Json(earlier.into()))
}

/// Compare a version of a memory
///
/// How an own one at that version differs from the version after it.
#[utoipa::path(
    get, path = "/memories/{id}/versions/{version}/diff", tag = "Memories",
    security(("key" = ["memory.read"])),
    params(
        ("id" = Uuid, Path, description = "The memory's id"),
        ("version" = i32, Path, description = "Which version"),
    ),
    responses((status = 200, description = "How they differ", body = Difference)),
)]
pub(super) async fn memories_version_diff(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId((id, version)): PathId<(MemoryId, i32)>,
) -> Result<Json<Difference>, ApiError> {
    let diff = service::memory_version_diff(&ctx, &actor, id, version).await?;
    Ok(Json(diff.into()))
}

/// Restore a version of a memory
///
/// Makes an own one say again what it said at that version, as a new version:
/// nothing is lost. What it is besides its words stays.
///
/// Where others decide what they see of the memory, it is proposed to them: the
/// answer is 202, as to any change.
#[utoipa::path(
    post, path = "/memories/{id}/versions/{version}/restore", tag = "Memories",
    security(("key" = ["memory.write"])),
    params(
        ("id" = Uuid, Path, description = "The memory's id"),
        ("version" = i32, Path, description = "Which version"),
    ),
    request_body = Restore,
    responses(
        (status = 200, description = "The memory as it is now", body = Memory),
        (status = 202, description = "The change waits for a review", body = Memory),
    ),
)]
pub(super) async fn memories_version_restore(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId((id, version)): PathId<(MemoryId, i32)>,
    JsonBody(restore): JsonBody<Restore>,
) -> Result<(StatusCode, Json<Memory>), ApiError> {
    let (memory, outcome) =
        service::memory_version_restore(&ctx, &actor, id, version, restore.current).await?;
    let memory = Memory::changed(memory, outcome.proposal_id());
    Ok((memory.status(), Json(memory)))
}
