//! Bulk actions on members: preview, apply, report.

use domain::{
    Actor, AppError, Permission, RequestId, UserId,
    access::SystemRole,
    audit::{AuditListInput, Outcome},
    bulk::{BulkAction, BulkRow},
    member::{MemberChange, UserStatus},
};
use service::member_change;

use crate::{
    call::{bulk_apply, bulk_choices, bulk_outcome, bulk_preview, member_get},
    support::World,
};

impl World {
    /// The actor in a request that begins now on the world's clock.
    fn in_request(&self, mut actor: Actor) -> Actor {
        actor.request.request_id = self.ctx.ids.id();
        actor
    }
}

/// The ids, and for each whether the action applied.
fn outcomes(rows: &[BulkRow]) -> Vec<(UserId, bool)> {
    rows.iter()
        .map(|row| (row.id, row.blocked_reason.is_none()))
        .collect()
}

#[tokio::test]
async fn each_member_has_an_outcome_and_one_denial_affects_no_other() {
    let world = World::without_model().await;
    let olga = world.tenant.actor(SystemRole::Owner, "Olga").await;
    let admin = world.in_request(world.tenant.actor(SystemRole::Admin, "Ada").await);
    let mia = world.member("Mia").await.user_id;
    let max = world.member("Max").await.user_id;
    let gone = world.member("Gus").await.user_id;
    let stranger = world.db.tenant("other").await.user("Otto").await;
    let ctx = &world.ctx;
    member_change(ctx, &olga, gone, MemberChange::Deactivate)
        .await
        .unwrap();
    world.session(mia).await;

    let chosen = [mia, gone, olga.user_id, stranger, max, mia];
    let meant = [
        (mia, true),
        (gone, false),
        (olga.user_id, false),
        (stranger, false),
        (max, true),
    ];
    let rows_before = world.audit().await.len();
    let preview = bulk_preview(ctx, &admin, BulkAction::Suspend, &chosen)
        .await
        .unwrap();
    assert_eq!(outcomes(&preview.rows), meant);
    assert_eq!(preview.rows[3].display_name, None);
    // The preview changed nothing and denied nobody.
    assert_eq!(world.audit().await.len(), rows_before);
    assert_eq!(world.live_sessions(mia).await.len(), 1);

    let request = bulk_apply(ctx, &admin, BulkAction::Suspend, &chosen)
        .await
        .unwrap();
    let told = bulk_outcome(ctx, &admin, request).await.unwrap();
    assert_eq!(outcomes(&told.rows), meant);
    assert_eq!(told.action, "member.suspend");
    // SEC-B3
    assert!(world.live_sessions(mia).await.is_empty());
    for (id, status) in [
        (mia, UserStatus::Suspended),
        (gone, UserStatus::Deactivated),
        (olga.user_id, UserStatus::Active),
    ] {
        let member = member_get(ctx, &olga, id).await.unwrap().member;
        assert_eq!(member.status, status);
    }
    // SEC-E1: each audit row of the action has the same request id.
    let filter = AuditListInput {
        request: request.to_string(),
        ..AuditListInput::default()
    };
    let log = service::call::<service::AuditList>(ctx, &olga, filter)
        .await
        .unwrap();
    let mut ends: Vec<_> = log.items.iter().map(|row| row.outcome.key()).collect();
    ends.sort_unstable();
    assert_eq!(ends, ["denied", "failure", "failure", "success", "success"]);
    assert!(log.items.iter().all(|row| row.outcome != Outcome::Denied
        || row.resource_id.as_deref() == Some(olga.user_id.to_string().as_str())));
}

#[tokio::test]
async fn roles_and_teams_are_assigned_in_bulk_within_the_actors_permissions() {
    let world = World::without_model().await;
    let admin = world.in_request(world.tenant.actor(SystemRole::Admin, "Ada").await);
    let mia = world.member("Mia").await.user_id;
    let bot = world.agent("Filing clerk").await;
    let team = world.tenant.team("Design", &[mia]).await;
    let (viewer, owner) = (world.role("viewer").await, world.role("owner").await);
    let ctx = &world.ctx;
    let offered = bulk_choices(ctx, &admin).await.unwrap();
    let offered: Vec<_> = offered.into_iter().map(|choice| choice.label).collect();
    assert_eq!(
        offered,
        [
            "Suspend",
            "Reactivate",
            "Assign role: Admin",
            "Assign role: Member",
            "Assign role: Viewer",
            "Assign role: Billing",
            "Add to team: Design",
        ]
    );
    // SEC-G: an action that is not offered is denied as well.
    let refused = bulk_preview(ctx, &admin, BulkAction::GrantRole(owner), &[mia]).await;
    assert!(refused.unwrap_err().for_field("act").is_some());
    bulk_apply(ctx, &admin, BulkAction::GrantRole(owner), &[mia])
        .await
        .unwrap();
    assert!(!member_get(ctx, &admin, mia).await.unwrap().member.is_owner);

    bulk_apply(ctx, &admin, BulkAction::GrantRole(viewer), &[mia, bot])
        .await
        .unwrap();
    bulk_apply(ctx, &admin, BulkAction::AddToTeam(team), &[mia, bot])
        .await
        .unwrap();
    for id in [mia, bot] {
        let member = member_get(ctx, &admin, id).await.unwrap().member;
        assert!(member.roles.iter().any(|held| held.role.key == "viewer"));
        assert_eq!(member.teams.len(), 1);
    }
}

#[tokio::test]
async fn bulk_action_allows_no_more_than_a_single_one_and_hides_others_outcomes() {
    let world = World::without_model().await;
    let admin = world.in_request(world.tenant.actor(SystemRole::Admin, "Ada").await);
    let mia = world.member("Mia").await;
    let ctx = &world.ctx;
    let permission = Permission::MemberManage;
    let refused = bulk_apply(ctx, &mia, BulkAction::Suspend, &[admin.user_id]).await;
    assert_eq!(refused, Err(AppError::Forbidden { permission }));
    assert!(bulk_choices(ctx, &mia).await.unwrap().is_empty());
    let refused = bulk_apply(ctx, &admin, BulkAction::Suspend, &[]).await;
    assert!(refused.unwrap_err().for_field("ids").is_some());
    let many: Vec<UserId> = (0..51).map(|_| store::testing::id()).collect();
    let refused = bulk_preview(ctx, &admin, BulkAction::Suspend, &many).await;
    assert!(refused.unwrap_err().for_field("ids").is_some());

    let request = bulk_apply(ctx, &admin, BulkAction::Suspend, &[mia.user_id])
        .await
        .unwrap();
    let olga = world.tenant.actor(SystemRole::Owner, "Olga").await;
    for request in [request, store::testing::id::<RequestId>()] {
        let seen = bulk_outcome(ctx, &olga, request).await.map(drop);
        assert_eq!(seen, Err(AppError::NotFound));
    }
}
