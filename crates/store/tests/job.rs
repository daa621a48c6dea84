//! Jobs: claims, leases, fences, attempts.

use domain::{Actor, JobId, access::SystemRole, job::JobStatus};
use serde_json::json;
use store::{
    StoreError,
    cursor::{Cursor, List},
    job::{
        ClaimedJob, JobHold, NewJob, job_cancel, job_claim, job_complete, job_enqueue, job_fail,
        job_get, job_heartbeat, job_list, job_pause, job_progress, job_retry,
    },
    testing::{NOW, TestDb, id},
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

#[tokio::test]
async fn a_job_is_its_members_alone() {
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
        assert!(job_list(&mut tx, None, 10).await.unwrap().items.is_empty());
    }
    assert_eq!(status(&db, &mia, job).await, JobStatus::Pending);
}

#[tokio::test]
async fn jobs_are_listed_newest_first_page_by_page() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let mut expected = Vec::new();
    let mut tx = db.store.begin(&mia).await.unwrap();
    for minute in 0..5 {
        let at = NOW + Duration::minutes(minute);
        let job = job_enqueue(&mut tx, &work(id()), at).await.unwrap();
        expected.insert(0, job.unwrap());
    }
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let page = job_list(&mut tx, after, 2).await.unwrap();
        listed.extend(page.items.iter().map(|job| job.id));
        let Some(next) = page.next else { break };
        after = Some(Cursor::parse(&next, List::Job, mia.tenant_id).unwrap());
    }
    assert_eq!(listed, expected);
}

#[tokio::test]
async fn the_same_work_is_queued_once_until_it_is_finished() {
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
        "another member's work is other work"
    );

    // Mia's was queued first and so is claimed first.
    let claimed = claim_at(&db, Duration::ZERO).await.unwrap();
    assert_eq!(claimed.id, first);
    assert_eq!(enqueue_once(&db, &mia, &keyed()).await, None, "it runs");
    let mut tx = db.store.begin(&mia).await.unwrap();
    job_complete(&mut tx, &claimed, None, NOW).await.unwrap();
    tx.commit().await.unwrap();
    assert_ne!(enqueue(&db, &mia, &keyed()).await, first, "it is finished");
}

#[tokio::test]
async fn a_claim_takes_what_is_due_and_most_urgent() {
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
async fn two_claimers_never_get_the_same_job() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    enqueue(&db, &mia, &work(id())).await;
    enqueue(&db, &mia, &work(id())).await;

    // Neither transaction has ended when the next begins: nobody waits.
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
async fn many_workers_do_each_job_once() {
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
async fn one_organisation_cannot_take_all_workers() {
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

// SEC-F1
#[tokio::test]
async fn a_worker_that_lost_its_lease_changes_nothing() {
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
        "the lease holds"
    );

    let mut tx = db.store.begin_worker().await.unwrap();
    let held = job_heartbeat(&mut tx, &stale, NOW + Duration::seconds(30), LEASE)
        .await
        .unwrap();
    assert_eq!(held, JobHold::Held);
    tx.commit().await.unwrap();
    assert_eq!(
        claim_at(&db, LEASE + Duration::seconds(1)).await,
        None,
        "the heartbeat made it longer"
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

    // The one that holds it goes on undisturbed.
    assert_eq!(
        job_progress(&mut tx, &taken, 7, 12, at).await.unwrap(),
        JobHold::Held
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
async fn a_job_whose_workers_all_die_is_given_up() {
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
async fn a_failed_attempt_is_repeated_later_until_none_is_left() {
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
async fn an_attempt_that_makes_no_sense_to_repeat_is_the_last() {
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
async fn a_cancelled_job_tells_its_worker_and_can_be_retried() {
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
        JobHold::Cancelled
    );
    drop(tx);
    let mut tx = db.store.begin(&mia).await.unwrap();
    assert_eq!(
        job_progress(&mut tx, &claimed, 1, 2, NOW).await.unwrap(),
        JobHold::Cancelled
    );
    assert!(matches!(
        job_complete(&mut tx, &claimed, None, NOW).await,
        Err(StoreError::Conflict)
    ));
    drop(tx);
    assert_eq!(claim_at(&db, Duration::hours(1)).await, None);

    // While the same work is queued anew, the old job stays where it is.
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

    // The worker from before the retry has lost it for good.
    let mut tx = db.store.begin_worker().await.unwrap();
    assert!(matches!(
        job_heartbeat(&mut tx, &claimed, NOW, LEASE).await,
        Err(StoreError::Conflict)
    ));
    drop(tx);
    assert_eq!(claim_at(&db, Duration::ZERO).await.unwrap().id, job);
}

async fn tenant_status(db: &TestDb, status: &str) {
    sqlx::query("UPDATE tenants SET status = $1 WHERE slug = 'acme'")
        .bind(status)
        .execute(&db.admin)
        .await
        .unwrap();
}

// SEC-B3: a suspended organisation's work stops, and goes on when it is resumed.
#[tokio::test]
async fn jobs_of_a_suspended_tenant_wait_until_it_is_resumed() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let other = db.tenant("globex").await;
    let gus = other.actor(SystemRole::Member, "Gus").await;
    let ours = enqueue(&db, &mia, &work(id())).await;
    let theirs = enqueue(&db, &gus, &work(id())).await;
    for status in ["suspended", "deleted"] {
        tenant_status(&db, status).await;
        let mut tx = db.store.begin_worker().await.unwrap();
        // The claim of the round before is rolled back in its own time.
        let first = loop {
            let first = job_claim(&mut tx, "worker", NOW, LEASE, KINDS)
                .await
                .unwrap();
            match first {
                Some(first) => break first,
                None => tokio::task::yield_now().await,
            }
        };
        assert_eq!(first.id, theirs, "others' work goes on");
        let none = job_claim(&mut tx, "worker", NOW, LEASE, KINDS)
            .await
            .unwrap();
        assert_eq!(none, None, "{status}");
    }
    tenant_status(&db, "active").await;
    let mut tx = db.store.begin(&gus).await.unwrap();
    job_cancel(&mut tx, theirs, NOW).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(claim_at(&db, Duration::ZERO).await.unwrap().id, ours);
}

// SEC-B3
#[tokio::test]
async fn a_running_job_of_a_suspended_tenant_is_given_back_and_loses_no_attempt() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let job = enqueue(&db, &mia, &work(id())).await;
    let claimed = claim_at(&db, Duration::ZERO).await.unwrap();

    let mut tx = db.store.begin_worker().await.unwrap();
    assert!(!job_pause(&mut tx, &claimed, NOW).await.unwrap(), "active");
    tenant_status(&db, "suspended").await;
    let held = job_heartbeat(&mut tx, &claimed, NOW, LEASE).await.unwrap();
    assert_eq!(held, JobHold::Paused);
    let mut inside = db.store.begin(&mia).await.unwrap();
    let held = job_progress(&mut inside, &claimed, 5, 10, NOW)
        .await
        .unwrap();
    assert_eq!(held, JobHold::Paused);
    drop(inside);
    assert!(job_pause(&mut tx, &claimed, NOW).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(status(&db, &mia, job).await, JobStatus::Pending);

    tenant_status(&db, "active").await;
    assert_eq!(claim_at(&db, Duration::ZERO).await.unwrap().attempts, 1);
}
