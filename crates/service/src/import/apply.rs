//! The job that applies an import.
//!
//! The file is read once to validate it, then for its records: first those that
//! are no replies, then the replies, whose parents exist by then. Records come
//! in the same order each time, and the report is committed with each batch, so
//! its counts say where the next attempt continues.

use std::{
    collections::{HashMap, HashSet},
    ops::ControlFlow,
};

use domain::{
    Action, Actor, ImportId, MemoryId, PersonaId, Timestamp,
    import::{
        ImportFormat, ImportOptions, ImportProblem, ImportReport, ImportState,
        MAX_REPORTED_PROBLEMS,
    },
};
use interchange::{Item, ReadError};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::{StoreError, import::ImportedMemory};
use tokio::{sync::mpsc, task::spawn_blocking};

use super::{land, source::ChunkSource};
use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    job::{JobError, Lease, enqueue_embedding},
};

/// Limits of one transaction: number of records, and bytes of their text.
const BATCH_RECORDS: usize = 500;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// The job's payload.
#[derive(Serialize, Deserialize)]
pub(crate) struct ImportJob {
    import_id: ImportId,
}

/// Writes the records of a file in batches. Each batch commits together with
/// the report, so that an interrupted attempt continues exactly where it
/// stopped.
pub(crate) async fn import_apply(
    ctx: &Ctx,
    actor: &Actor,
    job: &ImportJob,
    lease: &Lease,
) -> Result<(), JobError> {
    let id = job.import_id;
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ImportApply).await?;
    let import = store::import::import_get(&mut act.tx, id).await?;
    let choice = store::import::import_options(&mut act.tx, id).await?;
    // An earlier attempt wrote the last batch and deleted the file.
    if let Err(StoreError::NotFound) = store::import::import_chunk(&mut act.tx, id, 0).await {
        return Ok(());
    }
    drop(act);
    if import.state != ImportState::Started {
        return Err(JobError::Failed(
            "The file is waiting for review.".to_owned(),
        ));
    }
    let file = FileReader {
        format: import.format,
        choice,
        now: ctx.clock.now(),
    };
    let size = u64::try_from(import.size).unwrap_or_default();
    let source = ChunkSource::new(ctx, actor, id, size);
    let mut report = import.report;
    let (file, mut source, contents) = blocking(move || {
        let mut source = source;
        let contents = file.scan(&mut source);
        (file, source, contents)
    })
    .await?;
    let contents = match contents {
        Ok(contents) => contents,
        Err(ReadError::Refused(reason)) => {
            report.failed += 1;
            report.problems.push(ImportProblem {
                line: 0,
                entry: None,
                reason,
            });
            return finish(ctx, actor, id, &report).await;
        }
        Err(ReadError::Source(error)) => return Err(unreadable(&error)),
    };
    lease.check()?;

    let total = i64::try_from(contents.records).unwrap_or(i64::MAX);
    let mut seen = report.imported + report.duplicates + report.failed;
    let (sender, mut batches) = mpsc::channel(1);
    let reader =
        tokio::task::spawn_blocking(move || file.send(&mut source, &contents, seen, &sender));
    while let Some(batch) = batches.recv().await {
        lease.check()?;
        seen += batch.len() as u64;
        let done = i64::try_from(seen).unwrap_or(i64::MAX);
        apply_batch(ctx, actor, id, batch, &mut report, (done, total), lease).await?;
    }
    match reader.await {
        Ok(Ok(())) => finish(ctx, actor, id, &report).await,
        Ok(Err(ReadError::Source(error))) => Err(unreadable(&error)),
        // The first pass read the file to its end.
        Ok(Err(ReadError::Refused(reason))) => Err(JobError::Failed(reason)),
        Err(error) => {
            tracing::error!(%error, "reading a file given for import panicked");
            Err(JobError::Failed("The file could not be read.".to_owned()))
        }
    }
}

fn unreadable(error: &std::io::Error) -> JobError {
    tracing::warn!(%error, "a file given for import could not be read");
    JobError::Failed("The file could not be read to its end.".to_owned())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JobError> {
    spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "reading a file given for import panicked");
        JobError::Failed("The file could not be read.".to_owned())
    })
}

async fn finish(
    ctx: &Ctx,
    actor: &Actor,
    id: ImportId,
    report: &ImportReport,
) -> Result<(), JobError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ImportApply).await?;
    store::import::import_set_report(&mut act.tx, id, report).await?;
    store::import::import_chunks_clear(&mut act.tx, id).await?;
    let changes = json!({
        "finished": true,
        "imported": report.imported,
        "duplicates": report.duplicates,
        "failed": report.failed,
    });
    act.commit(AuditTarget::of(id).with_changes(changes))
        .await?;
    Ok(())
}

/// Reads the records of a file.
struct FileReader {
    format: ImportFormat,
    choice: ImportOptions,
    now: Timestamp,
}

/// A truncated digest of a record's key, which can be of any length.
type Key = [u8; 16];

fn key_of(key: &str) -> Key {
    let digest: [u8; 32] = Sha256::digest(key).into();
    let mut short = [0; 16];
    short.copy_from_slice(&digest[..16]);
    short
}

/// Summary of a file from the first pass.
struct FileContents {
    records: u64,
    /// Keys of records that have replies.
    parents: HashSet<Key>,
}

/// A record ready to be written.
struct PreparedRecord {
    item: Item,
    digest: [u8; 32],
    /// Digest of the record that it replies to.
    parent: Option<[u8; 32]>,
}

impl FileReader {
    fn for_each(
        &self,
        source: &mut ChunkSource,
        each: &mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        interchange::read(source, self.format, &self.choice, &mut |item| {
            each(land::checked(item, self.now))
        })
    }

    /// Reads the whole file once, so that a malicious file is rejected before
    /// any record is written.
    fn scan(&self, source: &mut ChunkSource) -> Result<FileContents, ReadError> {
        let mut records = 0;
        let mut keys = HashSet::new();
        let mut parent_keys = HashSet::new();
        self.for_each(source, &mut |item| {
            records += 1;
            if let Ok(record) = &item.record {
                match &record.parent {
                    Some(parent) => {
                        parent_keys.insert(key_of(parent));
                    }
                    None => keys.extend(record.key.as_deref().map(key_of)),
                }
            }
            ControlFlow::Continue(())
        })?;
        parent_keys.retain(|parent| keys.contains(parent));
        Ok(FileContents {
            records,
            parents: parent_keys,
        })
    }

    /// Sends the records after the first `seen` in batches, at most one batch
    /// ahead of the database.
    fn send(
        &self,
        source: &mut ChunkSource,
        contents: &FileContents,
        seen: u64,
        sender: &mpsc::Sender<Vec<PreparedRecord>>,
    ) -> Result<(), ReadError> {
        let mut batches = Batcher {
            skip: seen,
            batch: Vec::new(),
            bytes: 0,
            sender,
        };
        let mut parent_digests: HashMap<Key, [u8; 32]> = HashMap::new();
        self.for_each(source, &mut |item| {
            let Ok(record) = &item.record else {
                return batches.push(PreparedRecord {
                    item,
                    digest: [0; 32],
                    parent: None,
                });
            };
            if is_reply(&item, contents) {
                return ControlFlow::Continue(());
            }
            let digest = land::digest_of(record);
            if let Some(key) = record.key.as_deref().map(key_of)
                && contents.parents.contains(&key)
            {
                parent_digests.insert(key, digest);
            }
            batches.push(PreparedRecord {
                item,
                digest,
                parent: None,
            })
        })?;
        if !contents.parents.is_empty() {
            // Parents must be written before their first reply.
            if batches.send().is_break() {
                return Ok(());
            }
            self.for_each(source, &mut |item| {
                let Ok(record) = &item.record else {
                    return ControlFlow::Continue(());
                };
                if !is_reply(&item, contents) {
                    return ControlFlow::Continue(());
                }
                let parent = record.parent.as_deref().map(key_of);
                batches.push(PreparedRecord {
                    digest: land::digest_of(record),
                    parent: parent.and_then(|parent| parent_digests.get(&parent).copied()),
                    item,
                })
            })?;
        }
        let _ = batches.send();
        Ok(())
    }
}

/// True if the record replies to another one in the file. A reply to a missing
/// record is imported as a memory of its own.
fn is_reply(item: &Item, contents: &FileContents) -> bool {
    let parent = item
        .record
        .as_ref()
        .ok()
        .and_then(|record| record.parent.as_deref());
    parent.is_some_and(|parent| contents.parents.contains(&key_of(parent)))
}

struct Batcher<'a> {
    skip: u64,
    batch: Vec<PreparedRecord>,
    bytes: usize,
    sender: &'a mpsc::Sender<Vec<PreparedRecord>>,
}

impl Batcher<'_> {
    fn push(&mut self, prepared: PreparedRecord) -> ControlFlow<()> {
        if self.skip > 0 {
            self.skip -= 1;
            return ControlFlow::Continue(());
        }
        self.bytes += prepared.item.record.as_ref().map_or(0, |record| {
            let earlier = record
                .earlier
                .iter()
                .map(|earlier| earlier.text.content.len());
            record.text.content.len() + earlier.sum::<usize>()
        });
        self.batch.push(prepared);
        if self.batch.len() >= BATCH_RECORDS || self.bytes >= BATCH_BYTES {
            self.send()
        } else {
            ControlFlow::Continue(())
        }
    }

    /// Breaks if the receiver is gone because the job ended.
    fn send(&mut self) -> ControlFlow<()> {
        self.bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() || self.sender.blocking_send(batch).is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}

async fn apply_batch(
    ctx: &Ctx,
    actor: &Actor,
    id: ImportId,
    batch: Vec<PreparedRecord>,
    report: &mut ImportReport,
    (done, total): (i64, i64),
    lease: &Lease,
) -> Result<(), JobError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ImportApply).await?;
    let now = ctx.clock.now();
    // Comes before the audit row, as everywhere: another order could deadlock
    // two transactions.
    enqueue_embedding(ctx, &mut act.tx, actor).await?;
    let personas = ensure_personas(ctx, &mut act, &batch, now).await?;
    let parents = find_parents(&mut act, &batch, now).await?;
    let mut memories = Vec::new();
    for prepared in &batch {
        let Ok(record) = &prepared.item.record else {
            continue;
        };
        let persona_id = record
            .persona
            .as_ref()
            .and_then(|name| personas.get(name).copied());
        let (created_at, updated_at) = land::moments(record, now);
        memories.push(ImportedMemory {
            id: ctx.ids.id(),
            memory: land::new_memory(record, persona_id, now)?,
            parent_id: prepared
                .parent
                .and_then(|digest| parents.get(&digest).copied()),
            created_at,
            updated_at,
            version: record.version,
            earlier: land::earlier(record, now),
            digest: prepared.digest,
        });
    }
    let valid = memories.len() as u64;
    let imported = store::import::memory_insert_imported(&mut act.tx, &memories, now).await?;
    let imported: HashSet<_> = imported.into_iter().collect();
    let valid_items = batch.iter().filter(|prepared| prepared.item.record.is_ok());
    for (prepared, memory) in valid_items.zip(&memories) {
        // A duplicate is not changed by the import.
        let change = prepared.item.change();
        let Some(change) = change.filter(|_| imported.contains(&memory.id)) else {
            continue;
        };
        report.changed += 1;
        if report.changes.len() < MAX_REPORTED_PROBLEMS {
            report.changes.push(change);
        }
    }
    let imported = imported.len() as u64;
    report.imported += imported;
    report.duplicates += valid - imported;
    report.failed += batch.len() as u64 - valid;
    let room = MAX_REPORTED_PROBLEMS.saturating_sub(report.problems.len());
    let problems = batch.iter().filter_map(|prepared| prepared.item.problem());
    report.problems.extend(problems.take(room));

    store::import::import_set_report(&mut act.tx, id, report).await?;
    lease.progress(&mut act.tx, done, total, now).await?;
    act.commit(AuditTarget::of(id).with_changes(json!({ "imported": imported })))
        .await?;
    ctx.jobs_wake.notify_one();
    Ok(())
}

/// The importer's personas named in the batch, created if missing.
async fn ensure_personas(
    ctx: &Ctx,
    act: &mut AuthorizedTx<'_>,
    batch: &[PreparedRecord],
    now: Timestamp,
) -> Result<HashMap<String, PersonaId>, JobError> {
    let names: HashSet<&String> = batch
        .iter()
        .filter_map(|prepared| prepared.item.record.as_ref().ok()?.persona.as_ref())
        .collect();
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let wanted: Vec<_> = names
        .into_iter()
        .map(|name| (ctx.ids.id(), name.clone()))
        .collect();
    Ok(store::import::persona_ensure(&mut act.tx, &wanted, now).await?)
}

/// The memories that the batch's replies reply to, by digest.
async fn find_parents(
    act: &mut AuthorizedTx<'_>,
    batch: &[PreparedRecord],
    now: Timestamp,
) -> Result<HashMap<[u8; 32], MemoryId>, JobError> {
    let wanted: HashSet<[u8; 32]> = batch
        .iter()
        .filter_map(|prepared| prepared.parent)
        .collect();
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let wanted: Vec<_> = wanted.into_iter().collect();
    let found = store::import::import_parents(&mut act.tx, &wanted, now).await?;
    Ok(found
        .into_iter()
        .map(|parent| (parent.digest, parent.id))
        .collect())
}
