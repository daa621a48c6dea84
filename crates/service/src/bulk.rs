//! One act on several members: shown first, done one by one, told by the
//! audit log.

use std::collections::BTreeSet;

use domain::{
    Actor, AppError, Permission, RequestId, UserId,
    audit::Outcome,
    bulk::{BulkAct, BulkChoice, BulkOutcome, BulkPreview, BulkRow, MAX_BULK},
    member::MemberChange,
    team::{TeamChange, TeamRole},
};
use serde_json::{Value, json};
use store::{TenantTx, audit::AuditEvent};

use crate::{Ctx, authorized_tx::AuthorizedTx, member, team};

/// What the actor may choose to do with several members.
///
/// # Errors
/// [`AppError::Forbidden`] for an actor who may not see members.
pub async fn bulk_choices(ctx: &Ctx, actor: &Actor) -> Result<Vec<BulkChoice>, AppError> {
    let holds = |permission| actor.permissions.contains(&permission);
    let choice = |act: BulkAct, label: String| BulkChoice {
        key: act.key(),
        label,
    };
    let mut choices = Vec::new();
    if holds(Permission::MemberManage) {
        choices.push(choice(BulkAct::Suspend, "Suspend".into()));
        choices.push(choice(BulkAct::Reactivate, "Reactivate".into()));
    }
    if holds(Permission::RoleGrant) {
        for role in member::roles_grantable(ctx, actor).await? {
            let label = format!("Give the role {}", role.name);
            choices.push(choice(BulkAct::GiveRole(role.id), label));
        }
    }
    if holds(Permission::TeamManage) {
        for team in team::team_names(ctx, actor).await? {
            let label = format!("Add to the team {}", team.name);
            choices.push(choice(BulkAct::JoinTeam(team.id), label));
        }
    }
    Ok(choices)
}

/// What `act` would do to each of these members. It is done to each and taken
/// back, so that what is shown is what would happen.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::Invalid`] for none or too many
/// members, and for an act that the actor can't choose.
pub async fn bulk_preview(
    ctx: &Ctx,
    actor: &Actor,
    act: BulkAct,
    ids: &[UserId],
) -> Result<BulkPreview, AppError> {
    let ids = chosen(ids)?;
    let choice = bulk_choices(ctx, actor)
        .await?
        .into_iter()
        .find(|choice| choice.key == act.key())
        .ok_or_else(|| AppError::field("act", "Choose one of the acts that are offered."))?;
    let mut rows = Vec::new();
    for id in ids {
        let mut trial = AuthorizedTx::begin(ctx, actor, act.action()).await?;
        let names = store::member::member_names(&mut trial.tx, &[id]).await?;
        let done = within(ctx, &mut trial.tx, actor, act, id).await;
        // Without a commit, nothing of it happened.
        drop(trial);
        rows.push(BulkRow {
            id,
            display_name: names.into_values().next(),
            blocked_reason: done.err().map(reason).transpose()?,
        });
    }
    Ok(BulkPreview { choice, rows })
}

/// Does `act` to each of these members, each by itself: what can't be done to
/// one keeps it from nobody else. The outcomes are in the audit log under the
/// actor's request.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::Invalid`] for none or too many
/// members; [`AppError::Unavailable`] when the database went away half-way.
pub async fn bulk_apply(
    ctx: &Ctx,
    actor: &Actor,
    act: BulkAct,
    ids: &[UserId],
) -> Result<RequestId, AppError> {
    AuthorizedTx::authorize(ctx, actor, act.action()).await?;
    for id in chosen(ids)? {
        let done = match act {
            BulkAct::Suspend => member::member_change(ctx, actor, id, MemberChange::Suspend).await,
            BulkAct::Reactivate => {
                member::member_change(ctx, actor, id, MemberChange::Reactivate).await
            }
            BulkAct::GiveRole(role) => member::member_role_grant(ctx, actor, id, role).await,
            BulkAct::JoinTeam(team) => {
                let join = TeamChange::Join(TeamRole::Member);
                team::team_member_change(ctx, actor, team, id, join).await
            }
        };
        match done {
            // Both have left their row already.
            Ok(()) | Err(AppError::Forbidden { .. }) => {}
            Err(error) => {
                failed(ctx, actor, act, id, &reason(error)?).await?;
            }
        }
    }
    Ok(actor.request.request_id)
}

/// What the actor's request `request` did to each member.
///
/// # Errors
/// [`AppError::NotFound`] when it was nobody's, or somebody else's.
pub async fn bulk_outcome(
    ctx: &Ctx,
    actor: &Actor,
    request: RequestId,
) -> Result<BulkOutcome, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, domain::Action::MemberList).await?;
    let entries = store::audit::audit_of_request(&mut act.tx, request).await?;
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
                    .then(|| reason_in(entry.metadata.as_deref())),
            })
            .collect(),
    })
}

/// The act on one member, without an end.
async fn within(
    ctx: &Ctx,
    tx: &mut TenantTx,
    actor: &Actor,
    act: BulkAct,
    id: UserId,
) -> Result<Value, AppError> {
    let now = ctx.clock.now();
    match act {
        BulkAct::Suspend => member::change_in_tx(tx, actor, id, MemberChange::Suspend, now).await,
        BulkAct::Reactivate => {
            member::change_in_tx(tx, actor, id, MemberChange::Reactivate, now).await
        }
        BulkAct::GiveRole(role) => member::role_grant_in_tx(tx, actor, id, role, now).await,
        BulkAct::JoinTeam(team) => {
            let join = TeamChange::Join(TeamRole::Member);
            team::change_in_tx(tx, team, id, join, now).await
        }
    }
}

/// The members, each once and in their order.
fn chosen(ids: &[UserId]) -> Result<Vec<UserId>, AppError> {
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

/// Why an act on one member does not happen; an error that is not about this
/// member ends all.
fn reason(error: AppError) -> Result<String, AppError> {
    match error {
        AppError::NotFound => Ok("There is no such member.".into()),
        AppError::Forbidden { .. } | AppError::Conflict { .. } | AppError::Invalid { .. } => {
            Ok(error.to_string())
        }
        other => Err(other),
    }
}

/// Leaves a row for what was not done to a member.
async fn failed(
    ctx: &Ctx,
    actor: &Actor,
    act: BulkAct,
    id: UserId,
    reason: &str,
) -> Result<(), AppError> {
    let mut tx = ctx.store.begin(actor).await?;
    let event = AuditEvent {
        resource_type: Some("user".to_owned()),
        resource_id: Some(id.to_string()),
        metadata: Some(json!({ "reason": reason })),
        ..AuditEvent::by(actor, act.action().key(), Outcome::Failure, ctx.clock.now())
    };
    store::audit::audit_append(&mut tx, &[event]).await?;
    tx.commit().await?;
    Ok(())
}

/// Why something was not done, from its audit row.
fn reason_in(metadata: Option<&str>) -> String {
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
