//! One act of a member: authorised by name, done in one row-secured
//! transaction, audited in the same.

use std::fmt::Display;

use domain::{
    Action, Actor, ApiKeyId, AppError, BreakGlassId, EmbeddingModelId, GroupMappingId, ImportId,
    InviteId, MemoryId, MemoryViewId, NotificationId, Permission, PersonaId, ProposalId, RoleId,
    SessionId, TeamId, TenantId, UserId, audit::Outcome,
};
use serde_json::Value;
use store::{
    AuthTx, TenantTx,
    audit::{AuditEvent, audit_append},
    break_glass::GRANT_RESOURCE,
};

use crate::{Ctx, denial::denial_audit};

/// An authorised act with its transaction. Dropped without
/// [`AuthorizedTx::commit`], nothing of it happened.
pub(crate) struct AuthorizedTx<'a> {
    ctx: &'a Ctx,
    actor: &'a Actor,
    action: Action,
    pub(crate) tx: TenantTx,
}

impl<'a> AuthorizedTx<'a> {
    /// Authorises `action` and opens the actor's transaction. A refusal is
    /// audited.
    ///
    /// # Errors
    /// [`AppError::Forbidden`] naming the missing permission.
    pub(crate) async fn begin(
        ctx: &'a Ctx,
        actor: &'a Actor,
        action: Action,
    ) -> Result<Self, AppError> {
        Self::begin_holding(ctx, actor, action, action.permission()).await
    }

    /// As [`AuthorizedTx::begin`], for an act that somebody with `permission`, a wider
    /// one than the action's own, may do as well.
    ///
    /// # Errors
    /// [`AppError::Forbidden`] naming the missing permission.
    pub(crate) async fn begin_holding(
        ctx: &'a Ctx,
        actor: &'a Actor,
        action: Action,
        permission: Permission,
    ) -> Result<Self, AppError> {
        if !actor.permissions.contains(&permission) {
            return Err(denied(ctx, actor, action, permission, None).await);
        }
        let tx = ctx.store.begin(actor).await?;
        Ok(Self {
            ctx,
            actor,
            action,
            tx,
        })
    }

    /// Goes on from the front door's transaction `tx`, in which part of the
    /// act was done after [`AuthorizedTx::authorize`], as the actor.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database is away.
    pub(crate) async fn enter(
        ctx: &'a Ctx,
        actor: &'a Actor,
        action: Action,
        tx: AuthTx,
    ) -> Result<Self, AppError> {
        let tx = tx.enter(actor).await?;
        Ok(Self {
            ctx,
            actor,
            action,
            tx,
        })
    }

    /// Goes on as another act that needs the same permission: what it is shows
    /// only when one looks at what it is about.
    pub(crate) fn turn_into(mut self, action: Action) -> Self {
        debug_assert_eq!(action.permission(), self.action.permission());
        self.action = action;
        self
    }

    /// Audits what the act brings about besides, as `action` on each of
    /// `targets`.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database is away.
    pub(crate) async fn also(
        &mut self,
        action: Action,
        targets: impl IntoIterator<Item = AuditTarget>,
    ) -> Result<(), AppError> {
        audit_also(self.ctx, self.actor, &mut self.tx, action, targets).await
    }

    /// Authorises `action` without opening a transaction. A refusal is
    /// audited.
    ///
    /// # Errors
    /// [`AppError::Forbidden`] naming the missing permission.
    pub(crate) async fn authorize(
        ctx: &Ctx,
        actor: &Actor,
        action: Action,
    ) -> Result<(), AppError> {
        let permission = action.permission();
        if actor.permissions.contains(&permission) {
            Ok(())
        } else {
            Err(denied(ctx, actor, action, permission, None).await)
        }
    }

    /// Ends the act on `target` as it went: what was done is audited and
    /// committed, a refusal for lack of a permission is audited, and of
    /// anything else nothing happened.
    ///
    /// # Errors
    /// The one that is given.
    pub(crate) async fn finish(
        self,
        target: AuditTarget,
        done: Result<Value, AppError>,
    ) -> Result<(), AppError> {
        match done {
            Ok(changes) => self.commit(target.changed(changes)).await,
            Err(AppError::Forbidden { permission }) => Err(self.refuse(target, permission).await),
            Err(other) => Err(other),
        }
    }

    /// Undoes the act on `target` because `permission` is missing for this one,
    /// and returns the audited refusal.
    pub(crate) async fn refuse(self, target: AuditTarget, permission: Permission) -> AppError {
        let (ctx, actor, action) = (self.ctx, self.actor, self.action);
        // Gives its connection back before the refusal takes one.
        drop(self);
        denied(ctx, actor, action, permission, Some(target)).await
    }

    /// Undoes the act on `target`, which the actor may do but not now, and
    /// audits that it was tried.
    pub(crate) async fn deny(
        self,
        target: AuditTarget,
        reason: &'static str,
    ) -> Result<(), AppError> {
        let (ctx, actor, action) = (self.ctx, self.actor, self.action);
        drop(self);
        denial_write(ctx, actor, action, ("reason", reason), Some(target)).await
    }

    /// Writes the audit row and commits: both or neither.
    pub(crate) async fn commit(self, target: AuditTarget) -> Result<(), AppError> {
        let action = self.action;
        self.commit_each(vec![(action, target)]).await
    }

    /// Writes a row for each of several acts, all of them authorised, and
    /// commits: all or none.
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
        Ok(())
    }
}

/// Audits what an act brings about besides, as `action` on each of `targets`.
///
/// # Errors
/// [`AppError::Unavailable`] when the database is away.
pub(crate) async fn audit_also(
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

/// Authorises `action` before its form is read, so that who may not do it is
/// told that, and not what is wrong with the form. A refusal is audited.
///
/// # Errors
/// [`AppError::Forbidden`] naming the missing permission.
pub async fn authorize(ctx: &Ctx, actor: &Actor, action: Action) -> Result<(), AppError> {
    AuthorizedTx::authorize(ctx, actor, action).await
}

/// The refusal of `action` for lack of `permission`, audited; or what kept it
/// from being audited.
async fn denied(
    ctx: &Ctx,
    actor: &Actor,
    action: Action,
    permission: Permission,
    target: Option<AuditTarget>,
) -> AppError {
    let why = ("permission", permission.key());
    match denial_write(ctx, actor, action, why, target).await {
        Ok(()) => AppError::Forbidden { permission },
        Err(error) => error,
    }
}

/// Audits that `permission` was missing for `action` on `target`, one of
/// several that were tried.
///
/// # Errors
/// [`AppError::Unavailable`] when the database is away.
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

/// Writes down that `action` was tried in vain, and why.
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
    AuditEvent::by(actor, action.key(), outcome, ctx.clock.now())
}

/// What was acted on.
pub(crate) struct AuditTarget {
    kind: &'static str,
    id: Option<String>,
    changes: Option<Value>,
    notes: Vec<(&'static str, Value)>,
}

impl AuditTarget {
    pub(crate) fn memory(id: MemoryId) -> Self {
        Self::one("memory", id)
    }

    /// One memory, or one that is not there yet.
    pub(crate) fn of_memory(id: Option<MemoryId>) -> Self {
        id.map_or_else(Self::memories, Self::memory)
    }

    pub(crate) fn memory_view(id: MemoryViewId) -> Self {
        Self::one("memory_view", id)
    }

    /// Several memories at once.
    pub(crate) fn memories() -> Self {
        Self::several("memory")
    }

    pub(crate) fn embedding_model(id: EmbeddingModelId) -> Self {
        Self::one("embedding_model", id)
    }

    pub(crate) fn proposal(id: ProposalId) -> Self {
        Self::one("memory_proposal", id)
    }

    pub(crate) fn persona(id: PersonaId) -> Self {
        Self::one("persona", id)
    }

    pub(crate) fn import(id: ImportId) -> Self {
        Self::one("import", id)
    }

    pub(crate) fn session(id: SessionId) -> Self {
        Self::one("session", id)
    }

    pub(crate) fn user(id: UserId) -> Self {
        Self::one("user", id)
    }

    pub(crate) fn group_mapping(id: GroupMappingId) -> Self {
        Self::one("group_mapping", id)
    }

    pub(crate) fn team(id: TeamId) -> Self {
        Self::one("team", id)
    }

    pub(crate) fn role(id: RoleId) -> Self {
        Self::one("role", id)
    }

    pub(crate) fn invite(id: InviteId) -> Self {
        Self::one("invite", id)
    }

    /// All sessions of the actor but the current one.
    pub(crate) fn other_sessions() -> Self {
        Self::several("session")
    }

    pub(crate) fn api_key(id: ApiKeyId) -> Self {
        Self::one("api_key", id)
    }

    pub(crate) fn tenant(id: TenantId) -> Self {
        Self::one("tenant", id)
    }

    /// What is read under it is kept under its id, for the one who is read.
    pub(crate) fn break_glass(id: BreakGlassId) -> Self {
        Self::one(GRANT_RESOURCE, id)
    }

    pub(crate) fn notification(id: NotificationId) -> Self {
        Self::one("notification", id)
    }

    /// All of the actor's notifications.
    pub(crate) fn notifications() -> Self {
        Self::several("notification")
    }

    fn one(kind: &'static str, id: impl Display) -> Self {
        Self {
            id: Some(id.to_string()),
            ..Self::several(kind)
        }
    }

    const fn several(kind: &'static str) -> Self {
        Self {
            kind,
            id: None,
            changes: None,
            notes: Vec::new(),
        }
    }

    /// What `event` says of it.
    fn event(self, event: AuditEvent) -> AuditEvent {
        let event = AuditEvent {
            resource_type: Some(self.kind.to_owned()),
            resource_id: self.id,
            changes: self.changes,
            ..event
        };
        let notes = self.notes.into_iter();
        notes.fold(event, |event, (name, value)| event.with(name, value))
    }

    /// With something else that an auditor needs; never the words of a memory
    /// and never a secret.
    pub(crate) fn noting(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.notes.push((name, value.into()));
        self
    }

    /// With what changed; never the words of a memory and never a secret.
    pub(crate) fn changed(self, changes: Value) -> Self {
        Self {
            changes: Some(changes),
            ..self
        }
    }
}
