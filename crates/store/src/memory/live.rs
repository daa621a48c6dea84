//! Recently changed visible memories, and checks which memories are visible.

use domain::{MemoryId, Timestamp};
use uuid::Uuid;

use crate::{StoreError, TenantTx};

/// A memory that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangedMemory {
    pub id: MemoryId,
    /// The memory that it replies to.
    pub parent_id: Option<MemoryId>,
    /// The current version.
    pub version: i32,
    /// True if it is in the trash.
    pub trashed: bool,
    /// When it last changed.
    pub at: Timestamp,
}

/// The visible memories that changed after `after`, last changed first,
/// including the member's own in the trash.
pub async fn memory_changes(
    tx: &mut TenantTx,
    after: Timestamp,
    limit: u16,
) -> Result<Vec<ChangedMemory>, StoreError> {
    // Three lists as in `memory_list`, each along its own index. An expired
    // memory moves to the trash without another change.
    let rows = sqlx::query!(
        r#"SELECT id AS "id!", parent_id, version AS "version!", trashed AS "trashed!", at AS "at!"
             FROM (
                 (SELECT id, parent_id, version, false AS trashed, updated_at AS at FROM memories
                   WHERE tenant_id = $1 AND user_id = $2 AND deleted_at IS NULL AND updated_at > $3
                   ORDER BY updated_at DESC, id DESC LIMIT $4)
                 UNION ALL
                 (SELECT id, parent_id, version, false AS trashed, updated_at AS at FROM memories
                   WHERE tenant_id = $1 AND user_id <> $2 AND deleted_at IS NULL AND visibility <> 'private'
                     AND updated_at > $3
                   ORDER BY updated_at DESC, id DESC LIMIT $4)
                 UNION ALL
                 (SELECT id, parent_id, version, true AS trashed, deleted_at AS at FROM memories
                   WHERE tenant_id = $1 AND user_id = $2 AND deleted_at > $3
                   ORDER BY deleted_at DESC, id DESC LIMIT $4)
             ) AS changed
            ORDER BY at DESC, id DESC
            LIMIT $4"#,
        tx.tenant_id().0,
        tx.member_id()?.0,
        after,
        i64::from(limit),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ChangedMemory {
            id: row.id.into(),
            parent_id: row.parent_id.map(MemoryId),
            version: row.version,
            trashed: row.trashed,
            at: row.at,
        })
        .collect())
}

/// The visible memories among `ids`. Missing and hidden memories can't be
/// distinguished.
pub async fn memory_visible(
    tx: &mut TenantTx,
    ids: &[MemoryId],
) -> Result<Vec<MemoryId>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let visible_ids = sqlx::query_scalar!(
        "SELECT id FROM memories WHERE tenant_id = $1 AND id = ANY ($2)",
        tx.tenant_id().0,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(visible_ids.into_iter().map(MemoryId).collect())
}
