//! Teams: list, create, rename, delete, and change their members.

use domain::{
    Action, Actor, AppError, Page, Permission, TeamId, Timestamp, UserId,
    member::UserStatus,
    memory::Visibility,
    paging::PAGE_SIZE,
    team::{TeamChange, TeamDetail, TeamName, TeamRef, TeamRole, TeamSummary},
};
use serde_json::{Value, json};
use store::{StoreError, TenantTx};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
};

/// Members listed on a team's page.
const MAX_MEMBERS_SHOWN: i64 = 200;

/// Memories made private in one statement.
const BATCH: i64 = 500;

/// One page of the organisation's teams, by name.
pub async fn team_list(
    ctx: &Ctx,
    actor: &Actor,
    query: &str,
    cursor: Option<&str>,
) -> Result<Page<TeamSummary>, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::TeamList).await?;
    Ok(store::team::team_list(&mut act.tx, query, cursor, PAGE_SIZE).await?)
}

/// The organisation's teams by name, to choose from.
pub async fn team_names(ctx: &Ctx, actor: &Actor) -> Result<Vec<TeamRef>, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::TeamList).await?;
    Ok(store::team::team_names(&mut act.tx).await?)
}

/// One team with its members and what the actor may do with it.
pub async fn team_get(ctx: &Ctx, actor: &Actor, id: TeamId) -> Result<TeamDetail, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::TeamGet).await?;
    let team = store::team::team_get(&mut act.tx, id).await?;
    let holds = |permission| actor.permissions.contains(&permission);
    let shared_memories = if holds(Permission::TeamManage) {
        Some(store::team::team_memories_count(&mut act.tx, id).await?)
    } else {
        None
    };
    let own = store::team::team_membership(&mut act.tx, id, actor.user_id).await?;
    let leads = own.is_some_and(|own| own.role == TeamRole::Lead) && holds(Permission::TeamLead);
    Ok(TeamDetail {
        id,
        members: store::team::team_members(&mut act.tx, id, MAX_MEMBERS_SHOWN).await?,
        name: team.name,
        created_at: team.created_at,
        member_count: team.members,
        may_manage: leads || holds(Permission::TeamManage),
        shared_memories,
    })
}

/// Creates a team without members.
///
/// # Errors
/// [`AppError::Invalid`] also for a name that is taken.
pub async fn team_create(ctx: &Ctx, actor: &Actor, name: &str) -> Result<TeamId, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::TeamCreate).await?;
    let name = TeamName::parse(name)?;
    let id: TeamId = ctx.ids.id();
    store::team::team_create(&mut act.tx, id, name.as_str(), ctx.clock.now()).await?;
    act.commit(AuditTarget::team(id).with_changes(json!({ "after": { "name": name.as_str() } })))
        .await?;
    Ok(id)
}

/// Renames a team that the actor leads, or any team with `team.manage`.
pub async fn team_rename(ctx: &Ctx, actor: &Actor, id: TeamId, name: &str) -> Result<(), AppError> {
    let mut act = begin(ctx, actor, Action::TeamRename, id).await?;
    let before = store::team::team_get(&mut act.tx, id).await?.name;
    let name = TeamName::parse(name)?;
    store::team::team_rename(&mut act.tx, id, &name, ctx.clock.now()).await?;
    let changes = json!({ "before": { "name": before }, "after": { "name": name.as_str() } });
    act.commit(AuditTarget::team(id).with_changes(changes))
        .await
}

/// Adds a member to a team, changes their role in it, or removes them.
///
/// # Errors
/// [`AppError::Conflict`] for a deactivated member and if nothing would change.
pub async fn team_member_change(
    ctx: &Ctx,
    actor: &Actor,
    id: TeamId,
    user_id: UserId,
    change: TeamChange,
) -> Result<(), AppError> {
    let mut act = begin(ctx, actor, Action::TeamMemberChange, id).await?;
    let done = change_in_tx(&mut act.tx, id, user_id, change, ctx.clock.now()).await;
    act.finish(AuditTarget::user(user_id), done).await
}

/// As [`team_member_change`], inside an open transaction.
pub(crate) async fn change_in_tx(
    tx: &mut TenantTx,
    id: TeamId,
    user_id: UserId,
    change: TeamChange,
    now: Timestamp,
) -> Result<Value, AppError> {
    let user = store::user::user_find(tx, user_id).await?;
    let membership = store::team::team_membership(tx, id, user_id).await?;
    let before = membership.map(|membership| membership.role);
    let conflict = |why: &str| {
        Err(AppError::Conflict {
            message: format!("{} {why}", user.display_name),
        })
    };
    match (membership, change) {
        (None, TeamChange::Leave) => return Err(AppError::NotFound),
        (Some(membership), TeamChange::Leave) if membership.from_issuer => {
            return conflict(
                "is in this team by a group of your identity provider. Change the group there, or its mapping here.",
            );
        }
        (Some(_), TeamChange::Leave) => store::team::team_member_remove(tx, id, user_id).await?,
        (Some(membership), TeamChange::Join(role)) if membership.role == role => {
            return conflict("is in this team already.");
        }
        (None, TeamChange::Join(_)) if user.status == UserStatus::Deactivated => {
            return conflict("has left the organisation.");
        }
        (_, TeamChange::Join(role)) => {
            store::team::team_role_set(tx, id, user_id, role, now).await?;
        }
    }
    let after = match change {
        TeamChange::Join(role) => Some(role.key()),
        TeamChange::Leave => None,
    };
    Ok(json!({
        "team": id.to_string(),
        "before": { "role": before.map(TeamRole::key) },
        "after": { "role": after },
    }))
}

/// Deletes a team after the actor typed its `name`. Memories shared with it
/// become private to their owners.
///
/// # Errors
/// [`AppError::Invalid`] for `confirm` with another name;
/// [`AppError::Conflict`] if a group rule refers to the team.
pub async fn team_delete(ctx: &Ctx, actor: &Actor, id: TeamId, name: &str) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::TeamDelete).await?;
    let team = store::team::team_get(&mut act.tx, id).await?;
    if name.trim() != team.name {
        let message = format!("Type the team's name, “{}”, to delete it.", team.name);
        return Err(AppError::field("confirm", message));
    }
    let now = ctx.clock.now();
    let (released, withdrawn) = release_memories(&mut act, id, now).await?;
    store::team::team_delete(&mut act.tx, id)
        .await
        .map_err(|error| match error {
            StoreError::Constraint(name) if name.ends_with("_team_id_fkey") => AppError::Conflict {
                message: "A group mapping still names this team. Change that first.".into(),
            },
            other => other.into(),
        })?;
    act.commit(AuditTarget::team(id).with_changes(json!({
        "before": { "name": team.name, "members": team.members },
        "memories_made_private": released,
        "proposals_withdrawn": withdrawn,
    })))
    .await
}

/// Makes memories shared with a team private, each with a new version and an
/// audit row, and withdraws proposals to the team. Returns the number of each.
async fn release_memories(
    act: &mut AuthorizedTx<'_>,
    id: TeamId,
    now: Timestamp,
) -> Result<(usize, i64), AppError> {
    const REASON: &str = "The team was deleted.";
    let withdrawn = store::team::team_proposals_close(&mut act.tx, id, REASON, now).await?;
    let mut released = 0;
    loop {
        let tx = &mut act.tx;
        let batch = store::team::team_memories_unshare(tx, id, BATCH, REASON, now).await?;
        if batch.is_empty() {
            return Ok((released, withdrawn));
        }
        released += batch.len();
        let targets = batch.into_iter().map(|memory| {
            AuditTarget::memory(memory).with_changes(json!({
                "before": { "visibility": Visibility::Team.key(), "team": id },
                "after": { "visibility": Visibility::Private.key() },
            }))
        });
        act.audit_side_effects(Action::TeamDelete, targets).await?;
    }
}

/// Begins an action on one team: `team.manage` allows it on any, `team.lead` on
/// those that the actor leads.
async fn begin<'a>(
    ctx: &'a Ctx,
    actor: &'a Actor,
    action: Action,
    id: TeamId,
) -> Result<AuthorizedTx<'a>, AppError> {
    if actor.permissions.contains(&Permission::TeamManage) {
        return AuthorizedTx::begin_with_permission(ctx, actor, action, Permission::TeamManage)
            .await;
    }
    let mut act = AuthorizedTx::begin(ctx, actor, action).await?;
    match changeable_team(&mut act.tx, actor, id).await {
        Ok(_) => Ok(act),
        Err(AppError::Forbidden { permission }) => {
            Err(act.deny_permission(AuditTarget::team(id), permission).await)
        }
        Err(other) => Err(other),
    }
}

/// Loads the team if the actor may change its members: any with `team.manage`,
/// and those that the actor leads with `team.lead`.
pub(crate) async fn changeable_team(
    tx: &mut TenantTx,
    actor: &Actor,
    id: TeamId,
) -> Result<store::team::Team, AppError> {
    let team = store::team::team_get(tx, id).await?;
    if actor.permissions.contains(&Permission::TeamManage) {
        return Ok(team);
    }
    actor.authorize(Permission::TeamLead)?;
    let own = store::team::team_membership(tx, id, actor.user_id).await?;
    if own.is_some_and(|own| own.role == TeamRole::Lead) {
        Ok(team)
    } else {
        Err(AppError::Forbidden {
            permission: Permission::TeamManage,
        })
    }
}
