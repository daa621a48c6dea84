//! What has to be looked after from time to time, in every process: doing it
//! twice does no harm.

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

/// Members looked after in one sweep; the others come with the next.
const MAX_SWEPT: u16 = 1_000;

/// Organisations whose memories are counted in one sweep; the others come with
/// the next.
const MAX_COUNTED: u16 = 20;

/// How long a count of an organisation's memories serves.
const COUNT_SERVES: Duration = Duration::minutes(10);

/// Looks every `interval` until `stop`.
pub(super) async fn housekeeping(ctx: Ctx, interval: Duration, stop: CancellationToken) {
    let mut prepared: Option<Date> = None;
    loop {
        let today = ctx.clock.now().date();
        if prepared != Some(today) {
            match partitions_prepare(&ctx).await {
                Ok(()) => prepared = Some(today),
                Err(error) => {
                    tracing::warn!(%error, "the audit log's next months are not prepared");
                }
            }
        }
        if let Err(error) = answers_purge(&ctx).await {
            tracing::warn!(%error, "answers that programs may ask for again could not be let go");
        }
        if let Err(error) = tenants_purge(&ctx).await {
            tracing::warn!(%error, "organisations whose time of grace is over could not be purged");
        }
        if let Err(error) = collections_sweep(&ctx).await {
            tracing::warn!(%error, "how common words are could not be counted");
        }
        if let Err(error) = denials_sweep(&ctx).await {
            tracing::warn!(%error, "denials that repeat could not be written to the audit log");
        }
        if let Err(error) = memory_sweep(&ctx).await {
            tracing::warn!(%error, "memories that have ended could not be put away");
        }
        if let Err(error) = imports_sweep(&ctx).await {
            tracing::warn!(%error, "files that nobody imports could not be let go of");
        }
        if let Err(error) = embedding_sweep(&ctx).await {
            tracing::warn!(%error, "memories without a vector could not be looked for");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(interval) => {}
        }
    }
}

/// Partitions for the months to come; rows of a month without one would go
/// to the default partition and stay there.
async fn partitions_prepare(ctx: &Ctx) -> Result<(), StoreError> {
    let mut tx = ctx.store.begin_worker().await?;
    store::audit::audit_partitions_ensure(&mut tx, ctx.clock.now()).await?;
    tx.commit().await
}

/// Answers to programs are kept for a day.
async fn answers_purge(ctx: &Ctx) -> Result<(), StoreError> {
    let mut tx = ctx.store.begin_worker().await?;
    store::idempotency::idempotency_purge(&mut tx, ctx.clock.now()).await?;
    tx.commit().await
}

/// Counts memories, and their words where enough has changed, of organisations
/// that were not counted for a while.
async fn collections_sweep(ctx: &Ctx) -> Result<(), StoreError> {
    let mut tx = ctx.store.begin_worker().await?;
    let before = ctx.clock.now() - COUNT_SERVES;
    let due = store::memory::collections_due(&mut tx, before, MAX_COUNTED).await?;
    drop(tx);
    for tenant_id in due {
        collection_refresh(ctx, tenant_id).await?;
    }
    Ok(())
}

/// Counts one organisation's memories, and their words where enough has
/// changed.
pub(super) async fn collection_refresh(ctx: &Ctx, tenant_id: TenantId) -> Result<(), StoreError> {
    let mut tx = ctx.store.begin_as_system(tenant_id).await?;
    store::memory::collection_refresh(&mut tx, ctx.clock.now()).await?;
    tx.commit().await
}

/// Finds members with memories that wait for a vector though no job does:
/// written while the last batch of a job ended, before there was a model, or
/// of a model that is being changed. Then lets that change take effect where
/// nothing is left to do.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn embedding_sweep(ctx: &Ctx) -> Result<(), StoreError> {
    let now = ctx.clock.now();
    let mut tx = ctx.store.begin_worker().await?;
    let local_is_on = ctx.embedder.is_on();
    let owners = store::memory::embedding_owners(&mut tx, local_is_on, MAX_SWEPT, now).await?;
    let moving = store::embedding_model::embedding_models_moving(&mut tx).await?;
    drop(tx);
    for (tenant_id, user_id) in owners {
        enqueue_embedding_of(ctx, tenant_id, user_id).await?;
    }
    for tenant_id in moving {
        models_settle(ctx, tenant_id).await?;
    }
    Ok(())
}
