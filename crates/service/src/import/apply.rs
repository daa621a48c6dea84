//! The job behind an import.

use domain::{
    Action, Actor, ImportId,
    import::{ImportFormat, ImportReport, MAX_REPORTED_PROBLEMS},
    memory::MemoryText,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::{StoreError, memory::ImportedMemory};
use tokio::sync::mpsc;

use super::parse::{self, Record};
use crate::{
    Ctx,
    act::{Act, Target},
    job::{JobError, Lease, enqueue_embedding},
};

/// Records in one transaction.
const BATCH: usize = 500;

/// What the job's row says.
#[derive(Serialize, Deserialize)]
pub(crate) struct ImportJob {
    import_id: ImportId,
}

/// Writes the records of a file, batch by batch. Each batch commits together
/// with the report so far, so that an attempt which was cut short goes on
/// exactly where it stopped.
pub(crate) async fn import_apply(
    ctx: &Ctx,
    actor: &Actor,
    job: &ImportJob,
    lease: &Lease,
) -> Result<(), JobError> {
    let id = job.import_id;
    let mut act = Act::begin(ctx, actor, Action::ImportApply).await?;
    let import = store::import::import_get(&mut act.tx, id).await?;
    let (format, file) = match store::import::import_content(&mut act.tx, id).await {
        Ok(content) => content,
        // An earlier attempt wrote the last batch.
        Err(StoreError::NotFound) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    drop(act);

    let mut report = import.report;
    let seen = report.imported + report.duplicates + report.failed;
    let mut batches = batches(format, file, seen);
    while let Some(batch) = batches.recv().await {
        lease.check()?;
        apply_batch(ctx, actor, id, &batch, import.size, &mut report, lease).await?;
    }

    let mut act = Act::begin(ctx, actor, Action::ImportApply).await?;
    store::import::import_clear_content(&mut act.tx, id).await?;
    let changes = json!({
        "finished": true,
        "imported": report.imported,
        "duplicates": report.duplicates,
        "failed": report.failed,
    });
    act.commit(Target::import(id).changed(changes)).await?;
    Ok(())
}

async fn apply_batch(
    ctx: &Ctx,
    actor: &Actor,
    id: ImportId,
    batch: &[Record],
    size: i64,
    report: &mut ImportReport,
    lease: &Lease,
) -> Result<(), JobError> {
    let mut act = Act::begin(ctx, actor, Action::ImportApply).await?;
    let now = ctx.clock.now();
    let memories: Vec<_> = batch
        .iter()
        .filter_map(|record| record.text.as_ref().ok())
        .map(|text| ImportedMemory {
            id: ctx.ids.id(),
            digest: digest_of(text),
            text: text.clone(),
        })
        .collect();
    let given = memories.len() as u64;
    let landed = store::memory::memory_insert_imported(&mut act.tx, &memories, now).await?;
    let landed = landed.len() as u64;
    report.imported += landed;
    report.duplicates += given - landed;
    report.failed += batch.len() as u64 - given;
    let room = MAX_REPORTED_PROBLEMS.saturating_sub(report.problems.len());
    report
        .problems
        .extend(batch.iter().filter_map(Record::problem).take(room));

    store::import::import_set_report(&mut act.tx, id, report).await?;
    let done = batch.last().map_or(0, |record| record.end);
    let done = i64::try_from(done).unwrap_or(i64::MAX);
    lease.progress(&mut act.tx, done, size, now).await?;
    enqueue_embedding(ctx, &mut act.tx, actor).await?;
    act.commit(Target::import(id).changed(json!({ "imported": landed })))
        .await?;
    ctx.jobs_wake.notify_one();
    Ok(())
}

/// Reads the file on a thread of its own, ahead of the database by one
/// batch, skipping the `seen` records of an earlier attempt.
fn batches(format: ImportFormat, file: Vec<u8>, seen: u64) -> mpsc::Receiver<Vec<Record>> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::task::spawn_blocking(move || {
        // `import_start` has refused what isn't text.
        let Ok(body) = parse::text_of(format, &file) else {
            return;
        };
        let seen = usize::try_from(seen).unwrap_or(usize::MAX);
        let mut records = parse::records(format, body).skip(seen).peekable();
        while records.peek().is_some() {
            let batch: Vec<_> = records.by_ref().take(BATCH).collect();
            if sender.blocking_send(batch).is_err() {
                return; // The job was given up.
            }
        }
    });
    receiver
}

/// What makes two imported records the same: all that they say.
fn digest_of(text: &MemoryText) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [text.title.as_str(), text.content.as_str(), text.kind.key()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    for tag in &text.tags {
        hash.update((tag.len() as u64).to_be_bytes());
        hash.update(tag);
    }
    hash.finalize().into()
}
