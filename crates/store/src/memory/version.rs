//! What a memory was before its changes.

use domain::{MemoryId, memory::MemoryVersion};

use super::{kind_of, visibility_of};
use crate::{StoreError, TenantTx};

/// Earlier versions of one's own memory, latest first. Somebody with whom the
/// memory is shared sees none: they may hold what was taken out before.
/// Nor does a program that may not read the memory now.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn memory_versions(
    tx: &mut TenantTx,
    id: MemoryId,
) -> Result<Vec<MemoryVersion>, StoreError> {
    let rows = sqlx::query!(
        "SELECT version, title, content, memory_versions.kind, tags, visibility, change_reason, display_name, changed_at
           FROM memory_versions
           JOIN users ON users.tenant_id = memory_versions.tenant_id AND users.id = changed_by
          WHERE memory_versions.tenant_id = $1 AND memory_id = $2
            AND EXISTS (SELECT FROM memories WHERE memories.tenant_id = $1 AND memories.id = memory_id)
          ORDER BY version DESC",
        tx.tenant_id().0,
        id.0,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(MemoryVersion {
                version: row.version,
                title: row.title,
                content: row.content,
                kind: kind_of(&row.kind)?,
                tags: row.tags,
                visibility: visibility_of(&row.visibility)?,
                reason: row.change_reason,
                changed_by_name: row.display_name,
                changed_at: row.changed_at,
            })
        })
        .collect()
}
