//! Vectors for memories, made in batches after the memories are written; for
//! the model that searches use and for the one that is to follow it. Vectors
//! of a model that nothing uses any more go the same way, backwards.
//!
//! A vector says nothing that its memory doesn't, so what is audited is the
//! choice of a model, not each batch.

use std::collections::BTreeSet;

use domain::{
    Actor, EmbeddingModelId, MemoryId, TenantId, UserId, audit::Outcome,
    embedding_model::EmbeddingModel, overview::SemanticSearch,
};
use serde_json::json;
use store::{
    StoreError, TenantTx,
    audit::{AuditEvent, audit_append},
    embedding_model::{embedding_model_list, embedding_model_problem, embedding_model_settle},
    job::{ClaimedJob, NewJob, job_complete, job_key_lock},
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
    embedder::{EmbedFailure, HARMLESS},
};

/// The kind of the job that embeds a member's new and changed memories.
pub(super) const EMBED_JOB: &str = "memory.embed";

/// Texts embedded and written at once.
const BATCH: u16 = 64;
/// Vectors let go at once.
const DROP_BATCH: u16 = 500;
/// So many new vectors may have changed which words are rare.
const COUNT_ANEW_AFTER: i64 = 1_000;
/// How long a service that failed once is left alone; twice as long each time.
const FIRST_REST: Duration = Duration::seconds(15);
/// How long it is left alone at most.
const LONGEST_REST: Duration = Duration::minutes(10);

/// Sees to it that the actor's memories without a vector get one: at most
/// one such job waits per member. Wake the workers after the commit.
pub(crate) async fn enqueue_embedding(
    ctx: &Ctx,
    tx: &mut TenantTx,
    actor: &Actor,
) -> Result<(), StoreError> {
    enqueue_for(ctx, tx, actor.user_id).await
}

/// The same for another member, in a transaction of its own.
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

/// The same for the member of `tx`, who may not be active any more: what they
/// wrote is still found.
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

/// Embeds a member's memories until none is left without a vector of the
/// models that are filled, and lets those of retired ones go. No transaction
/// is open while a model works; a memory that was changed meanwhile keeps
/// waiting. A service that fails is left alone for a while, and nothing of the
/// memory is lost.
pub(super) async fn memory_embed(
    ctx: &Ctx,
    tenant_id: TenantId,
    user_id: UserId,
    lease: &Lease,
) -> Result<(), JobError> {
    let mut run = Run {
        ctx,
        tenant_id,
        user_id,
        lease,
        done: 0,
        failed: BTreeSet::new(),
    };
    loop {
        // From the start each time: what was changed while its batch was made
        // waits behind.
        let mut made = run.make(None).await?;
        if made.is_none() && !run.let_go().await? {
            break;
        }
        while let Some(batch) = made {
            lease.check()?;
            made = run.keep(batch).await?;
        }
        lease.check()?;
    }
    if run.done >= COUNT_ANEW_AFTER {
        collection_refresh(ctx, tenant_id).await?;
    }
    models_settle(ctx, tenant_id).await?;
    Ok(())
}

/// Lets searches use the next model as soon as it is whole, and notes which
/// earlier one is gone.
pub(super) async fn models_settle(ctx: &Ctx, tenant_id: TenantId) -> Result<(), StoreError> {
    let mut tx = ctx.store.begin_as_system(tenant_id).await?;
    let now = ctx.clock.now();
    let settled = embedding_model_settle(&mut tx, now).await?;
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

/// Completes the job, and queues another where somebody who found this one at
/// its end wrote a memory that it didn't see.
pub(super) async fn embed_complete(
    ctx: &Ctx,
    tx: &mut TenantTx,
    job: &ClaimedJob,
) -> Result<(), StoreError> {
    job_key_lock(tx, &job_key(job.actor_user_id)).await?;
    job_complete(tx, job, None, ctx.clock.now()).await?;
    if pending(ctx, tx, 1, None, |_| true).await?.is_some() {
        enqueue_for(ctx, tx, job.actor_user_id).await?;
    }
    Ok(())
}

/// The first memories of the member, behind `after`, without a vector of a
/// model that is wanted, that is filled and that can be asked now.
async fn pending(
    ctx: &Ctx,
    tx: &mut TenantTx,
    limit: u16,
    after: Option<MemoryId>,
    is_wanted: impl Fn(&EmbeddingModel) -> bool,
) -> Result<Option<(EmbeddingModel, Vec<PendingEmbedding>)>, StoreError> {
    let now = ctx.clock.now();
    for model in embedding_model_list(tx).await? {
        let may_be_asked = model.is_filled()
            && model.retry_at.is_none_or(|at| at <= now)
            && ctx.embedder.status_of(&model) == SemanticSearch::On
            && is_wanted(&model);
        if !may_be_asked {
            continue;
        }
        let pending = store::memory::embedding_pending(tx, model.slot, limit, after).await?;
        if !pending.is_empty() {
            return Ok(Some((model, pending)));
        }
    }
    Ok(None)
}

struct Run<'a> {
    ctx: &'a Ctx,
    tenant_id: TenantId,
    user_id: UserId,
    lease: &'a Lease,
    /// Vectors written so far.
    done: i64,
    /// Models that are not asked again in this run.
    failed: BTreeSet<EmbeddingModelId>,
}

/// Vectors that are to be written.
struct Batch {
    model: EmbeddingModel,
    /// The memory with the highest id of those that were read.
    last: MemoryId,
    rows: Vec<EmbeddedMemory>,
    /// Why there are no more rows.
    failure: Option<EmbedFailure>,
}

impl Run<'_> {
    /// A transaction that sees the member's own memories, whether or not the
    /// member may still sign in.
    async fn begin(&self) -> Result<TenantTx, StoreError> {
        let store = &self.ctx.store;
        store.begin_as_member(self.tenant_id, self.user_id).await
    }

    /// The next vectors that are missing: of any model, or of the same behind
    /// `before`. `None` when there are none to make.
    async fn make(&self, before: Option<&Batch>) -> Result<Option<Batch>, JobError> {
        // Read anew for each batch: a model may have been halted, or given up.
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

    /// Lets a batch go of vectors of a model that nothing uses any more; says
    /// whether there were any.
    async fn let_go(&self) -> Result<bool, StoreError> {
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

    /// Writes a batch, and makes the next one meanwhile: either alone leaves
    /// cores idle.
    async fn keep(&mut self, batch: Batch) -> Result<Option<Batch>, JobError> {
        let (written, next) = if batch.failure.is_none() {
            tokio::try_join!(self.write(&batch), self.make(Some(&batch)))?
        } else {
            (self.write(&batch).await?, None)
        };
        self.done += written;
        if batch.failure.is_some() {
            self.failed.insert(batch.model.id);
        }
        Ok(next)
    }

    /// Returns how many memories took their vectors.
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
            let retry_at = self.ctx.clock.now() + rest(model, failure);
            (failure.message.as_str(), retry_at)
        });
        embedding_model_problem(&mut tx, model.id, problem).await?;
        tx.commit().await?;
        if let Some(failure) = failure {
            tracing::warn!(model = %model.id, problem = %failure, "memories can't be embedded now");
        }
        Ok(written)
    }

    /// The vectors of the texts, or of those that came before a failure. One
    /// that is refused by a service that takes others is near nothing: it is
    /// found by its words.
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
                    rows.map(|(memory, vector)| embedded(memory, vector))
                        .collect(),
                    None,
                );
            }
            Err(failure) if !failure.is_refusal => return (Vec::new(), Some(failure)),
            Err(_) => {}
        }
        if let Err(failure) = embedder.batch(model, vec![HARMLESS.to_owned()]).await {
            return (Vec::new(), Some(failure));
        }
        let mut rows = Vec::with_capacity(pending.len());
        for memory in pending {
            match embedder.batch(model, vec![embedded_text(memory)]).await {
                Ok(vectors) => {
                    rows.extend(vectors.into_iter().map(|vector| embedded(memory, vector)));
                }
                Err(failure) if failure.is_refusal => {
                    rows.push(embedded(memory, vec![0.0; model.dimensions.into()]));
                }
                Err(failure) => return (rows, Some(failure)),
            }
        }
        (rows, None)
    }
}

fn embedded(memory: &PendingEmbedding, embedding: Vec<f32>) -> EmbeddedMemory {
    let (id, version): (MemoryId, i32) = (memory.id, memory.version);
    EmbeddedMemory {
        id,
        version,
        embedding,
    }
}

/// How long a model is left alone after a failure.
fn rest(model: &EmbeddingModel, failure: &EmbedFailure) -> Duration {
    let doublings = model.failures.min(8);
    let rest = (FIRST_REST * 2_i32.pow(doublings)).min(LONGEST_REST);
    let asked = failure
        .retry_after
        .and_then(|asked| Duration::try_from(asked).ok());
    // A service that asks for a day is asked every ten minutes all the same.
    asked.map_or(rest, |asked| asked.clamp(rest, LONGEST_REST))
}

/// What is embedded: the title, where there is one, and the content.
fn embedded_text(memory: &PendingEmbedding) -> String {
    match memory.title.as_str() {
        "" => memory.content.clone(),
        title => format!("{title}\n{}", memory.content),
    }
}
