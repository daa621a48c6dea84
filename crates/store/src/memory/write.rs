//! Writing memories: one's own only.

use domain::{
    MemoryId, Timestamp,
    memory::{MemoryChange, NewMemory, Visibility},
};

use super::{thread::follow, trash::why_unchanged};
use crate::{StoreError, TenantTx};

/// Creates a private memory of the member.
///
/// # Errors
/// [`StoreError::Constraint`] when the text breaks a rule that
/// [`domain::memory::MemoryText`] should have held, or the persona is not the member's.
pub async fn memory_create(
    tx: &mut TenantTx,
    id: MemoryId,
    memory: &NewMemory,
    now: Timestamp,
) -> Result<(), StoreError> {
    let NewMemory {
        text,
        traits,
        origin,
        source_session_id,
    } = memory;
    sqlx::query!(
        "INSERT INTO memories (
             tenant_id, id, user_id, kind, title, content, tags, visibility, origin, importance, version,
             created_at, updated_at, expires_at, persona_id, allowed_vendors, source_session_id
         )
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $11, $12, $13, $14, $15)",
        tx.tenant_id().0,
        id.0,
        tx.member_id()?.0,
        text.kind.key(),
        text.title,
        text.content,
        &text.tags,
        Visibility::Private.key(),
        origin.key(),
        traits.importance,
        now,
        traits.expires_at,
        traits.persona_id.map(|id| id.0),
        traits.allowed_vendors.keys() as Vec<&str>,
        source_session_id.as_deref(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Changes one's own memory, keeping what its words were as a version. Where
/// they are other words now, its embedding is dropped: it is of the old ones.
///
/// # Errors
/// [`StoreError::NotFound`] when the member has no such memory;
/// [`StoreError::Conflict`] when it is not at `version` any more or in the
/// trash; [`StoreError::Constraint`] when the persona is not the member's.
pub async fn memory_update(
    tx: &mut TenantTx,
    id: MemoryId,
    version: i32,
    change: &MemoryChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (tenant_id, user_id) = (tx.tenant_id().0, tx.member_id()?.0);
    let MemoryChange {
        text,
        traits,
        reason,
    } = change;
    // Locks the memory, so that the second of two writers waits here and then
    // finds that its version has passed.
    let kept = sqlx::query!(
        "INSERT INTO memory_versions (
             tenant_id, memory_id, version, user_id, kind, title, content, tags, visibility, team_id, origin,
             changed_by, changed_at, change_reason
         )
         SELECT tenant_id, id, version, user_id, kind, title, content, tags, visibility, team_id, origin, $3, $5, $6
           FROM memories
          WHERE tenant_id = $1 AND id = $2 AND user_id = $3 AND version = $4 AND deleted_at IS NULL
            FOR UPDATE",
        tenant_id,
        id.0,
        user_id,
        version,
        now,
        reason.as_deref(),
    )
    .execute(tx.conn())
    .await?;
    if kept.rows_affected() == 0 {
        return Err(why_unchanged(tx, id).await);
    }
    sqlx::query!(
        "UPDATE memories
            SET kind = $3, title = $4, content = $5, tags = $6, version = version + 1, updated_at = $7,
                embedding_a = CASE WHEN title = $4 AND content = $5 AND tags = $6 THEN embedding_a END,
                embedding_b = CASE WHEN title = $4 AND content = $5 AND tags = $6 THEN embedding_b END
          WHERE tenant_id = $1 AND id = $2",
        tenant_id,
        id.0,
        text.kind.key(),
        text.title,
        text.content,
        &text.tags,
        now,
    )
    .execute(tx.conn())
    .await?;
    if let Some(traits) = traits {
        // How long a reply is kept and what may read it is as of its root.
        let parent_id = sqlx::query_scalar!(
            "UPDATE memories
                SET expires_at = CASE WHEN parent_id IS NULL THEN $3 ELSE expires_at END,
                    allowed_vendors = CASE WHEN parent_id IS NULL THEN $6 ELSE allowed_vendors END,
                    persona_id = $4, importance = $5
              WHERE tenant_id = $1 AND id = $2
             RETURNING parent_id",
            tenant_id,
            id.0,
            traits.expires_at,
            traits.persona_id.map(|id| id.0),
            traits.importance,
            traits.allowed_vendors.keys() as Vec<&str>,
        )
        .fetch_one(tx.conn())
        .await?;
        if parent_id.is_none() {
            follow(tx, id, None).await?;
        }
    }
    Ok(())
}
