//! Vectors for memories, made in batches after the memories are written.

use domain::{Action, Actor};
use serde_json::json;
use store::{
    StoreError, TenantTx,
    job::NewJob,
    memory::{EmbeddedMemory, PendingEmbedding},
};

use super::{
    MAX_ATTEMPTS,
    housekeeping::collection_refresh,
    lease::{JobError, Lease},
};
use crate::{
    Ctx,
    act::{Act, Target},
};

/// The kind of the job that embeds a member's new and changed memories.
pub(super) const EMBED_JOB: &str = "memory.embed";

/// Texts embedded and written at once.
const BATCH: u16 = 64;

/// After so many new vectors, as after an import, searches soon want to know
/// how large the collection has become and which of its words are rare.
const COUNT_ANEW_AFTER: i64 = 200;

/// Sees to it that the actor's memories without a vector get one: at most
/// one such job waits per member. Wake the workers after the commit.
pub(crate) async fn enqueue_embedding(
    ctx: &Ctx,
    tx: &mut TenantTx,
    actor: &Actor,
) -> Result<(), StoreError> {
    let key = format!("{EMBED_JOB}:{}", actor.user_id);
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

/// Embeds the actor's memories until none is left without a vector. No
/// transaction is open while the model works; a memory that was changed
/// meanwhile keeps waiting.
pub(super) async fn memory_embed(ctx: &Ctx, actor: &Actor, lease: &Lease) -> Result<(), JobError> {
    let mut done = 0;
    loop {
        lease.check()?;
        let mut act = Act::begin(ctx, actor, Action::MemoryEmbed).await?;
        let pending = store::memory::embedding_pending(&mut act.tx, BATCH, None).await?;
        drop(act);
        if pending.is_empty() {
            if done >= COUNT_ANEW_AFTER {
                collection_refresh(ctx, actor.tenant_id).await?;
            }
            return Ok(());
        }
        let texts = pending.iter().map(embedded_text).collect();
        let vectors = ctx.embedder.batch(texts).await?;

        let mut act = Act::begin(ctx, actor, Action::MemoryEmbed).await?;
        let model = embed::MODEL_ID;
        let now = ctx.clock.now();
        let rows: Vec<_> = pending
            .iter()
            .zip(&vectors)
            .map(|(memory, vector)| EmbeddedMemory {
                id: memory.id,
                version: memory.version,
                embedding: vector.to_vec(),
            })
            .collect();
        store::memory::embedding_set_many(&mut act.tx, model, &rows, now).await?;
        done += i64::try_from(rows.len()).unwrap_or(0);
        lease.progress(&mut act.tx, done, 0, now).await?;
        act.commit(Target::memories().changed(json!({ "embedded": rows.len() })))
            .await?;
    }
}

/// What is embedded: the title, where there is one, and the content.
fn embedded_text(memory: &PendingEmbedding) -> String {
    match memory.title.as_str() {
        "" => memory.content.clone(),
        title => format!("{title}\n{}", memory.content),
    }
}
