//! One act of a member: authorised by name, done in one row-secured
//! transaction, audited in the same.

use std::fmt::Display;

use domain::{Action, Actor, AppError, ImportId, MemoryId, SessionId, audit::Outcome};
use serde_json::Value;
use store::{
    FrontDoorTx, TenantTx,
    audit::{AuditEvent, audit_append},
};

use crate::Ctx;

/// An authorised act with its transaction. Dropped without
/// [`Act::commit`], nothing of it happened.
pub(crate) struct Act<'a> {
    ctx: &'a Ctx,
    actor: &'a Actor,
    action: Action,
    pub(crate) tx: TenantTx,
}

impl<'a> Act<'a> {
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
        Self::authorize(ctx, actor, action).await?;
        let tx = ctx.store.begin(actor).await?;
        Ok(Self {
            ctx,
            actor,
            action,
            tx,
        })
    }

    /// Goes on from the front door's transaction `tx`, in which part of the
    /// act was done after [`Act::authorize`], as the actor.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database is away.
    pub(crate) async fn enter(
        ctx: &'a Ctx,
        actor: &'a Actor,
        action: Action,
        tx: FrontDoorTx,
    ) -> Result<Self, AppError> {
        let tx = tx.enter(actor).await?;
        Ok(Self {
            ctx,
            actor,
            action,
            tx,
        })
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
        let Err(refusal) = actor.authorize(action.permission()) else {
            return Ok(());
        };
        let mut tx = ctx.store.begin(actor).await?;
        let event = AuditEvent {
            metadata: Some(serde_json::json!({ "permission": action.permission().key() })),
            ..event(ctx, actor, action, Outcome::Denied)
        };
        audit_append(&mut tx, &[event]).await?;
        tx.commit().await?;
        Err(refusal)
    }

    /// Writes the audit row and commits: both or neither.
    pub(crate) async fn commit(mut self, target: Target) -> Result<(), AppError> {
        let event = AuditEvent {
            resource_type: Some(target.kind.to_owned()),
            resource_id: target.id,
            changes: target.changes,
            ..event(self.ctx, self.actor, self.action, Outcome::Success)
        };
        audit_append(&mut self.tx, &[event]).await?;
        self.tx.commit().await?;
        Ok(())
    }
}

fn event(ctx: &Ctx, actor: &Actor, action: Action, outcome: Outcome) -> AuditEvent {
    AuditEvent::by(actor, action.key(), outcome, ctx.clock.now())
}

/// What was acted on.
pub(crate) struct Target {
    kind: &'static str,
    id: Option<String>,
    changes: Option<Value>,
}

impl Target {
    pub(crate) fn memory(id: MemoryId) -> Self {
        Self::one("memory", id)
    }

    /// Several memories at once, e.g. a batch of vectors.
    pub(crate) fn memories() -> Self {
        Self {
            kind: "memory",
            id: None,
            changes: None,
        }
    }

    pub(crate) fn import(id: ImportId) -> Self {
        Self::one("import", id)
    }

    pub(crate) fn session(id: SessionId) -> Self {
        Self::one("session", id)
    }

    /// All sessions of the actor but the current one.
    pub(crate) fn other_sessions() -> Self {
        Self {
            kind: "session",
            id: None,
            changes: None,
        }
    }

    fn one(kind: &'static str, id: impl Display) -> Self {
        Self {
            kind,
            id: Some(id.to_string()),
            changes: None,
        }
    }

    /// With what changed; never the words of a memory and never a secret.
    pub(crate) fn changed(self, changes: Value) -> Self {
        Self {
            changes: Some(changes),
            ..self
        }
    }
}
