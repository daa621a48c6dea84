//! The worker's side of a job: claim it, keep its lease, end it.

use domain::{JobId, TenantId, Timestamp, UserId, job::JobStatus};
use serde_json::Value;
use sqlx::PgConnection;
use time::Duration;

use crate::{StoreError, TenantTx, WorkerTx};

/// Longer error texts are cut.
const MAX_ERROR_CHARS: usize = 2_000;

/// A job that a worker holds a lease on.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedJob {
    /// The tenant in which it runs.
    pub tenant_id: TenantId,
    /// The member on whose behalf it runs.
    pub actor_user_id: UserId,
    pub id: JobId,
    /// Its kind, noun first.
    pub kind: String,
    pub payload: Value,
    /// The number of this attempt, from 1.
    pub attempts: i32,
    /// The job is dead after this many attempts.
    pub max_attempts: i32,
    /// The number of this claim.
    pub fence: i64,
}

/// The state of a worker's lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseState {
    /// The worker still holds the job.
    Held,
    /// A person cancelled the job.
    Cancelled,
    /// The job's organisation is not active any more, so the job waits.
    Paused,
}

/// Claims the most urgent due job of one of `kinds` until `now + lease`. Among
/// equally urgent jobs the organisation with the fewest running jobs goes
/// first, so that none can occupy all workers. A job whose lease expired is due
/// again, or dead if that was its last attempt. Jobs of inactive organisations
/// wait.
pub async fn job_claim(
    tx: &mut WorkerTx,
    worker: &str,
    now: Timestamp,
    lease: Duration,
    kinds: &[&str],
) -> Result<Option<ClaimedJob>, StoreError> {
    sqlx::query!(
        "UPDATE jobs
            SET status = 'dead', error = 'The worker stopped before the work was done.', finished_at = $1,
                updated_at = $1, locked_by = NULL, lease_until = NULL, fence = fence + 1
          WHERE (tenant_id, id) IN (
                SELECT tenant_id, id FROM jobs
                 WHERE status = 'running' AND lease_until < $1 AND attempts >= max_attempts
                   FOR UPDATE SKIP LOCKED
          )",
        now,
    )
    .execute(tx.conn())
    .await?;

    let claimed = sqlx::query_as!(
        ClaimedJob,
        "WITH busy AS (
             SELECT tenant_id, count(*) AS running FROM jobs
              WHERE status = 'running' AND lease_until >= $1
              GROUP BY tenant_id
         ), due AS (
             SELECT jobs.tenant_id, jobs.id
               FROM jobs LEFT JOIN busy USING (tenant_id)
              WHERE jobs.kind = ANY ($4::text[])
                AND jobs.tenant_id IN (SELECT tenants.id FROM tenants WHERE tenants.status = 'active')
                AND jobs.status IN ('pending', 'running', 'failed')
                AND CASE jobs.status WHEN 'running' THEN jobs.lease_until < $1 ELSE jobs.run_at <= $1 END
              ORDER BY jobs.priority DESC, coalesce(busy.running, 0), jobs.run_at, jobs.id
                FOR UPDATE OF jobs SKIP LOCKED
              LIMIT 1
         )
         UPDATE jobs
            SET status = 'running', attempts = attempts + 1, fence = fence + 1, locked_by = $2, lease_until = $3,
                updated_at = $1
           FROM due
          WHERE jobs.tenant_id = due.tenant_id AND jobs.id = due.id
         RETURNING jobs.tenant_id, jobs.actor_user_id, jobs.id, jobs.kind, jobs.payload, jobs.attempts,
                   jobs.max_attempts, jobs.fence",
        now,
        worker,
        now + lease,
        kinds as &[&str],
    )
    .fetch_optional(tx.conn())
    .await?;
    if let Some(job) = &claimed {
        tx.note(job.tenant_id);
    }
    Ok(claimed)
}

/// Extends the lease.
///
/// # Errors
/// [`StoreError::Conflict`] if another worker claimed the job meanwhile.
pub async fn job_heartbeat(
    tx: &mut WorkerTx,
    job: &ClaimedJob,
    now: Timestamp,
    lease: Duration,
) -> Result<LeaseState, StoreError> {
    let done = sqlx::query!(
        "UPDATE jobs SET lease_until = $4, updated_at = $5
          WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND status = 'running'
            AND EXISTS (SELECT FROM tenants WHERE tenants.id = $1 AND tenants.status = 'active')",
        job.tenant_id as _,
        job.id as _,
        job.fence,
        now + lease,
        now,
    )
    .execute(tx.conn())
    .await?;
    hold(tx.conn(), job, done.rows_affected()).await
}

/// Stores the progress in the transaction of the work's effects, so that both
/// are committed or neither. The caller drops the transaction unless this
/// returns [`LeaseState::Held`].
///
/// # Errors
/// [`StoreError::Conflict`] if another worker claimed the job meanwhile.
pub async fn job_progress(
    tx: &mut TenantTx,
    job: &ClaimedJob,
    done: i64,
    total: i64,
    now: Timestamp,
) -> Result<LeaseState, StoreError> {
    let updated = sqlx::query!(
        "UPDATE jobs SET progress_done = $4, progress_total = $5, updated_at = $6
          WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND status = 'running'
            AND EXISTS (SELECT FROM tenants WHERE tenants.id = $1 AND tenants.status = 'active')",
        job.tenant_id as _,
        job.id as _,
        job.fence,
        done,
        total,
        now,
    )
    .execute(tx.conn())
    .await?;
    tx.note(job.tenant_id);
    hold(tx.conn(), job, updated.rows_affected()).await
}

/// The state of the lease after an update that affected `updated` rows.
async fn hold(
    conn: &mut PgConnection,
    job: &ClaimedJob,
    updated: u64,
) -> Result<LeaseState, StoreError> {
    if updated > 0 {
        return Ok(LeaseState::Held);
    }
    let status = sqlx::query_scalar!(
        "SELECT status FROM jobs
          WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND status IN ('cancelled', 'running')",
        job.tenant_id as _,
        job.id as _,
        job.fence,
    )
    .fetch_optional(conn)
    .await?;
    match status {
        Some(JobStatus::Cancelled) => Ok(LeaseState::Cancelled),
        // The worker holds the job, but the organisation is not active.
        Some(_) => Ok(LeaseState::Paused),
        None => Err(StoreError::Conflict),
    }
}

/// Completes the job, in the transaction of its last effects.
///
/// # Errors
/// [`StoreError::Conflict`] if it was cancelled or claimed by another worker:
/// drop the transaction.
pub async fn job_complete(
    tx: &mut TenantTx,
    job: &ClaimedJob,
    result: Option<&Value>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE jobs
            SET status = 'completed', result = $4, error = NULL, finished_at = $5, updated_at = $5,
                locked_by = NULL, lease_until = NULL
          WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND status = 'running'",
        job.tenant_id as _,
        job.id as _,
        job.fence,
        result,
        now,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Conflict);
    }
    tx.note(job.tenant_id);
    Ok(())
}

/// Ends a failed attempt: the next one is due at `retry_at`, unless this was
/// the last attempt or a retry is pointless (`None`). `error` is shown to
/// people.
///
/// # Errors
/// [`StoreError::Conflict`] if it was cancelled or claimed by another worker.
pub async fn job_fail(
    tx: &mut WorkerTx,
    job: &ClaimedJob,
    error: &str,
    retry_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<JobStatus, StoreError> {
    let retry_at = retry_at.filter(|_| job.attempts < job.max_attempts);
    let status = if retry_at.is_some() {
        JobStatus::Failed
    } else {
        JobStatus::Dead
    };
    let error: String = error
        .chars()
        .filter(|c| *c != '\0')
        .take(MAX_ERROR_CHARS)
        .collect();
    let done = sqlx::query!(
        "UPDATE jobs
            SET status = $4, error = $5, run_at = coalesce($6, run_at), finished_at = $7, updated_at = $8,
                locked_by = NULL, lease_until = NULL
          WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND status = 'running'",
        job.tenant_id as _,
        job.id as _,
        job.fence,
        status as _,
        error,
        retry_at,
        status.is_final().then_some(now),
        now,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Conflict);
    }
    tx.note(job.tenant_id);
    Ok(status)
}

/// Returns an unfinished job because its worker stops. The job is due at once
/// and the attempt doesn't count.
///
/// # Errors
/// [`StoreError::Conflict`] if it was cancelled or claimed by another worker.
pub async fn job_release(
    tx: &mut WorkerTx,
    job: &ClaimedJob,
    now: Timestamp,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE jobs
            SET status = 'pending', attempts = attempts - 1, run_at = $4, updated_at = $4,
                locked_by = NULL, lease_until = NULL
          WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND status = 'running'",
        job.tenant_id as _,
        job.id as _,
        job.fence,
        now,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Conflict);
    }
    tx.note(job.tenant_id);
    Ok(())
}

/// Returns an unfinished job if its organisation is not active any more; the
/// job waits and the attempt doesn't count. Returns false if the organisation
/// is active.
pub async fn job_pause(
    tx: &mut WorkerTx,
    job: &ClaimedJob,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE jobs
            SET status = 'pending', attempts = attempts - 1, run_at = $4, updated_at = $4,
                locked_by = NULL, lease_until = NULL
          WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND status = 'running'
            AND NOT EXISTS (SELECT FROM tenants WHERE tenants.id = $1 AND tenants.status = 'active')",
        job.tenant_id as _,
        job.id as _,
        job.fence,
        now,
    )
    .execute(tx.conn())
    .await?;
    tx.note(job.tenant_id);
    Ok(done.rows_affected() > 0)
}
