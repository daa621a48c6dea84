//! The permissions, owner and lifetime of an API key.

use domain::{
    Actor, ActorKind, ApiKeyId, AppError, Permission, UserId, Vendor,
    access::SystemRole,
    api_key::{ApiKeyInput, ApiKeyScope, CreatedApiKey, NEVER},
    audit::Outcome,
    member::MemberChange,
};
use service::{ApiKeyError, api_key_actor};
use store::{
    role::{RoleSource, user_role_grant, user_role_revoke},
    user::{NewUser, UserStatus, user_create, user_status_set},
};
use time::Duration;

use crate::{
    call::{api_key_create, api_key_get, api_key_list, api_key_owner, api_key_revoke},
    support::World,
};

pub(crate) fn key_draft(scopes: &[Permission]) -> ApiKeyInput {
    ApiKeyInput {
        label: "Nightly export".into(),
        scopes: scopes.iter().map(|scope| scope.key().to_owned()).collect(),
        vendor: Some("claude".into()),
        lifetime: "90".into(),
    }
}

/// A service account with this role.
pub(crate) async fn service_account(world: &World, role: SystemRole) -> UserId {
    let id = world.ctx.ids.id();
    let now = world.ctx.clock.now();
    let mut tx = world.tenant.enter().await;
    let user = NewUser {
        id,
        display_name: "Exporter",
        email: None,
        kind: ActorKind::Service,
    };
    user_create(&mut tx, &user, now).await.unwrap();
    user_role_grant(&mut tx, id, role.key(), RoleSource::Manual, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

async fn create(world: &World, actor: &Actor, scopes: &[Permission]) -> CreatedApiKey {
    api_key_create(&world.ctx, actor, None, &key_draft(scopes))
        .await
        .unwrap()
}

/// The actor that a request with this key is resolved to.
async fn used(world: &World, key: &CreatedApiKey) -> Result<Actor, ApiKeyError> {
    let facts = world.tenant.actor_of(world.anyone().await).await.request;
    api_key_actor(&world.ctx, &key.key, &facts).await
}

async fn permissions(world: &World, key: &CreatedApiKey) -> Vec<Permission> {
    let actor = used(world, key).await.unwrap();
    actor.permissions.into_iter().collect()
}

async fn grant(world: &World, actor: &Actor, role: &str, is_held: bool) {
    let (mut tx, source) = (world.tenant.enter().await, RoleSource::Manual);
    if is_held {
        let now = world.ctx.clock.now();
        user_role_grant(&mut tx, actor.user_id, role, source, now)
            .await
            .unwrap();
    } else {
        user_role_revoke(&mut tx, actor.user_id, role, source)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
}

// SEC-D5, SEC-B3
#[tokio::test]
async fn key_has_the_permissions_in_both_its_scopes_and_its_owners_roles() {
    let world = World::without_model().await;
    let mia = world.tenant.actor(SystemRole::Admin, "Mia").await;
    let key = create(
        &world,
        &mia,
        &[Permission::MemoryRead, Permission::AuditRead],
    )
    .await;
    let both = [Permission::MemoryRead, Permission::AuditRead];
    assert_eq!(permissions(&world, &key).await, both);
    let actor = used(&world, &key).await.unwrap();
    assert_eq!(
        (actor.user_id, actor.request.api_key_id),
        (mia.user_id, Some(key.id))
    );

    grant(&world, &mia, "member", true).await;
    grant(&world, &mia, "admin", false).await;
    assert_eq!(permissions(&world, &key).await, [Permission::MemoryRead]);
    let detail = api_key_get(&world.ctx, &mia, ApiKeyScope::Own, key.id)
        .await
        .unwrap();
    assert_eq!(
        (detail.effective, detail.key.scopes.len()),
        (vec![Permission::MemoryRead], 2)
    );
    grant(&world, &mia, "member", false).await;
    assert_eq!(permissions(&world, &key).await, []);
    grant(&world, &mia, "admin", true).await;
    assert_eq!(permissions(&world, &key).await, both);
}

// SEC-G: a key with more permissions than its creator.
#[tokio::test]
async fn key_can_not_exceed_its_creators_permissions() {
    let world = World::without_model().await;
    let mia = world.member("Mia").await;
    let beyond = key_draft(&[Permission::MemoryRead, Permission::AuditRead]);
    let refused = api_key_create(&world.ctx, &mia, None, &beyond).await;
    let permission = Permission::AuditRead;
    assert_eq!(refused, Err(AppError::Forbidden { permission }));
    let audited = world.audit().await.remove(0);
    assert_eq!(
        (audited.action.as_str(), audited.outcome),
        ("api_key.create", Outcome::Denied)
    );

    // Nor by a service account that has more permissions than the creator.
    let mut ada = world.tenant.actor(SystemRole::Admin, "Ada").await;
    ada.permissions.remove(&Permission::AuditRead);
    let exporter = service_account(&world, SystemRole::Owner).await;
    let draft = key_draft(&[Permission::AuditRead]);
    let refused = api_key_create(&world.ctx, &ada, Some(exporter), &draft).await;
    assert_eq!(refused, Err(AppError::Forbidden { permission }));
    let offered = api_key_owner(&world.ctx, &ada, Some(exporter))
        .await
        .unwrap();
    assert!(!offered.offered.contains(&Permission::AuditRead));

    // A scope that the service account doesn't hold would have no effect.
    let reader = service_account(&world, SystemRole::Viewer).await;
    let draft = key_draft(&[Permission::MemoryWrite]);
    let refused = api_key_create(&world.ctx, &ada, Some(reader), &draft).await;
    assert!(refused.unwrap_err().for_field("scopes").is_some());
    assert_eq!(world.keys().await, 0);
}

// SEC-G, SEC-C6
#[tokio::test]
async fn key_of_another_person_can_not_be_created() {
    let world = World::without_model().await;
    let mia = world.member("Mia").await;
    let ada = world.tenant.actor(SystemRole::Owner, "Ada").await;
    let stranger = world.db.tenant("other").await.user("Max").await;
    let draft = key_draft(&[Permission::MemoryRead]);
    for owner in [mia.user_id, stranger, world.ctx.ids.id()] {
        let refused = api_key_create(&world.ctx, &ada, Some(owner), &draft).await;
        assert_eq!(refused, Err(AppError::NotFound));
        let refused = api_key_owner(&world.ctx, &ada, Some(owner)).await;
        assert_eq!(refused, Err(AppError::NotFound));
    }
    let refused = api_key_create(&world.ctx, &mia, Some(ada.user_id), &draft).await;
    let permission = Permission::ApiKeyManage;
    assert_eq!(refused, Err(AppError::Forbidden { permission }));
    assert_eq!(world.keys().await, 0);
}

// SEC-D5
#[tokio::test]
async fn key_creates_keys_with_its_own_scopes_and_lifetime_at_most() {
    let world = World::without_model().await;
    let mia = world.tenant.actor(SystemRole::Admin, "Mia").await;
    let key = create(
        &world,
        &mia,
        &[Permission::ApiKeyOwn, Permission::MemoryRead],
    )
    .await;
    let program = used(&world, &key).await.unwrap();

    let draft = key_draft(&[Permission::AuditRead]);
    let refused = api_key_create(&world.ctx, &program, None, &draft).await;
    let permission = Permission::AuditRead;
    assert_eq!(refused, Err(AppError::Forbidden { permission }));
    for lifetime in ["91", NEVER] {
        let draft = ApiKeyInput {
            lifetime: lifetime.into(),
            ..key_draft(&[Permission::MemoryRead])
        };
        let refused = api_key_create(&world.ctx, &program, None, &draft).await;
        assert!(
            refused.unwrap_err().for_field("lifetime").is_some(),
            "{lifetime}"
        );
    }
    // Nor a key for another vendor.
    assert_eq!(program.vendor, Some(Vendor::Claude));
    for vendor in ["cursor", "other", ""] {
        let draft = ApiKeyInput {
            vendor: Some(vendor.into()),
            ..key_draft(&[Permission::MemoryRead])
        };
        let refused = api_key_create(&world.ctx, &program, None, &draft).await;
        assert!(
            refused.unwrap_err().for_field("vendor").is_some(),
            "{vendor}"
        );
    }
    let draft = ApiKeyInput {
        lifetime: "89".into(),
        ..key_draft(&[Permission::MemoryRead])
    };
    let second = api_key_create(&world.ctx, &program, None, &draft)
        .await
        .unwrap();
    assert_eq!(permissions(&world, &second).await, [Permission::MemoryRead]);
    // The audit log names the key that was used.
    let by_key: String = sqlx::query_scalar(
        "SELECT metadata->>'api_key' FROM audit_log WHERE action = 'api_key.create' ORDER BY seq DESC LIMIT 1",
    )
    .fetch_one(&world.db.admin)
    .await
    .unwrap();
    assert_eq!(by_key, key.id.to_string());
}

// SEC-B3, SEC-D5
#[tokio::test]
async fn ended_key_or_owner_is_denied_at_the_next_request_and_audited() {
    let world = World::without_model().await;
    let mia = world.member("Mia").await;
    let key = create(&world, &mia, &[Permission::MemoryRead]).await;
    assert!(used(&world, &key).await.is_ok());

    let status = async |status| {
        let mut tx = world.tenant.enter().await;
        let now = world.ctx.clock.now();
        user_status_set(&mut tx, mia.user_id, status, now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    };
    for gone in [UserStatus::Suspended, UserStatus::Deactivated] {
        status(gone).await;
        assert_eq!(used(&world, &key).await, Err(ApiKeyError::OwnerInactive));
    }
    status(UserStatus::Active).await;
    sqlx::query("UPDATE tenants SET status = 'suspended'")
        .execute(&world.db.admin)
        .await
        .unwrap();
    assert_eq!(used(&world, &key).await, Err(ApiKeyError::OwnerInactive));
    sqlx::query("UPDATE tenants SET status = 'active'")
        .execute(&world.db.admin)
        .await
        .unwrap();
    assert!(used(&world, &key).await.is_ok());

    api_key_revoke(&world.ctx, &mia, ApiKeyScope::Own, key.id)
        .await
        .unwrap();
    assert_eq!(used(&world, &key).await, Err(ApiKeyError::Revoked));
    let again = api_key_revoke(&world.ctx, &mia, ApiKeyScope::Own, key.id).await;
    assert!(matches!(again, Err(AppError::Conflict { .. })), "{again:?}");

    let second = create(&world, &mia, &[Permission::MemoryRead]).await;
    world.pass(Duration::days(90));
    assert_eq!(used(&world, &second).await, Err(ApiKeyError::Expired));

    let refusals = world.audit().await;
    let refusals: Vec<_> = refusals
        .iter()
        .filter(|row| row.action == "api_key.use")
        .collect();
    assert_eq!(refusals.len(), 5);
    assert!(refusals.iter().all(|row| row.outcome == Outcome::Denied));
}

// SEC-B3: a suspension is temporary, so the member's keys are kept.
#[tokio::test]
async fn keys_of_a_suspended_member_are_denied_until_reactivation() {
    let world = World::without_model().await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let mia = world.member("Mia").await;
    let key = create(&world, &mia, &[Permission::MemoryRead]).await;
    for out in [MemberChange::Suspend, MemberChange::Deactivate] {
        service::member_change(&world.ctx, &admin, mia.user_id, out)
            .await
            .unwrap();
        assert_eq!(used(&world, &key).await, Err(ApiKeyError::OwnerInactive));
        let back = MemberChange::Reactivate;
        service::member_change(&world.ctx, &admin, mia.user_id, back)
            .await
            .unwrap();
        assert_eq!(permissions(&world, &key).await, [Permission::MemoryRead]);
    }
}

#[tokio::test]
async fn member_page_lists_keys_for_members_who_manage_keys() {
    let world = World::without_model().await;
    let ctx = &world.ctx;
    let mia = world.member("Mia").await;
    let (first, second) = (
        create(&world, &mia, &[Permission::MemoryRead]).await,
        create(&world, &mia, &[Permission::MemoryRead]).await,
    );
    create(
        &world,
        &world.member("Max").await,
        &[Permission::MemoryRead],
    )
    .await;
    api_key_revoke(ctx, &mia, ApiKeyScope::Own, first.id)
        .await
        .unwrap();
    let mut admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let detail = crate::call::member_get(ctx, &admin, mia.user_id)
        .await
        .unwrap();
    let keys: Vec<_> = detail.keys.unwrap().iter().map(|key| key.id).collect();
    assert_eq!(keys, [second.id, first.id]);
    // Not for a member without that permission, nor on one's own page.
    admin.permissions.remove(&Permission::ApiKeyManage);
    for actor in [&admin, &mia] {
        let detail = crate::call::member_get(ctx, actor, mia.user_id)
            .await
            .unwrap();
        assert_eq!(detail.keys, None);
    }
}

// SEC-D5, SEC-G: a malformed key is rejected without a query, and its text can't
// become part of a statement.
#[tokio::test]
async fn malformed_key_is_rejected_without_the_database() {
    let world = World::without_model().await;
    let mia = world.member("Mia").await;
    let key = create(&world, &mia, &[Permission::MemoryRead]).await;
    let facts = &mia.request;
    let mut unknown = key.key.clone();
    // An unknown key with a valid checksum.
    while unknown == key.key {
        let other = create(&world, &mia, &[Permission::MemoryRead]).await;
        sqlx::query("DELETE FROM api_keys WHERE id = $1")
            .bind(other.id)
            .execute(&world.db.admin)
            .await
            .unwrap();
        unknown = other.key;
    }
    let found = api_key_actor(&world.ctx, &unknown, facts).await;
    assert_eq!(found, Err(ApiKeyError::Unknown));

    world.ctx.store.close().await;
    let cut = &key.key[..key.key.len() - 1];
    for bad in [
        "",
        "atr_",
        cut,
        "' OR '1'='1",
        "atr_' OR '1'='1' -- aaaaaaaaaaaaaaaaaa",
    ] {
        let refused = api_key_actor(&world.ctx, bad, facts).await;
        assert_eq!(refused, Err(ApiKeyError::Malformed), "{bad}");
        assert!(!service::api_key_is_well_formed(bad));
    }
    let whole = api_key_actor(&world.ctx, &key.key, facts).await;
    assert!(matches!(whole, Err(ApiKeyError::Failed(_))), "{whole:?}");
}

// SEC-D3, SEC-D5
#[tokio::test]
async fn key_is_not_stored_in_the_database() {
    let world = World::without_model().await;
    let ada = world.tenant.actor(SystemRole::Owner, "Ada").await;
    let exporter = service_account(&world, SystemRole::Member).await;
    let draft = key_draft(&[Permission::MemoryRead]);
    let key = api_key_create(&world.ctx, &ada, Some(exporter), &draft)
        .await
        .unwrap();
    used(&world, &key).await.unwrap();
    api_key_revoke(&world.ctx, &ada, ApiKeyScope::Any, key.id)
        .await
        .unwrap();
    used(&world, &key).await.unwrap_err();

    let secret = &key.key["atr_".len() + 4..];
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('SELECT t::text FROM %s t', c.oid::regclass) FROM pg_class c
          WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')",
    )
    .fetch_all(&world.db.admin)
    .await
    .unwrap();
    let mut rows_seen = 0;
    for table in tables {
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(table.clone()))
            .fetch_all(&world.db.admin)
            .await
            .unwrap();
        rows_seen += rows.len();
        for row in rows {
            assert!(!row.contains(secret), "{table}: {row}");
        }
    }
    assert!(rows_seen > 10);
    assert!(!format!("{key:?}").contains(secret));
}

// SEC-C6
#[tokio::test]
async fn key_of_somebody_else_is_not_found() {
    let world = World::without_model().await;
    let mia = world.member("Mia").await;
    let key = create(&world, &mia, &[Permission::MemoryRead]).await.id;
    let max = world.member("Max").await;
    let eve = world
        .db
        .tenant("other")
        .await
        .actor(SystemRole::Owner, "Eve")
        .await;
    // A member who may end access can see the keys in the database, but not in the service.
    let mut ben = world.tenant.actor(SystemRole::Owner, "Ben").await;
    ben.permissions.remove(&Permission::ApiKeyManage);
    let unheard_of: ApiKeyId = world.ctx.ids.id();
    for (actor, id) in [(&max, key), (&eve, key), (&ben, key), (&mia, unheard_of)] {
        let seen = api_key_get(&world.ctx, actor, ApiKeyScope::of(actor), id).await;
        assert_eq!(seen.unwrap_err(), AppError::NotFound);
        let ended = api_key_revoke(&world.ctx, actor, ApiKeyScope::of(actor), id).await;
        assert_eq!(ended, Err(AppError::NotFound));
    }
    let own = api_key_list(&world.ctx, &max, ApiKeyScope::Own).await;
    assert_eq!(own.unwrap().items, []);
}
