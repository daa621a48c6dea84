//! Collection sizes and word frequencies, counted in the background so that a
//! search needn't count for each of its words.

use domain::{TenantId, Timestamp};

use crate::{StoreError, TenantTx, WorkerTx};

/// Active tenants whose collection was not counted since `before`, the longest
/// waiting first.
pub async fn tenants_with_stale_collection(
    tx: &mut WorkerTx,
    before: Timestamp,
    limit: u16,
) -> Result<Vec<TenantId>, StoreError> {
    Ok(sqlx::query_scalar!(
        "SELECT tenants.id
           FROM tenants
           LEFT JOIN memory_collections ON memory_collections.tenant_id = tenants.id
          WHERE tenants.status = 'active' AND (counted_at IS NULL OR counted_at < $1)
          ORDER BY counted_at NULLS FIRST, tenants.id
          LIMIT $2",
        before,
        i64::from(limit),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Counts the tenant's memories and, if enough has changed, how many contain
/// each word. Returns true if the words were counted.
pub async fn collection_refresh(tx: &mut TenantTx, now: Timestamp) -> Result<bool, StoreError> {
    let counted = sqlx::query_scalar!(r#"SELECT memory_collection_refresh($1) AS "counted!""#, now)
        .fetch_one(tx.conn())
        .await?;
    Ok(counted)
}
