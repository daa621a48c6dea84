//! Members: status, sessions and roles.

use domain::{
    Action, Actor, AppError, Permission, UserId,
    access::SystemRole,
    audit::Outcome,
    member::{BlockedReason, MemberChange, MemberListInput, UserStatus},
    role::RoleSource,
};
use service::{actor_find, member_change, member_session_revoke, member_session_revoke_all};

use crate::{
    call::{member_get, member_list, member_role_grant, member_role_revoke},
    support::World,
};

fn forbidden<T>(permission: Permission) -> Result<T, AppError> {
    Err(AppError::Forbidden { permission })
}

fn is_conflict<T: std::fmt::Debug>(result: &Result<T, AppError>) -> bool {
    matches!(result, Err(AppError::Conflict { .. }))
}

impl World {
    /// True if a member may act at the moment.
    async fn may_act(&self, actor: &Actor) -> bool {
        actor_find(
            &self.ctx,
            actor.tenant_id,
            actor.user_id,
            actor.request.clone(),
        )
        .await
        .unwrap()
        .is_some()
    }
}

// SEC-B3
#[tokio::test]
async fn suspended_member_is_out_at_once_and_comes_back_without_sessions() {
    let world = World::without_model().await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let mia = world.member("Mia").await;
    for change in [MemberChange::Suspend, MemberChange::Deactivate] {
        world.session(mia.user_id).await;
        world.session(mia.user_id).await;
        let other = world.session(admin.user_id).await;
        member_change(&world.ctx, &admin, mia.user_id, change)
            .await
            .unwrap();
        assert!(!world.may_act(&mia).await);
        assert!(world.live_sessions(mia.user_id).await.is_empty());
        assert!(world.live_sessions(admin.user_id).await.contains(&other));
        let detail = member_get(&world.ctx, &admin, mia.user_id).await.unwrap();
        assert_eq!(detail.member.status, change.to());
        let again = member_change(&world.ctx, &admin, mia.user_id, change).await;
        assert!(is_conflict(&again), "{again:?}");

        member_change(&world.ctx, &admin, mia.user_id, MemberChange::Reactivate)
            .await
            .unwrap();
        assert!(world.may_act(&mia).await);
        assert!(world.live_sessions(mia.user_id).await.is_empty());
    }
    let row = &world.audit().await[0];
    assert_eq!(row.action, "member.reactivate");
    assert_eq!(
        row.resource_id.as_deref(),
        Some(mia.user_id.to_string().as_str())
    );
}

// SEC-A11
#[tokio::test]
async fn last_owner_can_not_be_suspended_deactivated_or_demoted() {
    let world = World::without_model().await;
    let olga = world.tenant.actor(SystemRole::Owner, "Olga").await;
    let owner = world.role("owner").await;
    world.session(olga.user_id).await;
    for change in [MemberChange::Suspend, MemberChange::Deactivate] {
        let refused = member_change(&world.ctx, &olga, olga.user_id, change)
            .await
            .unwrap_err();
        assert!(refused.to_string().contains("last owner"), "{refused}");
    }
    let refused = member_role_revoke(&world.ctx, &olga, olga.user_id, owner).await;
    assert!(is_conflict(&refused), "{refused:?}");
    // Nothing was changed, and the sessions are still there.
    assert_eq!(world.live_sessions(olga.user_id).await.len(), 1);
    let detail = member_get(&world.ctx, &olga, olga.user_id).await.unwrap();
    assert!(detail.member.is_last_owner && detail.is_self);
    assert_eq!(detail.blocked_reason, Some(BlockedReason::LastOwner));

    // With a second owner it is possible.
    let otto = world.tenant.actor(SystemRole::Owner, "Otto").await;
    let detail = member_get(&world.ctx, &olga, otto.user_id).await.unwrap();
    assert_eq!(detail.blocked_reason, None);
    member_role_revoke(&world.ctx, &olga, olga.user_id, owner)
        .await
        .unwrap();
    let detail = member_get(&world.ctx, &otto, otto.user_id).await.unwrap();
    assert_eq!(detail.blocked_reason, Some(BlockedReason::LastOwner));
}

// SEC-G: mass assignment of one's own role, a role above the actor's own.
#[tokio::test]
async fn actor_can_not_grant_or_revoke_a_role_beyond_their_permissions() {
    let world = World::without_model().await;
    let olga = world.tenant.actor(SystemRole::Owner, "Olga").await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let mia = world.member("Mia").await;
    let (owner, viewer) = (world.role("owner").await, world.role("viewer").await);
    let ctx = &world.ctx;
    for target in [admin.user_id, mia.user_id] {
        let refused = member_role_grant(ctx, &admin, target, owner).await;
        assert_eq!(refused, forbidden(Permission::OwnerGrant));
    }
    let refused = member_role_revoke(ctx, &admin, olga.user_id, owner).await;
    assert_eq!(refused, forbidden(Permission::OwnerGrant));
    let refused = member_role_grant(ctx, &mia, mia.user_id, viewer).await;
    assert_eq!(refused, forbidden(Permission::RoleGrant));
    // SEC-E1: each denial has a row, or is counted with the one before.
    let denied = world.audit().await;
    let denied: Vec<_> = denied
        .iter()
        .filter(|row| row.outcome == Outcome::Denied)
        .map(|row| row.action.as_str())
        .collect();
    assert_eq!(denied, ["role.grant", "role.revoke", "role.grant"]);
    assert_eq!(world.repeated_denials("role.grant").await, 1);

    member_role_grant(ctx, &admin, mia.user_id, viewer)
        .await
        .unwrap();
    assert!(is_conflict(
        &member_role_grant(ctx, &admin, mia.user_id, viewer).await
    ));
    member_role_grant(ctx, &olga, mia.user_id, owner)
        .await
        .unwrap();
    let offered = member_get(ctx, &admin, mia.user_id)
        .await
        .unwrap()
        .grantable;
    let offered: Vec<_> = offered.iter().map(|role| role.key.as_str()).collect();
    assert_eq!(offered, ["admin", "member", "viewer", "billing"]);
}

#[tokio::test]
async fn only_members_who_manage_owners_can_suspend_one_or_see_their_sessions() {
    let world = World::without_model().await;
    world.tenant.actor(SystemRole::Owner, "Olga").await;
    let otto = world.tenant.actor(SystemRole::Owner, "Otto").await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let ctx = &world.ctx;
    let session = world.session(otto.user_id).await;
    let refused = member_change(ctx, &admin, otto.user_id, MemberChange::Suspend).await;
    assert_eq!(refused, forbidden(Permission::OwnerGrant));
    let refused = member_session_revoke(ctx, &admin, otto.user_id, session).await;
    assert_eq!(refused, forbidden(Permission::OwnerGrant));
    let refused = member_session_revoke_all(ctx, &admin, otto.user_id).await;
    assert_eq!(refused, forbidden(Permission::OwnerGrant));
    assert_eq!(world.live_sessions(otto.user_id).await, [session]);
    let detail = member_get(ctx, &admin, otto.user_id).await.unwrap();
    assert_eq!(
        (detail.blocked_reason, detail.sessions),
        (Some(BlockedReason::Owner), None)
    );
}

#[tokio::test]
async fn role_from_the_identity_provider_can_not_be_revoked_here() {
    let world = World::without_model().await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let mia = world.tenant.user("Mia").await;
    let viewer = world.role("viewer").await;
    let mut tx = world.tenant.enter().await;
    let now = world.ctx.clock.now();
    store::role::user_role_grant(&mut tx, mia, "viewer", RoleSource::Group, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let refused = member_role_revoke(&world.ctx, &admin, mia, viewer).await;
    assert!(is_conflict(&refused), "{refused:?}");
    // Granted manually as well, each source comes and goes independently.
    member_role_grant(&world.ctx, &admin, mia, viewer)
        .await
        .unwrap();
    member_role_revoke(&world.ctx, &admin, mia, viewer)
        .await
        .unwrap();
    let held = member_get(&world.ctx, &admin, mia)
        .await
        .unwrap()
        .member
        .roles;
    let sources: Vec<_> = held.iter().map(|held| held.source).collect();
    assert_eq!(sources, [RoleSource::Group]);
}

#[tokio::test]
async fn fields_that_the_viewer_may_not_see_are_omitted() {
    let world = World::without_model().await;
    let mia = world.member("Mia").await;
    let viewer = world.tenant.actor(SystemRole::Viewer, "Vera").await;
    let detail = member_get(&world.ctx, &viewer, mia.user_id).await.unwrap();
    assert_eq!(
        (detail.sessions, detail.audit, detail.blocked_reason),
        (None, None, Some(BlockedReason::Permission))
    );
    assert!(detail.grantable.is_empty());

    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    member_change(&world.ctx, &admin, mia.user_id, MemberChange::Suspend)
        .await
        .unwrap();
    let detail = member_get(&world.ctx, &admin, mia.user_id).await.unwrap();
    let rows: Vec<_> = detail
        .audit
        .unwrap()
        .into_iter()
        .map(|row| row.action)
        .collect();
    assert_eq!(rows, ["member.suspend"]);
}

// SEC-C6
#[tokio::test]
async fn another_tenants_member_does_not_exist() {
    let world = World::without_model().await;
    let mia = world.member("Mia").await;
    let session = world.session(mia.user_id).await;
    let viewer = world.role("viewer").await;
    let other = world.db.tenant("other").await;
    let otto = other.actor(SystemRole::Owner, "Otto").await;
    let ctx = &world.ctx;
    for id in [mia.user_id, store::testing::id::<UserId>()] {
        assert_eq!(
            member_get(ctx, &otto, id).await.map(drop),
            Err(AppError::NotFound)
        );
        for change in [
            MemberChange::Suspend,
            MemberChange::Deactivate,
            MemberChange::Reactivate,
        ] {
            assert_eq!(
                member_change(ctx, &otto, id, change).await,
                Err(AppError::NotFound)
            );
        }
        assert_eq!(
            member_session_revoke(ctx, &otto, id, session).await,
            Err(AppError::NotFound)
        );
        assert_eq!(
            member_session_revoke_all(ctx, &otto, id).await,
            Err(AppError::NotFound)
        );
        for target in [id, otto.user_id] {
            assert_eq!(
                member_role_grant(ctx, &otto, target, viewer).await,
                Err(AppError::NotFound)
            );
        }
    }
    assert_eq!(world.live_sessions(mia.user_id).await, [session]);
    let seen = member_list(ctx, &otto, &MemberListInput::default())
        .await
        .unwrap();
    assert_eq!(seen.items.len(), 1);
}

#[tokio::test]
async fn pointless_change_is_a_conflict() {
    for (change, from) in [
        (MemberChange::Reactivate, UserStatus::Active),
        (MemberChange::Reactivate, UserStatus::Invited),
        (MemberChange::Suspend, UserStatus::Deactivated),
    ] {
        assert!(is_conflict(&change.check(from)), "{change:?} from {from:?}");
    }
    assert_eq!(Action::MemberSuspend.permission(), Permission::MemberManage);
}
