//! Signed checkpoints of the audit log's Merkle tree at a given size. This
//! table holds one copy; the copies outside the database are what proves
//! tampering.

use domain::{TenantId, Timestamp};
use tlog::{Edge, Hash};

use crate::{StoreError, TenantTx, WorkerTx};

#[derive(Clone, Debug)]
pub struct DueCheckpoint {
    pub tenant_id: TenantId,
    /// The tree in the log's head; `None` if it is damaged.
    pub edge: Option<Edge>,
    /// The newest checkpoint in the table.
    pub last: Option<StoredCheckpoint>,
}

#[derive(Clone, Debug)]
pub struct StoredCheckpoint {
    /// The tree that was signed; `None` if it is damaged.
    pub edge: Option<Edge>,
    /// The signed note.
    pub note: String,
}

/// Parses the stored edge of a tree; `None` if it is invalid.
pub(super) fn edge_of(size: i64, roots: Vec<Option<Vec<u8>>>) -> Option<Edge> {
    let roots = roots
        .into_iter()
        .map(|root| root.and_then(|root| Hash::try_from(root).ok()))
        .collect::<Option<_>>()?;
    Edge::new(u64::try_from(size).ok()?, roots)
}

/// The organisations whose log has `rows` more rows than their last checkpoint,
/// or any more rows if that checkpoint is older than `before`.
pub async fn checkpoints_due(
    tx: &mut WorkerTx,
    rows: u32,
    before: Timestamp,
) -> Result<Vec<DueCheckpoint>, StoreError> {
    let due = sqlx::query!(
        r#"SELECT h.tenant_id, h.seq, h.edge AS "edge: Vec<Option<Vec<u8>>>",
                  c.size AS "size?", c.edge AS "last_edge?: Vec<Option<Vec<u8>>>", c.note AS "note?"
             FROM audit_heads h
             LEFT JOIN LATERAL (
                 SELECT size, edge, note, created_at FROM audit_checkpoints
                  WHERE tenant_id = h.tenant_id ORDER BY size DESC LIMIT 1
             ) c ON true
            -- Also where there are fewer: that is told, not passed over.
            WHERE h.seq <> coalesce(c.size, 0)
              AND (c.size IS NULL OR abs(h.seq - c.size) >= $1 OR c.created_at <= $2)
            ORDER BY h.tenant_id"#,
        i64::from(rows),
        before,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(due
        .into_iter()
        .map(|row| DueCheckpoint {
            tenant_id: row.tenant_id,
            edge: edge_of(row.seq, row.edge),
            last: row.size.zip(row.note).map(|(size, note)| StoredCheckpoint {
                edge: edge_of(size, row.last_edge.unwrap_or_default()),
                note,
            }),
        })
        .collect())
}

/// Stores a checkpoint. An existing one of the same size is kept.
///
/// # Errors
/// [`StoreError::Constraint`] if the organisation is gone.
pub async fn checkpoint_create(
    tx: &mut WorkerTx,
    tenant_id: TenantId,
    edge: &Edge,
    note: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let size = i64::try_from(edge.size())
        .map_err(|_| StoreError::other("an audit log has more rows than can be"))?;
    let roots: Vec<Vec<u8>> = edge.roots().iter().map(|root| root.to_vec()).collect();
    tx.tenant_set(tenant_id).await?;
    sqlx::query!(
        "INSERT INTO audit_checkpoints (tenant_id, size, edge, note, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, size) DO NOTHING",
        tenant_id as _,
        size,
        &roots,
        note,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The newest checkpoint of each organisation: its size and note.
pub async fn checkpoints_newest(
    tx: &mut WorkerTx,
) -> Result<Vec<(TenantId, u64, String)>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT h.tenant_id, c.size AS "size!", c.note AS "note!"
             FROM audit_heads h
             CROSS JOIN LATERAL (
                 SELECT size, note FROM audit_checkpoints
                  WHERE tenant_id = h.tenant_id ORDER BY size DESC LIMIT 1
             ) c"#,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.tenant_id, row.size.unsigned_abs(), row.note))
        .collect())
}

/// The notes of all checkpoints of the transaction's tenant, oldest first.
pub async fn checkpoint_notes(tx: &mut TenantTx) -> Result<Vec<String>, StoreError> {
    let tenant_id = tx.tenant_id();
    Ok(sqlx::query_scalar!(
        "SELECT note FROM audit_checkpoints WHERE tenant_id = $1 ORDER BY size",
        tenant_id as _,
    )
    .fetch_all(tx.conn())
    .await?)
}
