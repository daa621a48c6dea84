//! Background work: queued by members, claimed by workers under a lease.
//!
//! Every claim raises the job's fence. What a worker writes names the fence it
//! was given, so one that lost its lease (it hung, the network broke) changes
//! nothing any more: it gets [`StoreError::Conflict`].

use domain::{
    JobId, Page, TenantId, Timestamp, UserId,
    job::{Job, JobStatus},
    live::JobEvent,
};
use serde_json::Value;
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use crate::{
    StoreError, TenantTx, WorkerTx,
    cursor::{Cursor, List},
};

/// The longest error text that is kept, in characters.
const MAX_ERROR_CHARS: usize = 2_000;

/// Work to be queued.
#[derive(Clone, Debug)]
pub struct NewJob<'a> {
    /// Its id.
    pub id: JobId,
    /// What it does, noun first: `memory.import`.
    pub kind: &'a str,
    /// What the body needs: ids rather than data, since workers read it before
    /// they are in its tenant. At most 64 kB of JSON.
    pub payload: Value,
    /// While a job of this kind and key of the same member is not finished,
    /// no second one is queued.
    pub dedupe_key: Option<&'a str>,
    /// Not before this moment.
    pub run_at: Timestamp,
    /// Attempts before it is given up.
    pub max_attempts: i32,
    /// Higher ones go first.
    pub priority: i32,
    /// Units of work in all; 0 while unknown.
    pub progress_total: i64,
}

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

/// Queues work of the member and returns its id; `None` where the same work
/// waits or runs already.
///
/// # Errors
/// [`StoreError::Constraint`] for a payload that is too large.
pub async fn job_enqueue(
    tx: &mut TenantTx,
    job: &NewJob<'_>,
    now: Timestamp,
) -> Result<Option<JobId>, StoreError> {
    let (tenant_id, user_id) = (tx.tenant_id().0, tx.member_id()?.0);
    // One that finds its work queued is waited for at that job's end.
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
/// queued; others that want to do so wait for this one. Whoever takes it before
/// [`job_complete`] sees then what they wrote.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away or they take too long.
pub async fn job_key_lock(tx: &mut TenantTx, key: &str) -> Result<(), StoreError> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 34))",
        key
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(())
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

/// One of the member's jobs.
///
/// # Errors
/// [`StoreError::NotFound`].
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

/// The member's jobs, newest first.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
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
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
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

/// Ends a job that is not finished. A worker that holds it learns so with its
/// next heartbeat or progress.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Conflict`] when it is finished.
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
    changed_or_why(tx, id, done.rows_affected()).await
}

/// Queues a dead or cancelled job again, with all its attempts.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Conflict`] when it is neither dead
/// nor cancelled, or the same work is queued already.
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
    changed_or_why(tx, id, done.rows_affected()).await
}

async fn changed_or_why(tx: &mut TenantTx, id: JobId, changed: u64) -> Result<(), StoreError> {
    if changed == 0 {
        job_get(tx, id).await?;
        return Err(StoreError::Conflict);
    }
    tx.note(tx.tenant_id());
    Ok(())
}
