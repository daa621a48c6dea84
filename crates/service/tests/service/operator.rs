//! Operators of the installation, and what they can do to organisations.

use domain::{
    Actor, ApiKeyId, AppError, Permission, RequestFacts, TenantId,
    access::SystemRole,
    audit::{AuditEntry, AuditListInput, Outcome},
    identity::IdentityKey,
    role::RoleInput,
    tenant::{TENANTS_PER_PAGE, TenantFilter, TenantStatus, TenantTier},
};
use service::Initiator;
use store::{
    audit::{AuditVerdict, audit_verify},
    identity::identity_create,
    testing::TestTenant,
};

use crate::{
    api_key::key_draft,
    support::{World, draft, json_text},
};

/// An organisation's audit rows, newest first, after verifying the chain.
pub(crate) async fn chain(tenant: &TestTenant) -> Vec<AuditEntry> {
    let mut tx = tenant.enter().await;
    let verdict = audit_verify(&mut tx, &[]).await.unwrap();
    assert!(matches!(verdict, AuditVerdict::Intact(_)), "{verdict:?}");
    store::audit::audit_list(&mut tx, &AuditListInput::default(), 500)
        .await
        .unwrap()
        .items
}

pub(crate) async fn status(world: &World, operator: &Actor, id: TenantId) -> TenantStatus {
    let detail = service::tenant_get(&world.ctx, operator, id).await.unwrap();
    detail.summary.status
}

pub(crate) fn is_conflict<T: std::fmt::Debug>(result: Result<T, AppError>, part: &str) -> bool {
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
    assert_eq!(
        counts.jobs_waiting, 2,
        "this job and the embedding job of the memory"
    );
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
