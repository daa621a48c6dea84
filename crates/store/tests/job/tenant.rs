//! Jobs of an organisation that is not active.

use domain::{access::SystemRole, job::JobStatus};
use store::{
    job::{LeaseState, job_cancel, job_claim, job_heartbeat, job_pause, job_progress},
    testing::{NOW, TestDb, id},
};
use time::Duration;

use crate::{KINDS, LEASE, claim_at, enqueue, status, work};

async fn tenant_status(db: &TestDb, status: &str) {
    sqlx::query("UPDATE tenants SET status = $1 WHERE slug = 'acme'")
        .bind(status)
        .execute(&db.admin)
        .await
        .unwrap();
}

// SEC-B3: the jobs of a suspended organisation stop, and continue after resuming.
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
        // The claim of the previous round is rolled back asynchronously.
        let first = loop {
            let first = job_claim(&mut tx, "worker", NOW, LEASE, KINDS)
                .await
                .unwrap();
            match first {
                Some(first) => break first,
                None => tokio::task::yield_now().await,
            }
        };
        assert_eq!(first.id, theirs, "jobs of other organisations run");
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
async fn running_job_of_a_suspended_tenant_is_released_without_losing_an_attempt() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let job = enqueue(&db, &mia, &work(id())).await;
    let claimed = claim_at(&db, Duration::ZERO).await.unwrap();

    let mut tx = db.store.begin_worker().await.unwrap();
    assert!(!job_pause(&mut tx, &claimed, NOW).await.unwrap(), "active");
    tenant_status(&db, "suspended").await;
    let held = job_heartbeat(&mut tx, &claimed, NOW, LEASE).await.unwrap();
    assert_eq!(held, LeaseState::Paused);
    let mut inside = db.store.begin(&mia).await.unwrap();
    let held = job_progress(&mut inside, &claimed, 5, 10, NOW)
        .await
        .unwrap();
    assert_eq!(held, LeaseState::Paused);
    drop(inside);
    assert!(job_pause(&mut tx, &claimed, NOW).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(status(&db, &mia, job).await, JobStatus::Pending);

    tenant_status(&db, "active").await;
    assert_eq!(claim_at(&db, Duration::ZERO).await.unwrap().attempts, 1);
}
