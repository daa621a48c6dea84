//! Replies to a memory: one level, and they go where their root goes.

use domain::{
    MemoryId, Timestamp,
    memory::{MemoryReply, NewMemory, Visibility},
};

use super::{kind_of, origin_of};
use crate::{StoreError, TenantTx};

/// Replies that a page shows; a thread that is longer is not read any more.
const MAX_REPLIES: i64 = 200;

/// Keeps a reply of the member to a memory in sight. Who can see it, which
/// products may read it and how long it is kept is as of the root.
///
/// # Errors
/// [`StoreError::NotFound`] when no such memory is in sight, it is in the
/// trash, or it is a reply itself; [`StoreError::Constraint`] when the text
/// breaks a rule that `MemoryText` should have held, or, as `memory_reply_share`,
/// when others see the root and the member may not share.
pub async fn memory_reply(
    tx: &mut TenantTx,
    id: MemoryId,
    root: MemoryId,
    reply: &NewMemory,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (tenant_id, user_id) = (tx.tenant_id().0, tx.member_id()?.0);
    // Whoever shares or deletes the root now waits, or is waited for, so that
    // no reply is left behind: see `memory_thread_follow`.
    sqlx::query!(
        "SELECT pg_advisory_xact_lock_shared(hashtextextended($1::uuid::text, 24))",
        root.0
    )
    .fetch_one(tx.conn())
    .await?;
    let NewMemory {
        text,
        attributes,
        origin,
        source_session_id,
    } = reply;
    let done = sqlx::query!(
        "INSERT INTO memories (
             tenant_id, id, user_id, kind, title, content, tags, visibility, origin, importance,
             version, created_at, updated_at, expires_at, allowed_vendors, source_session_id, parent_id
         )
         SELECT tenant_id, $2, $3, $4, $5, $6, $7, $13, $8, $9,
                1, $10, $10, expires_at, allowed_vendors, $11, id
           FROM memories
          WHERE tenant_id = $1 AND id = $12 AND parent_id IS NULL AND deleted_at IS NULL
            AND (expires_at IS NULL OR expires_at > $10)",
        tenant_id,
        id.0,
        user_id,
        text.kind.key(),
        text.title,
        text.content,
        &text.tags,
        origin.key(),
        attributes.importance,
        now,
        source_session_id.as_deref(),
        root.0,
        Visibility::Private.key(),
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    // Nothing else makes it as visible as its root.
    sqlx::query!("SELECT memory_reply_publish($1)", id.0)
        .fetch_one(tx.conn())
        .await?;
    Ok(())
}

/// Makes the replies to one's own memory as visible, as lasting and as deleted
/// as it is now, whosever they are, and tells how many there are. For after a
/// change of the root, in the same transaction.
///
/// # Errors
/// [`StoreError::NotFound`] when the member has no such memory, or it is a
/// reply.
pub async fn memory_thread_follow(tx: &mut TenantTx, root: MemoryId) -> Result<i64, StoreError> {
    follow(tx, root, None).await
}

/// As [`memory_thread_follow`], and what went into the trash at `back_from`
/// comes out of it.
pub(super) async fn follow(
    tx: &mut TenantTx,
    root: MemoryId,
    back_from: Option<Timestamp>,
) -> Result<i64, StoreError> {
    sqlx::query_scalar!("SELECT memory_thread_follow($1, $2)", root.0, back_from)
        .fetch_one(tx.conn())
        .await?
        .ok_or(StoreError::NotFound)
}

/// The replies to a memory that are in sight, in the order of time.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn memory_replies(
    tx: &mut TenantTx,
    root: MemoryId,
    now: Timestamp,
) -> Result<Vec<MemoryReply>, StoreError> {
    let member_id = tx.member_id()?;
    let rows = sqlx::query!(
        "SELECT memories.id, title, content, memories.kind, tags, user_id, display_name, origin, memories.created_at,
                memories.updated_at
           FROM memories
           JOIN users ON users.tenant_id = memories.tenant_id AND users.id = user_id
          WHERE memories.tenant_id = $1 AND parent_id = $2 AND deleted_at IS NULL
            AND (expires_at IS NULL OR expires_at > $3)
          ORDER BY memories.created_at, memories.id
          LIMIT $4",
        tx.tenant_id().0,
        root.0,
        now,
        MAX_REPLIES,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(MemoryReply {
                id: row.id.into(),
                title: row.title,
                content: row.content,
                kind: kind_of(&row.kind)?,
                tags: row.tags,
                owner_id: row.user_id.into(),
                owner_name: row.display_name,
                is_own: row.user_id == member_id.0,
                origin: origin_of(&row.origin)?,
                created_at: row.created_at,
                updated_at: row.updated_at,
            })
        })
        .collect()
}
