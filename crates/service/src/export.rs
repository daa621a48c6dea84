//! Downloading all memories that match a filter.
//!
//! An export runs only while the client reads it, within the time and the
//! number per member that [`Quotas`](crate::Quotas) allow. It checks this
//! between small reads, so that no statement is interrupted.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Instant,
};

use domain::{
    Action, Actor, AppError, MemoryId, TenantId, Timestamp, UserId,
    memory::{MemoryCriteria, MemoryFilter},
};
use interchange::{EarlierText, ExportFormat, Record, Writer};
use serde_json::json;
use store::memory::{ExportRow, MemoryPage, export_rows, export_versions, memory_list};
use tokio::{sync::mpsc, time::timeout};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
};

/// Memories per page of the list; each page is one transaction.
const PAGE_SIZE: u16 = 500;
/// Memories read with their full text in one transaction.
const RECORDS_PER_READ: usize = 25;
/// Bytes sent at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Suggested delay when the member has too many exports running.
const RETRY_SECONDS: u32 = 30;

/// Number of running exports of each member.
#[derive(Clone, Debug, Default)]
pub struct Exports(Arc<Mutex<HashMap<(TenantId, UserId), usize>>>);

/// Permission for one export, released on drop.
struct Slot {
    exports: Exports,
    member: (TenantId, UserId),
}

impl Exports {
    fn lock(&self) -> MutexGuard<'_, HashMap<(TenantId, UserId), usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_acquire(&self, actor: &Actor, at_most: usize) -> Result<Slot, AppError> {
        let member = (actor.tenant_id, actor.user_id);
        let mut running = self.lock();
        let own = running.get(&member).copied().unwrap_or_default();
        if own >= at_most {
            return Err(AppError::TooManyRequests {
                retry_after_seconds: RETRY_SECONDS,
            });
        }
        running.insert(member, own + 1);
        Ok(Slot {
            exports: self.clone(),
            member,
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut running = self.exports.lock();
        match running.get(&self.member) {
            Some(own) if *own > 1 => {
                let left = *own - 1;
                running.insert(self.member, left);
            }
            _ => {
                running.remove(&self.member);
            }
        }
    }
}

/// A running download.
pub struct Export {
    chunks: mpsc::Receiver<Vec<u8>>,
    outcome: Outcome,
    is_done: bool,
}

/// Result of the task that writes an export; set when it ends.
type Outcome = Arc<OnceLock<Result<(), AppError>>>;

impl Export {
    /// The next bytes; `None` at the end. An error means that the file is
    /// incomplete.
    pub async fn next(&mut self) -> Option<Result<Vec<u8>, AppError>> {
        if let Some(chunk) = self.chunks.recv().await {
            return Some(Ok(chunk));
        }
        if std::mem::replace(&mut self.is_done, true) {
            return None;
        }
        // Without an outcome the task panicked.
        let outcome = self.outcome.get().cloned();
        outcome.unwrap_or(Err(AppError::Internal)).err().map(Err)
    }
}

/// Exports the visible memories that match `filter` as a file in `format`,
/// written while it is read. Audited before the first byte, and at the end with
/// the number of memories.
///
/// # Errors
/// [`AppError::TooManyRequests`] while the member has too many exports running.
pub async fn memory_export(
    ctx: &Ctx,
    actor: &Actor,
    filter: &MemoryFilter,
    format: ExportFormat,
) -> Result<Export, AppError> {
    let act = AuthorizedTx::begin(ctx, actor, Action::MemoryExport).await?;
    // Rejects an invalid filter before anything is sent.
    let criteria = MemoryCriteria::parse(filter)?;
    let slot = ctx.exports.try_acquire(actor, ctx.quotas.exports)?;
    let request = json!({ "format": format.key(), "filter": filter });
    act.commit(AuditTarget::several::<MemoryId>().with_changes(request))
        .await?;
    let (sender, chunks) = mpsc::channel(2);
    let outcome = Outcome::default();
    let task = Task {
        ctx: ctx.clone(),
        actor: actor.clone(),
        criteria,
        format,
        sender,
        started: Instant::now(),
        slot,
    };
    tokio::spawn(task.run(outcome.clone()));
    Ok(Export {
        chunks,
        outcome,
        is_done: false,
    })
}

struct Task {
    ctx: Ctx,
    actor: Actor,
    criteria: MemoryCriteria,
    format: ExportFormat,
    sender: mpsc::Sender<Vec<u8>>,
    started: Instant,
    slot: Slot,
}

/// The reason why an export ended early.
enum ExportStopped {
    Failed(AppError),
    /// The client stopped reading.
    Disconnected,
    /// Took longer than the quota allows.
    TimedOut,
}

impl<E: Into<AppError>> From<E> for ExportStopped {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

fn write_error(error: &io::Error) -> AppError {
    tracing::error!(%error, "an export could not be written");
    AppError::Internal
}

impl Task {
    async fn run(self, outcome: Outcome) {
        let mut count = 0;
        let ended = self.write(&mut count).await.map_err(|ended| match ended {
            ExportStopped::Failed(error) => error,
            ExportStopped::Disconnected => AppError::Unavailable {
                message: "The download was not completed.".to_owned(),
            },
            ExportStopped::TimedOut => AppError::TooLarge {
                message:
                    "This export takes too long. Use filters to export fewer memories at a time."
                        .to_owned(),
            },
        });
        let is_complete = ended.is_ok();
        if let Err(error) = &ended {
            tracing::warn!(%error, count, "an export was aborted");
        }
        // Must be set before the channel closes, because `Export::next` reads
        // it then.
        let _ = outcome.set(ended);
        if let Err(error) = self.audit_end(count, is_complete).await {
            tracing::warn!(%error, "the end of an export could not be recorded");
        }
        drop(self.slot);
    }

    /// Fails if the client is gone or the time is up.
    fn check(&self) -> Result<(), ExportStopped> {
        if self.sender.is_closed() {
            return Err(ExportStopped::Disconnected);
        }
        if self.started.elapsed() >= self.ctx.quotas.export_time {
            return Err(ExportStopped::TimedOut);
        }
        Ok(())
    }

    async fn audit_end(&self, count: u64, is_complete: bool) -> Result<(), AppError> {
        let act = AuthorizedTx::begin(&self.ctx, &self.actor, Action::MemoryExport).await?;
        let ended =
            json!({ "format": self.format.key(), "memories": count, "finished": is_complete });
        act.commit(AuditTarget::several::<MemoryId>().with_changes(ended))
            .await
    }

    async fn write(&self, count: &mut u64) -> Result<(), ExportStopped> {
        let mut out = Vec::new();
        let mut writer = Writer::new(self.format, &mut out);
        let mut after = None;
        loop {
            self.check()?;
            let now = self.ctx.clock.now();
            let (ids, next) = self.page(after.as_deref()).await?;
            for ids in ids.chunks(RECORDS_PER_READ) {
                self.check()?;
                for record in self.records(ids, now).await? {
                    writer
                        .record(&record, &mut out)
                        .map_err(|error| write_error(&error))?;
                    *count += 1;
                    if out.len() >= CHUNK_BYTES {
                        self.send(&mut out).await?;
                    }
                }
            }
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        writer.end(&mut out).map_err(|error| write_error(&error))?;
        self.send(&mut out).await
    }

    /// A page of ids in the order of the memory list.
    async fn page(
        &self,
        after: Option<&str>,
    ) -> Result<(Vec<MemoryId>, Option<String>), ExportStopped> {
        let page = MemoryPage {
            after,
            ..MemoryPage::first(PAGE_SIZE)
        };
        let mut tx = self.ctx.store.begin(&self.actor).await?;
        let page = memory_list(&mut tx, &self.criteria, page, self.ctx.clock.now()).await?;
        let ids = page.items.iter().map(|memory| memory.id).collect();
        Ok((ids, page.next))
    }

    /// Memories with full text and replies. The transaction ends before they
    /// are sent.
    async fn records(
        &self,
        ids: &[MemoryId],
        now: Timestamp,
    ) -> Result<Vec<Record>, ExportStopped> {
        let mut tx = self.ctx.store.begin(&self.actor).await?;
        let rows = export_rows(&mut tx, ids, self.criteria.trash, now).await?;
        let changed: Vec<_> = rows
            .iter()
            .filter(|row| self.format.has_versions() && row.is_own && row.version > 1)
            .map(|row| row.id)
            .collect();
        let versions = if changed.is_empty() {
            Vec::new()
        } else {
            export_versions(&mut tx, &changed).await?
        };
        drop(tx);
        let mut records: Vec<_> = rows.into_iter().map(record).collect();
        for (id, version) in versions {
            let key = id.to_string();
            let Some(record) = records
                .iter_mut()
                .find(|record| record.key.as_ref() == Some(&key))
            else {
                continue;
            };
            // Skips versions written after the memory was read.
            if version.version >= record.version {
                continue;
            }
            record.earlier.push(EarlierText {
                version: version.version,
                text: domain::memory::MemoryText {
                    title: version.title,
                    content: version.content,
                    kind: version.kind,
                    tags: version.tags,
                },
                changed_at: version.changed_at,
                change_reason: version.reason,
            });
        }
        Ok(records)
    }

    async fn send(&self, out: &mut Vec<u8>) -> Result<(), ExportStopped> {
        if out.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::take(out);
        let sent = timeout(
            self.ctx.quotas.export_chunk_timeout,
            self.sender.send(chunk),
        )
        .await;
        sent.map_err(|_| ExportStopped::Disconnected)?
            .map_err(|_| ExportStopped::Disconnected)
    }
}

fn record(row: ExportRow) -> Record {
    Record {
        key: Some(row.id.to_string()),
        parent: row.parent_id.map(|id| id.to_string()),
        text: row.text,
        attributes: row.attributes.into(),
        persona: row.persona,
        origin: Some(row.origin.key().to_owned()),
        source_session_id: row.source_session_id,
        created_at: Some(row.created_at),
        updated_at: Some(row.updated_at),
        version: row.version,
        earlier: Vec::new(),
        visibility: Some(row.visibility),
        owner: Some(row.owner),
        notes: Vec::new(),
    }
}
