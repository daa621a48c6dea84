//! Replies to memories.

use axum::{Extension, Json};
use domain::{
    MemoryId,
    memory::{MemoryKind, MemoryReply, Origin},
};
use serde::Serialize;
use service::Ctx;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::{
    input::{Authenticated, PathId},
    memory_shape::MemoryOwner,
    paged::Paged,
    problem::ApiError,
};

/// A reply to a memory.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reply {
    /// Its id: it is a memory itself.
    #[schema(value_type = Uuid)]
    id: MemoryId,
    /// May be empty.
    title: String,
    /// The text as it was given.
    content: String,
    /// `fact`, `preference`, `event`, `skill_note` or `context`.
    #[schema(value_type = String)]
    kind: MemoryKind,
    /// In the order in which they were given.
    tags: Vec<String>,
    /// Whose it is.
    owner: MemoryOwner,
    /// Where it came from.
    #[schema(value_type = String)]
    origin: Origin,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<MemoryReply> for Reply {
    fn from(reply: MemoryReply) -> Self {
        Self {
            id: reply.id,
            title: reply.title,
            content: reply.content,
            kind: reply.kind,
            tags: reply.tags,
            owner: MemoryOwner {
                id: reply.owner_id,
                name: reply.owner_name,
            },
            origin: reply.origin,
            created_at: reply.created_at,
            updated_at: reply.updated_at,
        }
    }
}

/// List a memory's replies
///
/// Those to a memory in sight, oldest first: the first 200. To reply, create a
/// memory with its `parent_id`.
#[utoipa::path(
    get, path = "/memories/{id}/replies", tag = "Memories",
    security(("key" = ["memory.read"])),
    params(("id" = Uuid, Path, description = "The memory's id")),
    responses((status = 200, description = "The replies", body = Paged<Reply>)),
)]
pub(super) async fn memories_replies(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<MemoryId>,
) -> Result<Json<Paged<Reply>>, ApiError> {
    // To what isn't in sight there are no replies to list, not none.
    service::memory_get(&ctx, &actor, id).await?;
    let replies = service::memory_replies(&ctx, &actor, id).await?;
    Ok(Json(Paged::whole(replies)))
}
