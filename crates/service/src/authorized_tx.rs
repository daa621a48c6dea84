//! One operation of a member: authorised, done in one transaction with
//! row-level security, and audited in that transaction.

use std::ops::{Deref, DerefMut};

use domain::{
    Action, Actor, AppError, Permission, ResourceId, Timestamp, action::Effect, audit::Outcome,
};
use serde_json::Value;
use store::{
    AuthTx, TenantTx,
    audit::{AuditEvent, audit_append},
};

use crate::{Ctx, denial::denial_audit, job::enqueue_embedding, page::OperationTx};

/// An authorised action with its transaction. Dropping it without a commit
/// rolls everything back.
pub struct AuthorizedTx<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) actor: &'a Actor,
    action: Action,
    pub(crate) tx: OperationTx,
    about: Option<AuditTarget>,
    /// A job was queued, so the commit wakes the workers.
    wakes_workers: bool,
}

/// Store functions take it as their transaction.
impl Deref for AuthorizedTx<'_> {
    type Target = TenantTx;

    fn deref(&self) -> &TenantTx {
        &self.tx
    }
}

impl DerefMut for AuthorizedTx<'_> {
    fn deref_mut(&mut self) -> &mut TenantTx {
        &mut self.tx
    }
}

impl<'a> AuthorizedTx<'a> {
    pub(crate) fn now(&self) -> Timestamp {
        self.ctx.clock.now()
    }

    pub(crate) fn holds(&self, permission: Permission) -> bool {
        self.actor.permissions.contains(&permission)
    }

    /// Changes the audited action to another that the actor may do, for when
    /// the input or the record decides which action it is.
    pub(crate) fn set_action(&mut self, action: Action) {
        debug_assert!(self.holds(action.permission()));
        self.action = action;
    }

    /// Queues the embedding of the member's memories.
    pub(crate) async fn enqueue_embedding(&mut self) -> Result<(), AppError> {
        enqueue_embedding(self.ctx, &mut self.tx, self.actor).await?;
        self.wake_workers();
        Ok(())
    }

    /// Wakes the workers after the commit, for a job that was queued.
    pub(crate) fn wake_workers(&mut self) {
        self.wakes_workers = true;
    }

    /// Names what the operation is about, for the audit row of a denial.
    pub(crate) fn set_about(&mut self, target: AuditTarget) {
        self.about = Some(target);
    }

    /// Rolls back, audits that `permission` is missing, and returns the error.
    pub(crate) async fn into_denial(self, permission: Permission) -> AppError {
        let (ctx, actor, action) = (self.ctx, self.actor, self.action);
        let AuthorizedTx { tx, about, .. } = self;
        // Returns its connection before the audit row takes one.
        drop(tx);
        denied(ctx, actor, action, permission, about).await
    }

    /// Authorises `action` and opens the actor's transaction, which is
    /// read-only if the action reads. A denial is audited.
    pub(crate) async fn begin(
        ctx: &'a Ctx,
        actor: &'a Actor,
        action: Action,
    ) -> Result<Self, AppError> {
        Self::begin_with_permission(ctx, actor, action, action.permission()).await
    }

    /// As [`AuthorizedTx::begin`], but requires `permission`, a wider one that
    /// also allows the action, instead of the action's own.
    pub(crate) async fn begin_with_permission(
        ctx: &'a Ctx,
        actor: &'a Actor,
        action: Action,
        permission: Permission,
    ) -> Result<Self, AppError> {
        Self::authorize_permission(ctx, actor, action, permission).await?;
        let tx = match action.effect() {
            Effect::Read => OperationTx::begin_read(ctx, actor).await?,
            Effect::Write | Effect::Reveal => OperationTx::begin(ctx, actor).await?,
        };
        Ok(Self::new(ctx, actor, action, tx))
    }

    /// As [`AuthorizedTx::begin_with_permission`], for a read that tries changes
    /// and rolls them back.
    pub(crate) async fn begin_trial(
        ctx: &'a Ctx,
        actor: &'a Actor,
        action: Action,
        permission: Permission,
    ) -> Result<Self, AppError> {
        Self::authorize_permission(ctx, actor, action, permission).await?;
        let tx = OperationTx::begin(ctx, actor).await?;
        Ok(Self::new(ctx, actor, action, tx))
    }

    fn new(ctx: &'a Ctx, actor: &'a Actor, action: Action, tx: OperationTx) -> Self {
        Self {
            ctx,
            actor,
            action,
            tx,
            about: None,
            wakes_workers: false,
        }
    }

    /// Continues in the transaction `tx`, in which part of the work was done
    /// after [`AuthorizedTx::authorize`], as the actor.
    pub(crate) async fn enter(
        ctx: &'a Ctx,
        actor: &'a Actor,
        action: Action,
        tx: AuthTx,
    ) -> Result<Self, AppError> {
        let tx = OperationTx::Own(tx.enter(actor).await?);
        Ok(Self::new(ctx, actor, action, tx))
    }

    /// Audits a side effect of the operation, as `action` on each of `targets`.
    pub(crate) async fn audit_side_effects(
        &mut self,
        action: Action,
        targets: impl IntoIterator<Item = AuditTarget>,
    ) -> Result<(), AppError> {
        audit_side_effects(self.ctx, self.actor, &mut self.tx, action, targets).await
    }

    /// Authorises `action` without opening a transaction. A denial is audited.
    pub(crate) async fn authorize(
        ctx: &Ctx,
        actor: &Actor,
        action: Action,
    ) -> Result<(), AppError> {
        Self::authorize_permission(ctx, actor, action, action.permission()).await
    }

    /// As [`AuthorizedTx::authorize`], with `permission` instead of the
    /// action's own.
    pub(crate) async fn authorize_permission(
        ctx: &Ctx,
        actor: &Actor,
        action: Action,
        permission: Permission,
    ) -> Result<(), AppError> {
        if actor.permissions.contains(&permission) {
            Ok(())
        } else {
            Err(denied(ctx, actor, action, permission, None).await)
        }
    }

    /// Commits and audits a success; rolls back any error, and audits it if a
    /// permission was missing.
    ///
    /// # Errors
    /// The error of `done`.
    pub(crate) async fn finish(
        self,
        target: AuditTarget,
        done: Result<Value, AppError>,
    ) -> Result<(), AppError> {
        match done {
            Ok(changes) => self.commit(target.with_changes(changes)).await,
            Err(AppError::Forbidden { permission }) => {
                Err(self.deny_permission(target, permission).await)
            }
            Err(other) => Err(other),
        }
    }

    /// Rolls back, audits that `permission` is missing for `target`, and
    /// returns the error.
    pub(crate) async fn deny_permission(
        self,
        target: AuditTarget,
        permission: Permission,
    ) -> AppError {
        let (ctx, actor, action) = (self.ctx, self.actor, self.action);
        // Returns its connection to the pool before the denial takes one.
        drop(self);
        denied(ctx, actor, action, permission, Some(target)).await
    }

    /// Rolls back and audits that `target` was attempted by an actor who has
    /// the permission but is denied for `reason`.
    pub(crate) async fn deny(
        self,
        target: AuditTarget,
        reason: &'static str,
    ) -> Result<(), AppError> {
        let (ctx, actor, action) = (self.ctx, self.actor, self.action);
        drop(self);
        denial_write(ctx, actor, action, ("reason", reason), Some(target)).await
    }

    /// Writes the audit row and commits, atomically.
    pub(crate) async fn commit(self, target: AuditTarget) -> Result<(), AppError> {
        let action = self.action;
        self.commit_each(vec![(action, target)]).await
    }

    /// Writes a row for each of several authorised actions and commits,
    /// atomically.
    pub(crate) async fn commit_each(
        mut self,
        done: Vec<(Action, AuditTarget)>,
    ) -> Result<(), AppError> {
        let events: Vec<_> = done
            .into_iter()
            .map(|(action, target)| {
                target.event(event(self.ctx, self.actor, action, Outcome::Success))
            })
            .collect();
        audit_append(&mut self.tx, &events).await?;
        self.tx.commit().await?;
        if self.wakes_workers {
            self.ctx.jobs_wake.notify_one();
        }
        Ok(())
    }
}

/// Audits a side effect of an operation, as `action` on each of `targets`.
pub(crate) async fn audit_side_effects(
    ctx: &Ctx,
    actor: &Actor,
    tx: &mut TenantTx,
    action: Action,
    targets: impl IntoIterator<Item = AuditTarget>,
) -> Result<(), AppError> {
    let events: Vec<_> = targets
        .into_iter()
        .map(|target| target.event(event(ctx, actor, action, Outcome::Success)))
        .collect();
    audit_append(tx, &events).await?;
    Ok(())
}

/// Authorises `action` before its form is parsed, so that a caller without
/// permission gets Forbidden and not field errors. A denial is audited.
pub async fn authorize(ctx: &Ctx, actor: &Actor, action: Action) -> Result<(), AppError> {
    AuthorizedTx::authorize(ctx, actor, action).await
}

/// Audits that `permission` is missing and returns Forbidden, or the error of
/// the audit itself.
async fn denied(
    ctx: &Ctx,
    actor: &Actor,
    action: Action,
    permission: Permission,
    target: Option<AuditTarget>,
) -> AppError {
    let why = ("permission", permission.key());
    ctx.pause_page();
    match denial_write(ctx, actor, action, why, target).await {
        Ok(()) => AppError::Forbidden { permission },
        Err(error) => error,
    }
}

/// Audits that `permission` was missing for one `target` of a batch.
pub(crate) async fn deny(
    ctx: &Ctx,
    actor: &Actor,
    action: Action,
    permission: Permission,
    target: AuditTarget,
) -> Result<(), AppError> {
    let why = ("permission", permission.key());
    denial_write(ctx, actor, action, why, Some(target)).await
}

/// Audits a denied attempt with its reason.
async fn denial_write(
    ctx: &Ctx,
    actor: &Actor,
    action: Action,
    (name, why): (&str, &str),
    target: Option<AuditTarget>,
) -> Result<(), AppError> {
    let (kind, id) = target.map(|target| (target.kind, target.id)).unzip();
    let event = AuditEvent {
        resource_type: kind.map(str::to_owned),
        resource_id: id.flatten(),
        ..event(ctx, actor, action, Outcome::Denied).with(name, why)
    };
    denial_audit(ctx, actor, event, why).await
}

pub(crate) fn event(ctx: &Ctx, actor: &Actor, action: Action, outcome: Outcome) -> AuditEvent {
    AuditEvent::by_actor(actor, action.key(), outcome, ctx.clock.now())
}

/// The resource of an audit row, with its changes and notes.
pub(crate) struct AuditTarget {
    kind: &'static str,
    id: Option<String>,
    changes: Option<Value>,
    notes: Vec<(&'static str, Value)>,
}

impl AuditTarget {
    pub(crate) fn of<I: ResourceId>(id: I) -> Self {
        Self {
            id: Some(id.to_string()),
            ..Self::several::<I>()
        }
    }

    /// Several resources of one kind, or one that has no id yet.
    pub(crate) const fn several<I: ResourceId>() -> Self {
        Self {
            kind: I::KIND,
            id: None,
            changes: None,
            notes: Vec::new(),
        }
    }

    /// Fills `event` with the resource.
    pub(crate) fn event(self, event: AuditEvent) -> AuditEvent {
        let event = AuditEvent {
            resource_type: Some(self.kind.to_owned()),
            resource_id: self.id,
            changes: self.changes,
            ..event
        };
        let notes = self.notes.into_iter();
        notes.fold(event, |event, (name, value)| event.with(name, value))
    }

    /// Adds a detail for auditors; never a memory's text and never a secret.
    pub(crate) fn with_note(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.notes.push((name, value.into()));
        self
    }

    /// Sets the changes; never a memory's text and never a secret.
    pub(crate) fn with_changes(self, changes: Value) -> Self {
        Self {
            changes: Some(changes),
            ..self
        }
    }
}
