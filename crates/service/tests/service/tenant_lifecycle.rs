//! Suspended, deleted and purged organisations.

use domain::{
    AppError, Permission,
    access::SystemRole,
    tenant::{GRACE_DAYS, TenantStatus},
};
use service::{ApiKeyError, Initiator};
use store::audit::{AuditVerdict, audit_verify};
use time::Duration;

use crate::{
    api_key::key_draft,
    operator::{chain, is_conflict, status},
    support::{World, draft, json_text},
};

// SEC-B3: keys; sessions are in the server's tests, jobs below.
#[tokio::test]
async fn keys_of_a_suspended_organisation_are_denied_until_it_is_resumed() {
    let world = World::without_model().await;
    let ctx = &world.ctx;
    let owner = world.tenant.actor(SystemRole::Owner, "Olga").await;
    let key = crate::call::api_key_create(ctx, &owner, None, &key_draft(&[Permission::MemoryRead]))
        .await
        .unwrap()
        .key;
    let calls = async || service::api_key_actor(ctx, &key, &owner.request).await;
    calls().await.unwrap();
    let memory = crate::call_memory::memory_create(ctx, &owner, &draft("Tea"))
        .await
        .unwrap();
    let session = world.session(owner.user_id).await;

    for deleted in [false, true] {
        if deleted {
            service::tenant_delete(ctx, Initiator::Cli, world.tenant.id, None, "Left", None)
                .await
                .unwrap();
        } else {
            service::tenant_suspend(ctx, Initiator::Cli, world.tenant.id, "Unpaid")
                .await
                .unwrap();
        }
        assert!(matches!(calls().await, Err(ApiKeyError::OwnerInactive)));
        let nobody =
            service::actor_find(ctx, world.tenant.id, owner.user_id, owner.request.clone())
                .await
                .unwrap();
        assert_eq!(nobody, None);
        service::tenant_resume(ctx, Initiator::Cli, world.tenant.id)
            .await
            .unwrap();
        // No key was revoked.
        calls().await.unwrap();
        crate::call_memory::memory_get(ctx, &owner, memory)
            .await
            .unwrap();
        assert_eq!(world.live_sessions(owner.user_id).await, [session]);
    }
}

// SEC-B3, SEC-F1
#[tokio::test]
async fn import_of_a_suspended_organisation_stops_and_continues_after_resuming() {
    use crate::call_import::import_get;
    use domain::job::JobStatus;

    let world = World::without_model().await;
    let ctx = &world.ctx;
    let actor = world.member("Mia").await;
    let started = world.import_notes(&actor, 20_000).await;
    let worker = world.worker();
    while import_get(ctx, &actor, started)
        .await
        .unwrap()
        .report
        .imported
        == 0
    {
        tokio::task::yield_now().await;
    }
    service::tenant_suspend(ctx, Initiator::Cli, world.tenant.id, "Unpaid")
        .await
        .unwrap();
    let paused = loop {
        let import = import_get(ctx, &actor, started).await.unwrap();
        if import.job.as_ref().unwrap().status == JobStatus::Pending {
            break import;
        }
        assert_eq!(import.job.as_ref().unwrap().status, JobStatus::Running);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert!(paused.report.imported < 20_000);
    assert_eq!(
        paused.job.as_ref().unwrap().attempts,
        0,
        "a suspension does not count as an attempt"
    );
    // The worker polls every 20 ms and leaves the job alone.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let still = import_get(ctx, &actor, started).await.unwrap();
    assert_eq!(
        (still.job.as_ref().unwrap().status, still.report.imported),
        (JobStatus::Pending, paused.report.imported)
    );

    service::tenant_resume(ctx, Initiator::Cli, world.tenant.id)
        .await
        .unwrap();
    let import = world.import_ended(&actor, started).await;
    worker.stop().await;
    assert_eq!(
        (import.report.imported, import.report.duplicates),
        (20_000, 0)
    );
}

#[tokio::test]
async fn deletion_needs_a_reason_and_the_name_and_can_be_undone_during_the_grace_period() {
    let world = World::without_model().await;
    let (ctx, operator) = (&world.ctx, world.operator("Opa").await);
    let by = Initiator::Operator(&operator);
    let other = world.db.tenant("other").await;
    for (confirm, reason, field) in [
        ("other", "Left", "confirm"),
        ("", "Left", "confirm"),
        ("other Ltd", " ", "reason"),
    ] {
        let refused = service::tenant_delete(ctx, by, other.id, Some(confirm), reason, None).await;
        assert!(refused.unwrap_err().for_field(field).is_some(), "{field}");
    }
    let refused = service::tenant_suspend(ctx, by, other.id, "").await;
    assert!(refused.unwrap_err().for_field("reason").is_some());
    assert_eq!(
        status(&world, &operator, other.id).await,
        TenantStatus::Active
    );
    assert!(chain(&other).await.is_empty());

    let delete =
        async || service::tenant_delete(ctx, by, other.id, Some(" other Ltd "), "Left", None).await;
    delete().await.unwrap();
    assert!(is_conflict(delete().await, "already deleted"));
    assert!(is_conflict(
        service::tenant_suspend(ctx, by, other.id, "Unpaid").await,
        "Only an active"
    ));
    let detail = service::tenant_get(ctx, &operator, other.id).await.unwrap();
    let grace = detail.delete_after.unwrap() - detail.status_changed_at.unwrap();
    assert!((grace - Duration::days(GRACE_DAYS.into())).abs() < Duration::SECOND);
    assert_eq!(detail.status_reason.as_deref(), Some("Left"));

    world.pass(Duration::days(i64::from(GRACE_DAYS) - 1));
    assert_eq!(service::tenants_purge(ctx).await.unwrap(), 0);
    service::tenant_resume(ctx, by, other.id).await.unwrap();
    assert!(is_conflict(
        service::tenant_resume(ctx, by, other.id).await,
        "already active"
    ));
    let detail = service::tenant_get(ctx, &operator, other.id).await.unwrap();
    assert_eq!((detail.delete_after, detail.status_reason), (None, None));
    world.pass(Duration::days(GRACE_DAYS.into()));
    assert_eq!(service::tenants_purge(ctx).await.unwrap(), 0, "resumed");

    delete().await.unwrap();
    world.pass(Duration::days(GRACE_DAYS.into()));
    assert!(is_conflict(
        service::tenant_resume(ctx, by, other.id).await,
        "grace period"
    ));
}

#[tokio::test]
async fn purge_is_audited_in_the_operators_organisation_with_the_head_of_the_chain() {
    let world = World::without_model().await;
    let (ctx, operator) = (&world.ctx, world.operator("Opa").await);
    let other = world.db.tenant("other").await;
    let mia = other.actor(SystemRole::Owner, "Mia").await;
    crate::call_memory::memory_create(ctx, &mia, &draft("Tea"))
        .await
        .unwrap();
    service::tenant_delete(
        ctx,
        Initiator::Operator(&operator),
        other.id,
        None,
        "Left",
        None,
    )
    .await
    .unwrap();
    let mut tx = other.enter().await;
    let AuditVerdict::Intact(head) = audit_verify(&mut tx, &[]).await.unwrap() else {
        panic!("the chain is broken");
    };
    drop(tx);

    world.pass(Duration::days(GRACE_DAYS.into()));
    // As housekeeping does.
    let worker = world.worker();
    let purged = loop {
        let newest = chain(&world.tenant).await.remove(0);
        if newest.action == "tenant.purge" {
            break newest;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    worker.stop().await;
    assert_eq!(purged.resource_id, Some(other.id.to_string()));
    let told = json_text(purged.metadata.as_ref());
    assert!(told.contains(&head.to_string()), "{told}");
    assert!(told.contains(&operator.user_id.to_string()), "{told}");
    let rows = json_text(purged.changes.as_ref());
    assert!(rows.contains("\"memories\":1"), "{rows}");
    assert!(!rows.contains("Tea"), "{rows}");
    assert_eq!(
        service::tenant_get(ctx, &operator, other.id).await,
        Err(AppError::NotFound)
    );

    // The purge works even if the operator's own organisation is deleted too.
    let third = world.db.tenant("third").await;
    service::tenant_delete(
        ctx,
        Initiator::Operator(&operator),
        third.id,
        None,
        "Left",
        None,
    )
    .await
    .unwrap();
    service::tenant_delete(
        ctx,
        Initiator::Cli,
        world.tenant.id,
        None,
        "Left",
        Some(Duration::ZERO),
    )
    .await
    .unwrap();
    world.pass(Duration::days(GRACE_DAYS.into()));
    assert_eq!(service::tenants_purge(ctx).await.unwrap(), 2);
    let left: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM tenants) + (SELECT count(*) FROM audit_heads)",
    )
    .fetch_one(&world.db.admin)
    .await
    .unwrap();
    assert_eq!(left, 0);
}
