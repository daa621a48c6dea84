//! Changing an own memory: directly, or as a proposal if others must review
//! changes to what they see.

use domain::{
    Action, Actor, AppError, MemoryId, Permission, ProposalId,
    memory::{Memory, MemoryChange},
    proposal::SharedMemory,
    share::{Audience, Comment, EditOutcome},
};
use serde_json::json;
use store::{
    StoreError, TenantTx,
    proposal::{proposal_change_create, proposal_pending, proposal_withdraw},
    settings::organisation_get,
};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    job::enqueue_embedding,
    memory::{ensure_may_write_to, ensure_vendor_allowed, to_audit_json},
    share::{ReviewRequest, conflict, notify},
};

/// A change of an own memory.
pub(crate) struct Edit<'a> {
    pub(crate) id: MemoryId,
    /// The version that the change is based on.
    pub(crate) version: i32,
    pub(crate) change: &'a MemoryChange,
    /// The earlier version that the change restores, if any.
    pub(crate) restores: Option<i32>,
}

/// The outcome and its audit rows.
pub(crate) struct EditResult {
    pub(crate) outcome: EditOutcome,
    pub(crate) rows: Vec<(Action, AuditTarget)>,
}

/// Changes an own memory based on its version `version`; the earlier version is
/// kept. If the change needs a review, it is proposed, and others see the old
/// version until then.
///
/// # Errors
/// [`AppError::Conflict`] if the memory has changed since that version, or a
/// proposal to share it further is pending; [`AppError::Forbidden`] also if the
/// change needs a review and the actor may not propose one.
pub async fn memory_update(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryId,
    version: i32,
    change: &MemoryChange,
) -> Result<EditOutcome, AppError> {
    let act = AuthorizedTx::begin(ctx, actor, Action::MemoryUpdate).await?;
    let edit = Edit {
        id,
        version,
        change,
        restores: None,
    };
    Ok(edit.commit(ctx, actor, act).await?.0)
}

/// True if a change of this memory by the actor, its owner, needs a review.
pub async fn memory_needs_review(ctx: &Ctx, actor: &Actor, id: MemoryId) -> Result<bool, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryGet).await?;
    let memory = store::memory::memory_get(&mut act.tx, id).await?;
    Ok(review_audience(&mut act.tx, actor, &memory)
        .await?
        .is_some())
}

/// The audience that must review a change of an own memory. `None` if nobody
/// else sees it, the actor decides for the audience, or the organisation
/// doesn't require reviews.
pub(crate) async fn review_audience(
    tx: &mut TenantTx,
    actor: &Actor,
    memory: &Memory,
) -> Result<Option<Audience>, AppError> {
    let Some(audience) = Audience::of(memory).filter(|_| memory.parent_id.is_none()) else {
        return Ok(None);
    };
    let decides =
        actor.permissions.contains(&Permission::MemoryShare) && audience.is_decided_by(actor);
    if decides || organisation_get(tx).await?.settings.owners_change_reviewed {
        return Ok(None);
    }
    Ok(Some(audience))
}

impl Edit<'_> {
    /// Applies the edit, commits `act` and returns the memory as it is visible
    /// to others then.
    pub(crate) async fn commit(
        self,
        ctx: &Ctx,
        actor: &Actor,
        mut act: AuthorizedTx<'_>,
    ) -> Result<(EditOutcome, Memory), AppError> {
        let id = self.id;
        let EditResult { outcome, rows } = match self.within(ctx, actor, &mut act.tx).await {
            Err(AppError::Forbidden { permission }) => {
                return Err(act
                    .deny_permission(AuditTarget::memory(id), permission)
                    .await);
            }
            other => other?,
        };
        enqueue_embedding(ctx, &mut act.tx, actor).await?;
        let memory = store::memory::memory_get(&mut act.tx, id).await?;
        act.commit_each(rows).await?;
        ctx.jobs_wake.notify_one();
        Ok((outcome, memory))
    }

    /// As [`Edit::commit`], inside an open transaction.
    pub(crate) async fn within(
        self,
        ctx: &Ctx,
        actor: &Actor,
        tx: &mut TenantTx,
    ) -> Result<EditResult, AppError> {
        let now = ctx.clock.now();
        if let Some(attributes) = &self.change.attributes {
            attributes.check(now)?;
            ensure_vendor_allowed(actor, attributes)?;
        }
        let before = store::memory::memory_get(tx, self.id).await?;
        if !before.is_own {
            return Err(AppError::NotFound);
        }
        if before.parent_id.is_some() {
            ensure_may_write_to(actor, &before)?;
        }
        let proposal_reviewers = review_audience(tx, actor, &before).await?;
        let after = SharedMemory::after(&before, self.change);
        match proposal_reviewers {
            Some(audience) if after != SharedMemory::of(&before) && before.deleted_at.is_none() => {
                self.propose(ctx, actor, tx, (&before, &after), audience)
                    .await
            }
            // The change is invisible to others, so it makes no new version.
            Some(_) => {
                let persona = self
                    .change
                    .attributes
                    .as_ref()
                    .map(|attributes| attributes.persona_id);
                let persona = persona.unwrap_or(before.persona_id);
                store::memory::memory_persona_set(tx, self.id, self.version, persona).await?;
                Ok(self.changed_result())
            }
            None => {
                store::memory::memory_update(tx, self.id, self.version, self.change, now).await?;
                Ok(self.changed_result())
            }
        }
    }

    fn changed_result(self) -> EditResult {
        let mut changes = json!({
            "after": to_audit_json(&self.change.text),
            "from_version": self.version,
        });
        let action = match self.restores {
            None => Action::MemoryUpdate,
            Some(version) => {
                changes["restored_version"] = version.into();
                Action::MemoryVersionRestore
            }
        };
        EditResult {
            outcome: EditOutcome::Changed,
            rows: vec![(action, AuditTarget::memory(self.id).with_changes(changes))],
        }
    }

    /// Proposes the change; withdraws the memory's earlier proposal.
    async fn propose(
        self,
        ctx: &Ctx,
        actor: &Actor,
        tx: &mut TenantTx,
        (before, after): (&Memory, &SharedMemory),
        audience: Audience,
    ) -> Result<EditResult, AppError> {
        if !actor.permissions.contains(&Permission::MemoryShare) {
            return Err(AppError::Forbidden {
                permission: Permission::MemoryShare,
            });
        }
        if audience
            .team_id()
            .is_some_and(|team| !actor.team_ids.contains(&team))
        {
            return Err(conflict(
                "You don’t belong to the team that sees this, so you can’t propose to change it. Join it, or take \
                 the memory back first.",
            ));
        }
        if before.version != self.version {
            return Err(StoreError::Conflict.into());
        }
        let now = ctx.clock.now();
        let mut rows = Vec::new();
        if let Some(pending) = proposal_pending(tx, self.id).await? {
            if !pending.is_change && !pending.is_stale {
                return Err(conflict(
                    "You have proposed to share this further, as it is now. Withdraw that, or wait for the \
                     decision, before you change it.",
                ));
            }
            proposal_withdraw(tx, pending.id, now).await?;
            let target = AuditTarget::proposal(pending.id).with_note("memory", self.id.to_string());
            rows.push((Action::ProposalWithdraw, target));
        }
        let proposal: ProposalId = ctx.ids.id();
        let comment = Comment::parse(self.change.reason.as_deref().unwrap_or_default())?;
        let (id, version) = (self.id, self.version);
        proposal_change_create(tx, proposal, id, version, after, &comment, now).await?;
        let request = ReviewRequest {
            proposal,
            audience,
            is_change: true,
        };
        notify(tx, ctx, actor, request, now).await?;
        let target = AuditTarget::proposal(proposal)
            .with_note("memory", id.to_string())
            .with_changes(
                json!({ "after": to_audit_json(&self.change.text), "from_version": version }),
            );
        rows.push((Action::ProposalCreate, target));
        Ok(EditResult {
            outcome: EditOutcome::Proposed(proposal),
            rows,
        })
    }
}
