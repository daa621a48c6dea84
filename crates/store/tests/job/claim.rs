//! Claiming: due jobs first, each once, and a share for every organisation.

use domain::{access::SystemRole, job::JobStatus};
use serde_json::json;
use store::{
    job::{NewJob, job_claim},
    testing::{NOW, TestDb, id},
};
use time::Duration;

use crate::{KINDS, LEASE, claim_at, enqueue, status, work};

#[tokio::test]
async fn claim_takes_the_most_urgent_due_job() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let later = enqueue(
        &db,
        &mia,
        &NewJob {
            run_at: NOW + Duration::hours(1),
            ..work(id())
        },
    )
    .await;
    let plain = enqueue(&db, &mia, &work(id())).await;
    let urgent = enqueue(
        &db,
        &mia,
        &NewJob {
            priority: 5,
            ..work(id())
        },
    )
    .await;
    enqueue(
        &db,
        &mia,
        &NewJob {
            kind: "other.work",
            ..work(id())
        },
    )
    .await;

    let first = claim_at(&db, Duration::ZERO).await.unwrap();
    assert_eq!(first.id, urgent);
    assert_eq!(
        (first.tenant_id, first.actor_user_id),
        (mia.tenant_id, mia.user_id)
    );
    assert_eq!(
        (first.kind.as_str(), first.attempts, first.fence),
        ("test.work", 1, 1)
    );
    assert_eq!(first.payload, json!({ "n": 1 }));
    assert_eq!(claim_at(&db, Duration::ZERO).await.unwrap().id, plain);
    assert_eq!(claim_at(&db, Duration::ZERO).await, None);
    assert_eq!(status(&db, &mia, later).await, JobStatus::Pending);
}

// SEC-F1
#[tokio::test]
async fn concurrent_claims_never_get_the_same_job() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    enqueue(&db, &mia, &work(id())).await;
    enqueue(&db, &mia, &work(id())).await;

    // The first transaction is still open when the second begins, which must not wait.
    let mut claimed = Vec::new();
    let mut open = Vec::new();
    for worker in ["a", "b", "c"] {
        let mut tx = db.store.begin_worker().await.unwrap();
        claimed.push(
            job_claim(&mut tx, worker, NOW, LEASE, KINDS)
                .await
                .unwrap()
                .map(|job| job.id),
        );
        open.push(tx);
    }
    assert!(claimed[0].is_some() && claimed[1].is_some());
    assert_ne!(claimed[0], claimed[1]);
    assert_eq!(claimed[2], None);
}

#[tokio::test]
async fn many_workers_run_each_job_once() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    for _ in 0..20 {
        enqueue(&db, &mia, &work(id())).await;
    }
    let worker = || async {
        let mut mine = Vec::new();
        while let Some(job) = claim_at(&db, Duration::ZERO).await {
            mine.push(job.id);
        }
        mine
    };
    let (a, b, c, d) = tokio::join!(worker(), worker(), worker(), worker());
    let mut all = [a, b, c, d].concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 20);
}

#[tokio::test]
async fn one_organisation_can_not_take_all_workers() {
    let db = TestDb::new().await;
    let big = db
        .tenant("big")
        .await
        .actor(SystemRole::Member, "Bea")
        .await;
    let small = db
        .tenant("small")
        .await
        .actor(SystemRole::Member, "Sam")
        .await;
    for _ in 0..3 {
        enqueue(&db, &big, &work(id())).await;
    }
    let waits = enqueue(
        &db,
        &small,
        &NewJob {
            run_at: NOW + Duration::seconds(1),
            ..work(id())
        },
    )
    .await;

    let at = Duration::seconds(2);
    assert_eq!(claim_at(&db, at).await.unwrap().tenant_id, big.tenant_id);
    assert_eq!(claim_at(&db, at).await.unwrap().id, waits);
}
