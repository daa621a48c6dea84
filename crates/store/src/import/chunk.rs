//! The bytes of an uploaded import file, stored in chunks.

use domain::ImportId;

use crate::{StoreError, TenantTx};

/// The size of every chunk but the last.
pub const CHUNK_BYTES: usize = 1024 * 1024;

/// Stores a chunk of the member's own file during its upload, and adds to the
/// file's size.
///
/// # Errors
/// [`StoreError::Constraint`] if the member has no such file, or for an invalid
/// chunk.
pub async fn import_chunk_put(
    tx: &mut TenantTx,
    id: ImportId,
    position: i32,
    bytes: &[u8],
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO import_chunks (tenant_id, import_id, position, user_id, bytes) VALUES ($1, $2, $3, $4, $5)",
        tx.tenant_id() as _,
        id as _,
        position,
        tx.member_id()? as _,
        bytes,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "UPDATE imports SET size = size + $3 WHERE tenant_id = $1 AND id = $2 AND state = 'uploading'",
        tx.tenant_id() as _,
        id as _,
        i64::try_from(bytes.len()).unwrap_or(i64::MAX),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A chunk of the member's own file.
///
/// # Errors
/// [`StoreError::NotFound`] also if the file's bytes were deleted.
pub async fn import_chunk(
    tx: &mut TenantTx,
    id: ImportId,
    position: i32,
) -> Result<Vec<u8>, StoreError> {
    let bytes = sqlx::query_scalar!(
        "SELECT bytes FROM import_chunks WHERE tenant_id = $1 AND import_id = $2 AND position = $3",
        tx.tenant_id() as _,
        id as _,
        position,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(bytes)
}

/// Deletes the bytes of a file. Its digest stays.
pub async fn import_chunks_clear(tx: &mut TenantTx, id: ImportId) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM import_chunks WHERE tenant_id = $1 AND import_id = $2",
        tx.tenant_id() as _,
        id as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
