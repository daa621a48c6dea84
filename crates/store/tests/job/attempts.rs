//! Leases, attempts, retries and cancellation.

use domain::{access::SystemRole, job::JobStatus};
use serde_json::json;
use store::{
    StoreError,
    job::{
        LeaseState, NewJob, job_cancel, job_complete, job_fail, job_get, job_heartbeat,
        job_progress, job_retry,
    },
    testing::{NOW, TestDb, id},
};
use time::Duration;

use crate::{LEASE, claim_at, enqueue, status, work};

// SEC-F1
#[tokio::test]
async fn worker_that_lost_its_lease_changes_nothing() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let job = enqueue(&db, &mia, &work(id())).await;
    let stale = claim_at(&db, Duration::ZERO).await.unwrap();
    assert_eq!(
        claim_at(&db, LEASE - Duration::seconds(1)).await,
        None,
        "the lease is still held"
    );

    let mut tx = db.store.begin_worker().await.unwrap();
    let held = job_heartbeat(&mut tx, &stale, NOW + Duration::seconds(30), LEASE)
        .await
        .unwrap();
    assert_eq!(held, LeaseState::Held);
    tx.commit().await.unwrap();
    assert_eq!(
        claim_at(&db, LEASE + Duration::seconds(1)).await,
        None,
        "the heartbeat extended the lease"
    );

    let taken = claim_at(&db, LEASE + Duration::seconds(31)).await.unwrap();
    assert_eq!((taken.id, taken.attempts, taken.fence), (job, 2, 2));

    let at = NOW + LEASE + Duration::seconds(40);
    let mut tx = db.store.begin_worker().await.unwrap();
    assert!(matches!(
        job_heartbeat(&mut tx, &stale, at, LEASE).await,
        Err(StoreError::Conflict)
    ));
    assert!(matches!(
        job_fail(&mut tx, &stale, "late", Some(at), at).await,
        Err(StoreError::Conflict)
    ));
    let mut tx = db.store.begin(&mia).await.unwrap();
    assert!(matches!(
        job_progress(&mut tx, &stale, 5, 10, at).await,
        Err(StoreError::Conflict)
    ));
    assert!(matches!(
        job_complete(&mut tx, &stale, None, at).await,
        Err(StoreError::Conflict)
    ));

    // The worker that holds the lease is not affected.
    assert_eq!(
        job_progress(&mut tx, &taken, 7, 12, at).await.unwrap(),
        LeaseState::Held
    );
    job_complete(&mut tx, &taken, Some(&json!({ "ok": true })), at)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.store.begin(&mia).await.unwrap();
    let seen = job_get(&mut tx, job).await.unwrap();
    assert_eq!(seen.status, JobStatus::Completed);
    assert_eq!(
        (seen.progress_done, seen.progress_total, seen.finished_at),
        (7, 12, Some(at))
    );
    assert!(
        matches!(
            job_complete(&mut tx, &taken, None, at).await,
            Err(StoreError::Conflict)
        ),
        "only once"
    );
}

#[tokio::test]
async fn job_whose_workers_all_die_fails() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let job = enqueue(
        &db,
        &mia,
        &NewJob {
            max_attempts: 2,
            ..work(id())
        },
    )
    .await;
    assert!(claim_at(&db, Duration::minutes(0)).await.is_some());
    assert!(claim_at(&db, Duration::minutes(2)).await.is_some());
    assert_eq!(claim_at(&db, Duration::minutes(4)).await, None);

    let mut tx = db.store.begin(&mia).await.unwrap();
    let seen = job_get(&mut tx, job).await.unwrap();
    assert_eq!((seen.status, seen.attempts), (JobStatus::Dead, 2));
    assert!(seen.error.is_some() && seen.finished_at.is_some());
    job_retry(&mut tx, job, NOW + Duration::minutes(5))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        claim_at(&db, Duration::minutes(5)).await.unwrap().attempts,
        1
    );
}

#[tokio::test]
async fn failed_attempt_is_retried_later_until_none_is_left() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let job = enqueue(
        &db,
        &mia,
        &NewJob {
            max_attempts: 2,
            ..work(id())
        },
    )
    .await;

    let first = claim_at(&db, Duration::ZERO).await.unwrap();
    let mut tx = db.store.begin_worker().await.unwrap();
    let retry_at = NOW + Duration::minutes(10);
    let error = format!("no\0 luck {}", "x".repeat(5_000));
    assert_eq!(
        job_fail(&mut tx, &first, &error, Some(retry_at), NOW)
            .await
            .unwrap(),
        JobStatus::Failed
    );
    tx.commit().await.unwrap();
    assert_eq!(claim_at(&db, Duration::minutes(9)).await, None);

    let second = claim_at(&db, Duration::minutes(10)).await.unwrap();
    assert_eq!(second.attempts, 2);
    let mut tx = db.store.begin_worker().await.unwrap();
    assert_eq!(
        job_fail(&mut tx, &second, "again", Some(retry_at), NOW)
            .await
            .unwrap(),
        JobStatus::Dead
    );
    tx.commit().await.unwrap();
    let mut tx = db.store.begin(&mia).await.unwrap();
    let seen = job_get(&mut tx, job).await.unwrap();
    assert_eq!(
        (seen.status, seen.error.as_deref()),
        (JobStatus::Dead, Some("again"))
    );
}

#[tokio::test]
async fn permanent_failure_is_not_retried() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let job = enqueue(&db, &mia, &work(id())).await;
    let claimed = claim_at(&db, Duration::ZERO).await.unwrap();
    let mut tx = db.store.begin_worker().await.unwrap();
    assert_eq!(
        job_fail(&mut tx, &claimed, "not text", None, NOW)
            .await
            .unwrap(),
        JobStatus::Dead
    );
    tx.commit().await.unwrap();
    assert_eq!(status(&db, &mia, job).await, JobStatus::Dead);
}

#[tokio::test]
async fn cancelled_job_tells_its_worker_and_can_be_retried() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let keyed = |job| NewJob {
        dedupe_key: Some("k"),
        ..work(job)
    };
    let job = enqueue(&db, &mia, &keyed(id())).await;
    let claimed = claim_at(&db, Duration::ZERO).await.unwrap();

    let mut tx = db.store.begin(&mia).await.unwrap();
    assert!(
        matches!(
            job_retry(&mut tx, job, NOW).await,
            Err(StoreError::Conflict)
        ),
        "it runs"
    );
    job_cancel(&mut tx, job, NOW).await.unwrap();
    assert!(matches!(
        job_cancel(&mut tx, job, NOW).await,
        Err(StoreError::Conflict)
    ));
    tx.commit().await.unwrap();

    let mut tx = db.store.begin_worker().await.unwrap();
    assert_eq!(
        job_heartbeat(&mut tx, &claimed, NOW, LEASE).await.unwrap(),
        LeaseState::Cancelled
    );
    drop(tx);
    let mut tx = db.store.begin(&mia).await.unwrap();
    assert_eq!(
        job_progress(&mut tx, &claimed, 1, 2, NOW).await.unwrap(),
        LeaseState::Cancelled
    );
    assert!(matches!(
        job_complete(&mut tx, &claimed, None, NOW).await,
        Err(StoreError::Conflict)
    ));
    drop(tx);
    assert_eq!(claim_at(&db, Duration::hours(1)).await, None);

    // While the same work is queued again, the old job can't be retried.
    let other = enqueue(&db, &mia, &keyed(id())).await;
    let mut tx = db.store.begin(&mia).await.unwrap();
    assert!(matches!(
        job_retry(&mut tx, job, NOW).await,
        Err(StoreError::Conflict)
    ));
    drop(tx);
    let mut tx = db.store.begin(&mia).await.unwrap();
    job_cancel(&mut tx, other, NOW).await.unwrap();
    job_retry(&mut tx, job, NOW).await.unwrap();
    tx.commit().await.unwrap();

    // The worker from before the retry has lost the job permanently.
    let mut tx = db.store.begin_worker().await.unwrap();
    assert!(matches!(
        job_heartbeat(&mut tx, &claimed, NOW, LEASE).await,
        Err(StoreError::Conflict)
    ));
    drop(tx);
    assert_eq!(claim_at(&db, Duration::ZERO).await.unwrap().id, job);
}
