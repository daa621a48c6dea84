//! Which memories wait for their embedding, and giving it to them.

use domain::{MemoryId, TenantId, Timestamp, UserId};
use pgvector::HalfVector;
use uuid::Uuid;

use crate::{StoreError, TenantTx, WorkerTx};

/// How many numbers an embedding has: what `memories.embedding` takes.
pub const EMBEDDING_DIMENSIONS: usize = 384;

/// As far as memories that wait for their embedding are counted.
pub const WAITING_COUNTED: i64 = 1_000;

/// A memory that waits for its embedding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingEmbedding {
    /// The memory.
    pub id: MemoryId,
    /// The version whose words these are.
    pub version: i32,
    /// May be empty.
    pub title: String,
    /// The text.
    pub content: String,
    /// Its tags.
    pub tags: Vec<String>,
}

/// An embedding that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddedMemory {
    /// The memory.
    pub id: MemoryId,
    /// The version whose words were embedded.
    pub version: i32,
    /// [`EMBEDDING_DIMENSIONS`] finite numbers.
    pub embedding: Vec<f32>,
}

/// The vector as the database keeps it.
///
/// # Errors
/// [`StoreError::Other`] when its length or a number of it is impossible: NaN
/// would spoil every comparison.
pub(super) fn half_vector(embedding: &[f32]) -> Result<HalfVector, StoreError> {
    if embedding.len() != EMBEDDING_DIMENSIONS {
        return Err(StoreError::other(format!(
            "an embedding has {} numbers",
            embedding.len()
        )));
    }
    if !embedding.iter().all(|number| number.is_finite()) {
        return Err(StoreError::other(
            "an embedding has a number that is not finite",
        ));
    }
    Ok(HalfVector::from_f32_slice(embedding))
}

/// The member's memories that wait for their embedding, by id from `after` on,
/// so that a caller gets past one that can't be embedded.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn embedding_pending(
    tx: &mut TenantTx,
    limit: u16,
    after: Option<MemoryId>,
) -> Result<Vec<PendingEmbedding>, StoreError> {
    let rows = sqlx::query!(
        "SELECT id, version, title, content, tags
           FROM memories
          WHERE tenant_id = $1 AND user_id = $2 AND embedded_at IS NULL AND deleted_at IS NULL AND id > $3
          ORDER BY id
          LIMIT $4",
        tx.tenant_id().0,
        tx.member_id()?.0,
        after.map_or(Uuid::nil(), |id| id.0),
        i64::from(limit),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PendingEmbedding {
            id: row.id.into(),
            version: row.version,
            title: row.title,
            content: row.content,
            tags: row.tags,
        })
        .collect())
}

/// Gives memories of the member their embeddings and returns how many took
/// theirs: one that was changed meanwhile waits for another.
///
/// # Errors
/// [`StoreError::Other`] for an impossible vector.
pub async fn embedding_set_many(
    tx: &mut TenantTx,
    model: &str,
    embedded: &[EmbeddedMemory],
    now: Timestamp,
) -> Result<u64, StoreError> {
    let ids: Vec<Uuid> = embedded.iter().map(|e| e.id.0).collect();
    let versions: Vec<i32> = embedded.iter().map(|e| e.version).collect();
    let vectors = embedded
        .iter()
        .map(|e| half_vector(&e.embedding))
        .collect::<Result<Vec<_>, _>>()?;
    let done = sqlx::query!(
        "UPDATE memories
            SET embedding = made.embedding, embedding_model = $3, embedded_at = $4
           FROM unnest($5::uuid[], $6::int[], $7::halfvec[]) AS made (id, version, embedding)
          WHERE memories.tenant_id = $1 AND memories.user_id = $2
            AND memories.id = made.id AND memories.version = made.version",
        tx.tenant_id().0,
        tx.member_id()?.0,
        model,
        now,
        &ids,
        &versions,
        vectors as Vec<HalfVector>,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// How many of the member's own memories wait for their embedding; counting
/// stops at [`WAITING_COUNTED`], because every search asks.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn embedding_waiting(tx: &mut TenantTx) -> Result<i64, StoreError> {
    let waiting = sqlx::query_scalar!(
        r#"SELECT count(*) AS "waiting!"
             FROM (SELECT FROM memories
                    WHERE tenant_id = $1 AND user_id = $2 AND embedded_at IS NULL AND deleted_at IS NULL
                    LIMIT $3) AS waiting"#,
        tx.tenant_id().0,
        tx.member_id()?.0,
        WAITING_COUNTED,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(waiting)
}

/// Owners, whatever their tenant if it is active, with memories that wait for
/// their embedding. For a sweep that queues what was not queued, e.g. while there was no model.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn embedding_owners(
    tx: &mut WorkerTx,
    limit: u16,
) -> Result<Vec<(TenantId, UserId)>, StoreError> {
    let rows = sqlx::query!(
        "SELECT DISTINCT tenant_id, user_id FROM memories
          WHERE embedded_at IS NULL AND deleted_at IS NULL
            AND tenant_id IN (SELECT id FROM tenants WHERE status = 'active')
          LIMIT $1",
        i64::from(limit),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.tenant_id.into(), row.user_id.into()))
        .collect())
}
