//! Periodic maintenance, run by every process: each task is idempotent.

use domain::TenantId;
use store::StoreError;
use time::{Date, Duration};
use tokio_util::sync::CancellationToken;

use super::{
    embedding::{enqueue_embedding_of, models_settle},
    runner::sleep,
};
use crate::{
    Ctx, denial::denials_sweep, import::imports_sweep, memory_trash::memory_sweep,
    tenant_lifecycle::tenants_purge,
};

/// Members handled in one sweep; the rest follow in the next.
const MAX_MEMBERS_PER_SWEEP: u16 = 1_000;

/// Organisations whose memories are counted in one sweep; the rest follow in
/// the next.
const MAX_TENANTS_COUNTED: u16 = 20;

/// The time for which a count of an organisation's memories is used.
const COUNT_LIFETIME: Duration = Duration::minutes(10);

/// Runs all tasks every `interval` until `stop`.
pub(super) async fn housekeeping(ctx: Ctx, interval: Duration, stop: CancellationToken) {
    let mut prepared_on: Option<Date> = None;
    loop {
        let today = ctx.clock.now().date();
        if prepared_on != Some(today) {
            match partitions_prepare(&ctx).await {
                Ok(()) => prepared_on = Some(today),
                Err(error) => {
                    tracing::warn!(%error, "the audit log's next partitions could not be created");
                }
            }
        }
        if let Err(error) = answers_purge(&ctx).await {
            tracing::warn!(%error, "expired idempotency keys could not be deleted");
        }
        if let Err(error) = tenants_purge(&ctx).await {
            tracing::warn!(%error, "deleted organisations could not be purged");
        }
        if let Err(error) = collections_sweep(&ctx).await {
            tracing::warn!(%error, "word frequencies could not be counted");
        }
        if let Err(error) = denials_sweep(&ctx).await {
            tracing::warn!(%error, "repeated denials could not be written to the audit log");
        }
        if let Err(error) = memory_sweep(&ctx).await {
            tracing::warn!(%error, "expired memories could not be swept");
        }
        if let Err(error) = imports_sweep(&ctx).await {
            tracing::warn!(%error, "abandoned files could not be deleted");
        }
        if let Err(error) = embedding_sweep(&ctx).await {
            tracing::warn!(%error, "memories without a vector could not be found");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(interval) => {}
        }
    }
}

/// Creates the audit partitions of the next months; rows without one would go
/// to the default partition and stay there.
async fn partitions_prepare(ctx: &Ctx) -> Result<(), StoreError> {
    let mut tx = ctx.store.begin_worker().await?;
    store::audit::audit_partitions_ensure(&mut tx, ctx.clock.now()).await?;
    tx.commit().await
}

/// Deletes idempotent responses that have expired.
async fn answers_purge(ctx: &Ctx) -> Result<(), StoreError> {
    let mut tx = ctx.store.begin_worker().await?;
    store::idempotency::idempotency_purge(&mut tx, ctx.clock.now()).await?;
    tx.commit().await
}

/// Refreshes the memory counts of organisations whose count is outdated, and
/// their word frequencies if enough has changed.
async fn collections_sweep(ctx: &Ctx) -> Result<(), StoreError> {
    let mut tx = ctx.store.begin_worker().await?;
    let before = ctx.clock.now() - COUNT_LIFETIME;
    let due =
        store::memory::tenants_with_stale_collection(&mut tx, before, MAX_TENANTS_COUNTED).await?;
    drop(tx);
    for tenant_id in due {
        collection_refresh(ctx, tenant_id).await?;
    }
    Ok(())
}

/// Counts one organisation's memories, and their words if enough has changed.
pub(super) async fn collection_refresh(ctx: &Ctx, tenant_id: TenantId) -> Result<(), StoreError> {
    let mut tx = ctx.store.begin_as_system(tenant_id).await?;
    store::memory::collection_refresh(&mut tx, ctx.clock.now()).await?;
    tx.commit().await
}

/// Enqueues jobs for members whose memories lack a vector although no job is
/// queued: written while the last batch of a job ended, before there was a
/// model, or because the model is changing. Then completes model changes that
/// have no work left.
pub async fn embedding_sweep(ctx: &Ctx) -> Result<(), StoreError> {
    let now = ctx.clock.now();
    let mut tx = ctx.store.begin_worker().await?;
    let local_is_on = ctx.embedder.is_on();
    let owners =
        store::memory::embedding_owners(&mut tx, local_is_on, MAX_MEMBERS_PER_SWEEP, now).await?;
    let moving = store::embedding_model::tenants_with_pending_models(&mut tx).await?;
    drop(tx);
    for (tenant_id, user_id) in owners {
        enqueue_embedding_of(ctx, tenant_id, user_id).await?;
    }
    for tenant_id in moving {
        models_settle(ctx, tenant_id).await?;
    }
    Ok(())
}
