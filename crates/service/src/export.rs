//! Downloading the memories that a filter shows, however many there are.

use domain::{
    Action, Actor, AppError, MemoryId, Timestamp,
    memory::{MemoryFilter, MemoryNarrowing},
};
use interchange::{Earlier, ExportFormat, Record, Writer};
use serde_json::json;
use store::{
    cursor::{Cursor, List},
    memory::{ExportRow, export_rows, export_versions, memory_list},
};
use tokio::sync::mpsc;

use crate::{
    Ctx,
    act::{Act, Target},
};

/// Memories of the list in one transaction.
const PAGE: u16 = 500;
/// Memories that are read whole at once.
const WHOLE: usize = 25;
/// Bytes that are sent at once.
const CHUNK: usize = 64 * 1024;

/// A download on its way.
pub struct Export {
    chunks: mpsc::Receiver<Result<Vec<u8>, AppError>>,
}

impl Export {
    /// The next bytes; none at the end. An error means that the file is not
    /// whole.
    pub async fn next(&mut self) -> Option<Result<Vec<u8>, AppError>> {
        self.chunks.recv().await
    }
}

/// The memories in sight that `filter` shows, as a file in `format`, made as
/// it is taken off. It is audited before the first byte is, and again with
/// how many there were.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::Invalid`] for a filter that can't be.
pub async fn memory_export(
    ctx: &Ctx,
    actor: &Actor,
    filter: &MemoryFilter,
    format: ExportFormat,
) -> Result<Export, AppError> {
    let act = Act::begin(ctx, actor, Action::MemoryExport).await?;
    // A filter that can't be is refused before anything is sent.
    let narrowing = MemoryNarrowing::parse(filter)?;
    let asked = json!({ "format": format.key(), "filter": filter });
    act.commit(Target::memories().changed(asked)).await?;
    let (sender, chunks) = mpsc::channel(2);
    let task = Task {
        ctx: ctx.clone(),
        actor: actor.clone(),
        narrowing,
        format,
        sender,
    };
    tokio::spawn(task.run());
    Ok(Export { chunks })
}

struct Task {
    ctx: Ctx,
    actor: Actor,
    narrowing: MemoryNarrowing,
    format: ExportFormat,
    sender: mpsc::Sender<Result<Vec<u8>, AppError>>,
}

/// Why an export ended early.
enum Ended {
    Failed(AppError),
    /// Nobody takes it off any more.
    Left,
}

impl<E: Into<AppError>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Task {
    async fn run(self) {
        let mut count = 0;
        let outcome = self.write(&mut count).await;
        let whole = outcome.is_ok();
        if let Err(Ended::Failed(error)) = outcome {
            tracing::warn!(%error, "an export broke off");
            let _ = self.sender.send(Err(error)).await;
        }
        if let Err(error) = self.note_end(count, whole).await {
            tracing::warn!(%error, "the end of an export could not be recorded");
        }
    }

    async fn note_end(&self, count: u64, whole: bool) -> Result<(), AppError> {
        let act = Act::begin(&self.ctx, &self.actor, Action::MemoryExport).await?;
        let ended = json!({ "format": self.format.key(), "memories": count, "finished": whole });
        act.commit(Target::memories().changed(ended)).await
    }

    async fn write(&self, count: &mut u64) -> Result<(), Ended> {
        let mut out = Vec::new();
        let mut writer = Writer::new(self.format, &mut out);
        let mut after = None;
        loop {
            let now = self.ctx.clock.now();
            let (ids, next) = self.page(after.as_deref()).await?;
            for ids in ids.chunks(WHOLE) {
                for record in self.records(ids, now).await? {
                    writer.record(&record, &mut out);
                    *count += 1;
                    if out.len() >= CHUNK {
                        self.send(&mut out).await?;
                    }
                }
            }
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        while writer.end(&mut out) {
            self.send(&mut out).await?;
        }
        self.send(&mut out).await
    }

    /// A page of the list, as its page shows it.
    async fn page(&self, after: Option<&str>) -> Result<(Vec<MemoryId>, Option<String>), Ended> {
        let after = after
            .map(|text| Cursor::parse(text, List::Memory, self.actor.tenant_id))
            .transpose()?;
        let mut tx = self.ctx.store.begin(&self.actor).await?;
        let page = memory_list(&mut tx, &self.narrowing, after, PAGE, self.ctx.clock.now()).await?;
        let ids = page.items.iter().map(|memory| memory.id).collect();
        Ok((ids, page.next))
    }

    /// Memories, whole, with their replies. No transaction is open while they
    /// are sent.
    async fn records(&self, ids: &[MemoryId], now: Timestamp) -> Result<Vec<Record>, Ended> {
        let mut tx = self.ctx.store.begin(&self.actor).await?;
        let rows = export_rows(&mut tx, ids, self.narrowing.trash, now).await?;
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
            // One that was made since the memory was read is not earlier.
            if version.version >= record.version {
                continue;
            }
            record.earlier.push(Earlier {
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

    async fn send(&self, out: &mut Vec<u8>) -> Result<(), Ended> {
        if out.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::take(out);
        self.sender.send(Ok(chunk)).await.map_err(|_| Ended::Left)
    }
}

fn record(row: ExportRow) -> Record {
    let keys = row.allowed_vendors.keys();
    Record {
        key: Some(row.id.to_string()),
        parent: row.parent_id.map(|id| id.to_string()),
        text: row.text,
        importance: Some(row.importance),
        expires_at: row.expires_at,
        persona: row.persona,
        allowed_vendors: Some(keys.into_iter().map(str::to_owned).collect()),
        origin: Some(row.origin.key().to_owned()),
        source_session_id: row.source_session_id,
        created_at: Some(row.created_at),
        updated_at: Some(row.updated_at),
        version: row.version,
        earlier: Vec::new(),
        visibility: Some(row.visibility),
        owner: Some(row.owner),
    }
}
