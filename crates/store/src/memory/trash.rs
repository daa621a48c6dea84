//! Trash: delete, restore, purge.

use domain::{MemoryId, TenantId, Timestamp};

use super::thread::memory_thread_follow;
use crate::{StoreError, TenantTx, WorkerTx};

/// Moves the member's own memory and its replies to the trash.
///
/// # Errors
/// [`StoreError::NotFound`] if the member has no such memory;
/// [`StoreError::Conflict`] if it is in the trash already.
pub async fn memory_delete(
    tx: &mut TenantTx,
    id: MemoryId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let deleted = sqlx::query!(
        "UPDATE memories SET deleted_at = $4, updated_at = $4
          WHERE tenant_id = $1 AND id = $2 AND user_id = $3 AND deleted_at IS NULL
         RETURNING parent_id",
        tx.tenant_id() as _,
        id as _,
        tx.member_id()? as _,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    match deleted {
        None => Err(unchanged_error(tx, id).await),
        Some(reply) if reply.parent_id.is_some() => Ok(()),
        Some(_) => memory_thread_follow(tx, id, None).await.map(|_| ()),
    }
}

/// Restores the member's own memory from the trash, with the replies that moved
/// there with it. An expired one loses its expiry.
///
/// # Errors
/// [`StoreError::NotFound`] if the member has no such memory;
/// [`StoreError::Conflict`] if it is not in the trash, or is a reply whose root
/// is in the trash or not visible.
pub async fn memory_restore(
    tx: &mut TenantTx,
    id: MemoryId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (tenant_id, user_id) = (tx.tenant_id(), tx.member_id()?);
    let trashed = sqlx::query!(
        "SELECT deleted_at, parent_id FROM memories
          WHERE tenant_id = $1 AND id = $2 AND user_id = $3 AND deleted_at IS NOT NULL
            FOR UPDATE",
        tenant_id as _,
        id as _,
        user_id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(trashed) = trashed else {
        return Err(unchanged_error(tx, id).await);
    };
    if let Some(root) = trashed.parent_id {
        // As for a new reply: the root must not be deleted meanwhile.
        sqlx::query!(
            "SELECT pg_advisory_xact_lock_shared(hashtextextended($1::uuid::text, 24))",
            root as _
        )
        .fetch_one(tx.conn())
        .await?;
    }
    let done = sqlx::query!(
        "UPDATE memories SET deleted_at = NULL, updated_at = $4,
                expires_at = CASE WHEN expires_at > $4 THEN expires_at END
          WHERE tenant_id = $1 AND id = $2 AND user_id = $3
            AND (parent_id IS NULL OR EXISTS (
                SELECT FROM memories root
                 WHERE root.tenant_id = $1 AND root.id = memories.parent_id AND root.deleted_at IS NULL))",
        tenant_id as _,
        id as _,
        user_id as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Conflict);
    }
    if trashed.parent_id.is_none() {
        memory_thread_follow(tx, id, trashed.deleted_at).await?;
    }
    Ok(())
}

/// Permanently deletes the member's own memories in the trash, with their
/// versions and replies: one, or up to `limit` of them. Returns the deleted
/// ids.
///
/// # Errors
/// [`StoreError::NotFound`] if the member has no such memory;
/// [`StoreError::Conflict`] if it is not in the trash.
pub async fn memory_trash_empty(
    tx: &mut TenantTx,
    one: Option<MemoryId>,
    limit: u16,
) -> Result<Vec<MemoryId>, StoreError> {
    let deleted_ids = sqlx::query_scalar!(
        r#"SELECT memory_trash_empty($1, $2) AS "id!: MemoryId""#,
        one as _,
        i64::from(limit),
    )
    .fetch_all(tx.conn())
    .await?;
    match one {
        Some(id) if deleted_ids.is_empty() => Err(unchanged_error(tx, id).await),
        _ => Ok(deleted_ids),
    }
}

/// Organisations with a memory that expired by `now`, or that is in the trash
/// since `before` or longer.
pub async fn tenants_with_expired_memories(
    tx: &mut WorkerTx,
    now: Timestamp,
    before: Timestamp,
    limit: u16,
) -> Result<Vec<TenantId>, StoreError> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM tenants
          WHERE EXISTS (SELECT FROM memories WHERE tenant_id = tenants.id AND expires_at <= $1 AND deleted_at IS NULL)
             OR EXISTS (SELECT FROM memories WHERE tenant_id = tenants.id AND deleted_at <= $2)
          LIMIT $3",
        now,
        before,
        i64::from(limit),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Moves up to `limit` memories that expired by `now` to the trash, with their
/// replies, and returns their ids. Called by Atrium itself.
///
/// # Errors
/// [`StoreError::Other`] in a member's transaction.
pub async fn memory_expire(
    tx: &mut TenantTx,
    now: Timestamp,
    limit: u16,
) -> Result<Vec<MemoryId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT memory_expire($1, $2) AS "id!: MemoryId""#,
        now,
        i64::from(limit)
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Permanently deletes up to `limit` memories that are in the trash since
/// `before` or longer, with their replies, and returns their ids. Called by
/// Atrium itself.
///
/// # Errors
/// [`StoreError::Other`] in a member's transaction.
pub async fn memory_trash_purge(
    tx: &mut TenantTx,
    before: Timestamp,
    limit: u16,
) -> Result<Vec<MemoryId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT memory_trash_purge($1, $2) AS "id!: MemoryId""#,
        before,
        i64::from(limit)
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The error for a statement that changed nothing: `NotFound` if the member
/// owns no such memory, even if it is shared with the member, otherwise
/// `Conflict`.
pub(super) async fn unchanged_error(tx: &mut TenantTx, id: MemoryId) -> StoreError {
    let Ok(user_id) = tx.member_id() else {
        return StoreError::NotFound;
    };
    let own = sqlx::query!(
        "SELECT id FROM memories WHERE tenant_id = $1 AND id = $2 AND user_id = $3",
        tx.tenant_id() as _,
        id as _,
        user_id as _,
    )
    .fetch_optional(tx.conn())
    .await;
    match own {
        Ok(Some(_)) => StoreError::Conflict,
        Ok(None) => StoreError::NotFound,
        Err(error) => error.into(),
    }
}
