//! Jobs that compute the vectors of memories in batches after the memories are
//! written, for the active model and for the next one, and that delete the
//! vectors of retired models.
//!
//! A vector contains nothing that its memory doesn't, so the choice of a model
//! is audited, but not each batch.

use std::collections::BTreeSet;

use domain::{
    Actor, EmbeddingModelId, MemoryId, TenantId, UserId, audit::Outcome,
    embedding_model::EmbeddingModel, overview::SemanticSearch,
};
use serde_json::json;
use store::{
    StoreError, TenantTx,
    audit::{AuditEvent, audit_append},
    embedding_model::{embedding_model_advance, embedding_model_list, embedding_model_problem_set},
    job::{ClaimedJob, NewJob, job_complete, job_dedupe_lock},
    memory::{EmbeddedMemory, GRACE, PendingEmbedding},
};
use time::Duration;

use super::{
    MAX_ATTEMPTS,
    housekeeping::collection_refresh,
    lease::{JobError, Lease},
};
use crate::{
    Ctx,
    embedder::{EmbedFailure, PROBE_TEXT},
};

/// The kind of the job that embeds a member's new and changed memories.
pub(super) const EMBED_JOB: &str = "memory.embed";

/// Texts embedded and written at once.
const BATCH: u16 = 64;
/// Vectors deleted at once.
const DROP_BATCH: u16 = 500;
/// Number of new vectors after which word frequencies are counted again.
const RECOUNT_AFTER: i64 = 1_000;
/// Delay before a failed service is tried again; doubles with each failure.
const MIN_BACKOFF: Duration = Duration::seconds(15);
const MAX_BACKOFF: Duration = Duration::minutes(10);

/// Ensures that the actor's memories without a vector get one; at most one such
/// job is queued per member. Wake the workers after the commit.
pub(crate) async fn enqueue_embedding(
    ctx: &Ctx,
    tx: &mut TenantTx,
    actor: &Actor,
) -> Result<(), StoreError> {
    enqueue_for(ctx, tx, actor.user_id).await
}

/// As [`enqueue_embedding`], for another member, in a transaction of its own.
pub(crate) async fn enqueue_embedding_of(
    ctx: &Ctx,
    tenant_id: TenantId,
    user_id: UserId,
) -> Result<(), StoreError> {
    let mut tx = ctx.store.begin_as_member(tenant_id, user_id).await?;
    enqueue_for(ctx, &mut tx, user_id).await?;
    tx.commit().await?;
    ctx.jobs_wake.notify_one();
    Ok(())
}

/// As [`enqueue_embedding`], for the member of `tx`, who may be inactive: their
/// memories stay searchable.
async fn enqueue_for(ctx: &Ctx, tx: &mut TenantTx, user_id: UserId) -> Result<(), StoreError> {
    let key = job_key(user_id);
    let now = ctx.clock.now();
    let job = NewJob {
        id: ctx.ids.id(),
        kind: EMBED_JOB,
        payload: json!({}),
        dedupe_key: Some(&key),
        run_at: now,
        max_attempts: MAX_ATTEMPTS,
        priority: 0,
        progress_total: 0,
    };
    store::job::job_enqueue(tx, &job, now).await?;
    Ok(())
}

fn job_key(user_id: UserId) -> String {
    format!("{EMBED_JOB}:{user_id}")
}

/// Embeds a member's memories until none lacks a vector of the models being
/// filled, and deletes vectors of retired ones. No transaction is open while a
/// model works; a memory changed meanwhile stays pending. A service that fails
/// is retried later.
pub(super) async fn memory_embed(
    ctx: &Ctx,
    tenant_id: TenantId,
    user_id: UserId,
    lease: &Lease,
) -> Result<(), JobError> {
    let mut run = EmbedRun {
        ctx,
        tenant_id,
        user_id,
        lease,
        done: 0,
        failed: BTreeSet::new(),
    };
    loop {
        // Starts from the first memory each time, because one that changed
        // while its batch was computed is pending again.
        let mut next = run.next_batch(None).await?;
        if next.is_none() && !run.drop_retired_vectors().await? {
            break;
        }
        while let Some(batch) = next {
            lease.check()?;
            next = run.write_and_prefetch(batch).await?;
        }
        lease.check()?;
    }
    if run.done >= RECOUNT_AFTER {
        collection_refresh(ctx, tenant_id).await?;
    }
    models_settle(ctx, tenant_id).await?;
    Ok(())
}

/// Activates the next model once it is complete, and marks retired ones whose
/// vectors are all deleted.
pub(super) async fn models_settle(ctx: &Ctx, tenant_id: TenantId) -> Result<(), StoreError> {
    let mut tx = ctx.store.begin_as_system(tenant_id).await?;
    let now = ctx.clock.now();
    let settled = embedding_model_advance(&mut tx, now).await?;
    if let Some(id) = settled.activated {
        let event = AuditEvent {
            resource_type: Some("embedding_model".to_owned()),
            resource_id: Some(id.to_string()),
            ..AuditEvent::by_system("embedding_model.activate", Outcome::Success, now)
        };
        audit_append(&mut tx, &[event]).await?;
    }
    tx.commit().await
}

/// Completes the job, and queues another if a memory was written too late for
/// this one, while its enqueueing was still deduplicated.
pub(super) async fn embed_complete(
    ctx: &Ctx,
    tx: &mut TenantTx,
    job: &ClaimedJob,
) -> Result<(), StoreError> {
    job_dedupe_lock(tx, &job_key(job.actor_user_id)).await?;
    job_complete(tx, job, None, ctx.clock.now()).await?;
    if pending(ctx, tx, 1, None, |_| true).await?.is_some() {
        enqueue_for(ctx, tx, job.actor_user_id).await?;
    }
    Ok(())
}

/// The member's first memories after `after` without a vector of a model that
/// is filled, available now and accepted by `is_wanted`.
async fn pending(
    ctx: &Ctx,
    tx: &mut TenantTx,
    limit: u16,
    after: Option<MemoryId>,
    is_wanted: impl Fn(&EmbeddingModel) -> bool,
) -> Result<Option<(EmbeddingModel, Vec<PendingEmbedding>)>, StoreError> {
    let now = ctx.clock.now();
    for model in embedding_model_list(tx).await? {
        let is_available = model.needs_vectors()
            && model.retry_at.is_none_or(|at| at <= now)
            && ctx.embedder.status_of(&model) == SemanticSearch::On
            && is_wanted(&model);
        if !is_available {
            continue;
        }
        let pending = store::memory::embedding_pending(tx, model.slot, limit, after).await?;
        if !pending.is_empty() {
            return Ok(Some((model, pending)));
        }
    }
    Ok(None)
}

struct EmbedRun<'a> {
    ctx: &'a Ctx,
    tenant_id: TenantId,
    user_id: UserId,
    lease: &'a Lease,
    done: i64,
    /// Models that are not tried again in this run.
    failed: BTreeSet<EmbeddingModelId>,
}

/// Vectors to be written.
struct Batch {
    model: EmbeddingModel,
    /// The highest memory id that was read.
    last: MemoryId,
    rows: Vec<EmbeddedMemory>,
    /// The reason why rows are missing.
    failure: Option<EmbedFailure>,
}

impl EmbedRun<'_> {
    /// A transaction that sees the member's own memories, even if the member is
    /// inactive.
    async fn begin(&self) -> Result<TenantTx, StoreError> {
        let store = &self.ctx.store;
        store.begin_as_member(self.tenant_id, self.user_id).await
    }

    /// Computes the next missing vectors: of any model, or of the model of
    /// `before`, after its last memory. `None` if there are none.
    async fn next_batch(&self, before: Option<&Batch>) -> Result<Option<Batch>, JobError> {
        // Read again for each batch, because a model can be paused or
        // cancelled.
        let mut tx = self.begin().await?;
        let after = before.map(|batch| batch.last);
        let is_wanted = |model: &EmbeddingModel| {
            before.is_none_or(|batch| batch.model.id == model.id)
                && !self.failed.contains(&model.id)
        };
        let pending = pending(self.ctx, &mut tx, BATCH, after, is_wanted).await?;
        drop(tx);
        let Some((model, pending)) = pending else {
            return Ok(None);
        };
        let Some(last) = pending.last().map(|memory| memory.id) else {
            return Ok(None);
        };
        let (rows, failure) = self.vectors(&model, &pending).await;
        Ok(Some(Batch {
            model,
            last,
            rows,
            failure,
        }))
    }

    /// Deletes one batch of vectors of a retired model; false if there are
    /// none.
    async fn drop_retired_vectors(&self) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let now = self.ctx.clock.now();
        for model in embedding_model_list(&mut tx).await? {
            if model.is_being_dropped() && model.retired_at.is_some_and(|at| at + GRACE <= now) {
                let dropped =
                    store::memory::embedding_drop_many(&mut tx, &model, DROP_BATCH, now).await?;
                if dropped > 0 {
                    tx.commit().await?;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Writes a batch while the next one is computed: either alone leaves cores
    /// idle.
    async fn write_and_prefetch(&mut self, batch: Batch) -> Result<Option<Batch>, JobError> {
        let (written, next) = if batch.failure.is_none() {
            tokio::try_join!(self.write(&batch), self.next_batch(Some(&batch)))?
        } else {
            (self.write(&batch).await?, None)
        };
        self.done += written;
        if batch.failure.is_some() {
            self.failed.insert(batch.model.id);
        }
        Ok(next)
    }

    /// Returns the number of memories whose vector was stored.
    async fn write(&self, batch: &Batch) -> Result<i64, JobError> {
        let Batch { model, failure, .. } = batch;
        let mut written = 0;
        if !batch.rows.is_empty() {
            let mut tx = self.begin().await?;
            let taken = store::memory::embedding_set_many(&mut tx, model, &batch.rows).await?;
            written = i64::try_from(taken).unwrap_or_default();
            self.lease
                .progress(&mut tx, self.done + written, 0, self.ctx.clock.now())
                .await?;
            tx.commit().await?;
        }
        if failure.is_none() && model.problem.is_none() {
            return Ok(written);
        }
        let mut tx = self.ctx.store.begin_as_system(self.tenant_id).await?;
        let problem = failure.as_ref().map(|failure| {
            let retry_at = self.ctx.clock.now() + backoff(model, failure);
            (failure.message.as_str(), retry_at)
        });
        embedding_model_problem_set(&mut tx, model.id, problem).await?;
        tx.commit().await?;
        if let Some(failure) = failure {
            tracing::warn!(model = %model.id, problem = %failure, "memories can't be embedded now");
        }
        Ok(written)
    }

    /// The vectors of the texts, or of those before a failure. A text that the
    /// service rejects while it accepts others gets a zero vector, which
    /// matches nothing, so only its words are searchable.
    async fn vectors(
        &self,
        model: &EmbeddingModel,
        pending: &[PendingEmbedding],
    ) -> (Vec<EmbeddedMemory>, Option<EmbedFailure>) {
        let embedder = &self.ctx.embedder;
        let texts = pending.iter().map(embedded_text).collect();
        match embedder.batch(model, texts).await {
            Ok(vectors) => {
                let rows = pending.iter().zip(vectors);
                return (
                    rows.map(|(memory, vector)| embedded_memory(memory, vector))
                        .collect(),
                    None,
                );
            }
            Err(failure) if !failure.is_rejected => return (Vec::new(), Some(failure)),
            Err(_) => {}
        }
        if let Err(failure) = embedder.batch(model, vec![PROBE_TEXT.to_owned()]).await {
            return (Vec::new(), Some(failure));
        }
        let mut rows = Vec::with_capacity(pending.len());
        for memory in pending {
            match embedder.batch(model, vec![embedded_text(memory)]).await {
                Ok(vectors) => {
                    rows.extend(
                        vectors
                            .into_iter()
                            .map(|vector| embedded_memory(memory, vector)),
                    );
                }
                Err(failure) if failure.is_rejected => {
                    rows.push(embedded_memory(memory, vec![0.0; model.dimensions.into()]));
                }
                Err(failure) => return (rows, Some(failure)),
            }
        }
        (rows, None)
    }
}

fn embedded_memory(memory: &PendingEmbedding, embedding: Vec<f32>) -> EmbeddedMemory {
    let (id, version): (MemoryId, i32) = (memory.id, memory.version);
    EmbeddedMemory {
        id,
        version,
        embedding,
    }
}

/// The delay before a model is tried again after a failure.
fn backoff(model: &EmbeddingModel, failure: &EmbedFailure) -> Duration {
    let doublings = model.failures.min(8);
    let backoff = (MIN_BACKOFF * 2_i32.pow(doublings)).min(MAX_BACKOFF);
    let requested = failure
        .retry_after
        .and_then(|requested| Duration::try_from(requested).ok());
    // Caps what the service asks for, which could be a day.
    requested.map_or(backoff, |requested| requested.clamp(backoff, MAX_BACKOFF))
}

/// The embedded text: title, if any, and content.
fn embedded_text(memory: &PendingEmbedding) -> String {
    match memory.title.as_str() {
        "" => memory.content.clone(),
        title => format!("{title}\n{}", memory.content),
    }
}
