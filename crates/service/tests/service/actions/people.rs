//! Actions on members, roles and teams.

use domain::{
    Action, Actor, AppError, Permission,
    invite::InviteInput,
    member::{MemberChange, MemberListInput, UserStatus},
    offboard::OffboardInput,
    team::{TeamChange, TeamRole},
};
use store::user::user_status_set;

use super::given::{colleague, fresh_name, opened, role_input, team};
use crate::{break_glass::reason, invite::stored_invite, support::World};

#[expect(clippy::too_many_lines, reason = "one arm for each action")]
pub(super) async fn perform(world: &World, actor: &Actor, action: Action) -> Result<(), AppError> {
    let ctx = &world.ctx;
    match action {
        Action::MemberList => {
            let filter = MemberListInput::default();
            crate::call::member_list(ctx, actor, &filter)
                .await
                .map(drop)
        }
        Action::MemberGet => crate::call::member_get(ctx, actor, colleague(world).await)
            .await
            .map(drop),
        Action::MemberSuspend => {
            service::member_change(ctx, actor, colleague(world).await, MemberChange::Suspend).await
        }
        Action::MemberDeactivate => {
            service::member_change(ctx, actor, colleague(world).await, MemberChange::Deactivate)
                .await
        }
        Action::MemberReactivate => {
            let id = colleague(world).await;
            let mut tx = world.tenant.enter().await;
            user_status_set(&mut tx, id, UserStatus::Suspended, ctx.clock.now()).await?;
            tx.commit().await?;
            service::member_change(ctx, actor, id, MemberChange::Reactivate).await
        }
        Action::MemberOffboardPreview => {
            crate::call::offboard_preview(ctx, actor, colleague(world).await)
                .await
                .map(drop)
        }
        Action::MemberOffboard => {
            let id = colleague(world).await;
            let input = OffboardInput {
                id,
                confirm: "Cleo".into(),
                heir: None,
            };
            crate::call::offboard(ctx, actor, input).await
        }
        Action::MemberSessionRevoke => {
            let id = colleague(world).await;
            let one = world.session(id).await;
            service::member_session_revoke(ctx, actor, id, one).await?;
            service::member_session_revoke_all(ctx, actor, id)
                .await
                .map(drop)
        }
        Action::InviteList => {
            crate::call::invite_list(ctx, actor, "").await?;
            crate::call::invite_choices(ctx, actor).await?;
            let id = stored_invite(world).await;
            crate::call::invite_get(ctx, actor, id).await.map(drop)
        }
        Action::InviteCreate => {
            let draft = InviteInput {
                days: "7".into(),
                ..InviteInput::default()
            };
            crate::call::invite_create(ctx, actor, &draft)
                .await
                .map(drop)
        }
        Action::InviteRenew => {
            let id = stored_invite(world).await;
            crate::call::invite_renew(ctx, actor, id, "1")
                .await
                .map(drop)
        }
        Action::InviteRevoke => {
            crate::call::invite_revoke(ctx, actor, stored_invite(world).await).await
        }
        Action::RoleList => crate::call::role_list(ctx, actor).await.map(drop),
        Action::RoleGet => crate::call::role_get(ctx, actor, world.role("viewer").await)
            .await
            .map(drop),
        Action::RoleCreate => crate::call::role_create(ctx, actor, &role_input(world))
            .await
            .map(drop),
        Action::RoleUpdate => {
            let id = world.custom_role("Clerk", &[Permission::MemoryRead]).await;
            crate::call::role_update(ctx, actor, id, 1, &role_input(world)).await
        }
        Action::RoleDelete => {
            let id = world.custom_role("Clerk", &[Permission::MemoryRead]).await;
            crate::call::role_delete(ctx, actor, id, 1, 0).await
        }
        Action::TeamList => {
            service::team_names(ctx, actor).await?;
            crate::call::team_list(ctx, actor, "", None).await.map(drop)
        }
        Action::TeamGet => crate::call::team_get(ctx, actor, team(world, actor).await.0)
            .await
            .map(drop),
        Action::TeamCreate => crate::call::team_create(ctx, actor, &fresh_name(world))
            .await
            .map(drop),
        Action::TeamRename => {
            let (id, actor) = team(world, actor).await;
            crate::call::team_rename(ctx, &actor, id, &fresh_name(world)).await
        }
        Action::TeamMemberChange => {
            let (id, actor) = team(world, actor).await;
            let join = TeamChange::Join(TeamRole::Member);
            crate::call::team_member_change(ctx, &actor, id, colleague(world).await, join).await
        }
        Action::TeamDelete => {
            let (id, actor) = team(world, actor).await;
            let mut tx = world.tenant.enter().await;
            let name = store::team::team_get(&mut tx, id).await?.name;
            crate::call::team_delete(ctx, &actor, id, &name).await
        }
        Action::BreakGlassOpen => {
            let id = colleague(world).await;
            service::break_glass_open(ctx, actor, id, &reason())
                .await
                .map(drop)
        }
        Action::BreakGlassClose => {
            let (id, _) = opened(world, actor).await;
            service::break_glass_close(ctx, actor, id).await
        }
        Action::BreakGlassList => {
            let (id, _) = opened(world, actor).await;
            let shown = service::break_glass_list(ctx, actor, id, None).await?;
            assert_eq!(shown.open.unwrap().1.items.len(), 1);
            Ok(())
        }
        Action::BreakGlassRead => {
            let (id, memory) = opened(world, actor).await;
            let shown = service::break_glass_read(ctx, actor, id, memory).await?;
            assert!(shown.open.is_some());
            Ok(())
        }
        Action::RoleGrant => {
            let role = world.role("viewer").await;
            crate::call::member_role_grant(ctx, actor, colleague(world).await, role).await
        }
        Action::RoleRevoke => {
            let role = world.role("member").await;
            crate::call::member_role_revoke(ctx, actor, colleague(world).await, role).await
        }
        other => unreachable!("{other} is in another module"),
    }
}
