//! Recently changed visible memories, and checks which memories are visible.

use domain::{MemoryId, Timestamp};

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
    Ok(sqlx::query_as!(
        ChangedMemory,
        r#"SELECT id AS "id!: MemoryId", parent_id AS "parent_id: MemoryId", version AS "version!",
                  trashed AS "trashed!", at AS "at!"
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
        tx.tenant_id() as _,
        tx.member_id()? as _,
        after,
        i64::from(limit),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The visible memories among `ids`. Missing and hidden memories can't be
/// distinguished.
pub async fn memory_visible(
    tx: &mut TenantTx,
    ids: &[MemoryId],
) -> Result<Vec<MemoryId>, StoreError> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM memories WHERE tenant_id = $1 AND id = ANY ($2)",
        tx.tenant_id() as _,
        ids as _,
    )
    .fetch_all(tx.conn())
    .await?)
}
