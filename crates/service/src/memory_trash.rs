//! The trash of memories: delete, restore, purge.

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

/// Memories moved or deleted in one transaction.
const BATCH: u16 = 200;
/// Organisations handled in one sweep; the rest follow in the next.
const MAX_TENANTS_PER_SWEEP: u16 = 100;
/// Batches per organisation in one sweep, so that a large one doesn't delay the
/// others.
const MAX_BATCHES: u16 = 25;

/// Moves an own memory and its replies to the trash.
///
/// # Errors
/// [`AppError::Conflict`] if it is already there.
pub async fn memory_delete(ctx: &Ctx, actor: &Actor, id: MemoryId) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryDelete).await?;
    let target = delete_in_tx(ctx, &mut act.tx, id).await?;
    act.commit(target).await
}

/// As [`memory_delete`], inside an open transaction.
pub(crate) async fn delete_in_tx(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: MemoryId,
) -> Result<AuditTarget, AppError> {
    store::memory::memory_delete(tx, id, ctx.clock.now()).await?;
    Ok(AuditTarget::memory(id))
}

/// Restores an own memory from the trash, with the replies that were deleted
/// with it.
///
/// # Errors
/// [`AppError::Conflict`] for a reply to a memory that is in the trash.
pub async fn memory_restore(ctx: &Ctx, actor: &Actor, id: MemoryId) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryRestore).await?;
    let target = restore_in_tx(ctx, &mut act.tx, id).await?;
    act.commit(target).await
}

/// As [`memory_restore`], inside an open transaction.
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

/// Permanently deletes an own memory in the trash, with its versions and
/// replies.
///
/// # Errors
/// [`AppError::Conflict`] if it isn't in the trash.
pub async fn memory_purge(ctx: &Ctx, actor: &Actor, id: MemoryId) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryPurge).await?;
    let deleted = match store::memory::memory_trash_empty(&mut act.tx, Some(id), BATCH).await {
        Err(StoreError::Conflict) => {
            return Err(AppError::Conflict {
                message: "This memory is not in the trash.".to_owned(),
            });
        }
        other => other?,
    };
    let target = AuditTarget::memory(id).with_changes(json!({ "replies": deleted.len() - 1 }));
    act.commit(target).await
}

/// Permanently deletes all own memories in the trash and returns their number,
/// replies included.
pub async fn memory_trash_empty(ctx: &Ctx, actor: &Actor) -> Result<usize, AppError> {
    let mut count = 0;
    loop {
        let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryPurge).await?;
        let deleted = store::memory::memory_trash_empty(&mut act.tx, None, BATCH).await?;
        if deleted.is_empty() {
            return Ok(count);
        }
        count += deleted.len();
        let target = AuditTarget::memories().with_changes(json!({ "memories": deleted }));
        act.commit(target).await?;
    }
}

/// Moves expired memories to the trash and permanently deletes those that were
/// there for [`TRASH_DAYS`], in every organisation. Each batch is audited in
/// its organisation as done by the system.
pub async fn memory_sweep(ctx: &Ctx) -> Result<(), AppError> {
    let now = ctx.clock.now();
    let before = now - Duration::days(TRASH_DAYS);
    let mut tx = ctx.store.begin_worker().await?;
    let tenants =
        store::memory::tenants_with_expired_memories(&mut tx, now, before, MAX_TENANTS_PER_SWEEP)
            .await?;
    drop(tx);
    for tenant in tenants {
        // A failure in one organisation must not delay the others.
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
        let expired = store::memory::memory_expire(&mut tx, now, BATCH).await?;
        let deleted = store::memory::memory_trash_purge(&mut tx, before, BATCH).await?;
        if expired.is_empty() && deleted.is_empty() {
            break;
        }
        audit_memories(ctx, &mut tx, "memory.expire", &expired).await?;
        audit_memories(ctx, &mut tx, Action::MemoryPurge.key(), &deleted).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn audit_memories(
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
