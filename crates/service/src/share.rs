//! Sharing a memory: directly if the actor decides for the audience, else by a
//! proposal.

use domain::{
    Action, Actor, AppError, MemoryId, Permission, ProposalId, Timestamp,
    memory::{Memory, MemoryPath, Visibility},
    notification::{MemoryProposed, NotificationData},
    proposal::PendingProposal,
    share::{Audience, AudienceChoice, Comment, MemorySharing, ShareInput, ShareOutcome, Viewers},
};
use serde_json::{Value, json};
use store::{
    StoreError, TenantTx,
    memory::{AccessScope, memory_get, memory_viewers},
    notification::notification_create,
    proposal::{proposal_create, proposal_pending, proposal_reviewers, proposal_withdraw},
};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    memory::own_memory,
    operation::{Done, Group, Operation, Route, operations},
};

operations! {
    MemorySharingGet,
    MemoryShare,
    MemoryUnshare,
}

/// Maximum number of viewers listed by name.
const MAX_VIEWERS_NAMED: i64 = 20;

/// Maximum number of reviewers notified of a proposal.
const MAX_REVIEWERS_NOTIFIED: i64 = 50;

pub struct MemorySharingGet;

impl Operation for MemorySharingGet {
    const ACTION: Action = Action::MemoryGet;
    const ROUTE: Route = Route::get("/memories/{id}/sharing");
    const GROUP: Group = Group::Sharing;
    const TITLE: &'static str = "Get who can view a memory";
    const DESCRIPTION: &'static str =
        "The members who can view the memory, and how the caller can share it.";
    type Input = MemoryPath;
    type Output = MemorySharing;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        MemoryPath { id }: MemoryPath,
    ) -> Result<Done<MemorySharing>, AppError> {
        let (actor, now) = (tx.actor, tx.now());
        let memory = memory_get(tx, id).await?;
        let viewers = viewers(tx, actor, AccessScope::of(&memory)).await?;
        let can_share = memory.is_own && actor.permissions.contains(&Permission::MemoryShare);
        let choices = if can_share && blocked_reason(&memory, now).is_none() {
            audience_choices(tx, actor, &memory).await?
        } else {
            Vec::new()
        };
        Ok(Done::read(MemorySharing {
            viewers,
            choices,
            may_unshare: can_share
                && memory.visibility != Visibility::Private
                && memory.parent_id.is_none(),
            pending: if memory.is_own {
                proposal_pending(tx, id).await?
            } else {
                None
            },
        }))
    }
}

/// The viewers in `scope`; without names if the actor can't see members.
pub(crate) async fn viewers(
    tx: &mut TenantTx,
    actor: &Actor,
    scope: AccessScope,
) -> Result<Viewers, AppError> {
    let mut viewers = memory_viewers(tx, scope, MAX_VIEWERS_NAMED).await?;
    if !actor.permissions.contains(&Permission::MemberRead) {
        viewers.first.clear();
    }
    Ok(viewers)
}

/// The audiences that the actor can share an own memory with.
async fn audience_choices(
    tx: &mut TenantTx,
    actor: &Actor,
    memory: &Memory,
) -> Result<Vec<AudienceChoice>, AppError> {
    let is_reviewer = actor.permissions.contains(&Permission::MemoryReview);
    let teams = store::team::team_names(tx).await?;
    let teams = teams
        .into_iter()
        .filter(|team| is_reviewer || actor.team_ids.contains(&team.id))
        .map(|team| (Audience::Team(team.id), team.name));
    let everyone = std::iter::once((Audience::Org, String::new()));
    Ok(teams
        .chain(everyone)
        .filter(|(audience, _)| !is_shared_with(memory, *audience))
        .map(|(audience, team_name)| AudienceChoice {
            is_immediate: needs_no_review(actor, memory, audience),
            audience,
            team_name,
        })
        .collect())
}

fn is_shared_with(memory: &Memory, audience: Audience) -> bool {
    memory.visibility == audience.visibility() && memory.team_id == audience.team_id()
}

/// True if no review is needed, because the actor decides for the audience or
/// because it is smaller than the current one.
fn needs_no_review(actor: &Actor, memory: &Memory, audience: Audience) -> bool {
    let narrows = memory.visibility == Visibility::Org
        && audience
            .team_id()
            .is_some_and(|team| actor.team_ids.contains(&team));
    narrows || audience.is_decided_by(actor)
}

/// The reason why nobody can share this memory further.
fn blocked_reason(memory: &Memory, now: Timestamp) -> Option<&'static str> {
    if memory.deleted_at.is_some() {
        Some("This memory is in the trash. Restore it first, then share it.")
    } else if memory.parent_id.is_some() {
        Some("A reply is visible to everyone who can view the original memory. Share that instead.")
    } else if memory.attributes.expires_at.is_some_and(|at| at <= now) {
        Some("This memory has expired. Change its retention first, then share it.")
    } else {
        None
    }
}

pub(crate) fn conflict(message: impl Into<String>) -> AppError {
    AppError::Conflict {
        message: message.into(),
    }
}

pub struct MemoryShare;

impl Operation for MemoryShare {
    const ACTION: Action = Action::MemoryShare;
    const ROUTE: Route = Route::post("/memories/{id}/share");
    const GROUP: Group = Group::Sharing;
    const TITLE: &'static str = "Share a memory";
    const DESCRIPTION: &'static str = "Shares your own memory as of `version`. It takes effect immediately if the caller can review for the audience \
         or fewer members see it then; otherwise a proposal is sent for review.";
    type Input = ShareInput;
    type Output = ShareOutcome;

    fn action(actor: &Actor, input: &ShareInput) -> Action {
        if input.audience.is_decided_by(actor) {
            Action::MemoryShare
        } else {
            Action::ProposalCreate
        }
    }

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: ShareInput,
    ) -> Result<Done<ShareOutcome>, AppError> {
        let (ctx, actor, now) = (tx.ctx, tx.actor, tx.now());
        let ShareInput {
            id,
            version,
            audience,
            comment,
        } = input;
        let comment = Comment::parse(&comment)?;
        let memory = own_memory(tx, id).await?;
        if let Some(blocked_reason) = blocked_reason(&memory, now) {
            return Err(conflict(blocked_reason));
        }
        if memory.version != version {
            return Err(StoreError::Conflict.into());
        }
        if is_shared_with(&memory, audience) {
            return Err(conflict("This memory is already shared this way."));
        }
        ensure_valid_audience(tx, actor, audience).await?;

        let changes = to_audit_json(&memory, Some(audience));
        let pending = proposal_pending(tx, id).await?;
        if needs_no_review(actor, &memory, audience) {
            // Covers a smaller audience too, for which the action was a
            // proposal.
            tx.set_action(Action::MemoryShare);
            let version = share(tx, &memory, Some(audience), pending, now).await?;
            let target = AuditTarget::of(id).with_changes(changes);
            return Ok(Done::audited(ShareOutcome::Shared { version }, target));
        }
        if let Some(pending) = pending {
            let is_same = !pending.is_change
                && (pending.visibility, pending.team_id)
                    == (audience.visibility(), audience.team_id());
            if is_same && !pending.is_stale {
                return Err(conflict(
                    "You have already proposed this. It is pending review.",
                ));
            }
            proposal_withdraw(tx, pending.id, now).await?;
            audit_withdrawal(tx, id, &pending).await?;
        }
        let proposal_id: ProposalId = ctx.ids.id();
        proposal_create(tx, proposal_id, id, version, audience, &comment, now).await?;
        let request = ReviewRequest {
            proposal: proposal_id,
            audience,
            is_change: false,
        };
        notify(tx, ctx, actor, request, now).await?;
        let target = AuditTarget::of(proposal_id)
            .with_note("memory", id.to_string())
            .with_changes(changes);
        Ok(Done::audited(
            ShareOutcome::Proposed { proposal_id },
            target,
        ))
    }
}

pub struct MemoryUnshare;

impl Operation for MemoryUnshare {
    const ACTION: Action = Action::MemoryUnshare;
    const ROUTE: Route = Route::post("/memories/{id}/unshare");
    const GROUP: Group = Group::Sharing;
    const TITLE: &'static str = "Stop sharing a memory";
    const DESCRIPTION: &'static str = "Makes your own memory private again, at any version and also after leaving the team, and withdraws its pending proposal.";
    type Input = MemoryPath;
    type Output = ShareOutcome;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        MemoryPath { id }: MemoryPath,
    ) -> Result<Done<ShareOutcome>, AppError> {
        let now = tx.now();
        let memory = own_memory(tx, id).await?;
        if memory.parent_id.is_some() {
            return Err(conflict(
                "A reply is visible to everyone who can view the original memory. Stop sharing that instead.",
            ));
        }
        if memory.visibility == Visibility::Private {
            return Err(conflict("This memory is already private."));
        }
        let pending = proposal_pending(tx, id).await?;
        let version = share(tx, &memory, None, pending, now).await?;
        let target = AuditTarget::of(id).with_changes(to_audit_json(&memory, None));
        Ok(Done::audited(ShareOutcome::Private { version }, target))
    }
}

/// Changes the audience of a memory, and audits that its pending proposal ends.
async fn share(
    act: &mut AuthorizedTx<'_>,
    memory: &Memory,
    audience: Option<Audience>,
    pending: Option<PendingProposal>,
    now: Timestamp,
) -> Result<i32, AppError> {
    let reason = match (memory.visibility, audience) {
        (_, None) => "Stopped sharing.",
        (Visibility::Org, Some(Audience::Team(_))) => "Limited to a team.",
        (_, Some(Audience::Team(_))) => "Shared with a team.",
        (_, Some(Audience::Org)) => "Shared with the organisation.",
    };
    // Unsharing applies to any version.
    let at = audience.map(|_| memory.version);
    let version =
        store::memory::memory_share(&mut act.tx, memory.id, at, audience, reason, now).await?;
    if let Some(pending) = pending {
        audit_withdrawal(act, memory.id, &pending).await?;
    }
    Ok(version)
}

async fn audit_withdrawal(
    act: &mut AuthorizedTx<'_>,
    memory: MemoryId,
    pending: &PendingProposal,
) -> Result<(), AppError> {
    let target = AuditTarget::of(pending.id).with_note("memory", memory.to_string());
    act.audit_side_effects(Action::ProposalWithdraw, [target])
        .await
}

/// Fails unless the audience is everyone, one of the actor's teams, or any team
/// if the actor can review all proposals.
async fn ensure_valid_audience(
    tx: &mut TenantTx,
    actor: &Actor,
    audience: Audience,
) -> Result<(), AppError> {
    let invalid_audience =
        || AppError::field("audience", "Choose one of your teams or the organisation.");
    let Audience::Team(team) = audience else {
        return Ok(());
    };
    if actor.team_ids.contains(&team) {
        return Ok(());
    }
    if !actor.permissions.contains(&Permission::MemoryReview) {
        return Err(invalid_audience());
    }
    match store::team::team_get(tx, team).await {
        Ok(_) => Ok(()),
        Err(StoreError::NotFound) => Err(invalid_audience()),
        Err(error) => Err(error.into()),
    }
}

/// A proposal to notify reviewers of.
pub(crate) struct ReviewRequest {
    pub(crate) proposal: ProposalId,
    pub(crate) audience: Audience,
    /// True for a change of a memory that the reviewers already see.
    pub(crate) is_change: bool,
}

/// Notifies the reviewers of a proposal.
pub(crate) async fn notify(
    tx: &mut TenantTx,
    ctx: &Ctx,
    actor: &Actor,
    request: ReviewRequest,
    now: Timestamp,
) -> Result<(), AppError> {
    let ReviewRequest {
        proposal,
        audience,
        is_change,
    } = request;
    let team = match audience {
        Audience::Team(team) => Some(store::team::team_get(tx, team).await?.name),
        Audience::Org => None,
    };
    let notice = NotificationData::MemoryProposed(MemoryProposed {
        proposal,
        proposer: actor.label.clone(),
        team,
        is_change,
    });
    for reviewer in proposal_reviewers(tx, audience, MAX_REVIEWERS_NOTIFIED).await? {
        notification_create(tx, ctx.ids.id(), reviewer, &notice, now).await?;
    }
    Ok(())
}

/// A change of a memory's audience as the audit log stores it.
fn to_audit_json(before: &Memory, after: Option<Audience>) -> Value {
    json!({
        "before": { "visibility": before.visibility.key(), "team": before.team_id },
        "after": {
            "visibility": after.map_or(Visibility::Private, Audience::visibility).key(),
            "team": after.and_then(Audience::team_id),
        },
    })
}
