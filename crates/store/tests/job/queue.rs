//! Queueing: visibility of jobs and deduplication.

use domain::{access::SystemRole, job::JobStatus};
use store::{
    StoreError,
    job::{
        NewJob, job_cancel, job_changes, job_complete, job_dedupe_lock, job_enqueue, job_get,
        job_retry,
    },
    testing::{NOW, TestDb, id},
};
use time::Duration;

use crate::{claim_at, enqueue, enqueue_once, status, work};

#[tokio::test]
async fn job_is_visible_to_its_member_only() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let owner = acme.actor(SystemRole::Owner, "Olga").await;
    let stranger = db
        .tenant("globex")
        .await
        .actor(SystemRole::Owner, "Gus")
        .await;
    let job = enqueue(&db, &mia, &work(id())).await;

    let mut tx = db.store.begin(&mia).await.unwrap();
    let seen = job_get(&mut tx, job).await.unwrap();
    assert_eq!((seen.status, seen.progress_total), (JobStatus::Pending, 10));
    let before = NOW - Duration::SECOND;
    assert_eq!(job_changes(&mut tx, before, 10).await.unwrap().len(), 1);
    for other in [&owner, &stranger] {
        let mut tx = db.store.begin(other).await.unwrap();
        assert!(matches!(
            job_get(&mut tx, job).await,
            Err(StoreError::NotFound)
        ));
        assert!(matches!(
            job_cancel(&mut tx, job, NOW).await,
            Err(StoreError::NotFound)
        ));
        assert!(matches!(
            job_retry(&mut tx, job, NOW).await,
            Err(StoreError::NotFound)
        ));
        assert!(job_changes(&mut tx, before, 10).await.unwrap().is_empty());
    }
    assert_eq!(status(&db, &mia, job).await, JobStatus::Pending);
}

#[tokio::test]
async fn same_work_is_queued_once_until_it_is_finished() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let noah = acme.actor(SystemRole::Member, "Noah").await;
    let keyed = || NewJob {
        dedupe_key: Some("embed"),
        ..work(id())
    };

    let first = enqueue(&db, &mia, &keyed()).await;
    assert_eq!(enqueue_once(&db, &mia, &keyed()).await, None, "it waits");
    assert_ne!(
        enqueue(&db, &noah, &keyed()).await,
        first,
        "another member's work is independent"
    );

    // Mia's job was queued first and so is claimed first.
    let claimed = claim_at(&db, Duration::ZERO).await.unwrap();
    assert_eq!(claimed.id, first);
    assert_eq!(enqueue_once(&db, &mia, &keyed()).await, None, "it runs");
    let mut tx = db.store.begin(&mia).await.unwrap();
    job_complete(&mut tx, &claimed, None, NOW).await.unwrap();
    tx.commit().await.unwrap();
    assert_ne!(
        enqueue(&db, &mia, &keyed()).await,
        first,
        "the first job is finished"
    );
}

#[tokio::test]
async fn completion_waits_for_a_transaction_that_found_the_job_queued() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let keyed = || NewJob {
        dedupe_key: Some("letters"),
        ..work(id())
    };
    enqueue(&db, &mia, &keyed()).await;
    let running = claim_at(&db, Duration::ZERO).await.unwrap();
    let mut finder = db.store.begin(&mia).await.unwrap();
    let found = job_enqueue(&mut finder, &keyed(), NOW).await.unwrap();
    assert_eq!(found, None, "it runs");

    let mut last = db.store.begin(&mia).await.unwrap();
    {
        let lock = job_dedupe_lock(&mut last, "letters");
        tokio::pin!(lock);
        let early = tokio::time::timeout(std::time::Duration::from_millis(200), &mut lock).await;
        assert!(early.is_err(), "completion waits for the other transaction");
        finder.commit().await.unwrap();
        lock.await.unwrap();
    }
    job_complete(&mut last, &running, None, NOW).await.unwrap();
    let next = job_enqueue(&mut last, &keyed(), NOW).await.unwrap();
    last.commit().await.unwrap();
    assert_eq!(
        claim_at(&db, Duration::ZERO).await.map(|job| job.id),
        next,
        "work that came at its end is claimed next"
    );
}
