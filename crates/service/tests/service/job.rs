//! Workers that stop, crash and restart.

use domain::{job::JobStatus, memory::MemoryFilter};
use time::Duration;

use crate::call_import::{import_cancel, import_get, import_retry};
use crate::call_memory::memory_list;
use crate::support::{World, draft};

// SEC-F1
#[tokio::test]
async fn import_of_a_killed_worker_resumes_where_it_stopped() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let started = world.import_notes(&actor, 2_000).await;

    // The first worker dies after its first batch.
    let first = tokio::spawn(service::work(
        world.ctx.clone(),
        service::WorkerSettings::default(),
        tokio_util::sync::CancellationToken::new(),
    ));
    loop {
        let import = import_get(&world.ctx, &actor, started).await.unwrap();
        if import.report.imported > 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    first.abort();
    let _ = first.await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let at_death = import_get(&world.ctx, &actor, started).await.unwrap();
    assert_eq!(at_death.job.as_ref().unwrap().status, JobStatus::Running);

    // The job is not claimed while its lease runs; then the next worker continues it.
    world.pass(Duration::seconds(31));
    let second = world.worker();
    let import = world.import_ended(&actor, started).await;
    second.stop().await;
    assert_eq!(import.job.as_ref().unwrap().status, JobStatus::Completed);
    assert_eq!(
        (import.report.imported, import.report.duplicates),
        (2_000, 0)
    );
    assert_eq!(import.job.as_ref().unwrap().attempts, 2);
}

#[tokio::test]
async fn stopped_worker_releases_its_job() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let started = world.import_notes(&actor, 20_000).await;
    let first = world.worker();
    while import_get(&world.ctx, &actor, started)
        .await
        .unwrap()
        .report
        .imported
        == 0
    {
        tokio::task::yield_now().await;
    }
    first.stop().await;
    let between = import_get(&world.ctx, &actor, started).await.unwrap();
    assert_eq!(between.job.as_ref().unwrap().status, JobStatus::Pending);
    assert_eq!(
        between.job.as_ref().unwrap().attempts,
        0,
        "a stop does not count as an attempt"
    );

    let second = world.worker();
    let import = world.import_ended(&actor, started).await;
    second.stop().await;
    assert_eq!(
        (import.report.imported, import.report.duplicates),
        (20_000, 0)
    );
}

#[tokio::test]
async fn cancelled_import_stops_and_can_be_restarted() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let started = world.import_notes(&actor, 20_000).await;
    let worker = world.worker();
    while import_get(&world.ctx, &actor, started)
        .await
        .unwrap()
        .report
        .imported
        == 0
    {
        tokio::task::yield_now().await;
    }
    import_cancel(&world.ctx, &actor, started).await.unwrap();
    let import = import_get(&world.ctx, &actor, started).await.unwrap();
    assert_eq!(import.job.as_ref().unwrap().status, JobStatus::Cancelled);
    assert!(import.report.imported < 20_000);
    let landed = import.report.imported;

    import_retry(&world.ctx, &actor, started).await.unwrap();
    let import = world.import_ended(&actor, started).await;
    worker.stop().await;
    assert_eq!(import.job.as_ref().unwrap().status, JobStatus::Completed);
    assert!(landed > 0);
    assert_eq!(
        (import.report.imported, import.report.duplicates),
        (20_000, 0)
    );
}

#[tokio::test]
async fn jobs_of_a_former_member_do_not_run() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let started = world.import_notes(&actor, 3).await;
    let mut tx = world.tenant.enter().await;
    let status = store::user::UserStatus::Deactivated;
    store::user::user_status_set(&mut tx, actor.user_id, status, world.ctx.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let worker = world.worker();
    let import = loop {
        let import = import_get(&world.ctx, &actor, started).await.unwrap();
        if import.job.as_ref().unwrap().error.is_some() {
            break import;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    worker.stop().await;
    assert!(
        import
            .job
            .unwrap()
            .error
            .unwrap()
            .contains("no longer active")
    );
    let list = memory_list(&world.ctx, &actor, &MemoryFilter::default(), None)
        .await
        .unwrap();
    assert!(list.items.is_empty());
}

#[tokio::test]
async fn memories_from_before_the_model_are_embedded_later() {
    let world = World::new().await;
    let actor = world.member("Mia").await;
    // Written while there was no model: there is no job, and the vector is missing.
    let mut tx = world.ctx.store.begin(&actor).await.unwrap();
    let now = world.ctx.clock.now();
    store::memory::memory_create(&mut tx, world.ctx.ids.id(), &draft("Tea"), now)
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let worker = world.worker();
    world.embedded(&actor).await;
    worker.stop().await;
}

#[tokio::test]
async fn housekeeping_creates_the_audit_logs_partitions() {
    let world = World::without_model().await;
    let partitions = || async {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'audit_log'::regclass",
        )
        .fetch_one(&world.db.admin)
        .await
        .unwrap();
        count
    };
    let before = partitions().await;
    let worker = world.worker();
    for _ in 0..500 {
        if partitions().await == before + 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    worker.stop().await;
    assert_eq!(
        partitions().await,
        before + 3,
        "this month and the next two"
    );
}
