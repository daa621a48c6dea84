//! The trash of memories: into it, out of it, and out of the world.

use domain::{Action, Actor, AppError, MemoryId, TenantId, audit::Outcome, memory::TRASH_DAYS};
use serde_json::json;
use store::{
    StoreError, TenantTx,
    audit::{AuditEvent, audit_append},
};
use time::Duration;

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
};

/// Memories that one transaction moves or deletes.
const BATCH: u16 = 200;
/// Organisations looked after in one sweep; the others come with the next.
const MAX_SWEPT: u16 = 100;
/// Batches of one organisation in one sweep, so that a large one doesn't keep
/// the others waiting.
const MAX_BATCHES: u16 = 25;

/// Moves an own memory to the trash, and the replies to it. Doing it twice is
/// a conflict.
///
/// # Errors
/// [`AppError::NotFound`] when it isn't an own one; [`AppError::Conflict`].
pub async fn memory_delete(ctx: &Ctx, actor: &Actor, id: MemoryId) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryDelete).await?;
    let target = delete_in_tx(ctx, &mut act.tx, id).await?;
    act.commit(target).await
}

/// The same without an end.
pub(crate) async fn delete_in_tx(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: MemoryId,
) -> Result<AuditTarget, AppError> {
    store::memory::memory_delete(tx, id, ctx.clock.now()).await?;
    Ok(AuditTarget::memory(id))
}

/// Takes an own memory out of the trash, and the replies that went there with
/// it.
///
/// # Errors
/// [`AppError::NotFound`] when it isn't an own one; [`AppError::Conflict`] for
/// a reply to one that is in the trash.
pub async fn memory_restore(ctx: &Ctx, actor: &Actor, id: MemoryId) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryRestore).await?;
    let target = restore_in_tx(ctx, &mut act.tx, id).await?;
    act.commit(target).await
}

/// The same without an end.
pub(crate) async fn restore_in_tx(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: MemoryId,
) -> Result<AuditTarget, AppError> {
    if let Err(error) = store::memory::memory_restore(tx, id, ctx.clock.now()).await {
        let found = store::memory::memory_get(tx, id).await;
        return Err(match (error, found) {
            (StoreError::Conflict, Ok(found)) if found.deleted_at.is_some() => AppError::Conflict {
                message:
                    "The memory that this answers is in the trash, or not shared with you any more."
                        .to_owned(),
            },
            (error, _) => error.into(),
        });
    }
    Ok(AuditTarget::memory(id))
}

/// Deletes an own memory in the trash for good, with what it was before and
/// the replies to it.
///
/// # Errors
/// [`AppError::NotFound`] when it isn't an own one; [`AppError::Conflict`] when
/// it isn't in the trash.
pub async fn memory_purge(ctx: &Ctx, actor: &Actor, id: MemoryId) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryPurge).await?;
    let gone = match store::memory::memory_trash_empty(&mut act.tx, Some(id), BATCH).await {
        Err(StoreError::Conflict) => {
            return Err(AppError::Conflict {
                message: "This memory is not in the trash.".to_owned(),
            });
        }
        other => other?,
    };
    let target = AuditTarget::memory(id).changed(json!({ "replies": gone.len() - 1 }));
    act.commit(target).await
}

/// Deletes all own memories in the trash for good and tells how many went,
/// replies to them included.
///
/// # Errors
/// [`AppError::Forbidden`].
pub async fn memory_trash_empty(ctx: &Ctx, actor: &Actor) -> Result<usize, AppError> {
    let mut count = 0;
    loop {
        let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryPurge).await?;
        let gone = store::memory::memory_trash_empty(&mut act.tx, None, BATCH).await?;
        if gone.is_empty() {
            return Ok(count);
        }
        count += gone.len();
        let target = AuditTarget::memories().changed(json!({ "memories": gone }));
        act.commit(target).await?;
    }
}

/// Moves what has ended into the trash, and deletes for good what has been
/// there for [`TRASH_DAYS`], in every organisation and whoever its owner is.
/// Each batch is in its organisation's audit log as an act of Atrium.
///
/// # Errors
/// [`AppError::Unavailable`] when the database is away.
pub async fn memory_sweep(ctx: &Ctx) -> Result<(), AppError> {
    let now = ctx.clock.now();
    let before = now - Duration::days(TRASH_DAYS);
    let mut tx = ctx.store.begin_worker().await?;
    let tenants = store::memory::memory_sweep_tenants(&mut tx, now, before, MAX_SWEPT).await?;
    drop(tx);
    for tenant in tenants {
        // What can't be done in one organisation must not keep others waiting.
        if let Err(error) = tenant_sweep(ctx, tenant).await {
            tracing::warn!(%tenant, %error, "a trash of memories could not be looked after");
        }
    }
    Ok(())
}

async fn tenant_sweep(ctx: &Ctx, tenant: TenantId) -> Result<(), AppError> {
    let now = ctx.clock.now();
    let before = now - Duration::days(TRASH_DAYS);
    for _ in 0..MAX_BATCHES {
        let mut tx = ctx.store.begin_as_system(tenant).await?;
        let moved = store::memory::memory_expire(&mut tx, now, BATCH).await?;
        let gone = store::memory::memory_trash_purge(&mut tx, before, BATCH).await?;
        if moved.is_empty() && gone.is_empty() {
            break;
        }
        audit_each(ctx, &mut tx, "memory.expire", &moved).await?;
        audit_each(ctx, &mut tx, Action::MemoryPurge.key(), &gone).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn audit_each(
    ctx: &Ctx,
    tx: &mut TenantTx,
    action: &'static str,
    memories: &[MemoryId],
) -> Result<(), AppError> {
    if memories.is_empty() {
        return Ok(());
    }
    let event = AuditEvent {
        resource_type: Some("memory".to_owned()),
        changes: Some(json!({ "memories": memories })),
        ..AuditEvent::by_system(action, Outcome::Success, ctx.clock.now())
    };
    audit_append(tx, &[event]).await?;
    Ok(())
}
