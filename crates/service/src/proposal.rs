//! Proposals to share a memory: list, accept, decline and withdraw.

use domain::{
    Action, Actor, AppError, MemoryId, Permission, ProposalId, Timestamp,
    memory::MAX_REASON_CHARS,
    notification::{MemoryProposalDecided, NotificationData},
    paging::PAGE_SIZE,
    proposal::{PendingProposal, Proposal, ProposalStatus, ProposalView, Proposals},
    share::{Audience, Comment},
};
use serde_json::json;
use store::{
    StoreError,
    memory::AccessScope,
    notification::notification_create,
    proposal::{ProposalWithAudience, proposal_get as find},
};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    job::enqueue_embedding_of,
    memory_version::diff_texts,
    share::viewers,
};

/// Begins an action on proposals; `MemoryReview` also allows it.
async fn begin<'a>(
    ctx: &'a Ctx,
    actor: &'a Actor,
    action: Action,
) -> Result<AuthorizedTx<'a>, AppError> {
    if actor.permissions.contains(&Permission::MemoryReview) {
        AuthorizedTx::begin_with_permission(ctx, actor, action, Permission::MemoryReview).await
    } else {
        AuthorizedTx::begin(ctx, actor, action).await
    }
}

/// True if the actor can decide at least some proposals.
fn may_decide(actor: &Actor) -> bool {
    let holds = |permission| actor.permissions.contains(&permission);
    holds(Permission::MemoryReview)
        || holds(Permission::MemoryShare) && !actor.led_team_ids.is_empty()
}

/// One page of proposals, newest first. `view` defaults to those waiting for
/// the actor, or to the actor's own if they can't decide any.
pub async fn proposal_list(
    ctx: &Ctx,
    actor: &Actor,
    view: Option<ProposalView>,
    after: Option<&str>,
) -> Result<Proposals, AppError> {
    let mut act = begin(ctx, actor, Action::ProposalList).await?;
    let may_decide = may_decide(actor);
    let view = view.unwrap_or(if may_decide {
        ProposalView::Waiting
    } else {
        ProposalView::Mine
    });
    Ok(Proposals {
        view,
        may_decide,
        waiting: store::proposal::proposal_pending_count(&mut act.tx).await?,
        page: store::proposal::proposal_list(&mut act.tx, view, after, PAGE_SIZE).await?,
    })
}

/// Number of proposals that wait for the actor; 0 if they can't decide any.
pub async fn proposal_pending_count(ctx: &Ctx, actor: &Actor) -> Result<i64, AppError> {
    if !may_decide(actor) {
        return Ok(0);
    }
    let mut act = begin(ctx, actor, Action::ProposalList).await?;
    Ok(store::proposal::proposal_pending_count(&mut act.tx).await?)
}

/// The pending proposal of one of the actor's own memories.
pub async fn proposal_pending(
    ctx: &Ctx,
    actor: &Actor,
    memory: MemoryId,
) -> Result<Option<PendingProposal>, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryGet).await?;
    Ok(store::proposal::proposal_pending(&mut act.tx, memory).await?)
}

/// One proposal: the actor's own, one that waits for the actor, or one that the
/// actor has decided. Any other is not found.
pub async fn proposal_get(ctx: &Ctx, actor: &Actor, id: ProposalId) -> Result<Proposal, AppError> {
    let mut act = begin(ctx, actor, Action::ProposalGet).await?;
    let ProposalWithAudience {
        mut proposal,
        audience,
    } = find(&mut act.tx, id).await?;
    if let (ProposalStatus::Pending, Some(audience)) = (proposal.summary.status, audience) {
        let scope = AccessScope::for_audience(proposal.summary.proposer_id, audience);
        proposal.viewers = Some(viewers(&mut act.tx, actor, scope).await?);
    }
    drop(act);
    if let Some(change) = &mut proposal.change {
        let (before, after) = (change.before.clone(), change.after.clone());
        (change.title, change.content) =
            diff_texts((before.title, after.title), (before.content, after.content)).await?;
    }
    Ok(proposal)
}

/// Shares the memory, or applies the proposed change: exactly the version that
/// the proposal shows.
///
/// # Errors
/// [`AppError::Conflict`] for the actor's own proposal, one that is decided or
/// withdrawn, and if the memory has changed since.
pub async fn proposal_accept(
    ctx: &Ctx,
    actor: &Actor,
    id: ProposalId,
    comment: &str,
) -> Result<(), AppError> {
    let mut act = begin(ctx, actor, Action::ProposalAccept).await?;
    let comment = Comment::parse(comment)?;
    let (proposal, audience) = decidable(&mut act, id).await?;
    let now = ctx.clock.now();
    let is_change = proposal.change.is_some();
    let reason = match audience {
        _ if is_change && !proposal.comment.is_empty() => {
            // The form limits it; one written by other means is cut.
            proposal.comment.chars().take(MAX_REASON_CHARS).collect()
        }
        _ if is_change => "Accepted change.".to_owned(),
        Audience::Team(_) => "Accepted for a team.".to_owned(),
        Audience::Org => "Accepted for everyone.".to_owned(),
    };
    let (memory, version) =
        store::proposal::proposal_accept(&mut act.tx, id, &comment, &reason, now)
            .await
            .map_err(|error| match error {
                StoreError::Conflict if is_change => AppError::Conflict {
                    message: "The memory was changed after this change was proposed, or the time until which it \
                              was to be kept is over, so it stays as it is. Its owner can propose it again."
                        .into(),
                },
                StoreError::Conflict => AppError::Conflict {
                    message: "The memory was changed after it was proposed, so it stays as it is. \
                              Its owner can propose it again."
                        .into(),
                },
                other => other.into(),
            })?;
    notify(&mut act, ctx, actor, &proposal, &comment, true, now).await?;
    let after = json!({ "visibility": audience.visibility().key(), "team": audience.team_id() });
    let accepted = AuditTarget::memory(memory)
        .with_note("proposal", id.to_string())
        .with_changes(json!({ "after": after, "version": version }));
    let action = if is_change {
        Action::MemoryUpdate
    } else {
        Action::MemoryShare
    };
    act.audit_side_effects(action, [accepted]).await?;
    let target = AuditTarget::proposal(id).with_note("memory", memory.to_string());
    act.commit(target.with_changes(json!({ "after": after })))
        .await?;
    if is_change {
        // The job belongs to the owner; if it is lost, the sweep queues
        // another.
        enqueue_embedding_of(ctx, actor.tenant_id, proposal.summary.proposer_id).await?;
    }
    Ok(())
}

/// Declines somebody else's proposal; the memory stays as it is.
///
/// # Errors
/// As [`proposal_accept`].
pub async fn proposal_decline(
    ctx: &Ctx,
    actor: &Actor,
    id: ProposalId,
    comment: &str,
) -> Result<(), AppError> {
    let mut act = begin(ctx, actor, Action::ProposalDecline).await?;
    let comment = Comment::parse(comment)?;
    let (proposal, _) = decidable(&mut act, id).await?;
    let now = ctx.clock.now();
    store::proposal::proposal_decline(&mut act.tx, id, &comment, now).await?;
    notify(&mut act, ctx, actor, &proposal, &comment, false, now).await?;
    act.commit(AuditTarget::proposal(id).with_note("memory", proposal.memory_id.to_string()))
        .await
}

/// Withdraws the actor's own proposal.
///
/// # Errors
/// [`AppError::Conflict`] for one that is decided or withdrawn.
pub async fn proposal_withdraw(ctx: &Ctx, actor: &Actor, id: ProposalId) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ProposalWithdraw).await?;
    let proposal = find(&mut act.tx, id).await?.proposal;
    if !proposal.is_own {
        return Err(AppError::NotFound);
    }
    ensure_pending(&proposal)?;
    store::proposal::proposal_withdraw(&mut act.tx, id, ctx.clock.now()).await?;
    act.commit(AuditTarget::proposal(id).with_note("memory", proposal.memory_id.to_string()))
        .await
}

/// Loads a proposal that the actor can decide now, with its audience.
async fn decidable(
    act: &mut AuthorizedTx<'_>,
    id: ProposalId,
) -> Result<(Proposal, Audience), AppError> {
    let ProposalWithAudience { proposal, audience } = find(&mut act.tx, id).await?;
    if proposal.is_own {
        return Err(AppError::Conflict {
            message: "Somebody else has to decide what you propose.".into(),
        });
    }
    ensure_pending(&proposal)?;
    // Deleting a team deletes its pending proposals.
    let audience = audience.ok_or(AppError::NotFound)?;
    Ok((proposal, audience))
}

fn ensure_pending(proposal: &Proposal) -> Result<(), AppError> {
    let ended = match proposal.summary.status {
        ProposalStatus::Pending => return Ok(()),
        ProposalStatus::Accepted => "accepted",
        ProposalStatus::Declined => "declined",
        ProposalStatus::Withdrawn => "withdrawn",
    };
    Err(AppError::Conflict {
        message: format!("This proposal was {ended} already."),
    })
}

/// Notifies the proposer of the decision.
async fn notify(
    act: &mut AuthorizedTx<'_>,
    ctx: &Ctx,
    actor: &Actor,
    proposal: &Proposal,
    comment: &Comment,
    accepted: bool,
    now: Timestamp,
) -> Result<(), AppError> {
    let notice = NotificationData::MemoryProposalDecided(MemoryProposalDecided {
        proposal: proposal.summary.id,
        memory: proposal.memory_id,
        accepted,
        reviewer: actor.label.clone(),
        team: proposal.summary.team_name.clone(),
        comment: comment.as_str().to_owned(),
    });
    let author = proposal.summary.proposer_id;
    notification_create(&mut act.tx, ctx.ids.id(), author, &notice, now).await?;
    Ok(())
}
