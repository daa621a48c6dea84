//! One action on several members: previewed, then done one by one, with the
//! outcomes in the audit log.

use std::collections::BTreeSet;

use domain::{
    Action, Actor, AppError, NoInput, Page, Permission, UserId,
    audit::Outcome,
    bulk::{
        BulkAction, BulkApplied, BulkChoice, BulkInput, BulkOutcome, BulkOutcomePath, BulkPreview,
        BulkRow, MAX_BULK,
    },
    member::{MemberChange, MemberRolePath},
    team::{TeamChange, TeamMemberInput, TeamRole},
};
use serde_json::{Value, json};
use store::{TenantTx, audit::AuditEvent};

use crate::{
    Ctx,
    authorized_tx::AuthorizedTx,
    member,
    operation::{Done, Endpoint, Group, Operation, Route, call, operations},
    team,
};

operations! {
    MemberBulkActionList,
    MemberBulkPreview,
    MemberBulkApply,
    MemberBulkOutcomeGet,
}

pub struct MemberBulkActionList;

impl Operation for MemberBulkActionList {
    const ACTION: Action = Action::MemberList;
    const ROUTE: Route = Route::get("/members/bulk-actions");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "List the actions that can be applied to several members";
    const DESCRIPTION: &'static str = "Only actions that the caller can choose.";
    type Input = NoInput;
    type Output = Page<BulkChoice>;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        _: NoInput,
    ) -> Result<Done<Page<BulkChoice>>, AppError> {
        let items = choices(tx).await?;
        Ok(Done::read(Page::whole(items)))
    }
}

/// The bulk actions that the actor can choose.
async fn choices(tx: &mut AuthorizedTx<'_>) -> Result<Vec<BulkChoice>, AppError> {
    let choice = |act: BulkAction, label: String| BulkChoice {
        key: act.key(),
        label,
    };
    let mut choices = Vec::new();
    if tx.holds(Permission::MemberManage) {
        choices.push(choice(BulkAction::Suspend, "Suspend".into()));
        choices.push(choice(BulkAction::Reactivate, "Reactivate".into()));
    }
    if tx.holds(Permission::RoleGrant) {
        let actor = tx.actor;
        for role in member::grantable_in_tx(tx, actor).await? {
            let label = format!("Assign role: {}", role.name);
            choices.push(choice(BulkAction::GrantRole(role.id), label));
        }
    }
    if tx.holds(Permission::TeamManage) {
        for team in store::team::team_names(tx).await? {
            let label = format!("Add to team: {}", team.name);
            choices.push(choice(BulkAction::AddToTeam(team.id), label));
        }
    }
    Ok(choices)
}

/// Does the action to each member and rolls it back.
pub struct MemberBulkPreview;

impl Operation for MemberBulkPreview {
    const ACTION: Action = Action::MemberList;
    const ROUTE: Route = Route::post("/members/bulk-preview");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Preview one action on several members";
    const DESCRIPTION: &'static str = "Changes nothing.";
    const TRIES_CHANGES: bool = true;
    type Input = BulkInput;
    type Output = BulkPreview;

    /// # Errors
    /// [`AppError::Invalid`] for no or more than `MAX_BULK` members, and for an
    /// action that the actor can't choose.
    async fn run(
        tx: &mut AuthorizedTx<'_>,
        BulkInput { act, ids }: BulkInput,
    ) -> Result<Done<BulkPreview>, AppError> {
        let act: BulkAction = act.parse()?;
        let ids = distinct_ids(&ids)?;
        let choice = choices(tx)
            .await?
            .into_iter()
            .find(|choice| choice.key == act.key())
            .ok_or_else(|| AppError::field("act", "Choose one of the actions offered."))?;
        let (ctx, actor) = (tx.ctx, tx.actor);
        let mut rows = Vec::new();
        for id in ids {
            let names = store::member::member_names(tx, &[id]).await?;
            tx.savepoint().await?;
            let done = apply_in_tx(ctx, tx, actor, act, id).await;
            tx.savepoint_rollback().await?;
            rows.push(BulkRow {
                id,
                display_name: names.into_values().next(),
                blocked_reason: done.err().map(failure_reason).transpose()?,
            });
        }
        Ok(Done::read(BulkPreview { choice, rows }))
    }
}

/// Does the action to each member in a transaction of its own, so that a failure
/// affects no other member. The outcomes are in the audit log under the actor's
/// request id.
pub struct MemberBulkApply;

impl Endpoint for MemberBulkApply {
    const ACTION: Action = Action::MemberList;
    const ROUTE: Route = Route::post("/members/bulk");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Apply one action to several members";
    const DESCRIPTION: &'static str = "Each member is processed separately, so a failure affects no other. Requires the permission of the action as well.";
    type Input = BulkInput;
    type Output = BulkApplied;

    /// # Errors
    /// [`AppError::Invalid`] for no or more than `MAX_BULK` members;
    /// [`AppError::Unavailable`] may come half-way.
    async fn call(
        ctx: &Ctx,
        actor: &Actor,
        BulkInput { act, ids }: BulkInput,
    ) -> Result<BulkApplied, AppError> {
        let act: BulkAction = act.parse()?;
        AuthorizedTx::authorize(ctx, actor, act.action()).await?;
        for id in distinct_ids(&ids)? {
            let done = match act {
                BulkAction::Suspend => {
                    member::member_change(ctx, actor, id, MemberChange::Suspend).await
                }
                BulkAction::Reactivate => {
                    member::member_change(ctx, actor, id, MemberChange::Reactivate).await
                }
                BulkAction::GrantRole(role_id) => {
                    let input = MemberRolePath { id, role_id };
                    call::<member::MemberRoleGrant>(ctx, actor, input).await
                }
                BulkAction::AddToTeam(team) => {
                    let input = TeamMemberInput {
                        id: team,
                        user_id: id,
                        role: TeamRole::Member,
                    };
                    call::<team::TeamMemberSet>(ctx, actor, input).await
                }
            };
            match done {
                // Both have written their audit row.
                Ok(()) | Err(AppError::Forbidden { .. }) => {}
                Err(error) => {
                    audit_failure(ctx, actor, act, id, &failure_reason(error)?).await?;
                }
            }
        }
        let id = actor.request.request_id;
        Ok(BulkApplied { id })
    }
}

pub struct MemberBulkOutcomeGet;

impl Operation for MemberBulkOutcomeGet {
    const ACTION: Action = Action::MemberList;
    const ROUTE: Route = Route::get("/members/bulk/{id}");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Get the outcome of an action on several members";
    const DESCRIPTION: &'static str = "Only for actions that the caller applied.";
    type Input = BulkOutcomePath;
    type Output = BulkOutcome;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        BulkOutcomePath { id }: BulkOutcomePath,
    ) -> Result<Done<BulkOutcome>, AppError> {
        let entries = store::audit::audit_list_for_request(tx, id).await?;
        let ids: Vec<UserId> = entries
            .iter()
            .filter_map(|entry| entry.resource_id.as_deref()?.parse().ok())
            .collect();
        let names = store::member::member_names(tx, &ids).await?;
        let first = entries.first().ok_or(AppError::NotFound)?;
        Ok(Done::read(BulkOutcome {
            action: first.action.clone(),
            at: first.at,
            rows: ids
                .iter()
                .zip(&entries)
                .map(|(id, entry)| BulkRow {
                    id: *id,
                    display_name: names.get(id).cloned(),
                    blocked_reason: (entry.outcome != Outcome::Success)
                        .then(|| audited_reason(entry.metadata.as_ref())),
                })
                .collect(),
        }))
    }
}

/// Does the action to one member, inside an open transaction.
async fn apply_in_tx(
    ctx: &Ctx,
    tx: &mut TenantTx,
    actor: &Actor,
    act: BulkAction,
    id: UserId,
) -> Result<Value, AppError> {
    let now = ctx.clock.now();
    match act {
        BulkAction::Suspend => {
            member::change_in_tx(tx, actor, id, MemberChange::Suspend, now).await
        }
        BulkAction::Reactivate => {
            member::change_in_tx(tx, actor, id, MemberChange::Reactivate, now).await
        }
        BulkAction::GrantRole(role) => member::role_grant_in_tx(tx, actor, id, role, now).await,
        BulkAction::AddToTeam(team) => {
            let join = TeamChange::Join(TeamRole::Member);
            team::change_in_tx(tx, team, id, join, now).await
        }
    }
}

/// Removes duplicates, keeps the order and checks the number.
fn distinct_ids(ids: &[UserId]) -> Result<Vec<UserId>, AppError> {
    let mut seen = BTreeSet::new();
    let ids: Vec<_> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
    if ids.is_empty() {
        Err(AppError::field("ids", "Choose at least one member."))
    } else if ids.len() > MAX_BULK {
        let message = format!("Choose at most {MAX_BULK} members at a time.");
        Err(AppError::field("ids", message))
    } else {
        Ok(ids)
    }
}

/// The reason why an action on one member failed; an error that isn't about
/// this member is returned and ends the loop.
fn failure_reason(error: AppError) -> Result<String, AppError> {
    match error {
        AppError::NotFound => Ok("Member not found.".into()),
        AppError::Forbidden { .. } | AppError::Conflict { .. } | AppError::Invalid { .. } => {
            Ok(error.to_string())
        }
        other => Err(other),
    }
}

/// Audits a failed action on one member.
async fn audit_failure(
    ctx: &Ctx,
    actor: &Actor,
    act: BulkAction,
    id: UserId,
    reason: &str,
) -> Result<(), AppError> {
    let mut tx = ctx.store.begin(actor).await?;
    let event = AuditEvent {
        resource_type: Some("user".to_owned()),
        resource_id: Some(id.to_string()),
        metadata: Some(json!({ "reason": reason })),
        ..AuditEvent::by_actor(actor, act.action().key(), Outcome::Failure, ctx.clock.now())
    };
    store::audit::audit_append(&mut tx, &[event]).await?;
    tx.commit().await?;
    Ok(())
}

/// The failure reason in an audit row.
fn audited_reason(metadata: Option<&Value>) -> String {
    let metadata = metadata.unwrap_or(&Value::Null);
    if let Some(reason) = metadata["reason"].as_str() {
        return reason.to_owned();
    }
    let permission = metadata["permission"]
        .as_str()
        .and_then(|key| key.parse().ok());
    permission.map_or_else(
        || "Denied.".to_owned(),
        |permission| AppError::Forbidden { permission }.to_string(),
    )
}
