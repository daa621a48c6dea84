//! Earlier versions of a memory.

use domain::{MemoryId, Page, memory::MemoryVersion};

use crate::{
    StoreError, TenantTx,
    cursor::{Cursor, List},
};

/// Earlier versions of the member's own memory, latest first. Others who see
/// the memory get none, because earlier versions may contain what was removed
/// before sharing. Nor does an API key whose vendor may not read the memory
/// now.
pub async fn memory_versions(
    tx: &mut TenantTx,
    id: MemoryId,
) -> Result<Vec<MemoryVersion>, StoreError> {
    list_versions(tx, id, None, None).await
}

/// One page of [`memory_versions`].
///
/// # Errors
/// [`StoreError::Cursor`] for a cursor of another list.
pub async fn memory_version_page(
    tx: &mut TenantTx,
    id: MemoryId,
    after: Option<&str>,
    size: u16,
) -> Result<Page<MemoryVersion>, StoreError> {
    let tenant_id = tx.tenant_id();
    let after: Option<Cursor<i32>> = after
        .map(|text| Cursor::parse(text, List::MemoryVersion, tenant_id))
        .transpose()?;
    let limit = i64::from(size) + 1;
    let versions = list_versions(tx, id, after.map(|cursor| cursor.key), Some(limit)).await?;
    Ok(Page::cut(versions, size.into(), |version| {
        Cursor {
            at: version.changed_at,
            key: version.version,
        }
        .to_text(List::MemoryVersion, tenant_id)
    }))
}

async fn list_versions(
    tx: &mut TenantTx,
    id: MemoryId,
    before: Option<i32>,
    limit: Option<i64>,
) -> Result<Vec<MemoryVersion>, StoreError> {
    Ok(sqlx::query_as!(
        MemoryVersion,
        "SELECT version, title, content, memory_versions.kind, tags, visibility, change_reason AS reason,
                display_name AS changed_by_name, changed_at
           FROM memory_versions
           JOIN users ON users.tenant_id = memory_versions.tenant_id AND users.id = changed_by
          WHERE memory_versions.tenant_id = $1 AND memory_id = $2 AND ($3::integer IS NULL OR version < $3)
            AND EXISTS (SELECT FROM memories WHERE memories.tenant_id = $1 AND memories.id = memory_id)
          ORDER BY version DESC
          LIMIT $4",
        tx.tenant_id() as _,
        id as _,
        before,
        limit,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// An earlier version of the member's own memory, and the next one unless that
/// is the current version.
///
/// # Errors
/// [`StoreError::NotFound`] also if `version` is not an earlier version.
pub async fn memory_version_and_next(
    tx: &mut TenantTx,
    id: MemoryId,
    version: i32,
) -> Result<(MemoryVersion, Option<MemoryVersion>), StoreError> {
    let rows = sqlx::query_as!(
        MemoryVersion,
        "SELECT version, title, content, memory_versions.kind, tags, visibility, change_reason AS reason,
                display_name AS changed_by_name, changed_at
           FROM memory_versions
           JOIN users ON users.tenant_id = memory_versions.tenant_id AND users.id = changed_by
          WHERE memory_versions.tenant_id = $1 AND memory_id = $2 AND version >= $3
            AND EXISTS (SELECT FROM memories WHERE memories.tenant_id = $1 AND memories.id = memory_id)
          ORDER BY version
          LIMIT 2",
        tx.tenant_id() as _,
        id as _,
        version,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut versions = rows.into_iter();
    match versions.next() {
        Some(found) if found.version == version => Ok((found, versions.next())),
        _ => Err(StoreError::NotFound),
    }
}
