//! Custom roles: created, changed and deleted within the actor's permissions.

use domain::{
    Actor, AppError, Permission, RoleId, access::SystemRole, memory::MemoryFilter, role::RoleInput,
};
use service::actor_find;

use crate::call_memory::memory_list;
use crate::{
    call::{member_role_grant, role_create, role_delete, role_get, role_list, role_update},
    support::{World, json_text},
};

fn input(name: &str, permissions: &[Permission]) -> RoleInput {
    RoleInput {
        name: name.into(),
        description: "For tests.".into(),
        permissions: permissions.iter().map(|p| p.key().to_owned()).collect(),
    }
}

fn is_conflict<T: std::fmt::Debug>(result: &Result<T, AppError>) -> bool {
    matches!(result, Err(AppError::Conflict { .. }))
}

impl World {
    /// The member as the next request resolves them.
    async fn again(&self, actor: &Actor) -> Actor {
        let (tenant, user) = (actor.tenant_id, actor.user_id);
        actor_find(&self.ctx, tenant, user, actor.request.clone())
            .await
            .unwrap()
            .unwrap()
    }
}

// SEC-B3: a changed role takes effect everywhere from the next request on.
#[tokio::test]
async fn changed_role_takes_effect_with_the_next_request_of_its_members() {
    let world = World::without_model().await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let ctx = &world.ctx;
    let reader = input(
        "Reader",
        &[Permission::MemoryRead, Permission::ProfileManage],
    );
    let role = role_create(ctx, &admin, &reader).await.unwrap();
    let mut holders = Vec::new();
    for name in ["Mia", "Max"] {
        let id = world.tenant.user(name).await;
        member_role_grant(ctx, &admin, id, role).await.unwrap();
        holders.push(world.tenant.actor_of(id).await);
    }
    let filter = MemoryFilter::default();
    for holder in &holders {
        memory_list(ctx, holder, &filter, None).await.unwrap();
    }
    role_update(
        ctx,
        &admin,
        role,
        1,
        &input("Reader", &[Permission::ProfileManage]),
    )
    .await
    .unwrap();
    for holder in &holders {
        let now = world.again(holder).await;
        let refused = memory_list(ctx, &now, &filter, None).await.map(drop);
        let permission = Permission::MemoryRead;
        assert_eq!(refused, Err(AppError::Forbidden { permission }));
    }
    // Deleting removes it from both, as the preview said.
    let told_less = role_delete(ctx, &admin, role, 2, 1).await;
    assert!(is_conflict(&told_less), "{told_less:?}");
    role_delete(ctx, &admin, role, 2, 2).await.unwrap();
    for holder in &holders {
        assert!(world.again(holder).await.permissions.is_empty());
    }
    let row = &world.audit().await[0];
    assert_eq!(row.action, "role.delete");
    let changes = json_text(row.changes.as_ref());
    for holder in &holders {
        assert!(
            changes.contains(&holder.user_id.to_string()),
            "{changes} names who lost it"
        );
    }
}

// SEC-G: a role with more permissions than its creator.
#[tokio::test]
async fn role_can_not_exceed_its_authors_permissions() {
    let world = World::without_model().await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let ctx = &world.ctx;
    let error = |permission| Err(AppError::Forbidden { permission });
    let wide = input("Wide", &[Permission::MemoryRead, Permission::OwnerGrant]);
    let refused = role_create(ctx, &admin, &wide).await.map(drop);
    assert_eq!(refused, error(Permission::OwnerGrant));
    let narrow = input("Narrow", &[Permission::MemoryRead]);
    let role = role_create(ctx, &admin, &narrow).await.unwrap();
    let refused = role_update(ctx, &admin, role, 1, &wide).await;
    assert_eq!(refused, error(Permission::OwnerGrant));
    let detail = role_get(ctx, &admin, role).await.unwrap();
    assert!(!detail.grantable.contains(&Permission::OwnerGrant));
    assert_eq!(detail.role.version, 1);

    // An admin's update keeps a permission that only an owner can grant.
    let olga = world.tenant.actor(SystemRole::Owner, "Olga").await;
    role_update(ctx, &olga, role, 1, &wide).await.unwrap();
    role_update(
        ctx,
        &admin,
        role,
        2,
        &input("Renamed", &[Permission::AuditRead]),
    )
    .await
    .unwrap();
    let after = role_get(ctx, &admin, role).await.unwrap().role;
    let kept: Vec<_> = after.permissions.into_iter().collect();
    assert_eq!(kept, [Permission::AuditRead, Permission::OwnerGrant]);

    // And nobody can grant a role that they couldn't create.
    let mia = world.member("Mia").await;
    let refused = member_role_grant(ctx, &admin, mia.user_id, role).await;
    assert_eq!(refused, error(Permission::OwnerGrant));
}

// SEC-A11: no change of a role leaves an organisation without an administrator.
#[tokio::test]
async fn change_that_would_lock_everyone_out_is_rejected() {
    let world = World::without_model().await;
    let olga = world.tenant.actor(SystemRole::Owner, "Olga").await;
    let ctx = &world.ctx;
    for role in SystemRole::ALL {
        let id = world.role(role.key()).await;
        let edit = role_update(ctx, &olga, id, 1, &input("X", &[Permission::MemoryRead])).await;
        assert!(is_conflict(&edit), "{role:?}: {edit:?}");
        let holders = role_get(ctx, &olga, id).await.unwrap().role.holder_count;
        let delete = role_delete(ctx, &olga, id, 1, holders).await;
        assert!(is_conflict(&delete), "{role:?}: {delete:?}");
    }
    let builder = input(
        "Builder",
        &[
            Permission::RoleManage,
            Permission::RoleGrant,
            Permission::MemberRead,
        ],
    );
    let role = role_create(ctx, &olga, &builder).await.unwrap();
    let bob = world.tenant.user("Bob").await;
    member_role_grant(ctx, &olga, bob, role).await.unwrap();
    let bob = world.tenant.actor_of(bob).await;
    let out = role_update(
        ctx,
        &bob,
        role,
        1,
        &input("Builder", &[Permission::RoleGrant]),
    )
    .await;
    assert!(is_conflict(&out), "{out:?}");
    let out = role_delete(ctx, &bob, role, 1, 1).await;
    assert!(is_conflict(&out), "{out:?}");
    assert!(
        world
            .again(&bob)
            .await
            .permissions
            .contains(&Permission::RoleManage)
    );
    // Another member may.
    role_delete(ctx, &olga, role, 1, 1).await.unwrap();
}

#[tokio::test]
async fn edit_from_a_stale_version_is_a_conflict() {
    let world = World::without_model().await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let ctx = &world.ctx;
    let role = role_create(ctx, &admin, &input("One", &[Permission::MemoryRead]))
        .await
        .unwrap();
    role_update(
        ctx,
        &admin,
        role,
        1,
        &input("Two", &[Permission::MemoryRead]),
    )
    .await
    .unwrap();
    let stale = role_update(
        ctx,
        &admin,
        role,
        1,
        &input("Three", &[Permission::AuditRead]),
    )
    .await;
    assert!(is_conflict(&stale), "{stale:?}");
    assert!(is_conflict(&role_delete(ctx, &admin, role, 1, 0).await));
    let now = role_get(ctx, &admin, role).await.unwrap().role;
    assert_eq!((now.name.as_str(), now.key.as_str()), ("Two", "one"));
}

#[tokio::test]
async fn role_name_is_unique_and_invalid_fields_are_named() {
    let world = World::without_model().await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let ctx = &world.ctx;
    for name in ["Owner", "owner!", "OWNER"] {
        let refused = role_create(ctx, &admin, &input(name, &[Permission::MemoryRead])).await;
        assert!(refused.unwrap_err().for_field("name").is_some(), "{name}");
    }
    let refused = role_create(ctx, &admin, &input("Empty", &[])).await;
    assert!(refused.unwrap_err().for_field("permissions").is_some());
    assert_eq!(
        role_list(ctx, &admin).await.unwrap().len(),
        SystemRole::ALL.len()
    );
}

// SEC-C6
#[tokio::test]
async fn another_tenants_role_does_not_exist() {
    let world = World::without_model().await;
    let role = world.custom_role("Theirs", &[Permission::MemoryRead]).await;
    let other = world.db.tenant("other").await;
    let otto = other.actor(SystemRole::Owner, "Otto").await;
    let ctx = &world.ctx;
    for id in [role, store::testing::id::<RoleId>()] {
        let text = input("Mine", &[Permission::MemoryRead]);
        assert_eq!(
            role_get(ctx, &otto, id).await.map(drop),
            Err(AppError::NotFound)
        );
        assert_eq!(
            role_update(ctx, &otto, id, 1, &text).await,
            Err(AppError::NotFound)
        );
        assert_eq!(
            role_delete(ctx, &otto, id, 1, 0).await,
            Err(AppError::NotFound)
        );
    }
}

// SEC-C3: the database enforces it too, whatever the service checks.
#[tokio::test]
async fn database_changes_no_role_without_the_permission() {
    let world = World::without_model().await;
    let mia = world.member("Mia").await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let role = world.custom_role("Clerk", &[Permission::MemoryRead]).await;
    for (actor, expected) in [(&mia, 0), (&admin, 1)] {
        let mut tx = world.ctx.store.begin(actor).await.unwrap();
        let deleted = store::role::role_delete(&mut tx, role, 1).await;
        assert_eq!(u64::from(deleted.is_ok()), expected, "{}", actor.label);
    }
}
