//! Agents and services that are created with their roles and their first key.

use domain::{
    Actor, ActorKind, AppError, NoInput, Permission,
    access::SystemRole,
    api_key::{CreatedServiceAccount, ServiceAccountInput},
};
use service::{ServiceAccountChoicesGet, ServiceAccountCreate, api_key_actor};

use crate::{api_key::key_draft, support::World};

async fn input(world: &World, role: &str, scopes: &[Permission]) -> ServiceAccountInput {
    ServiceAccountInput {
        name: "Exporter".into(),
        kind: "service".into(),
        roles: vec![world.role(role).await.to_string()],
        key: Some(key_draft(scopes)),
    }
}

async fn create(
    world: &World,
    actor: &Actor,
    input: ServiceAccountInput,
) -> Result<CreatedServiceAccount, AppError> {
    service::call::<ServiceAccountCreate>(&world.ctx, actor, input).await
}

/// The number of accounts, of keys and of roles that were assigned to accounts.
async fn rows(world: &World) -> (i64, i64, i64) {
    sqlx::query_as(
        "SELECT (SELECT count(*) FROM users WHERE kind = 'service'),
                (SELECT count(*) FROM api_keys),
                (SELECT count(*) FROM user_roles r JOIN users u ON u.id = r.user_id WHERE u.kind = 'service')",
    )
    .fetch_one(&world.db.admin)
    .await
    .unwrap()
}

#[tokio::test]
async fn account_its_role_and_its_key_are_created_and_audited_together() {
    let world = World::without_model().await;
    let ada = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let asked = input(&world, "viewer", &[Permission::MemoryRead]).await;
    let created = create(&world, &ada, asked).await.unwrap();
    let key = created.key.unwrap();

    let actor = api_key_actor(&world.ctx, &key.key, &ada.request)
        .await
        .unwrap();
    assert_eq!(
        (actor.user_id, actor.kind),
        (created.id, ActorKind::Service)
    );
    let permissions: Vec<_> = actor.permissions.into_iter().collect();
    assert_eq!(permissions, [Permission::MemoryRead]);

    let rows: Vec<_> = world.audit().await.into_iter().take(3).collect();
    let actions: Vec<_> = rows.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(
        actions,
        ["api_key.create_for", "role.grant", "service_account.create"]
    );
    let account = Some(created.id.to_string());
    assert_eq!(rows[2].resource_id, account);
    assert_eq!(rows[1].resource_id, account);
    assert_eq!(rows[0].resource_id, Some(key.id.to_string()));
    assert!(!format!("{rows:?}").contains(&key.key[8..]));
}

#[tokio::test]
async fn account_without_roles_and_key_has_neither() {
    let world = World::without_model().await;
    let ada = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let asked = ServiceAccountInput {
        name: "Exporter".into(),
        kind: "agent".into(),
        ..ServiceAccountInput::default()
    };
    assert_eq!(create(&world, &ada, asked).await.unwrap().key, None);
    assert_eq!(rows(&world).await, (0, 0, 0));
}

// SEC-C6, SEC-D5
#[tokio::test]
async fn role_or_scope_beyond_the_creators_permissions_is_refused_and_nothing_remains() {
    let world = World::without_model().await;
    let ada = world.tenant.actor(SystemRole::Admin, "Ada").await;
    // An owner's role, by somebody who is none.
    let asked = input(&world, "owner", &[Permission::MemoryRead]).await;
    let permission = Permission::OwnerGrant;
    let refused = create(&world, &ada, asked).await;
    assert_eq!(refused, Err(AppError::Forbidden { permission }));

    // A scope of the role that the creator doesn't hold.
    let permission = Permission::AuditRead;
    let mut less = ada.clone();
    less.permissions.remove(&permission);
    let asked = input(&world, "viewer", &[permission]).await;
    let refused = create(&world, &less, asked).await;
    assert_eq!(refused, Err(AppError::Forbidden { permission }));

    // A role, by somebody who manages keys and not roles.
    let permission = Permission::RoleGrant;
    let mut less = ada.clone();
    less.permissions.remove(&permission);
    let asked = input(&world, "viewer", &[Permission::MemoryRead]).await;
    let refused = create(&world, &less, asked).await;
    assert_eq!(refused, Err(AppError::Forbidden { permission }));
    let choices = service::call::<ServiceAccountChoicesGet>(&world.ctx, &less, NoInput {}).await;
    assert_eq!(choices.unwrap().roles, []);

    assert_eq!(rows(&world).await, (0, 0, 0));
    let denied = world.audit().await;
    let denied = denied.iter().filter(|row| row.outcome.key() == "denied");
    assert_eq!(denied.count(), 3);
}

#[tokio::test]
async fn scope_outside_the_roles_and_unknown_role_are_named() {
    let world = World::without_model().await;
    let ada = world.tenant.actor(SystemRole::Owner, "Ada").await;
    let asked = input(&world, "viewer", &[Permission::MemoryWrite]).await;
    let refused = create(&world, &ada, asked).await.unwrap_err();
    assert!(refused.for_field("key.scopes").is_some(), "{refused:?}");

    let other = world.db.tenant("other").await;
    let theirs: String =
        sqlx::query_scalar("SELECT id::text FROM roles WHERE key = 'viewer' AND tenant_id = $1")
            .bind(other.id.0)
            .fetch_one(&world.db.admin)
            .await
            .unwrap();
    for role in [theirs, world.ctx.ids.id::<domain::RoleId>().to_string()] {
        let asked = ServiceAccountInput {
            roles: vec![role],
            ..input(&world, "viewer", &[Permission::MemoryRead]).await
        };
        let refused = create(&world, &ada, asked).await.unwrap_err();
        assert!(refused.for_field("roles").is_some(), "{refused:?}");
    }
    assert_eq!(rows(&world).await, (0, 0, 0));
}
