//! A worker's side of a job: claiming it, keeping it, ending it.

use domain::{JobId, TenantId, Timestamp, UserId, job::JobStatus};
use serde_json::Value;
use sqlx::PgConnection;
use time::Duration;

use crate::{StoreError, TenantTx, WorkerTx};

/// The longest error text that is kept, in characters.
const MAX_ERROR_CHARS: usize = 2_000;

/// A job in a worker's hands.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedJob {
    /// Where its body runs.
    pub tenant_id: TenantId,
    /// In whose name its body runs.
    pub actor_user_id: UserId,
    /// Its id.
    pub id: JobId,
    /// What it does.
    pub kind: String,
    /// What the body needs.
    pub payload: Value,
    /// This attempt's number, from 1.
    pub attempts: i32,
    /// After this many attempts it is dead.
    pub max_attempts: i32,
    /// The number of this claim.
    pub fence: i64,
}

/// Whether a worker should go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobHold {
    /// The job is still in its hands.
    Held,
    /// A person cancelled the job.
    Cancelled,
    /// Its organisation is not active any more: the job waits.
    Paused,
}

/// Takes the most urgent job that is due, of one of `kinds`, until `now + lease`.
/// Among equally urgent ones the organisation with the fewest running jobs goes
/// first, so that none can take all workers. Jobs whose worker let the lease
/// run out are due again, or dead when that was their last attempt. Those of an
/// organisation that is not active wait until it is.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
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

    let claimed = sqlx::query!(
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
    if let Some(row) = &claimed {
        tx.note(row.tenant_id.into());
    }
    Ok(claimed.map(|row| ClaimedJob {
        tenant_id: row.tenant_id.into(),
        actor_user_id: row.actor_user_id.into(),
        id: row.id.into(),
        kind: row.kind,
        payload: row.payload,
        attempts: row.attempts,
        max_attempts: row.max_attempts,
        fence: row.fence,
    }))
}

/// Keeps the lease for longer.
///
/// # Errors
/// [`StoreError::Conflict`] when the job is in other hands by now.
pub async fn job_heartbeat(
    tx: &mut WorkerTx,
    job: &ClaimedJob,
    now: Timestamp,
    lease: Duration,
) -> Result<JobHold, StoreError> {
    let done = sqlx::query!(
        "UPDATE jobs SET lease_until = $4, updated_at = $5
          WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND status = 'running'
            AND EXISTS (SELECT FROM tenants WHERE tenants.id = $1 AND tenants.status = 'active')",
        job.tenant_id.0,
        job.id.0,
        job.fence,
        now + lease,
        now,
    )
    .execute(tx.conn())
    .await?;
    hold(tx.conn(), job, done.rows_affected()).await
}

/// Notes how far the work has come, in the transaction of its effects: both
/// count or neither does. Unless it is [`JobHold::Held`] the caller drops the
/// transaction.
///
/// # Errors
/// [`StoreError::Conflict`] when the job is in other hands by now.
pub async fn job_progress(
    tx: &mut TenantTx,
    job: &ClaimedJob,
    done: i64,
    total: i64,
    now: Timestamp,
) -> Result<JobHold, StoreError> {
    let updated = sqlx::query!(
        "UPDATE jobs SET progress_done = $4, progress_total = $5, updated_at = $6
          WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND status = 'running'
            AND EXISTS (SELECT FROM tenants WHERE tenants.id = $1 AND tenants.status = 'active')",
        job.tenant_id.0,
        job.id.0,
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

/// What a worker should do, `updated` rows having been its.
async fn hold(
    conn: &mut PgConnection,
    job: &ClaimedJob,
    updated: u64,
) -> Result<JobHold, StoreError> {
    if updated > 0 {
        return Ok(JobHold::Held);
    }
    let status = sqlx::query_scalar!(
        "SELECT status FROM jobs
          WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND status IN ('cancelled', 'running')",
        job.tenant_id.0,
        job.id.0,
        job.fence,
    )
    .fetch_optional(conn)
    .await?;
    match status.as_deref() {
        Some("cancelled") => Ok(JobHold::Cancelled),
        // It is this worker's, and still nothing was to be written.
        Some(_) => Ok(JobHold::Paused),
        None => Err(StoreError::Conflict),
    }
}

/// Ends the job well, in the transaction of its last effects.
///
/// # Errors
/// [`StoreError::Conflict`] when it was cancelled or is in other hands by now:
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
        job.tenant_id.0,
        job.id.0,
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

/// Ends an attempt badly: the next is due at `retry_at`, unless this was the
/// last one or another makes no sense (`None`). `error` is for people.
///
/// # Errors
/// [`StoreError::Conflict`] when it was cancelled or is in other hands by now.
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
        job.tenant_id.0,
        job.id.0,
        job.fence,
        status.key(),
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

/// Gives a job back unfinished, because its worker stops: it is due at once
/// and the attempt doesn't count.
///
/// # Errors
/// [`StoreError::Conflict`] when it was cancelled or is in other hands by now.
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
        job.tenant_id.0,
        job.id.0,
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

/// Gives a job back unfinished where its organisation is not active any more,
/// and tells whether that was so: it waits, and the attempt doesn't count.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
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
        job.tenant_id.0,
        job.id.0,
        job.fence,
        now,
    )
    .execute(tx.conn())
    .await?;
    tx.note(job.tenant_id);
    Ok(done.rows_affected() > 0)
}
