//! Jobs: claims, leases, fencing, attempts.

mod attempts;
mod claim;
mod queue;
mod tenant;

use domain::{Actor, JobId, job::JobStatus};
use serde_json::json;
use store::{
    job::{ClaimedJob, NewJob, job_claim, job_enqueue, job_get},
    testing::{NOW, TestDb},
};
use time::Duration;

const LEASE: Duration = Duration::seconds(60);
const KINDS: &[&str] = &["test.work"];

fn work(id: JobId) -> NewJob<'static> {
    NewJob {
        id,
        kind: "test.work",
        payload: json!({ "n": 1 }),
        dedupe_key: None,
        run_at: NOW,
        max_attempts: 3,
        priority: 0,
        progress_total: 10,
    }
}

async fn enqueue(db: &TestDb, actor: &Actor, job: &NewJob<'_>) -> JobId {
    enqueue_once(db, actor, job).await.expect("it is new work")
}

async fn enqueue_once(db: &TestDb, actor: &Actor, job: &NewJob<'_>) -> Option<JobId> {
    let mut tx = db.store.begin(actor).await.unwrap();
    let id = job_enqueue(&mut tx, job, NOW).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn claim_at(db: &TestDb, after: Duration) -> Option<ClaimedJob> {
    let mut tx = db.store.begin_worker().await.unwrap();
    let job = job_claim(&mut tx, "worker", NOW + after, LEASE, KINDS)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    job
}

async fn status(db: &TestDb, actor: &Actor, id: JobId) -> JobStatus {
    let mut tx = db.store.begin(actor).await.unwrap();
    job_get(&mut tx, id).await.unwrap().status
}
