//! What groups and app roles of the identity provider grant, and what a change
//! of that would do.

mod simulate;

use domain::{
    Action, Actor, AppError, GroupMappingId,
    group_mapping::{GroupMapping, GroupMappingDraft, GroupMappings, RuleShown},
    role::Role,
    team::TeamRef,
};
use serde_json::{Value, json};
use store::{StoreError, TenantTx};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    member::beyond,
};

pub use simulate::group_mapping_simulate;

/// The organisation's roles and teams, to name what rules grant.
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

    fn show(&self, mapping: GroupMapping) -> RuleShown {
        let (role_id, team_id) = (mapping.role_id, mapping.team_id);
        let role = self.roles.iter().find(|role| Some(role.id) == role_id);
        let team = self.teams.iter().find(|team| Some(team.id) == team_id);
        RuleShown {
            role: role.map(|role| role.name.clone()),
            team: team.map(|team| team.name.clone()),
            rule: mapping,
        }
    }
}

/// All rules in the order in which they decide, and what the actor may grant
/// by one.
///
/// # Errors
/// [`AppError::Forbidden`].
pub async fn group_mapping_list(ctx: &Ctx, actor: &Actor) -> Result<GroupMappings, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::GroupMappingList).await?;
    let rules = store::group_mapping::group_mapping_list(&mut act.tx).await?;
    let names = Names::load(&mut act.tx).await?;
    Ok(GroupMappings {
        rules: rules.into_iter().map(|rule| names.show(rule)).collect(),
        roles: names
            .roles
            .iter()
            .filter(|role| beyond(actor, &role.permissions).is_none())
            .map(Role::to_ref)
            .collect(),
        teams: names.teams,
    })
}

/// Adds a rule. It counts for each member from the next sign-in or refresh on.
///
/// # Errors
/// [`AppError::Forbidden`] naming what the role allows and the actor may not
/// grant; [`AppError::Invalid`]; [`AppError::Conflict`] when there is the same
/// rule already.
pub async fn group_mapping_create(
    ctx: &Ctx,
    actor: &Actor,
    draft: &GroupMappingDraft,
) -> Result<GroupMappingId, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::GroupMappingCreate).await?;
    let id: GroupMappingId = ctx.ids.id();
    let done = async {
        let rule = draft.parse(id)?;
        may_grant(&mut act.tx, actor, &rule).await?;
        store::group_mapping::group_mapping_create(&mut act.tx, &rule, ctx.clock.now()).await?;
        Ok(json!({ "after": described(&rule) }))
    }
    .await;
    act.finish(AuditTarget::group_mapping(id), done).await?;
    Ok(id)
}

/// Changes a rule. It counts as a new one does.
///
/// # Errors
/// As [`group_mapping_create`], for what it granted before as well;
/// [`AppError::NotFound`] when there is no such rule.
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
        // Taking away is as much a matter of what one may grant as giving.
        may_grant(&mut act.tx, actor, &before).await?;
        may_grant(&mut act.tx, actor, &after).await?;
        store::group_mapping::group_mapping_update(&mut act.tx, &after, ctx.clock.now()).await?;
        Ok(json!({ "before": described(&before), "after": described(&after) }))
    }
    .await;
    act.finish(AuditTarget::group_mapping(id), done).await
}

/// Removes a rule. What it granted goes with each member's next sign-in or
/// refresh.
///
/// # Errors
/// [`AppError::Forbidden`] as for [`group_mapping_create`];
/// [`AppError::NotFound`] when there is no such rule.
pub async fn group_mapping_delete(
    ctx: &Ctx,
    actor: &Actor,
    id: GroupMappingId,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::GroupMappingDelete).await?;
    let done = async {
        let before = find(&mut act.tx, id).await?;
        may_grant(&mut act.tx, actor, &before).await?;
        store::group_mapping::group_mapping_delete(&mut act.tx, id).await?;
        Ok(json!({ "before": described(&before) }))
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

/// Passes when all that the rule's role allows is the actor's to grant.
async fn may_grant(
    tx: &mut TenantTx,
    actor: &Actor,
    mapping: &GroupMapping,
) -> Result<(), AppError> {
    let Some(role_id) = mapping.role_id else {
        return Ok(());
    };
    let role = store::role::role_get(tx, role_id).await?;
    match beyond(actor, &role.permissions) {
        None => Ok(()),
        Some(permission) => Err(AppError::Forbidden { permission }),
    }
}

/// A rule as the audit log keeps it.
fn described(rule: &GroupMapping) -> Value {
    json!({
        "source": rule.source.key(),
        "group": rule.group_id.as_str(),
        "label": rule.label,
        "role": rule.role_id,
        "team": rule.team_id,
        "priority": rule.priority,
    })
}
