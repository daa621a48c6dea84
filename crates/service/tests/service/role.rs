//! Custom roles: made, changed and deleted within what one holds.

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
    /// The member as the next request finds them.
    async fn again(&self, actor: &Actor) -> Actor {
        let (tenant, user) = (actor.tenant_id, actor.user_id);
        actor_find(&self.ctx, tenant, user, actor.request.clone())
            .await
            .unwrap()
            .unwrap()
    }
}

// SEC-B3: a role that changed counts from the next request on, everywhere.
#[tokio::test]
async fn a_changed_role_counts_with_the_next_request_of_all_who_hold_it() {
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
    // Deleting takes it from both, as the admin was told.
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

// SEC-G: a role minted above its creator's own.
#[tokio::test]
async fn nobody_builds_or_widens_a_role_beyond_what_they_hold() {
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

    // What an owner put into it, an admin neither adds nor takes away.
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

    // And nobody gives what they could not build.
    let mia = world.member("Mia").await;
    let refused = member_role_grant(ctx, &admin, mia.user_id, role).await;
    assert_eq!(refused, error(Permission::OwnerGrant));
}

// SEC-A11: no edit of a role leaves an organisation that nobody can run.
#[tokio::test]
async fn a_change_that_would_lock_people_out_is_refused() {
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
    // Somebody else may.
    role_delete(ctx, &olga, role, 1, 1).await.unwrap();
}

#[tokio::test]
async fn an_edit_from_a_stale_version_is_a_conflict() {
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
async fn a_name_is_taken_once_and_faults_are_named() {
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

// SEC-C3: the database refuses too, whatever the service forgot.
#[tokio::test]
async fn without_the_permission_the_database_changes_no_role() {
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
