//! The worker: claims jobs, renews their leases, runs their bodies.

use std::sync::atomic::Ordering;

use domain::{Actor, AppError, RequestFacts};
use store::{
    StoreError,
    job::{ClaimedJob, LeaseState},
};
use time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    embedding::{EMBED_JOB, embed_complete, memory_embed},
    housekeeping::housekeeping,
    lease::{JobError, Lease},
};
use crate::{
    Ctx,
    import::{IMPORT_JOB, ImportJob, import_apply},
    profile::actor_find,
};

#[derive(Clone, Copy, Debug)]
pub struct WorkerSettings {
    /// Concurrent jobs in this process.
    pub concurrency: usize,
    /// The time that a job stays claimed without a heartbeat.
    pub lease: Duration,
    /// Interval between queries for jobs when nothing woke the worker.
    pub poll: Duration,
    /// Interval of housekeeping.
    pub sweep: Duration,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            concurrency: 2,
            lease: Duration::seconds(30),
            poll: Duration::seconds(1),
            sweep: Duration::seconds(30),
        }
    }
}

/// Works until `stop`; then bodies end at their next batch and their jobs are
/// released.
pub async fn work(ctx: Ctx, settings: WorkerSettings, stop: CancellationToken) {
    let mut loops = JoinSet::new();
    for _ in 0..settings.concurrency {
        loops.spawn(claim_loop(ctx.clone(), settings, stop.clone()));
    }
    loops.spawn(housekeeping(ctx, settings.sweep, stop));
    while let Some(ended) = loops.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a worker loop ended");
        }
    }
}

async fn claim_loop(ctx: Ctx, settings: WorkerSettings, stop: CancellationToken) {
    let worker = ctx.ids.id::<uuid::Uuid>().to_string();
    while !stop.is_cancelled() {
        match claim(&ctx, &worker, settings.lease, &[IMPORT_JOB, EMBED_JOB]).await {
            Ok(Some(job)) => run(&ctx, job, settings.lease, &stop).await,
            Ok(None) => {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = ctx.jobs_wake.notified() => {}
                    () = sleep(settings.poll) => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "no job could be claimed");
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = sleep(settings.poll * 5) => {}
                }
            }
        }
    }
}

/// Runs the imports that are due, and returns when there are none.
pub async fn imports_run(ctx: &Ctx) -> Result<(), AppError> {
    let worker = ctx.ids.id::<uuid::Uuid>().to_string();
    let lease = WorkerSettings::default().lease;
    while let Some(job) = claim(ctx, &worker, lease, &[IMPORT_JOB]).await? {
        run(ctx, job, lease, &CancellationToken::new()).await;
    }
    Ok(())
}

async fn claim(
    ctx: &Ctx,
    worker: &str,
    lease: Duration,
    kinds: &[&str],
) -> Result<Option<ClaimedJob>, StoreError> {
    let mut tx = ctx.store.begin_worker().await?;
    let job = store::job::job_claim(&mut tx, worker, ctx.clock.now(), lease, kinds).await?;
    tx.commit().await?;
    Ok(job)
}

async fn run(ctx: &Ctx, job: ClaimedJob, lease_time: Duration, stop: &CancellationToken) {
    let lease = Lease::new(job);
    let job = &*lease.job;
    let mut body = tokio::spawn({
        let (ctx, lease) = (ctx.clone(), lease.clone());
        async move { run_body(&ctx, &lease).await }
    });
    let outcome = loop {
        tokio::select! {
            ended = &mut body => break ended,
            () = stop.cancelled(), if !lease.lost.load(Ordering::Relaxed) => {
                lease.lost.store(true, Ordering::Relaxed);
            }
            () = sleep(lease_time / 3) => {
                if !heartbeat(ctx, job, lease_time).await {
                    lease.lost.store(true, Ordering::Relaxed);
                }
            }
        }
    };
    let outcome = outcome.unwrap_or_else(|error| {
        tracing::error!(%error, job = %job.id, kind = %job.kind, "a job panicked");
        Err(JobError::Failed(
            "Failed. See the server's log for the reason.".to_owned(),
        ))
    });
    if let Err(error) = record_outcome(ctx, job, outcome, stop.is_cancelled()).await {
        tracing::warn!(%error, job = %job.id, "a job's end could not be recorded");
    }
}

async fn run_body(ctx: &Ctx, lease: &Lease) -> Result<(), JobError> {
    let job = &*lease.job;
    match job.kind.as_str() {
        IMPORT_JOB => {
            let actor = job_actor(ctx, job).await?;
            let payload: ImportJob = serde_json::from_value(job.payload.clone())
                .map_err(|error| JobError::Failed(format!("The job's payload: {error}.")))?;
            import_apply(ctx, &actor, &payload, lease).await
        }
        EMBED_JOB => memory_embed(ctx, job.tenant_id, job.actor_user_id, lease).await,
        other => Err(JobError::Failed(format!("Unknown job “{other}”."))),
    }
}

/// Request facts for background work.
pub(super) fn request(ctx: &Ctx) -> RequestFacts {
    RequestFacts {
        request_id: ctx.ids.id(),
        ip: None,
        user_agent: None,
        session_id: None,
        api_key_id: None,
    }
}

/// The member for whom the job runs, with current permissions.
async fn job_actor(ctx: &Ctx, job: &ClaimedJob) -> Result<Actor, JobError> {
    let actor = actor_find(ctx, job.tenant_id, job.actor_user_id, request(ctx)).await?;
    actor.ok_or_else(|| {
        JobError::Failed("The member who asked for this is no longer active.".to_owned())
    })
}

/// Renews the lease; false if the job no longer belongs to this worker.
async fn heartbeat(ctx: &Ctx, job: &ClaimedJob, lease: Duration) -> bool {
    let hold = async {
        let mut tx = ctx.store.begin_worker().await?;
        let hold = store::job::job_heartbeat(&mut tx, job, ctx.clock.now(), lease).await?;
        tx.commit().await?;
        Ok::<_, StoreError>(hold)
    };
    match hold.await {
        Ok(hold) => hold == LeaseState::Held,
        Err(StoreError::Conflict) => false,
        Err(error) => {
            // The lease outlasts a short outage of the database.
            tracing::warn!(%error, job = %job.id, "the lease of a job could not be renewed");
            true
        }
    }
}

async fn record_outcome(
    ctx: &Ctx,
    job: &ClaimedJob,
    outcome: Result<(), JobError>,
    is_stopping: bool,
) -> Result<(), StoreError> {
    let now = ctx.clock.now();
    let Err(error) = outcome else {
        let store = &ctx.store;
        let mut tx = store
            .begin_as_member(job.tenant_id, job.actor_user_id)
            .await?;
        match job.kind.as_str() {
            EMBED_JOB => embed_complete(ctx, &mut tx, job).await?,
            _ => store::job::job_complete(&mut tx, job, None, now).await?,
        }
        return tx.commit().await;
    };
    let mut tx = ctx.store.begin_worker().await?;
    // For any outcome: committed work stays, and resuming continues from there.
    if store::job::job_pause(&mut tx, job, now).await? {
        return tx.commit().await;
    }
    match error {
        JobError::Lost if is_stopping => store::job::job_release(&mut tx, job, now).await?,
        JobError::Lost => return Ok(()),
        JobError::Failed(reason) => {
            tracing::warn!(job = %job.id, kind = %job.kind, %reason, "a job failed");
            let retry_at = Some(now + backoff(ctx, job.attempts));
            store::job::job_fail(&mut tx, job, &reason, retry_at, now).await?;
        }
    }
    tx.commit().await
}

pub(super) async fn sleep(duration: Duration) {
    tokio::time::sleep(duration.unsigned_abs()).await;
}

/// Doubles from 2 s to 5 minutes, shortened by up to half at random, so that
/// jobs that failed together are not retried together.
fn backoff(ctx: &Ctx, attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 8)).unwrap_or(1);
    let full = Duration::seconds(1 << doublings).min(Duration::minutes(5));
    let [random] = ctx.ids.bytes();
    full * (1.0 - f64::from(random) / 512.0)
}
