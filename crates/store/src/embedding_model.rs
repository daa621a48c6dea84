//! The embedding models with which an organisation's memories are searched by
//! meaning. An organisation has two vector slots, so that a new model can be
//! prepared while the active one serves searches.

use domain::{
    EmbeddingModelId, TenantId, Timestamp,
    embedding_model::{
        EmbeddingModel, EmbeddingModelStatus, EmbeddingProgress, EmbeddingSlot, EmbeddingSource,
        LOCAL_DIMENSIONS, LOCAL_MODEL,
    },
};

use crate::{OperatorTx, StoreError, TenantTx, WorkerTx, memory::GRACE};

/// Limit on the models in a list.
const MAX_LISTED: i64 = 20;

/// A model to be prepared.
#[derive(Clone, Debug)]
pub struct NewEmbeddingModel {
    pub id: EmbeddingModelId,
    pub source: EmbeddingSource,
    /// The model's name at its source.
    pub model: String,
    /// Length of the vectors.
    pub dimensions: u16,
    /// True if `dimensions` is requested from the source, because it is below
    /// the model's own length.
    pub is_shortened: bool,
}

struct Row {
    id: EmbeddingModelId,
    source: String,
    endpoint: Option<String>,
    base_url: Option<String>,
    model: String,
    dimensions: i32,
    is_shortened: bool,
    slot: EmbeddingSlot,
    status: EmbeddingModelStatus,
    problem: Option<String>,
    failures: i32,
    retry_at: Option<Timestamp>,
    created_by_name: Option<String>,
    created_at: Timestamp,
    activated_at: Option<Timestamp>,
    retired_at: Option<Timestamp>,
    dropped_at: Option<Timestamp>,
}

impl TryFrom<Row> for EmbeddingModel {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let unknown =
            |what: &str| StoreError::other(format!("an embedding model has an unknown {what}"));
        let source = match (row.source.as_str(), row.endpoint, row.base_url) {
            ("local", None, None) => EmbeddingSource::Local,
            ("endpoint", Some(name), None) => EmbeddingSource::Endpoint(name),
            ("address", None, Some(url)) => EmbeddingSource::Address(url),
            _ => return Err(unknown("source")),
        };
        Ok(Self {
            id: row.id,
            source,
            model: row.model,
            dimensions: u16::try_from(row.dimensions).map_err(|_| unknown("length"))?,
            is_shortened: row.is_shortened,
            slot: row.slot,
            status: row.status,
            problem: row.problem,
            retry_at: row.retry_at,
            failures: u32::try_from(row.failures).unwrap_or_default(),
            created_by_name: row.created_by_name,
            created_at: row.created_at,
            activated_at: row.activated_at,
            retired_at: row.retired_at,
            dropped_at: row.dropped_at,
        })
    }
}

const fn source_parts(source: &EmbeddingSource) -> (&'static str, Option<&str>, Option<&str>) {
    match source {
        EmbeddingSource::Local => ("local", None, None),
        EmbeddingSource::Endpoint(name) => ("endpoint", Some(name.as_str()), None),
        EmbeddingSource::Address(url) => ("address", None, Some(url.as_str())),
    }
}

/// The organisation's models: those in use, then earlier ones, newest first.
pub async fn embedding_model_list(tx: &mut TenantTx) -> Result<Vec<EmbeddingModel>, StoreError> {
    sqlx::query_as!(
        Row,
        r#"SELECT embedding_models.id, source, endpoint, base_url, model, dimensions, is_shortened, slot,
                  embedding_models.status, problem, failures, retry_at, display_name AS "created_by_name?",
                  embedding_models.created_at, activated_at, retired_at, dropped_at
             FROM embedding_models
             LEFT JOIN users ON users.tenant_id = embedding_models.tenant_id AND users.id = created_by
            WHERE embedding_models.tenant_id = $1
            ORDER BY dropped_at IS NOT NULL, retired_at DESC NULLS FIRST, embedding_models.created_at DESC
            LIMIT $2"#,
        tx.tenant_id() as _,
        MAX_LISTED,
    )
    .fetch_all(tx.conn())
    .await?
    .into_iter()
    .map(EmbeddingModel::try_from)
    .collect()
}

/// The model that searches use.
///
/// # Errors
/// [`StoreError::NotFound`] if the organisation is gone.
pub async fn embedding_model_active(tx: &mut TenantTx) -> Result<EmbeddingModel, StoreError> {
    sqlx::query_as!(
        Row,
        r#"SELECT id, source, endpoint, base_url, model, dimensions, is_shortened, slot, status, problem,
                  failures, retry_at, NULL AS "created_by_name?: String", created_at, activated_at, retired_at, dropped_at
             FROM embedding_models
            WHERE tenant_id = $1 AND status = 'active'"#,
        tx.tenant_id() as _,
    )
    .fetch_one(tx.conn())
    .await?
    .try_into()
}

/// Stores the initial model of a new organisation: the built-in one.
///
/// # Errors
/// [`StoreError::Constraint`] if it has one already.
pub(crate) async fn embedding_model_create_initial(
    tx: &mut OperatorTx,
    tenant_id: TenantId,
    id: EmbeddingModelId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO embedding_models (
             tenant_id, id, source, model, dimensions, is_shortened, slot, status, failures, created_at, activated_at
         )
         VALUES ($1, $2, 'local', $3, $4, false, 'a', 'active', 0, $5, $5)",
        tenant_id as _,
        id as _,
        LOCAL_MODEL,
        i32::from(LOCAL_DIMENSIONS),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Starts to prepare another model, in the slot that the active one doesn't
/// use.
///
/// # Errors
/// [`StoreError::Conflict`] if another model is being prepared, or the slot
/// still holds vectors of an earlier one.
pub async fn embedding_model_start(
    tx: &mut TenantTx,
    model: &NewEmbeddingModel,
    now: Timestamp,
) -> Result<(), StoreError> {
    let slot = embedding_model_active(tx).await?.slot.other();
    let (source, endpoint, base_url) = source_parts(&model.source);
    let started = sqlx::query!(
        "INSERT INTO embedding_models (
             tenant_id, id, source, endpoint, base_url, model, dimensions, is_shortened, slot, status, failures,
             created_by, created_at
         )
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'building', 0, $10, $11)
         ON CONFLICT DO NOTHING",
        tx.tenant_id() as _,
        model.id as _,
        source,
        endpoint,
        base_url,
        model.model,
        i32::from(model.dimensions),
        model.is_shortened,
        slot as _,
        tx.member_id()? as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    conflict_if_unchanged(started.rows_affected())
}

fn conflict_if_unchanged(rows: u64) -> Result<(), StoreError> {
    if rows == 0 {
        Err(StoreError::Conflict)
    } else {
        Ok(())
    }
}

/// Pauses or resumes the preparation of the next model.
///
/// # Errors
/// [`StoreError::Conflict`] if it is not in the expected state.
pub async fn embedding_model_pause(
    tx: &mut TenantTx,
    id: EmbeddingModelId,
    paused: bool,
) -> Result<(), StoreError> {
    let (from, to) = if paused {
        (EmbeddingModelStatus::Building, EmbeddingModelStatus::Paused)
    } else {
        (EmbeddingModelStatus::Paused, EmbeddingModelStatus::Building)
    };
    let done = sqlx::query!(
        "UPDATE embedding_models SET status = $4, problem = NULL, failures = 0, retry_at = NULL
          WHERE tenant_id = $1 AND id = $2 AND status = $3",
        tx.tenant_id() as _,
        id as _,
        from as _,
        to as _,
    )
    .execute(tx.conn())
    .await?;
    conflict_if_unchanged(done.rows_affected())
}

/// Cancels the preparation of the next model.
///
/// # Errors
/// [`StoreError::Conflict`] if it is not being prepared.
pub async fn embedding_model_cancel(
    tx: &mut TenantTx,
    id: EmbeddingModelId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE embedding_models SET status = 'retired', retired_at = $3, problem = NULL, retry_at = NULL
          WHERE tenant_id = $1 AND id = $2 AND status IN ('building', 'paused')",
        tx.tenant_id() as _,
        id as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    conflict_if_unchanged(done.rows_affected())
}

/// Records why a model's vectors could not be made and when to retry; `None`
/// clears the problem.
pub async fn embedding_model_problem_set(
    tx: &mut TenantTx,
    id: EmbeddingModelId,
    problem: Option<(&str, Timestamp)>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE embedding_models
            SET problem = $3, retry_at = $4, failures = CASE WHEN $3::text IS NULL THEN 0 ELSE failures + 1 END
          WHERE tenant_id = $1 AND id = $2 AND status <> 'retired'",
        tx.tenant_id() as _,
        id as _,
        problem.map(|(text, _)| text),
        problem.map(|(_, at)| at),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The result of [`embedding_model_advance`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdvancedModels {
    /// The model that searches use from now on.
    pub activated: Option<EmbeddingModelId>,
    /// Earlier models whose vectors are all deleted.
    pub dropped: Vec<EmbeddingModelId>,
}

/// Activates the next model once every memory has its vector, and records which
/// earlier models have no vectors left.
pub async fn embedding_model_advance(
    tx: &mut TenantTx,
    now: Timestamp,
) -> Result<AdvancedModels, StoreError> {
    let mut settled = AdvancedModels::default();
    // Locked, so that only one of two processes does it.
    let waiting = sqlx::query!(
        "SELECT id, slot, status, retired_at FROM embedding_models
          WHERE tenant_id = $1 AND (status = 'building' OR status = 'retired' AND dropped_at IS NULL)
          ORDER BY id
            FOR UPDATE",
        tx.tenant_id() as _,
    )
    .fetch_all(tx.conn())
    .await?;
    if waiting.is_empty() {
        return Ok(settled);
    }
    let counts = counts(tx).await?;
    for model in waiting {
        if model.status == EmbeddingModelStatus::Building
            && counts.progress(model.slot).done >= counts.total
        {
            sqlx::query!(
                "UPDATE embedding_models SET status = 'retired', retired_at = $2, problem = NULL, retry_at = NULL
                  WHERE tenant_id = $1 AND status = 'active'",
                tx.tenant_id() as _,
                now,
            )
            .execute(tx.conn())
            .await?;
            sqlx::query!(
                "UPDATE embedding_models SET status = 'active', activated_at = $3 WHERE tenant_id = $1 AND id = $2",
                tx.tenant_id() as _,
                model.id as _,
                now,
            )
            .execute(tx.conn())
            .await?;
            settled.activated = Some(model.id);
        } else if model.retired_at.is_some_and(|at| at + GRACE <= now)
            && !counts.has_vectors(model.slot)
        {
            sqlx::query!(
                "UPDATE embedding_models SET dropped_at = $3 WHERE tenant_id = $1 AND id = $2",
                tx.tenant_id() as _,
                model.id as _,
                now,
            )
            .execute(tx.conn())
            .await?;
            settled.dropped.push(model.id);
        }
    }
    Ok(settled)
}

/// Number of the organisation's memories, and of their vectors in each slot.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddingCounts {
    pub total: i64,
    /// Those that only their owners see.
    pub private: i64,
    in_a: i64,
    in_b: i64,
    left_a: bool,
    left_b: bool,
}

impl EmbeddingCounts {
    pub fn progress(&self, slot: EmbeddingSlot) -> EmbeddingProgress {
        EmbeddingProgress {
            done: match slot {
                EmbeddingSlot::A => self.in_a,
                EmbeddingSlot::B => self.in_b,
            },
            total: self.total,
        }
    }

    fn has_vectors(&self, slot: EmbeddingSlot) -> bool {
        match slot {
            EmbeddingSlot::A => self.left_a,
            EmbeddingSlot::B => self.left_b,
        }
    }
}

/// Counts the vectors in each slot. Reads every memory of the organisation.
pub async fn counts(tx: &mut TenantTx) -> Result<EmbeddingCounts, StoreError> {
    let counts = sqlx::query_as!(
        EmbeddingCounts,
        r#"SELECT total AS "total!", private AS "private!", in_a AS "in_a!", in_b AS "in_b!", left_a AS "left_a!", left_b AS "left_b!"
             FROM memory_embedding_counts()"#,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(counts)
}

/// Active organisations with a model that is being prepared, or retired and not
/// yet dropped.
pub async fn tenants_with_pending_models(tx: &mut WorkerTx) -> Result<Vec<TenantId>, StoreError> {
    Ok(sqlx::query_scalar!(
        "SELECT DISTINCT tenant_id FROM embedding_models
          WHERE (status = 'building' OR status = 'retired' AND dropped_at IS NULL)
            AND tenant_id IN (SELECT id FROM tenants WHERE status = 'active')",
    )
    .fetch_all(tx.conn())
    .await?)
}
