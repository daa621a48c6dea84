//! Teams: list, create, rename, delete, and change their members.

use domain::{
    Action, Actor, AppError, Page, Permission, TeamId, Timestamp, UserId, WithId,
    member::UserStatus,
    memory::Visibility,
    paging::PAGE_SIZE,
    team::{
        TeamChange, TeamDeleteInput, TeamDetail, TeamInput, TeamListInput, TeamMemberInput,
        TeamMemberPath, TeamName, TeamPath, TeamRef, TeamRole, TeamSummary,
    },
};
use serde_json::{Value, json};
use store::{StoreError, TenantTx, team as teams};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    operation::{Done, Group, Operation, Route, operations},
};

operations! {
    TeamList,
    TeamCreate,
    TeamGet,
    TeamRename,
    TeamDelete,
    TeamMemberSet,
    TeamMemberRemove,
}

/// Members listed on a team's page.
const MAX_MEMBERS_SHOWN: i64 = 200;

/// Memories made private in one statement.
const BATCH: i64 = 500;

pub struct TeamList;

impl Operation for TeamList {
    const ACTION: Action = Action::TeamList;
    const ROUTE: Route = Route::get("/teams");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "List teams";
    type Input = TeamListInput;
    type Output = Page<TeamSummary>;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: TeamListInput,
    ) -> Result<Done<Page<TeamSummary>>, AppError> {
        let page = teams::team_list(tx, &input, PAGE_SIZE).await?;
        Ok(Done::read(page))
    }
}

/// The organisation's teams by name, to choose from.
pub async fn team_names(ctx: &Ctx, actor: &Actor) -> Result<Vec<TeamRef>, AppError> {
    let mut tx = AuthorizedTx::begin(ctx, actor, Action::TeamList).await?;
    Ok(teams::team_names(&mut tx).await?)
}

pub struct TeamGet;

impl Operation for TeamGet {
    const ACTION: Action = Action::TeamGet;
    const ROUTE: Route = Route::get("/teams/{id}");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Get a team";
    type Input = TeamPath;
    type Output = TeamDetail;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        TeamPath { id }: TeamPath,
    ) -> Result<Done<TeamDetail>, AppError> {
        let team = teams::team_get(tx, id).await?;
        let manages = tx.holds(Permission::TeamManage);
        let shared_memories = if manages {
            Some(teams::team_memories_count(tx, id).await?)
        } else {
            None
        };
        let actor = tx.actor;
        let own = teams::team_membership(tx, id, actor.user_id).await?;
        let leads =
            own.is_some_and(|own| own.role == TeamRole::Lead) && tx.holds(Permission::TeamLead);
        Ok(Done::read(TeamDetail {
            id,
            members: teams::team_members(tx, id, MAX_MEMBERS_SHOWN).await?,
            name: team.name,
            created_at: team.created_at,
            member_count: team.members,
            may_manage: leads || manages,
            shared_memories,
        }))
    }
}

pub struct TeamCreate;

impl Operation for TeamCreate {
    const ACTION: Action = Action::TeamCreate;
    const ROUTE: Route = Route::create("/teams");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Create a team";
    const DESCRIPTION: &'static str = "It has no members yet.";
    type Input = TeamInput;
    type Output = TeamRef;

    async fn run(tx: &mut AuthorizedTx<'_>, input: TeamInput) -> Result<Done<TeamRef>, AppError> {
        let name = TeamName::parse(&input.name)?;
        let (id, now) = (tx.ctx.ids.id(), tx.now());
        teams::team_create(tx, id, name.as_str(), now).await?;
        let changes = json!({ "after": { "name": name.as_str() } });
        let target = AuditTarget::of(id).with_changes(changes);
        Ok(Done::audited(name.with_id(id), target))
    }
}

pub struct TeamRename;

impl Operation for TeamRename {
    const ACTION: Action = Action::TeamRename;
    const OR_PERMISSION: Option<Permission> = Some(Permission::TeamManage);
    const ROUTE: Route = Route::patch("/teams/{id}");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Rename a team";
    const DESCRIPTION: &'static str =
        "A team that the member leads, or any with the permission `team.manage`.";
    type Input = WithId<TeamId, TeamInput>;
    type Output = TeamRef;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        WithId { id, input }: WithId<TeamId, TeamInput>,
    ) -> Result<Done<TeamRef>, AppError> {
        tx.set_about(AuditTarget::of(id));
        let actor = tx.actor;
        let before = changeable_team(tx, actor, id).await?.name;
        let name = TeamName::parse(&input.name)?;
        let now = tx.now();
        teams::team_rename(tx, id, &name, now).await?;
        let changes = json!({ "before": { "name": before }, "after": { "name": name.as_str() } });
        let target = AuditTarget::of(id).with_changes(changes);
        Ok(Done::audited(name.with_id(id), target))
    }
}

pub struct TeamMemberSet;

impl Operation for TeamMemberSet {
    const ACTION: Action = Action::TeamMemberChange;
    const OR_PERMISSION: Option<Permission> = Some(Permission::TeamManage);
    const ROUTE: Route = Route::put("/teams/{id}/members/{user_id}");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Add a member to a team or change their role in it";
    const DESCRIPTION: &'static str =
        "A team that the member leads, or any with the permission `team.manage`.";
    type Input = TeamMemberInput;
    type Output = ();

    async fn run(tx: &mut AuthorizedTx<'_>, input: TeamMemberInput) -> Result<Done<()>, AppError> {
        change_member(tx, input.id, input.user_id, TeamChange::Join(input.role)).await
    }
}

pub struct TeamMemberRemove;

impl Operation for TeamMemberRemove {
    const ACTION: Action = Action::TeamMemberChange;
    const OR_PERMISSION: Option<Permission> = Some(Permission::TeamManage);
    const ROUTE: Route = Route::delete("/teams/{id}/members/{user_id}");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Remove a member from a team";
    const DESCRIPTION: &'static str =
        "A team that the member leads, or any with the permission `team.manage`.";
    type Input = TeamMemberPath;
    type Output = ();

    async fn run(tx: &mut AuthorizedTx<'_>, input: TeamMemberPath) -> Result<Done<()>, AppError> {
        change_member(tx, input.id, input.user_id, TeamChange::Leave).await
    }
}

async fn change_member(
    tx: &mut AuthorizedTx<'_>,
    id: TeamId,
    user_id: UserId,
    change: TeamChange,
) -> Result<Done<()>, AppError> {
    let actor = tx.actor;
    tx.set_about(AuditTarget::of(id));
    changeable_team(tx, actor, id).await?;
    tx.set_about(AuditTarget::of(user_id));
    let now = tx.now();
    let changes = change_in_tx(tx, id, user_id, change, now).await?;
    let target = AuditTarget::of(user_id).with_changes(changes);
    Ok(Done::audited((), target))
}

/// Changes one membership of a team that the actor may change. Returns the
/// changes to audit.
///
/// # Errors
/// [`AppError::Conflict`] for a member who has left the organisation, or whose
/// membership is so already or comes from a group.
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
                "is in this team through a group of your identity provider. Change the group there, or its mapping in Directory groups.",
            );
        }
        (Some(_), TeamChange::Leave) => store::team::team_member_remove(tx, id, user_id).await?,
        (Some(membership), TeamChange::Join(role)) if membership.role == role => {
            return conflict("is already in this team.");
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

pub struct TeamDelete;

impl Operation for TeamDelete {
    const ACTION: Action = Action::TeamDelete;
    const ROUTE: Route = Route::delete("/teams/{id}");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Delete a team";
    const DESCRIPTION: &'static str =
        "Memories that are shared with it become private to their owners again.";
    type Input = TeamDeleteInput;
    type Output = ();

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        TeamDeleteInput { id, confirm }: TeamDeleteInput,
    ) -> Result<Done<()>, AppError> {
        let team = teams::team_get(tx, id).await?;
        if confirm.trim() != team.name {
            let message = format!("Type the team's name, “{}”, to delete it.", team.name);
            return Err(AppError::field("confirm", message));
        }
        let now = tx.now();
        let (released, withdrawn) = release_memories(tx, id, now).await?;
        teams::team_delete(tx, id)
            .await
            .map_err(|error| match error {
                StoreError::Constraint(name) if name.ends_with("_team_id_fkey") => {
                    AppError::Conflict {
                        message: "A group mapping still uses this team. Change it first.".into(),
                    }
                }
                other => other.into(),
            })?;
        let target = AuditTarget::of(id).with_changes(json!({
            "before": { "name": team.name, "members": team.members },
            "memories_made_private": released,
            "proposals_withdrawn": withdrawn,
        }));
        Ok(Done::audited((), target))
    }
}

/// Makes memories shared with a team private, each with a new version and an
/// audit row, and withdraws proposals to the team. Returns the number of each.
async fn release_memories(
    tx: &mut AuthorizedTx<'_>,
    id: TeamId,
    now: Timestamp,
) -> Result<(usize, i64), AppError> {
    const REASON: &str = "The team was deleted.";
    let withdrawn = teams::team_proposals_close(tx, id, REASON, now).await?;
    let mut released = 0;
    loop {
        let batch = teams::team_memories_unshare(tx, id, BATCH, REASON, now).await?;
        if batch.is_empty() {
            return Ok((released, withdrawn));
        }
        released += batch.len();
        let targets = batch.into_iter().map(|memory| {
            AuditTarget::of(memory).with_changes(json!({
                "before": { "visibility": Visibility::Team.key(), "team": id },
                "after": { "visibility": Visibility::Private.key() },
            }))
        });
        tx.audit_side_effects(Action::TeamDelete, targets).await?;
    }
}

/// Loads the team if the actor may change its members: any with `team.manage`,
/// and those that the actor leads with `team.lead`.
pub(crate) async fn changeable_team(
    tx: &mut TenantTx,
    actor: &Actor,
    id: TeamId,
) -> Result<teams::Team, AppError> {
    let team = teams::team_get(tx, id).await?;
    if actor.permissions.contains(&Permission::TeamManage) {
        return Ok(team);
    }
    actor.authorize(Permission::TeamLead)?;
    let own = teams::team_membership(tx, id, actor.user_id).await?;
    if own.is_some_and(|own| own.role == TeamRole::Lead) {
        Ok(team)
    } else {
        Err(AppError::Forbidden {
            permission: Permission::TeamManage,
        })
    }
}
