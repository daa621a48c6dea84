//! Changing an own memory: directly, or as a proposal if others must review
//! changes to what they see.

use domain::{
    Action, Actor, AppError, MemoryId, Permission, ProposalId,
    memory::{ChangedMemory, Memory, MemoryChange},
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
    memory::{ensure_may_write_to, ensure_vendor_allowed, own_memory, to_audit_json},
    operation::Done,
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
    /// Applies the edit, whose rows are the operation's to audit, and reads the
    /// memory as others see it then.
    pub(crate) async fn run(
        self,
        tx: &mut AuthorizedTx<'_>,
    ) -> Result<Done<ChangedMemory>, AppError> {
        let (ctx, actor, id) = (tx.ctx, tx.actor, self.id);
        let EditResult { outcome, mut rows } = self.apply_in_tx(ctx, actor, tx).await?;
        tx.enqueue_embedding().await?;
        let memory = store::memory::memory_get(tx, id).await?;
        let (action, target) = rows.pop().ok_or(AppError::Internal)?;
        for (action, target) in rows {
            tx.audit_side_effects(action, [target]).await?;
        }
        tx.set_action(action);
        let changed = ChangedMemory::new(memory, outcome.proposal_id());
        Ok(Done::audited(changed, target))
    }

    /// As [`Edit::run`], for one row of a batch. Returns the rows to audit.
    ///
    /// # Errors
    /// [`AppError::Conflict`] if the memory has changed since the edit's
    /// version, or a proposal to share it further is pending;
    /// [`AppError::Forbidden`] also if the change needs a review and the actor
    /// may not propose one.
    pub(crate) async fn apply_in_tx(
        self,
        ctx: &Ctx,
        actor: &Actor,
        tx: &mut TenantTx,
    ) -> Result<EditResult, AppError> {
        let now = ctx.clock.now();
        if let Some(attributes) = &self.change.attributes {
            ensure_vendor_allowed(actor, attributes)?;
        }
        let before = own_memory(tx, self.id).await?;
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
                let persona = self.change.persona_id.unwrap_or(before.persona_id);
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
            rows: vec![(action, AuditTarget::of(self.id).with_changes(changes))],
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
                "You are not a member of the team that this memory is shared with, so you can’t propose a change. \
                 Join the team or stop sharing the memory first.",
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
                    "You have a pending proposal to share this memory. Withdraw it or wait for the decision \
                     before you edit the memory.",
                ));
            }
            proposal_withdraw(tx, pending.id, now).await?;
            let target = AuditTarget::of(pending.id).with_note("memory", self.id.to_string());
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
        let target = AuditTarget::of(proposal)
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
