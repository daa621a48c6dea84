//! Replies to a memory. There is one level of replies, and they share the
//! visibility, expiry and trash state of their root.

use domain::{
    MemoryId, Timestamp,
    memory::{MemoryReply, NewMemory},
};

use super::write::{NewRow, memory_insert};
use crate::{StoreError, TenantTx};

/// Maximum number of replies that are returned.
const MAX_REPLIES: i64 = 200;

/// Stores a reply of the member to a visible memory. Visibility, allowed
/// vendors and expiry are those of the root.
///
/// # Errors
/// [`StoreError::NotFound`] also if the root is in the trash or is a reply
/// itself; [`StoreError::Constraint`] if the text breaks a rule that
/// `MemoryText` should have ensured, or with `memory_reply_share` if others see
/// the root and the member may not share.
pub async fn memory_reply(
    tx: &mut TenantTx,
    id: MemoryId,
    root: MemoryId,
    reply: &NewMemory,
    now: Timestamp,
) -> Result<(), StoreError> {
    // Serialises with sharing or deleting the root, so that no reply is left
    // behind; see `memory_thread_follow`.
    sqlx::query!(
        "SELECT pg_advisory_xact_lock_shared(hashtextextended($1::uuid::text, 24))",
        root as _
    )
    .fetch_one(tx.conn())
    .await?;
    let row = NewRow {
        parent_id: Some(root),
        ..NewRow::of(id, reply, now)
    };
    if memory_insert(tx, &[row], now).await?.is_empty() {
        return Err(StoreError::NotFound);
    }
    // Only this function gives a reply the visibility of its root.
    sqlx::query!("SELECT memory_reply_publish($1)", id as _)
        .fetch_one(tx.conn())
        .await?;
    Ok(())
}

/// Gives all replies to the member's own memory its current visibility, expiry
/// and trash state, whoever owns them, and returns their number. Also restores
/// the replies that moved to the trash at `back_from`. Call it after a change of
/// the root, in the same transaction.
///
/// # Errors
/// [`StoreError::NotFound`] also if the memory is a reply.
pub async fn memory_thread_follow(
    tx: &mut TenantTx,
    root: MemoryId,
    back_from: Option<Timestamp>,
) -> Result<i64, StoreError> {
    sqlx::query_scalar!("SELECT memory_thread_follow($1, $2)", root as _, back_from)
        .fetch_one(tx.conn())
        .await?
        .ok_or(StoreError::NotFound)
}

/// The visible replies to a memory, oldest first.
pub async fn memory_replies(
    tx: &mut TenantTx,
    root: MemoryId,
    now: Timestamp,
) -> Result<Vec<MemoryReply>, StoreError> {
    Ok(sqlx::query_as!(
        MemoryReply,
        r#"SELECT memories.id, title, content, memories.kind, tags, user_id AS owner_id, display_name AS owner_name,
                  user_id = $5 AS "is_own!", origin, memories.created_at, memories.updated_at
             FROM memories
             JOIN users ON users.tenant_id = memories.tenant_id AND users.id = user_id
            WHERE memories.tenant_id = $1 AND parent_id = $2 AND deleted_at IS NULL
              AND (expires_at IS NULL OR expires_at > $3)
            ORDER BY memories.created_at, memories.id
            LIMIT $4"#,
        tx.tenant_id() as _,
        root as _,
        now,
        MAX_REPLIES,
        tx.member_id()? as _,
    )
    .fetch_all(tx.conn())
    .await?)
}
