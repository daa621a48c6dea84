//! Background jobs: queued by members, claimed by workers under a lease.
//!
//! Every claim increments the job's fence, and every write of a worker names
//! the fence of its claim. A worker that lost its lease (it hung, the network
//! broke) therefore changes nothing and gets [`StoreError::Conflict`].

mod work;

use domain::{
    JobId, Page, Timestamp,
    job::{Job, JobStatus},
    live::JobEvent,
};
use serde_json::Value;
use uuid::Uuid;

pub use self::work::{
    ClaimedJob, LeaseState, job_claim, job_complete, job_fail, job_heartbeat, job_pause,
    job_progress, job_release,
};
use crate::{
    StoreError, TenantTx,
    cursor::{Cursor, List},
};

/// A job to be queued.
#[derive(Clone, Debug)]
pub struct NewJob<'a> {
    pub id: JobId,
    /// What it does, noun first: `memory.import`.
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

struct JobRow {
    id: Uuid,
    kind: String,
    status: String,
    progress_done: i64,
    progress_total: i64,
    attempts: i32,
    error: Option<String>,
    created_at: Timestamp,
    finished_at: Option<Timestamp>,
}

impl TryFrom<JobRow> for Job {
    type Error = StoreError;

    fn try_from(row: JobRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.into(),
            kind: row.kind,
            status: status_of(&row.status)?,
            progress_done: row.progress_done,
            progress_total: row.progress_total,
            attempts: row.attempts,
            error: row.error,
            created_at: row.created_at,
            finished_at: row.finished_at,
        })
    }
}

pub(crate) fn status_of(key: &str) -> Result<JobStatus, StoreError> {
    JobStatus::from_key(key)
        .ok_or_else(|| StoreError::other(format!("a job has the unknown status “{key}”")))
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
    let (tenant_id, user_id) = (tx.tenant_id().0, tx.member_id()?.0);
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
        tenant_id,
        job.id.0,
        user_id,
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
    Ok(queued.map(JobId))
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
    sqlx::query_as!(
        JobRow,
        "SELECT id, kind, status, progress_done, progress_total, attempts, error, created_at, finished_at
           FROM jobs
          WHERE tenant_id = $1 AND id = $2",
        tx.tenant_id().0,
        id.0,
    )
    .fetch_one(tx.conn())
    .await?
    .try_into()
}

/// One page of the member's jobs, newest first.
pub async fn job_list(
    tx: &mut TenantTx,
    after: Option<Cursor<JobId>>,
    size: u16,
) -> Result<Page<Job>, StoreError> {
    let rows = sqlx::query_as!(
        JobRow,
        "SELECT id, kind, status, progress_done, progress_total, attempts, error, created_at, finished_at
           FROM jobs
          WHERE tenant_id = $1 AND actor_user_id = $2
            AND (created_at, id) < (coalesce($3, 'infinity'::timestamptz), coalesce($4, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
          ORDER BY created_at DESC, id DESC
          LIMIT $5",
        tx.tenant_id().0,
        tx.member_id()?.0,
        after.map(|cursor| cursor.at),
        after.map(|cursor| cursor.key.0),
        i64::from(size) + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    let jobs = rows
        .into_iter()
        .map(Job::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Page::cut(jobs, size.into(), |job| {
        Cursor {
            at: job.created_at,
            key: job.id,
        }
        .to_text(List::Job, tx.tenant_id())
    }))
}

/// The member's jobs that changed after `after`, last changed first.
pub async fn job_changes(
    tx: &mut TenantTx,
    after: Timestamp,
    limit: u16,
) -> Result<Vec<JobEvent>, StoreError> {
    let rows = sqlx::query!(
        "SELECT id, kind, status, progress_done, progress_total
           FROM jobs
          WHERE tenant_id = $1 AND actor_user_id = $2 AND updated_at > $3
          ORDER BY updated_at DESC, id DESC
          LIMIT $4",
        tx.tenant_id().0,
        tx.member_id()?.0,
        after,
        i64::from(limit),
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(JobEvent {
                id: row.id.into(),
                kind: row.kind,
                status: status_of(&row.status)?,
                done: row.progress_done,
                total: row.progress_total,
            })
        })
        .collect()
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
        tx.tenant_id().0,
        id.0,
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
        tx.tenant_id().0,
        id.0,
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
