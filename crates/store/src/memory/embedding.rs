//! Stores the embeddings of memories, finds memories without one, and deletes
//! the embeddings of retired models.

use domain::{
    MemoryId, TenantId, Timestamp, UserId,
    embedding_model::{EmbeddingModel, EmbeddingSlot},
    memory::MAX_WAITING_COUNT,
};
use pgvector::HalfVector;
use time::Duration;
use uuid::Uuid;

use crate::{StoreError, TenantTx, WorkerTx};

/// The vector lengths that have an index. A vector is padded with zeros to the
/// next of them, which changes no cosine.
const INDEXED_LENGTHS: [usize; 5] = [384, 768, 1_536, 3_072, 4_000];

/// How long the vectors of a retired model are kept: longer than any
/// transaction that still reads or writes them can last.
pub const GRACE: Duration = Duration::minutes(2);

/// A memory that has no embedding yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingEmbedding {
    pub id: MemoryId,
    /// The version that the texts belong to.
    pub version: i32,
    /// May be empty.
    pub title: String,
    pub content: String,
    pub tags: Vec<String>,
}

/// A new embedding of a memory.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddedMemory {
    pub id: MemoryId,
    /// The version whose texts were embedded.
    pub version: i32,
    /// As many finite numbers as the model has dimensions. All zeros for a text
    /// that can't be embedded, which is then similar to nothing.
    pub embedding: Vec<f32>,
}

/// Converts a vector of `dimensions` numbers to the database's type, padded to
/// an indexed length.
///
/// # Errors
/// [`StoreError::Other`] for a wrong length or a number that is not finite: NaN
/// would break every comparison.
pub(super) fn half_vector(embedding: &[f32], dimensions: u16) -> Result<HalfVector, StoreError> {
    if embedding.len() != usize::from(dimensions) {
        return Err(StoreError::other(format!(
            "an embedding has {} numbers in place of {dimensions}",
            embedding.len()
        )));
    }
    if !embedding.iter().all(|number| number.is_finite()) {
        return Err(StoreError::other(
            "an embedding has a number that is not finite",
        ));
    }
    let length = INDEXED_LENGTHS
        .into_iter()
        .find(|length| *length >= embedding.len())
        .ok_or_else(|| StoreError::other("an embedding is too long"))?;
    let mut padded = embedding.to_vec();
    padded.resize(length, 0.0);
    Ok(HalfVector::from_f32_slice(&padded))
}

/// The member's memories that have no embedding in this slot, by id from
/// `after` on.
pub async fn embedding_pending(
    tx: &mut TenantTx,
    slot: EmbeddingSlot,
    limit: u16,
    after: Option<MemoryId>,
) -> Result<Vec<PendingEmbedding>, StoreError> {
    // Two statements in one, so that each slot's own index is used.
    Ok(sqlx::query_as!(
        PendingEmbedding,
        r#"(SELECT id AS "id!: MemoryId", version AS "version!", title AS "title!", content AS "content!",
                   tags AS "tags!"
              FROM memories
             WHERE $3 = 'a' AND tenant_id = $1 AND user_id = $2 AND embedding_a IS NULL AND deleted_at IS NULL
               AND id > $4
             ORDER BY id LIMIT $5)
            UNION ALL
           (SELECT id, version, title, content, tags
              FROM memories
             WHERE $3 = 'b' AND tenant_id = $1 AND user_id = $2 AND embedding_b IS NULL AND deleted_at IS NULL
               AND id > $4
             ORDER BY id LIMIT $5)"#,
        tx.tenant_id() as _,
        tx.member_id()? as _,
        slot as _,
        after.unwrap_or(MemoryId(Uuid::nil())) as _,
        i64::from(limit),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Stores embeddings of the member's memories and returns how many were
/// accepted. Skips memories that were changed meanwhile, and everything if the
/// model was retired meanwhile.
///
/// # Errors
/// [`StoreError::Other`] for an invalid vector.
pub async fn embedding_set_many(
    tx: &mut TenantTx,
    model: &EmbeddingModel,
    embedded: &[EmbeddedMemory],
) -> Result<u64, StoreError> {
    let ids: Vec<MemoryId> = embedded.iter().map(|e| e.id).collect();
    let versions: Vec<i32> = embedded.iter().map(|e| e.version).collect();
    let vectors = embedded
        .iter()
        .map(|e| half_vector(&e.embedding, model.dimensions))
        .collect::<Result<Vec<_>, _>>()?;
    let done = sqlx::query!(
        "UPDATE memories
            SET embedding_a = CASE $3 WHEN 'a' THEN made.embedding ELSE embedding_a END,
                embedding_b = CASE $3 WHEN 'b' THEN made.embedding ELSE embedding_b END
           FROM unnest($4::uuid[], $5::int[], $6::halfvec[]) AS made (id, version, embedding)
          WHERE memories.tenant_id = $1 AND memories.user_id = $2
            AND memories.id = made.id AND memories.version = made.version
            AND EXISTS (SELECT FROM embedding_models AS model
                         WHERE model.tenant_id = $1 AND model.id = $7 AND model.slot = $3
                           AND model.status <> 'retired')",
        tx.tenant_id() as _,
        tx.member_id()? as _,
        model.slot as _,
        ids as _,
        &versions,
        vectors as Vec<HalfVector>,
        model.id as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// Deletes up to `limit` embeddings of the member's memories, including those
/// in the trash, from the slot of a model that was retired at least [`GRACE`]
/// ago. Returns how many were deleted.
pub async fn embedding_drop_many(
    tx: &mut TenantTx,
    model: &EmbeddingModel,
    limit: u16,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "UPDATE memories
            SET embedding_a = CASE $3 WHEN 'a' THEN NULL ELSE embedding_a END,
                embedding_b = CASE $3 WHEN 'b' THEN NULL ELSE embedding_b END
          WHERE tenant_id = $1
            AND id IN (SELECT id FROM memories
                        WHERE tenant_id = $1 AND user_id = $2
                          AND memory_embedding(memories, $3) IS NOT NULL LIMIT $5)
            AND EXISTS (SELECT FROM embedding_models AS model
                         WHERE model.tenant_id = $1 AND model.id = $4 AND model.slot = $3
                           AND model.retired_at <= $6 AND model.dropped_at IS NULL)",
        tx.tenant_id() as _,
        tx.member_id()? as _,
        model.slot as _,
        model.id as _,
        i64::from(limit),
        now - GRACE,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// Number of the member's own memories without an embedding in this slot.
/// Counting stops at [`MAX_WAITING_COUNT`], because every search counts.
pub async fn embedding_pending_count(
    tx: &mut TenantTx,
    slot: EmbeddingSlot,
) -> Result<i64, StoreError> {
    let waiting = sqlx::query_scalar!(
        r#"SELECT count(*) AS "waiting!"
             FROM (SELECT FROM memories
                    WHERE $4 = 'a' AND tenant_id = $1 AND user_id = $2 AND embedding_a IS NULL AND deleted_at IS NULL
                    UNION ALL
                   SELECT FROM memories
                    WHERE $4 = 'b' AND tenant_id = $1 AND user_id = $2 AND embedding_b IS NULL AND deleted_at IS NULL
                    LIMIT $3) AS waiting"#,
        tx.tenant_id() as _,
        tx.member_id()? as _,
        MAX_WAITING_COUNT,
        slot as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(waiting)
}

/// Owners in all active tenants, including deactivated members, with pending
/// work: memories without an embedding for a model that is in use or being
/// prepared and may be called now, or with one of a model that is being
/// dropped. For a sweep that queues missed work, e.g. from a time without a
/// model.
pub async fn embedding_owners(
    tx: &mut WorkerTx,
    local_is_on: bool,
    limit: u16,
    now: Timestamp,
) -> Result<Vec<(TenantId, UserId)>, StoreError> {
    // Workers can't read vectors, so the function finds the owners.
    let rows = sqlx::query!(
        r#"SELECT DISTINCT tenant_id AS "tenant_id!: TenantId", user_id AS "user_id!: UserId"
             FROM (
                 SELECT tenant_id, slot, false AS is_filled FROM embedding_models
                  WHERE status IN ('active', 'building')
                    AND ($2 OR source <> 'local') AND (retry_at IS NULL OR retry_at <= $3)
                 UNION ALL
                 SELECT tenant_id, slot, true FROM embedding_models
                  WHERE retired_at <= $4 AND dropped_at IS NULL
             ) AS model
            CROSS JOIN LATERAL memory_embedding_owners(tenant_id, slot, is_filled) AS user_id
            WHERE tenant_id IN (SELECT id FROM tenants WHERE status = 'active')
            LIMIT $1"#,
        i64::from(limit),
        local_is_on,
        now,
        now - GRACE,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.tenant_id, row.user_id))
        .collect())
}
