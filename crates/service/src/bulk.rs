//! One action on several members: previewed, then done one by one, with the
//! outcomes in the audit log.

use std::collections::BTreeSet;

use domain::{
    Actor, AppError, Permission, RequestId, UserId,
    audit::Outcome,
    bulk::{BulkAction, BulkChoice, BulkOutcome, BulkPreview, BulkRow, MAX_BULK},
    member::{MemberChange, MemberRolePath},
    team::{TeamChange, TeamMemberInput, TeamRole},
};
use serde_json::{Value, json};
use store::{TenantTx, audit::AuditEvent};

use crate::{Ctx, authorized_tx::AuthorizedTx, member, operation::call, team};

/// The bulk actions that the actor can choose.
pub async fn bulk_choices(ctx: &Ctx, actor: &Actor) -> Result<Vec<BulkChoice>, AppError> {
    let holds = |permission| actor.permissions.contains(&permission);
    let choice = |act: BulkAction, label: String| BulkChoice {
        key: act.key(),
        label,
    };
    let mut choices = Vec::new();
    if holds(Permission::MemberManage) {
        choices.push(choice(BulkAction::Suspend, "Suspend".into()));
        choices.push(choice(BulkAction::Reactivate, "Reactivate".into()));
    }
    if holds(Permission::RoleGrant) {
        for role in member::grantable_roles(ctx, actor).await? {
            let label = format!("Give the role {}", role.name);
            choices.push(choice(BulkAction::GrantRole(role.id), label));
        }
    }
    if holds(Permission::TeamManage) {
        for team in team::team_names(ctx, actor).await? {
            let label = format!("Add to the team {}", team.name);
            choices.push(choice(BulkAction::AddToTeam(team.id), label));
        }
    }
    Ok(choices)
}

/// Previews `act` for each of these members, by doing it and rolling it back.
///
/// # Errors
/// [`AppError::Invalid`] for no or more than `MAX_BULK` members, and for an
/// action that the actor can't choose.
pub async fn bulk_preview(
    ctx: &Ctx,
    actor: &Actor,
    act: BulkAction,
    ids: &[UserId],
) -> Result<BulkPreview, AppError> {
    let ids = distinct_ids(ids)?;
    let choice = bulk_choices(ctx, actor)
        .await?
        .into_iter()
        .find(|choice| choice.key == act.key())
        .ok_or_else(|| AppError::field("act", "Choose one of the acts that are offered."))?;
    let mut rows = Vec::new();
    for id in ids {
        let mut trial = AuthorizedTx::begin(ctx, actor, act.action()).await?;
        let names = store::member::member_names(&mut trial.tx, &[id]).await?;
        let done = apply_in_tx(ctx, &mut trial.tx, actor, act, id).await;
        // Rolls back.
        drop(trial);
        rows.push(BulkRow {
            id,
            display_name: names.into_values().next(),
            blocked_reason: done.err().map(failure_reason).transpose()?,
        });
    }
    Ok(BulkPreview { choice, rows })
}

/// Does `act` to each of these members in a transaction of its own, so that a
/// failure affects no other member. The outcomes are in the audit log under the
/// actor's request id.
///
/// # Errors
/// [`AppError::Invalid`] for no or more than `MAX_BULK` members;
/// [`AppError::Unavailable`] may come half-way.
pub async fn bulk_apply(
    ctx: &Ctx,
    actor: &Actor,
    act: BulkAction,
    ids: &[UserId],
) -> Result<RequestId, AppError> {
    AuthorizedTx::authorize(ctx, actor, act.action()).await?;
    for id in distinct_ids(ids)? {
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
    Ok(actor.request.request_id)
}

/// The outcome for each member of the bulk action that the actor's request
/// `request` did.
pub async fn bulk_outcome(
    ctx: &Ctx,
    actor: &Actor,
    request: RequestId,
) -> Result<BulkOutcome, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, domain::Action::MemberList).await?;
    let entries = store::audit::audit_list_for_request(&mut act.tx, request).await?;
    let ids: Vec<UserId> = entries
        .iter()
        .filter_map(|entry| entry.resource_id.as_deref()?.parse().ok())
        .collect();
    let names = store::member::member_names(&mut act.tx, &ids).await?;
    let first = entries.first().ok_or(AppError::NotFound)?;
    Ok(BulkOutcome {
        action: first.action.clone(),
        at: first.at,
        rows: ids
            .iter()
            .zip(&entries)
            .map(|(id, entry)| BulkRow {
                id: *id,
                display_name: names.get(id).cloned(),
                blocked_reason: (entry.outcome != Outcome::Success)
                    .then(|| audited_reason(entry.metadata.as_deref())),
            })
            .collect(),
    })
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
        AppError::NotFound => Ok("There is no such member.".into()),
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
fn audited_reason(metadata: Option<&str>) -> String {
    let metadata: Value = metadata
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    if let Some(reason) = metadata["reason"].as_str() {
        return reason.to_owned();
    }
    let permission = metadata["permission"]
        .as_str()
        .and_then(|key| key.parse().ok());
    permission.map_or_else(
        || "It was refused.".to_owned(),
        |permission| AppError::Forbidden { permission }.to_string(),
    )
}
