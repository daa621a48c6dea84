//! Rules that map groups and app roles of the identity provider to roles and
//! teams, and the simulation of a change.

mod simulate;

use domain::{
    Action, Actor, AppError, GroupMappingId,
    group_mapping::{GroupMapping, GroupMappingDraft, GroupMappings, RuleView},
    role::Role,
    team::TeamRef,
};
use serde_json::{Value, json};
use store::{StoreError, TenantTx};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    member::first_ungrantable,
};

pub use simulate::group_mapping_simulate;

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

/// All rules by priority, and the roles and teams that the actor can grant by
/// one.
pub async fn group_mapping_list(ctx: &Ctx, actor: &Actor) -> Result<GroupMappings, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::GroupMappingList).await?;
    let rules = store::group_mapping::group_mapping_list(&mut act.tx).await?;
    let names = Names::load(&mut act.tx).await?;
    Ok(GroupMappings {
        rules: rules.into_iter().map(|rule| names.show(rule)).collect(),
        roles: names
            .roles
            .iter()
            .filter(|role| first_ungrantable(actor, &role.permissions).is_none())
            .map(Role::to_ref)
            .collect(),
        teams: names.teams,
    })
}

/// Adds a rule. It applies to each member from their next sign-in or refresh.
///
/// # Errors
/// [`AppError::Forbidden`] naming a permission of the role that the actor can't
/// grant; [`AppError::Conflict`] if the same rule exists.
pub async fn group_mapping_create(
    ctx: &Ctx,
    actor: &Actor,
    draft: &GroupMappingDraft,
) -> Result<GroupMappingId, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::GroupMappingCreate).await?;
    let id: GroupMappingId = ctx.ids.id();
    let done = async {
        let rule = draft.parse(id)?;
        ensure_grantable(&mut act.tx, actor, &rule).await?;
        store::group_mapping::group_mapping_create(&mut act.tx, &rule, ctx.clock.now()).await?;
        Ok(json!({ "after": to_audit_json(&rule) }))
    }
    .await;
    act.finish(AuditTarget::group_mapping(id), done).await?;
    Ok(id)
}

/// Changes a rule. It applies like a new one.
///
/// # Errors
/// As [`group_mapping_create`], also for the role that the rule granted before.
pub async fn group_mapping_update(
    ctx: &Ctx,
    actor: &Actor,
    id: GroupMappingId,
    draft: &GroupMappingDraft,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::GroupMappingUpdate).await?;
    let done = async {
        let before = find(&mut act.tx, id).await?;
        let after = draft.parse(id)?;
        // Taking a role away requires the same permissions as granting it.
        ensure_grantable(&mut act.tx, actor, &before).await?;
        ensure_grantable(&mut act.tx, actor, &after).await?;
        store::group_mapping::group_mapping_update(&mut act.tx, &after, ctx.clock.now()).await?;
        Ok(json!({ "before": to_audit_json(&before), "after": to_audit_json(&after) }))
    }
    .await;
    act.finish(AuditTarget::group_mapping(id), done).await
}

/// Deletes a rule. Its grants end with each member's next sign-in or refresh.
///
/// # Errors
/// [`AppError::Forbidden`] as for [`group_mapping_create`].
pub async fn group_mapping_delete(
    ctx: &Ctx,
    actor: &Actor,
    id: GroupMappingId,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::GroupMappingDelete).await?;
    let done = async {
        let before = find(&mut act.tx, id).await?;
        ensure_grantable(&mut act.tx, actor, &before).await?;
        store::group_mapping::group_mapping_delete(&mut act.tx, id).await?;
        Ok(json!({ "before": to_audit_json(&before) }))
    }
    .await;
    act.finish(AuditTarget::group_mapping(id), done).await
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
    tx: &mut TenantTx,
    actor: &Actor,
    mapping: &GroupMapping,
) -> Result<(), AppError> {
    let Some(role_id) = mapping.role_id else {
        return Ok(());
    };
    let role = store::role::role_get(tx, role_id).await?;
    match first_ungrantable(actor, &role.permissions) {
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
