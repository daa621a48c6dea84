//! Background jobs: queued by members, claimed by workers under a lease.
//!
//! Every claim increments the job's fence, and every write of a worker names
//! the fence of its claim. A worker that lost its lease (it hung, the network
//! broke) therefore changes nothing and gets [`StoreError::Conflict`].

mod work;

use domain::{JobId, Timestamp, job::Job, live::JobEvent};
use serde_json::Value;

pub use self::work::{
    ClaimedJob, LeaseState, job_claim, job_complete, job_fail, job_heartbeat, job_pause,
    job_progress, job_release,
};
use crate::{StoreError, TenantTx};

/// A job to be queued.
#[derive(Clone, Debug)]
pub struct NewJob<'a> {
    pub id: JobId,
    /// Its kind, noun first: `memory.import`.
    pub kind: &'a str,
    /// Arguments of the job: ids rather than data, since workers read them
    /// before they enter the tenant. At most 64 kB of JSON.
    pub payload: Value,
    /// No second job of the same kind, key and member is queued while one is
    /// unfinished.
    pub dedupe_key: Option<&'a str>,
    /// The job doesn't run before this moment.
    pub run_at: Timestamp,
    pub max_attempts: i32,
    /// Jobs with a higher priority run first.
    pub priority: i32,
    /// Total units of work; 0 while unknown.
    pub progress_total: i64,
}

/// Queues a job of the member and returns its id; `None` if an unfinished job
/// has the same dedupe key.
///
/// # Errors
/// [`StoreError::Constraint`] for a payload that is too large.
pub async fn job_enqueue(
    tx: &mut TenantTx,
    job: &NewJob<'_>,
    now: Timestamp,
) -> Result<Option<JobId>, StoreError> {
    let (tenant_id, user_id) = (tx.tenant_id(), tx.member_id()?);
    // A job with this key waits at its end (`job_dedupe_lock`) for transactions
    // that found it already queued.
    if let Some(key) = job.dedupe_key {
        sqlx::query!(
            "SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 34))",
            key
        )
        .fetch_one(tx.conn())
        .await?;
    }
    let queued = sqlx::query_scalar!(
        "INSERT INTO jobs (
             tenant_id, id, actor_user_id, kind, status, payload, run_at, attempts, max_attempts, priority,
             dedupe_key, fence, progress_done, progress_total, created_at, updated_at
         )
         VALUES ($1, $2, $3, $4, 'pending', $5, $6, 0, $7, $8, $9, 0, 0, $10, $11, $11)
         ON CONFLICT (tenant_id, actor_user_id, kind, dedupe_key)
             WHERE dedupe_key IS NOT NULL AND status IN ('pending', 'running', 'failed')
             DO NOTHING
         RETURNING id",
        tenant_id as _,
        job.id as _,
        user_id as _,
        job.kind,
        job.payload,
        job.run_at,
        job.max_attempts,
        job.priority,
        job.dedupe_key,
        job.progress_total,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    tx.note(tx.tenant_id());
    Ok(queued)
}

/// Waits for the transactions that queued a job with this key, or found one
/// queued, and blocks new ones until this transaction ends. A job that takes
/// the lock before [`job_complete`] sees what they wrote.
///
/// # Errors
/// [`StoreError::Unavailable`] also if those transactions take too long.
pub async fn job_dedupe_lock(tx: &mut TenantTx, key: &str) -> Result<(), StoreError> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 34))",
        key
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(())
}

pub async fn job_get(tx: &mut TenantTx, id: JobId) -> Result<Job, StoreError> {
    Ok(sqlx::query_as!(
        Job,
        "SELECT id, kind, status, progress_done, progress_total, attempts, error, created_at, finished_at
           FROM jobs
          WHERE tenant_id = $1 AND id = $2",
        tx.tenant_id() as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// The member's jobs that changed after `after`, last changed first.
pub async fn job_changes(
    tx: &mut TenantTx,
    after: Timestamp,
    limit: u16,
) -> Result<Vec<JobEvent>, StoreError> {
    Ok(sqlx::query_as!(
        JobEvent,
        "SELECT id, kind, status, progress_done AS done, progress_total AS total
           FROM jobs
          WHERE tenant_id = $1 AND actor_user_id = $2 AND updated_at > $3
          ORDER BY updated_at DESC, id DESC
          LIMIT $4",
        tx.tenant_id() as _,
        tx.member_id()? as _,
        after,
        i64::from(limit),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Cancels an unfinished job. Its worker finds out with the next heartbeat or
/// progress.
///
/// # Errors
/// [`StoreError::Conflict`] if it is finished.
pub async fn job_cancel(tx: &mut TenantTx, id: JobId, now: Timestamp) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE jobs
            SET status = 'cancelled', finished_at = $3, updated_at = $3, locked_by = NULL, lease_until = NULL
          WHERE tenant_id = $1 AND id = $2 AND status IN ('pending', 'running', 'failed')",
        tx.tenant_id() as _,
        id as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    conflict_if_unchanged(tx, id, done.rows_affected()).await
}

/// Queues a dead or cancelled job again, with all its attempts.
///
/// # Errors
/// [`StoreError::Conflict`] if it is neither dead nor cancelled, or the same
/// work is queued already.
pub async fn job_retry(tx: &mut TenantTx, id: JobId, now: Timestamp) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE jobs
            SET status = 'pending', run_at = $3, attempts = 0, fence = fence + 1, progress_done = 0,
                error = NULL, finished_at = NULL, updated_at = $3
          WHERE tenant_id = $1 AND id = $2 AND status IN ('dead', 'cancelled')",
        tx.tenant_id() as _,
        id as _,
        now,
    )
    .execute(tx.conn())
    .await
    .map_err(|error| match StoreError::from(error) {
        StoreError::Constraint(name) if name == "jobs_dedupe_key" => StoreError::Conflict,
        other => other,
    })?;
    conflict_if_unchanged(tx, id, done.rows_affected()).await
}

async fn conflict_if_unchanged(
    tx: &mut TenantTx,
    id: JobId,
    changed: u64,
) -> Result<(), StoreError> {
    if changed == 0 {
        job_get(tx, id).await?;
        return Err(StoreError::Conflict);
    }
    tx.note(tx.tenant_id());
    Ok(())
}
