//! Proposals to share a memory: list, accept, decline and withdraw.

use domain::{
    Action, Actor, AppError, MemoryId, Permission, ProposalId,
    memory::MAX_REASON_CHARS,
    notification::{MemoryProposalDecided, NotificationData},
    paging::PAGE_SIZE,
    proposal::{
        DecisionInput, PendingProposal, Proposal, ProposalListInput, ProposalPath, ProposalStatus,
        ProposalView, Proposals,
    },
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
    operation::{Done, Endpoint, Group, Operation, Route, needed, operations},
    share::viewers,
};

operations! {
    ProposalList,
    ProposalGet,
    ProposalAccept,
    ProposalDecline,
    ProposalWithdraw,
}

/// Begins an action on proposals; `MemoryReview` also allows it.
async fn begin<'a, E: Endpoint>(
    ctx: &'a Ctx,
    actor: &'a Actor,
) -> Result<AuthorizedTx<'a>, AppError> {
    AuthorizedTx::begin_with_permission(ctx, actor, E::ACTION, needed::<E>(actor)).await
}

/// True if the actor can decide at least some proposals.
pub(crate) fn may_decide(actor: &Actor) -> bool {
    let holds = |permission| actor.permissions.contains(&permission);
    holds(Permission::MemoryReview)
        || holds(Permission::MemoryShare) && !actor.led_team_ids.is_empty()
}

pub struct ProposalList;

impl Operation for ProposalList {
    const ACTION: Action = Action::ProposalList;
    const OR_PERMISSION: Option<Permission> = Some(Permission::MemoryReview);
    const ROUTE: Route = Route::get("/proposals");
    const GROUP: Group = Group::Sharing;
    const TITLE: &'static str = "List proposals";
    type Input = ProposalListInput;
    type Output = Proposals;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: ProposalListInput,
    ) -> Result<Done<Proposals>, AppError> {
        let may_decide = may_decide(tx.actor);
        let view = input.view.unwrap_or(if may_decide {
            ProposalView::Waiting
        } else {
            ProposalView::Mine
        });
        let (sort, after) = (input.sort.as_str(), input.after.as_deref());
        Ok(Done::read(Proposals {
            view,
            may_decide,
            waiting: store::proposal::proposal_pending_count(tx).await?,
            page: store::proposal::proposal_list(tx, view, sort, after, PAGE_SIZE).await?,
        }))
    }
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

/// Not an [`Operation`]: no transaction is open while texts are compared.
pub struct ProposalGet;

impl Endpoint for ProposalGet {
    const ACTION: Action = Action::ProposalGet;
    const OR_PERMISSION: Option<Permission> = Some(Permission::MemoryReview);
    const ROUTE: Route = Route::get("/proposals/{id}");
    const GROUP: Group = Group::Sharing;
    const TITLE: &'static str = "Get a proposal";
    const DESCRIPTION: &'static str = "A proposal that the caller sent, can review or has reviewed, with the exact text under review.";
    type Input = ProposalPath;
    type Output = Proposal;

    async fn call(
        ctx: &Ctx,
        actor: &Actor,
        ProposalPath { id }: ProposalPath,
    ) -> Result<Proposal, AppError> {
        let mut tx = begin::<Self>(ctx, actor).await?;
        let ProposalWithAudience {
            mut proposal,
            audience,
        } = find(&mut tx, id).await?;
        if let (ProposalStatus::Pending, Some(audience)) = (proposal.summary.status, audience) {
            let scope = AccessScope::for_audience(proposal.summary.proposer_id, audience);
            proposal.viewers = Some(viewers(&mut tx, actor, scope).await?);
        }
        drop(tx);
        if let Some(change) = &mut proposal.change {
            let (before, after) = (change.before.clone(), change.after.clone());
            (change.title, change.content) =
                diff_texts((before.title, after.title), (before.content, after.content)).await?;
        }
        Ok(proposal)
    }
}

/// Not an [`Operation`]: after the commit the owner's embedding is queued, in a
/// transaction of the owner.
pub struct ProposalAccept;

impl Endpoint for ProposalAccept {
    const ACTION: Action = Action::ProposalAccept;
    const OR_PERMISSION: Option<Permission> = Some(Permission::MemoryReview);
    const ROUTE: Route = Route::act("/proposals/{id}/accept");
    const GROUP: Group = Group::Sharing;
    const TITLE: &'static str = "Accept a proposal";
    const DESCRIPTION: &'static str = "Shares the memory, or applies the proposed change, exactly as the proposal shows it. If the memory has changed \
         since, the answer is 409. Members can't accept their own proposals.";
    type Input = DecisionInput;
    type Output = ();

    async fn call(
        ctx: &Ctx,
        actor: &Actor,
        DecisionInput { id, comment }: DecisionInput,
    ) -> Result<(), AppError> {
        let mut tx = begin::<Self>(ctx, actor).await?;
        let comment = Comment::parse(&comment)?;
        let (proposal, audience) = decidable(&mut tx, id).await?;
        let now = ctx.clock.now();
        let is_change = proposal.change.is_some();
        let reason = match audience {
            _ if is_change && !proposal.comment.is_empty() => {
                // The form limits it; one written by other means is cut.
                proposal.comment.chars().take(MAX_REASON_CHARS).collect()
            }
            _ if is_change => "Accepted change.".to_owned(),
            Audience::Team(_) => "Shared with a team after review.".to_owned(),
            Audience::Org => "Shared with the organisation after review.".to_owned(),
        };
        let accepted = store::proposal::proposal_accept(&mut tx, id, &comment, &reason, now).await;
        let (memory, version) = accepted.map_err(|error| match error {
            StoreError::Conflict if is_change => AppError::Conflict {
                message: "The memory was changed after this change was proposed, or its proposed expiry has \
                          passed. Its owner can propose it again."
                    .into(),
            },
            StoreError::Conflict => AppError::Conflict {
                message: "The memory was changed after it was proposed, so it can't be accepted. \
                          Its owner can propose it again."
                    .into(),
            },
            other => other.into(),
        })?;
        notify(&mut tx, &proposal, &comment, true).await?;
        let after =
            json!({ "visibility": audience.visibility().key(), "team": audience.team_id() });
        let accepted = AuditTarget::of(memory)
            .with_note("proposal", id.to_string())
            .with_changes(json!({ "after": after, "version": version }));
        let action = if is_change {
            Action::MemoryUpdate
        } else {
            Action::MemoryShare
        };
        tx.audit_side_effects(action, [accepted]).await?;
        let target = AuditTarget::of(id).with_note("memory", memory.to_string());
        tx.commit(target.with_changes(json!({ "after": after })))
            .await?;
        if is_change {
            // If it is lost, the sweep queues another.
            enqueue_embedding_of(ctx, actor.tenant_id, proposal.summary.proposer_id).await?;
        }
        Ok(())
    }
}

pub struct ProposalDecline;

impl Operation for ProposalDecline {
    const ACTION: Action = Action::ProposalDecline;
    const OR_PERMISSION: Option<Permission> = Some(Permission::MemoryReview);
    const ROUTE: Route = Route::act("/proposals/{id}/decline");
    const GROUP: Group = Group::Sharing;
    const TITLE: &'static str = "Decline a proposal";
    const DESCRIPTION: &'static str = "Another member's proposal. The memory is unchanged.";
    type Input = DecisionInput;
    type Output = ();

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        DecisionInput { id, comment }: DecisionInput,
    ) -> Result<Done<()>, AppError> {
        let comment = Comment::parse(&comment)?;
        let (proposal, _) = decidable(tx, id).await?;
        let now = tx.now();
        store::proposal::proposal_decline(tx, id, &comment, now).await?;
        notify(tx, &proposal, &comment, false).await?;
        Ok(Done::audited((), target_of(&proposal)))
    }
}

pub struct ProposalWithdraw;

impl Operation for ProposalWithdraw {
    const ACTION: Action = Action::ProposalWithdraw;
    const ROUTE: Route = Route::act("/proposals/{id}/withdraw");
    const GROUP: Group = Group::Sharing;
    const TITLE: &'static str = "Withdraw a proposal";
    const DESCRIPTION: &'static str = "The caller's own proposal, while it is pending.";
    type Input = ProposalPath;
    type Output = ();

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        ProposalPath { id }: ProposalPath,
    ) -> Result<Done<()>, AppError> {
        let proposal = find(tx, id).await?.proposal;
        if !proposal.is_own {
            return Err(AppError::NotFound);
        }
        ensure_pending(&proposal)?;
        let now = tx.now();
        store::proposal::proposal_withdraw(tx, id, now).await?;
        Ok(Done::audited((), target_of(&proposal)))
    }
}

fn target_of(proposal: &Proposal) -> AuditTarget {
    AuditTarget::of(proposal.summary.id).with_note("memory", proposal.memory_id.to_string())
}

/// Loads a proposal that the actor can decide now, with its audience.
async fn decidable(
    tx: &mut AuthorizedTx<'_>,
    id: ProposalId,
) -> Result<(Proposal, Audience), AppError> {
    let ProposalWithAudience { proposal, audience } = find(tx, id).await?;
    if proposal.is_own {
        return Err(AppError::Conflict {
            message: "You can't review your own proposal.".into(),
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
        message: format!("This proposal was already {ended}."),
    })
}

/// Notifies the proposer of the decision.
async fn notify(
    tx: &mut AuthorizedTx<'_>,
    proposal: &Proposal,
    comment: &Comment,
    accepted: bool,
) -> Result<(), AppError> {
    let notice = NotificationData::MemoryProposalDecided(MemoryProposalDecided {
        proposal: proposal.summary.id,
        memory: proposal.memory_id,
        accepted,
        reviewer: tx.actor.label.clone(),
        team: proposal.summary.team_name.clone(),
        comment: comment.as_str().to_owned(),
    });
    let (id, now) = (tx.ctx.ids.id(), tx.now());
    notification_create(tx, id, proposal.summary.proposer_id, &notice, now).await?;
    Ok(())
}
