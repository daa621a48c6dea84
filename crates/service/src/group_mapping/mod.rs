//! Rules that map groups and app roles of the identity provider to roles and
//! teams, and the simulation of a change.

mod simulate;

use domain::{
    Action, AppError, GroupMappingId, NoInput, WithId,
    group_mapping::{GroupMapping, GroupMappingInput, GroupMappingPath, GroupMappings, RuleView},
    role::Role,
    team::TeamRef,
};
use serde_json::{Value, json};
use store::{StoreError, TenantTx};

use crate::{
    authorized_tx::{AuditTarget, AuthorizedTx},
    member::first_ungrantable,
    operation::{Done, Group, Operation, Route, operations},
};

pub use simulate::GroupMappingSimulate;

operations! {
    GroupMappingList,
    GroupMappingCreate,
    GroupMappingSimulate,
    GroupMappingUpdate,
    GroupMappingDelete,
}

/// The organisation's roles and teams, to look up their names.
struct Names {
    roles: Vec<Role>,
    teams: Vec<TeamRef>,
}

impl Names {
    async fn load(tx: &mut TenantTx) -> Result<Self, StoreError> {
        Ok(Self {
            roles: store::role::role_list(tx).await?,
            teams: store::team::team_names(tx).await?,
        })
    }

    fn show(&self, mapping: GroupMapping) -> RuleView {
        let (role_id, team_id) = (mapping.role_id, mapping.team_id);
        let role = self.roles.iter().find(|role| Some(role.id) == role_id);
        let team = self.teams.iter().find(|team| Some(team.id) == team_id);
        RuleView {
            role: role.map(|role| role.name.clone()),
            team: team.map(|team| team.name.clone()),
            rule: mapping,
        }
    }
}

pub struct GroupMappingList;

impl Operation for GroupMappingList {
    const ACTION: Action = Action::GroupMappingList;
    const ROUTE: Route = Route::get("/group-mappings");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "List group mappings";
    const DESCRIPTION: &'static str =
        "All rules by priority, and the roles and teams that the member can assign by one.";
    type Input = NoInput;
    type Output = GroupMappings;

    async fn run(tx: &mut AuthorizedTx<'_>, _: NoInput) -> Result<Done<GroupMappings>, AppError> {
        let rules = store::group_mapping::group_mapping_list(tx).await?;
        let names = Names::load(tx).await?;
        Ok(Done::read(GroupMappings {
            rules: rules.into_iter().map(|rule| names.show(rule)).collect(),
            roles: names
                .roles
                .iter()
                .filter(|role| first_ungrantable(tx.actor, &role.permissions).is_none())
                .map(Role::to_ref)
                .collect(),
            teams: names.teams,
        }))
    }
}

/// Fails with [`AppError::Forbidden`] naming a permission of the role that the
/// actor can't grant, as do the other changes.
pub struct GroupMappingCreate;

impl Operation for GroupMappingCreate {
    const ACTION: Action = Action::GroupMappingCreate;
    const ROUTE: Route = Route::create("/group-mappings");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Create a group mapping";
    const DESCRIPTION: &'static str =
        "It applies to each member from their next sign-in or refresh.";
    type Input = GroupMappingInput;
    type Output = GroupMapping;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: GroupMappingInput,
    ) -> Result<Done<GroupMapping>, AppError> {
        let id: GroupMappingId = tx.ctx.ids.id();
        tx.set_about(AuditTarget::of(id));
        let rule = input.parse(id)?;
        ensure_grantable(tx, &rule).await?;
        let now = tx.now();
        store::group_mapping::group_mapping_create(tx, &rule, now).await?;
        let changes = json!({ "after": to_audit_json(&rule) });
        let target = AuditTarget::of(id).with_changes(changes);
        Ok(Done::audited(rule, target))
    }
}

pub struct GroupMappingUpdate;

impl Operation for GroupMappingUpdate {
    const ACTION: Action = Action::GroupMappingUpdate;
    const ROUTE: Route = Route::put("/group-mappings/{id}");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Replace a group mapping";
    const DESCRIPTION: &'static str =
        "It applies to each member from their next sign-in or refresh.";
    type Input = WithId<GroupMappingId, GroupMappingInput>;
    type Output = ();

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        WithId { id, input }: WithId<GroupMappingId, GroupMappingInput>,
    ) -> Result<Done<()>, AppError> {
        tx.set_about(AuditTarget::of(id));
        let before = find(tx, id).await?;
        let after = input.parse(id)?;
        // Taking a role away requires the same permissions as granting it.
        ensure_grantable(tx, &before).await?;
        ensure_grantable(tx, &after).await?;
        let now = tx.now();
        store::group_mapping::group_mapping_update(tx, &after, now).await?;
        let changes = json!({ "before": to_audit_json(&before), "after": to_audit_json(&after) });
        let target = AuditTarget::of(id).with_changes(changes);
        Ok(Done::audited((), target))
    }
}

pub struct GroupMappingDelete;

impl Operation for GroupMappingDelete {
    const ACTION: Action = Action::GroupMappingDelete;
    const ROUTE: Route = Route::delete("/group-mappings/{id}");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Delete a group mapping";
    const DESCRIPTION: &'static str =
        "Access from it ends with each member's next sign-in or refresh.";
    type Input = GroupMappingPath;
    type Output = ();

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        GroupMappingPath { id }: GroupMappingPath,
    ) -> Result<Done<()>, AppError> {
        tx.set_about(AuditTarget::of(id));
        let before = find(tx, id).await?;
        ensure_grantable(tx, &before).await?;
        store::group_mapping::group_mapping_delete(tx, id).await?;
        let changes = json!({ "before": to_audit_json(&before) });
        let target = AuditTarget::of(id).with_changes(changes);
        Ok(Done::audited((), target))
    }
}

async fn find(tx: &mut TenantTx, id: GroupMappingId) -> Result<GroupMapping, AppError> {
    let rules = store::group_mapping::group_mapping_list(tx).await?;
    rules
        .into_iter()
        .find(|rule| rule.id == id)
        .ok_or(AppError::NotFound)
}

/// Fails if the rule's role has a permission that the actor can't grant.
async fn ensure_grantable(
    tx: &mut AuthorizedTx<'_>,
    mapping: &GroupMapping,
) -> Result<(), AppError> {
    let Some(role_id) = mapping.role_id else {
        return Ok(());
    };
    let role = store::role::role_get(tx, role_id).await?;
    match first_ungrantable(tx.actor, &role.permissions) {
        None => Ok(()),
        Some(permission) => Err(AppError::Forbidden { permission }),
    }
}

/// A rule as the audit log stores it.
fn to_audit_json(rule: &GroupMapping) -> Value {
    json!({
        "source": rule.source.key(),
        "group": rule.group_id.as_str(),
        "label": rule.label,
        "role": rule.role_id,
        "team": rule.team_id,
        "priority": rule.priority,
    })
}
