//! Sharing a memory: at once by who decides it, else by proposal.

use domain::{
    Action, Actor, AppError, MemoryId, Permission, ProposalId, Timestamp,
    memory::{Memory, Visibility},
    notification::{MemoryProposed, Notice},
    proposal::PendingProposal,
    share::{Audience, AudienceChoice, Comment, MemorySharing, ShareOutcome, Viewers},
};
use serde_json::{Value, json};
use store::{
    StoreError, TenantTx,
    memory::{AccessScope, memory_get, memory_viewers},
    notification::notification_create,
    proposal::{proposal_create, proposal_pending, proposal_withdraw, reviewers},
};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
};

/// How many of those who see a memory are named.
const VIEWERS_NAMED: i64 = 20;

/// How many of those who decide a proposal are told of it.
const REVIEWERS_TOLD: i64 = 50;

/// Who sees a memory, and what the actor may change about that.
///
/// # Errors
/// [`AppError::NotFound`] when it doesn't exist or isn't in sight.
pub async fn memory_sharing(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryId,
) -> Result<MemorySharing, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryGet).await?;
    let tx = &mut act.tx;
    let memory = memory_get(tx, id).await?;
    let viewers = viewers(tx, actor, AccessScope::of(&memory)).await?;
    let may = memory.is_own && actor.permissions.contains(&Permission::MemoryShare);
    let choices = if may && blocked_reason(&memory, ctx.clock.now()).is_none() {
        choices(tx, actor, &memory).await?
    } else {
        Vec::new()
    };
    Ok(MemorySharing {
        viewers,
        choices,
        may_unshare: may && memory.visibility != Visibility::Private && memory.parent_id.is_none(),
        pending: if memory.is_own {
            proposal_pending(tx, id).await?
        } else {
            None
        },
    })
}

/// Who sees it, by name as far as the actor may see the members.
pub(crate) async fn viewers(
    tx: &mut TenantTx,
    actor: &Actor,
    scope: AccessScope,
) -> Result<Viewers, AppError> {
    let mut viewers = memory_viewers(tx, scope, VIEWERS_NAMED).await?;
    if !actor.permissions.contains(&Permission::MemberRead) {
        viewers.first.clear();
    }
    Ok(viewers)
}

/// With whom else the actor can share an own memory.
async fn choices(
    tx: &mut TenantTx,
    actor: &Actor,
    memory: &Memory,
) -> Result<Vec<AudienceChoice>, AppError> {
    let reviews = actor.permissions.contains(&Permission::MemoryReview);
    let teams = store::team::team_names(tx).await?;
    let teams = teams
        .into_iter()
        .filter(|team| reviews || actor.team_ids.contains(&team.id))
        .map(|team| (Audience::Team(team.id), team.name));
    let everyone = std::iter::once((Audience::Org, String::new()));
    Ok(teams
        .chain(everyone)
        .filter(|(audience, _)| !is_shared_with(memory, *audience))
        .map(|(audience, team_name)| AudienceChoice {
            at_once: is_at_once(actor, memory, audience),
            audience,
            team_name,
        })
        .collect())
}

fn is_shared_with(memory: &Memory, audience: Audience) -> bool {
    memory.visibility == audience.visibility() && memory.team_id == audience.team_id()
}

/// Whether nobody is to be asked: the actor decides it, or fewer see it then.
fn is_at_once(actor: &Actor, memory: &Memory, audience: Audience) -> bool {
    let narrows = memory.visibility == Visibility::Org
        && audience
            .team_id()
            .is_some_and(|team| actor.team_ids.contains(&team));
    narrows || audience.is_decided_by(actor)
}

/// Why a memory can't be shared further, whoever asks.
fn blocked_reason(memory: &Memory, now: Timestamp) -> Option<&'static str> {
    if memory.deleted_at.is_some() {
        Some("This memory is in the trash. Restore it first, then share it.")
    } else if memory.parent_id.is_some() {
        Some("Whoever sees what this replies to sees the reply. Share that instead.")
    } else if memory.expires_at.is_some_and(|at| at <= now) {
        Some("This memory’s time is over. Give it another one first, then share it.")
    } else {
        None
    }
}

pub(crate) fn conflict(message: impl Into<String>) -> AppError {
    AppError::Conflict {
        message: message.into(),
    }
}

/// Shares an own memory as it is at `version`: at once where the actor decides
/// who joins `audience`, or where fewer see it then; else it is proposed to
/// those who decide, with `comment`.
///
/// # Errors
/// [`AppError::Conflict`] when it was changed since, can't be shared, or is
/// shared or proposed so already; [`AppError::Invalid`] for a team that is not
/// the actor's, in `audience`, and for an over-long `comment`;
/// [`AppError::Forbidden`]; [`AppError::NotFound`].
pub async fn memory_share(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryId,
    version: i32,
    audience: &Audience,
    comment: &str,
) -> Result<ShareOutcome, AppError> {
    let action = if audience.is_decided_by(actor) {
        Action::MemoryShare
    } else {
        Action::ProposalCreate
    };
    let mut act = AuthorizedTx::begin(ctx, actor, action).await?;
    let (audience, comment) = (*audience, Comment::parse(comment)?);
    let now = ctx.clock.now();
    let memory = memory_get(&mut act.tx, id).await?;
    if !memory.is_own {
        return Err(AppError::NotFound);
    }
    if let Some(blocked_reason) = blocked_reason(&memory, now) {
        return Err(conflict(blocked_reason));
    }
    if memory.version != version {
        return Err(StoreError::Conflict.into());
    }
    if is_shared_with(&memory, audience) {
        return Err(conflict("This memory is shared so already."));
    }
    audience_check(&mut act.tx, actor, audience).await?;

    let pending = proposal_pending(&mut act.tx, id).await?;
    if is_at_once(actor, &memory, audience) {
        // Also where fewer see it then.
        let mut act = act.turn_into(Action::MemoryShare);
        let version = share(&mut act, &memory, Some(audience), pending, now).await?;
        let changes = changed(&memory, Some(audience));
        act.commit(AuditTarget::memory(id).changed(changes)).await?;
        return Ok(ShareOutcome::Shared(version));
    }
    if let Some(pending) = pending {
        let same = !pending.is_change
            && (pending.visibility, pending.team_id) == (audience.visibility(), audience.team_id());
        if same && !pending.is_stale {
            return Err(conflict(
                "You have proposed this already. It waits for a decision.",
            ));
        }
        proposal_withdraw(&mut act.tx, pending.id, now).await?;
        withdrawn(&mut act, id, &pending).await?;
    }
    let proposal: ProposalId = ctx.ids.id();
    proposal_create(&mut act.tx, proposal, id, version, audience, &comment, now).await?;
    let request = ReviewRequest {
        proposal,
        audience,
        is_change: false,
    };
    notify(&mut act.tx, ctx, actor, request, now).await?;
    let changes = changed(&memory, Some(audience));
    let target = AuditTarget::proposal(proposal)
        .noting("memory", id.to_string())
        .changed(changes);
    act.commit(target).await?;
    Ok(ShareOutcome::Proposed(proposal))
}

/// Takes an own memory back, so that nobody else sees it, at whatever version
/// and also after leaving the team. What was proposed of it is withdrawn.
/// Returns its version then.
///
/// # Errors
/// [`AppError::Conflict`] when nobody else sees it already, and for a reply;
/// [`AppError::Forbidden`]; [`AppError::NotFound`] when it isn't an own one.
pub async fn memory_unshare(ctx: &Ctx, actor: &Actor, id: MemoryId) -> Result<i32, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryUnshare).await?;
    let memory = memory_get(&mut act.tx, id).await?;
    if !memory.is_own {
        return Err(AppError::NotFound);
    }
    if memory.parent_id.is_some() {
        return Err(conflict(
            "Whoever sees what this replies to sees the reply. Take that back instead.",
        ));
    }
    if memory.visibility == Visibility::Private {
        return Err(conflict("Nobody else sees this already."));
    }
    let pending = proposal_pending(&mut act.tx, id).await?;
    let version = share(&mut act, &memory, None, pending, ctx.clock.now()).await?;
    let changes = changed(&memory, None);
    act.commit(AuditTarget::memory(id).changed(changes)).await?;
    Ok(version)
}

/// Changes who sees a memory, and audits that what was proposed of it ends.
async fn share(
    act: &mut AuthorizedTx<'_>,
    memory: &Memory,
    audience: Option<Audience>,
    pending: Option<PendingProposal>,
    now: Timestamp,
) -> Result<i32, AppError> {
    let reason = match (memory.visibility, audience) {
        (_, None) => "Taken back.",
        (Visibility::Org, Some(Audience::Team(_))) => "Taken back to a team.",
        (_, Some(Audience::Team(_))) => "Shared with a team.",
        (_, Some(Audience::Org)) => "Shared with everyone.",
    };
    // Taking back doesn't ask which version was looked at.
    let at = audience.map(|_| memory.version);
    let version =
        store::memory::memory_share(&mut act.tx, memory.id, at, audience, reason, now).await?;
    if let Some(pending) = pending {
        withdrawn(act, memory.id, &pending).await?;
    }
    Ok(version)
}

async fn withdrawn(
    act: &mut AuthorizedTx<'_>,
    memory: MemoryId,
    pending: &PendingProposal,
) -> Result<(), AppError> {
    let target = AuditTarget::proposal(pending.id).noting("memory", memory.to_string());
    act.also(Action::ProposalWithdraw, [target]).await
}

/// Whether the actor can name this audience: one's own teams, and any with the
/// permission to decide for all of them.
async fn audience_check(
    tx: &mut TenantTx,
    actor: &Actor,
    audience: Audience,
) -> Result<(), AppError> {
    let refused = || AppError::field("audience", "Choose one of your teams, or everyone.");
    let Audience::Team(team) = audience else {
        return Ok(());
    };
    if actor.team_ids.contains(&team) {
        return Ok(());
    }
    if !actor.permissions.contains(&Permission::MemoryReview) {
        return Err(refused());
    }
    match store::team::team_get(tx, team).await {
        Ok(_) => Ok(()),
        Err(StoreError::NotFound) => Err(refused()),
        Err(error) => Err(error.into()),
    }
}

/// What somebody is to decide.
pub(crate) struct ReviewRequest {
    pub(crate) proposal: ProposalId,
    pub(crate) audience: Audience,
    /// They see the memory already, and it is to be changed.
    pub(crate) is_change: bool,
}

/// Tells those who decide it.
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
    let notice = Notice::MemoryProposed(MemoryProposed {
        proposal,
        proposer: actor.label.clone(),
        team,
        is_change,
    });
    for reviewer in reviewers(tx, audience, REVIEWERS_TOLD).await? {
        notification_create(tx, ctx.ids.id(), reviewer, &notice, now).await?;
    }
    Ok(())
}

/// What the audit log keeps of a change of who sees a memory.
fn changed(before: &Memory, after: Option<Audience>) -> Value {
    json!({
        "before": { "visibility": before.visibility.key(), "team": before.team_id },
        "after": {
            "visibility": after.map_or(Visibility::Private, Audience::visibility).key(),
            "team": after.and_then(Audience::team_id),
        },
    })
}
