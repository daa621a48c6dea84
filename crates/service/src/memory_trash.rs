//! The trash of memories: delete, restore, purge.

use domain::{
    Action, Actor, AppError, MemoryId, NoInput, TenantId,
    audit::Outcome,
    memory::{Memory, MemoryPath, TRASH_DAYS, TrashEmptied},
};
use serde_json::json;
use store::{
    StoreError, TenantTx,
    audit::{AuditEvent, audit_append},
};
use time::Duration;

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    operation::{Done, Endpoint, Group, McpTool, Method, Operation, Route},
};

/// Memories moved or deleted in one transaction.
const BATCH: u16 = 200;
/// Organisations handled in one sweep; the rest follow in the next.
const MAX_TENANTS_PER_SWEEP: u16 = 100;
/// Batches per organisation in one sweep, so that a large one doesn't delay the
/// others.
const MAX_BATCHES: u16 = 25;

pub struct MemoryDelete;

impl Operation for MemoryDelete {
    const ACTION: Action = Action::MemoryDelete;
    const ROUTE: Route = Route::delete("/memories/{id}");
    const GROUP: Group = Group::Memories;
    const TITLE: &'static str = "Delete a memory";
    const DESCRIPTION: &'static str = "Moves your own memory and its replies to the trash, from which it can be restored for 30 days.";
    const MCP: Option<McpTool> = Some(McpTool {
        name: "delete_memory",
        description: "Move a memory of the member's own to the trash, from which the member can restore it for 30 days.",
    });
    type Input = MemoryPath;
    type Output = ();

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        MemoryPath { id }: MemoryPath,
    ) -> Result<Done<()>, AppError> {
        let ctx = tx.ctx;
        Ok(Done::audited((), delete_in_tx(ctx, tx, id).await?))
    }
}

/// As [`MemoryDelete`], inside an open transaction.
pub(crate) async fn delete_in_tx(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: MemoryId,
) -> Result<AuditTarget, AppError> {
    store::memory::memory_delete(tx, id, ctx.clock.now()).await?;
    Ok(AuditTarget::of(id))
}

pub struct MemoryRestore;

impl Operation for MemoryRestore {
    const ACTION: Action = Action::MemoryRestore;
    const ROUTE: Route = Route::post("/memories/{id}/restore");
    const GROUP: Group = Group::Memories;
    const TITLE: &'static str = "Restore a memory";
    const DESCRIPTION: &'static str =
        "Restores your own memory from the trash, with the replies that were deleted with it.";
    type Input = MemoryPath;
    type Output = Memory;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        MemoryPath { id }: MemoryPath,
    ) -> Result<Done<Memory>, AppError> {
        let ctx = tx.ctx;
        let target = restore_in_tx(ctx, tx, id).await?;
        let memory = store::memory::memory_get(tx, id).await?;
        Ok(Done::audited(memory, target))
    }
}

/// As [`MemoryRestore`], inside an open transaction.
///
/// # Errors
/// [`AppError::Conflict`] for a reply to a memory that is in the trash.
pub(crate) async fn restore_in_tx(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: MemoryId,
) -> Result<AuditTarget, AppError> {
    if let Err(error) = store::memory::memory_restore(tx, id, ctx.clock.now()).await {
        let found = store::memory::memory_get(tx, id).await;
        return Err(match (error, found) {
            (StoreError::Conflict, Ok(found)) if found.deleted_at.is_some() => AppError::Conflict {
                message: "The original memory is in the trash or no longer shared with you."
                    .to_owned(),
            },
            (error, _) => error.into(),
        });
    }
    Ok(AuditTarget::of(id))
}

pub struct MemoryPurge;

impl Operation for MemoryPurge {
    const ACTION: Action = Action::MemoryPurge;
    const ROUTE: Route = Route::delete("/memories/trash/{id}");
    const GROUP: Group = Group::Memories;
    const TITLE: &'static str = "Permanently delete a memory";
    const DESCRIPTION: &'static str = "Deletes your own memory in the trash, with its versions and replies. This can't be undone.";
    type Input = MemoryPath;
    type Output = ();

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        MemoryPath { id }: MemoryPath,
    ) -> Result<Done<()>, AppError> {
        let deleted = match store::memory::memory_trash_empty(tx, Some(id), BATCH).await {
            Err(StoreError::Conflict) => {
                return Err(AppError::Conflict {
                    message: "This memory is not in the trash.".to_owned(),
                });
            }
            other => other?,
        };
        let changes = json!({ "replies": deleted.len() - 1 });
        Ok(Done::audited((), AuditTarget::of(id).with_changes(changes)))
    }
}

/// Not an [`Operation`]: a full trash is deleted in several transactions.
pub struct MemoryTrashEmpty;

impl Endpoint for MemoryTrashEmpty {
    const ACTION: Action = Action::MemoryPurge;
    const ROUTE: Route = Route::new(Method::Delete, "/memories/trash", 200);
    const GROUP: Group = Group::Memories;
    const TITLE: &'static str = "Empty the trash";
    const DESCRIPTION: &'static str = "Permanently deletes the member's own memories in the trash, with their versions and \
                                       replies. This can't be undone.";
    type Input = NoInput;
    type Output = TrashEmptied;

    async fn call(ctx: &Ctx, actor: &Actor, _: NoInput) -> Result<TrashEmptied, AppError> {
        let mut count = 0;
        loop {
            let mut tx = AuthorizedTx::begin(ctx, actor, Action::MemoryPurge).await?;
            let deleted = store::memory::memory_trash_empty(&mut tx, None, BATCH).await?;
            if deleted.is_empty() {
                return Ok(TrashEmptied { deleted: count });
            }
            count += deleted.len();
            let target =
                AuditTarget::several::<MemoryId>().with_changes(json!({ "memories": deleted }));
            tx.commit(target).await?;
        }
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
