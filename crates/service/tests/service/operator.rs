//! Operators of the installation, and what they can do to organisations.

use domain::{
    Actor, ApiKeyId, AppError, Permission, RequestFacts, TenantId,
    access::SystemRole,
    audit::{AuditEntry, AuditListInput, Outcome},
    identity::IdentityKey,
    role::RoleInput,
    tenant::{GRACE_DAYS, TENANTS_PER_PAGE, TenantFilter, TenantStatus, TenantTier},
};
use service::{ApiKeyError, Initiator};
use store::{
    audit::{AuditVerdict, audit_verify},
    identity::identity_create,
    testing::TestTenant,
};
use time::Duration;

use crate::{
    api_key::key_draft,
    support::{World, draft, json_text},
};

/// An organisation's audit rows, newest first, after verifying the chain.
async fn chain(tenant: &TestTenant) -> Vec<AuditEntry> {
    let mut tx = tenant.enter().await;
    let verdict = audit_verify(&mut tx, &[]).await.unwrap();
    assert!(matches!(verdict, AuditVerdict::Intact(_)), "{verdict:?}");
    store::audit::audit_list(&mut tx, &AuditListInput::default(), 500)
        .await
        .unwrap()
        .items
}

async fn status(world: &World, operator: &Actor, id: TenantId) -> TenantStatus {
    let detail = service::tenant_get(&world.ctx, operator, id).await.unwrap();
    detail.summary.status
}

fn is_conflict<T: std::fmt::Debug>(result: Result<T, AppError>, part: &str) -> bool {
    matches!(result, Err(AppError::Conflict { message }) if message.contains(part))
}

// SEC-G: authenticated but unauthorised admin job; first-user-becomes-admin.
#[tokio::test]
async fn only_an_appointed_member_in_a_browser_is_an_operator() {
    let world = World::without_model().await;
    let first = world.tenant.actor(SystemRole::Owner, "First").await;
    let session_id = Some(world.session(first.user_id).await);
    let in_browser = RequestFacts {
        session_id,
        ..first.request.clone()
    };
    let first = world.acting_in(first.user_id, in_browser).await;
    assert!(!first.permissions.contains(&Permission::PlatformOperate));

    let operator = world.operator("Opa").await;
    assert!(operator.permissions.contains(&Permission::PlatformOperate));
    let profile = crate::call::profile_get(&world.ctx, &operator)
        .await
        .unwrap();
    assert!(profile.permissions.contains(&Permission::PlatformOperate));
    for request in [
        RequestFacts {
            session_id: None,
            ..operator.request.clone()
        },
        RequestFacts {
            api_key_id: Some(world.ctx.ids.id::<ApiKeyId>()),
            ..operator.request.clone()
        },
    ] {
        let elsewhere = world.acting_in(operator.user_id, request).await;
        assert!(!elsewhere.permissions.contains(&Permission::PlatformOperate));
        let refused =
            service::tenant_page(&world.ctx, &elsewhere, &TenantFilter::default(), None).await;
        assert_eq!(
            refused.unwrap_err(),
            AppError::Forbidden {
                permission: Permission::PlatformOperate
            }
        );
    }
}

// SEC-G: a role or a key above what an organisation can grant.
#[tokio::test]
async fn no_role_and_no_key_grants_it_even_if_written_by_sql() {
    let world = World::without_model().await;
    let operator = world.operator("Opa").await;
    let wanted = RoleInput {
        name: "Root".into(),
        description: String::new(),
        permissions: vec!["platform.operate".into()],
    };
    let refused = crate::call::role_create(&world.ctx, &operator, &wanted).await;
    assert!(refused.unwrap_err().for_field("permissions").is_some());
    let refused = crate::call::api_key_create(
        &world.ctx,
        &operator,
        None,
        &key_draft(&[Permission::PlatformOperate]),
    )
    .await;
    assert!(refused.unwrap_err().for_field("scopes").is_some());

    let role = world.custom_role("Clerk", &[Permission::MemoryRead]).await;
    let mia = world.member("Mia").await;
    crate::call::member_role_grant(&world.ctx, &operator, mia.user_id, role)
        .await
        .unwrap();
    let key = crate::call::api_key_create(
        &world.ctx,
        &operator,
        None,
        &key_draft(&[Permission::MemoryRead]),
    )
    .await
    .unwrap();
    for sql in [
        "UPDATE roles SET permissions = '{memory.read,platform.operate}' WHERE NOT is_system",
        "UPDATE api_keys SET scopes = '{memory.read,platform.operate}'",
    ] {
        sqlx::query(sql).execute(&world.db.admin).await.unwrap();
    }
    let in_browser = RequestFacts {
        session_id: Some(world.session(mia.user_id).await),
        ..mia.request
    };
    let mia = world.acting_in(mia.user_id, in_browser).await;
    assert!(!mia.permissions.contains(&Permission::PlatformOperate));
    let program = service::api_key_actor(&world.ctx, &key.key, &operator.request)
        .await
        .unwrap();
    assert!(program.permissions.contains(&Permission::MemoryRead));
    assert!(!program.permissions.contains(&Permission::PlatformOperate));
}

// SEC-E1: each action is in both audit logs, or it is rolled back.
#[tokio::test]
async fn every_action_is_in_both_organisations_logs() {
    let world = World::without_model().await;
    let (ctx, operator) = (&world.ctx, world.operator("Opa").await);
    let by = Initiator::Operator(&operator);
    let other = world.db.tenant("other").await;
    service::tenant_suspend(ctx, by, other.id, " Unpaid since May ")
        .await
        .unwrap();
    service::tenant_resume(ctx, by, other.id).await.unwrap();
    service::tenant_tier_set(ctx, by, other.id, TenantTier::Enterprise)
        .await
        .unwrap();
    service::tenant_delete(ctx, by, other.id, Some("other Ltd"), "They left", None)
        .await
        .unwrap();

    let (own, theirs) = (chain(&world.tenant).await, chain(&other).await);
    let expected = [
        ("tenant.delete", Some("They left")),
        ("tenant.tier_set", None),
        ("tenant.resume", None),
        ("tenant.suspend", Some("Unpaid since May")),
    ];
    for (n, (action, reason)) in expected.into_iter().enumerate() {
        for row in [&own[n], &theirs[n]] {
            assert_eq!(row.action, action);
            assert_eq!(row.outcome, Outcome::Success);
            assert_eq!(row.resource_id, Some(other.id.to_string()));
            let told = json_text(row.metadata.as_ref());
            assert_eq!(told.contains("reason"), reason.is_some(), "{told}");
            assert!(told.contains(reason.unwrap_or_default()), "{told}");
        }
        assert_eq!(own[n].actor_user_id, Some(operator.user_id));
        assert_eq!(theirs[n].actor_user_id, None, "not one of its own members");
        assert_eq!(theirs[n].actor_label, "operator Opa");
        assert_eq!(theirs[n].request_id, own[n].request_id);
    }
    assert_eq!(theirs.len(), expected.len());

    // On the operator's own organisation there is one log and one row.
    let before = own.len();
    service::tenant_tier_set(ctx, by, world.tenant.id, TenantTier::Starter)
        .await
        .unwrap();
    assert_eq!(chain(&world.tenant).await.len(), before + 1);
}

// SEC-E1
#[tokio::test]
async fn action_that_the_other_log_rejects_is_rolled_back() {
    let world = World::without_model().await;
    let operator = world.operator("Opa").await;
    let other = world.db.tenant("other").await;
    // An organisation with members and an empty log would fail verification.
    crate::call_memory::memory_create(&world.ctx, &operator, &draft("Tea"))
        .await
        .unwrap();
    let before = chain(&world.tenant).await.len();
    let refuse = format!(
        "ALTER TABLE audit_log_default ADD CONSTRAINT audit_log_refused CHECK (tenant_id <> '{}')",
        other.id
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(refuse))
        .execute(&world.db.admin)
        .await
        .unwrap();
    service::tenant_suspend(
        &world.ctx,
        Initiator::Operator(&operator),
        other.id,
        "Unpaid",
    )
    .await
    .unwrap_err();
    assert_eq!(
        status(&world, &operator, other.id).await,
        TenantStatus::Active
    );
    assert_eq!(chain(&world.tenant).await.len(), before);
}

#[tokio::test]
async fn operators_can_not_suspend_or_delete_their_own_organisation() {
    let world = World::without_model().await;
    let (ctx, operator) = (&world.ctx, world.operator("Opa").await);
    let (by, home) = (Initiator::Operator(&operator), world.tenant.id);
    assert!(is_conflict(
        service::tenant_suspend(ctx, by, home, "Oops").await,
        "your own organisation"
    ));
    assert!(is_conflict(
        service::tenant_delete(ctx, by, home, None, "Oops", None).await,
        "your own organisation"
    ));
    assert_eq!(status(&world, &operator, home).await, TenantStatus::Active);
    let detail = service::tenant_get(ctx, &operator, home).await.unwrap();
    assert!(detail.is_home);
    // The command line can.
    service::tenant_suspend(ctx, Initiator::Cli, home, "Maintenance")
        .await
        .unwrap();
    let newest = &chain(&world.tenant).await[0];
    assert_eq!(
        (newest.action.as_str(), newest.actor_label.as_str()),
        ("tenant.suspend", "Atrium")
    );
}

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
    assert!(is_conflict(delete().await, "deleted already"));
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
        "active already"
    ));
    let detail = service::tenant_get(ctx, &operator, other.id).await.unwrap();
    assert_eq!((detail.delete_after, detail.status_reason), (None, None));
    world.pass(Duration::days(GRACE_DAYS.into()));
    assert_eq!(service::tenants_purge(ctx).await.unwrap(), 0, "resumed");

    delete().await.unwrap();
    world.pass(Duration::days(GRACE_DAYS.into()));
    assert!(is_conflict(
        service::tenant_resume(ctx, by, other.id).await,
        "is over"
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

#[tokio::test]
async fn organisation_list_counts_filters_and_paginates() {
    let world = World::without_model().await;
    let (ctx, operator) = (&world.ctx, world.operator("Opa").await);
    let other = world.db.tenant("busy").await;
    let mia = other.actor(SystemRole::Member, "Mia").await;
    crate::call_memory::memory_create(ctx, &mia, &draft("Tea"))
        .await
        .unwrap();
    let mut tx = ctx.store.begin(&mia).await.unwrap();
    let job = store::job::NewJob {
        id: ctx.ids.id(),
        kind: "test.work",
        payload: serde_json::json!({}),
        dedupe_key: None,
        run_at: ctx.clock.now(),
        max_attempts: 1,
        priority: 0,
        progress_total: 0,
    };
    store::job::job_enqueue(&mut tx, &job, ctx.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for n in 0..TENANTS_PER_PAGE {
        world.db.tenant(&format!("many-{n:02}")).await;
    }
    let page = async |query: &str, status: &str, after: Option<&str>| {
        let filter = TenantFilter {
            query: query.into(),
            status: status.into(),
        };
        service::tenant_page(ctx, &operator, &filter, after).await
    };

    let first = page("", "", None).await.unwrap();
    assert_eq!(first.items.len(), usize::from(TENANTS_PER_PAGE));
    let second = page("", "", first.next.as_deref()).await.unwrap();
    assert_eq!((second.items.len(), second.next), (2, None));
    let mut slugs: Vec<_> = first
        .items
        .iter()
        .chain(&second.items)
        .map(|tenant| tenant.slug.clone())
        .collect();
    assert!(slugs.is_sorted());
    slugs.dedup();
    assert_eq!(slugs.len(), usize::from(TENANTS_PER_PAGE) + 2);

    let found = page("BUSY", "", None).await.unwrap().items;
    let [busy] = &found[..] else {
        panic!("{found:?}")
    };
    let counts = busy.counts;
    assert_eq!(
        (counts.members, counts.memories, counts.jobs_dead),
        (1, 1, 0)
    );
    assert_eq!(counts.jobs_waiting, 2, "this job and the embedding job of the memory");
    let home = page("acme", "active", None).await.unwrap().items.remove(0);
    assert_eq!((home.counts.members, home.counts.sessions), (1, 1));
    assert_eq!(home.counts.memories, 0);

    service::tenant_suspend(ctx, Initiator::Operator(&operator), other.id, "Unpaid")
        .await
        .unwrap();
    let suspended = page("", "suspended", None).await.unwrap().items;
    assert_eq!(suspended.len(), 1);
    assert!(page("%", "", None).await.unwrap().items.is_empty());
    let refused = page("", "gone", None).await.unwrap_err();
    assert!(refused.for_field("status").is_some());
}

#[tokio::test]
async fn command_line_appoints_operators_among_known_members() {
    let world = World::without_model().await;
    let ctx = &world.ctx;
    let mia = world.member("Mia").await;
    let key = IdentityKey::Subject {
        issuer: "https://id.example".into(),
        subject: "mia".into(),
    };
    let add = async || service::operator_add(ctx, world.tenant.id, &key).await;
    assert_eq!(add().await, Err(AppError::NotFound));
    let mut tx = ctx.store.begin_auth().await.unwrap();
    let now = ctx.clock.now();
    identity_create(
        &mut tx,
        ctx.ids.id(),
        world.tenant.id,
        mia.user_id,
        &key,
        now,
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();

    assert_eq!((add().await, add().await), (Ok(true), Ok(false)));
    let listed = service::operator_list(ctx, world.tenant.id).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].user_id, listed[0].display_name.as_str()),
        (mia.user_id, "Mia")
    );
    let in_browser = RequestFacts {
        session_id: Some(world.session(mia.user_id).await),
        ..mia.request.clone()
    };
    let holds = async || {
        let actor = world.acting_in(mia.user_id, in_browser.clone()).await;
        actor.permissions.contains(&Permission::PlatformOperate)
    };
    assert!(holds().await);
    // SEC-B3: removed with the next request.
    let remove = async || service::operator_remove(ctx, world.tenant.id, &key).await;
    assert_eq!((remove().await, remove().await), (Ok(true), Ok(false)));
    assert!(!holds().await);
    let actions: Vec<_> = chain(&world.tenant)
        .await
        .into_iter()
        .map(|row| row.action)
        .collect();
    assert_eq!(actions, ["operator.remove", "operator.add"]);
}
