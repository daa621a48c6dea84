//! Versions of a memory: list, compare and restore.

use std::time::Duration;

use domain::{
    Action, Actor, AppError, MemoryId, Page,
    memory::{ChangedMemory, MemoryChange, MemoryText, MemoryVersion},
    memory_version::{
        DiffKind, DiffSpan, VersionDiff, VersionListInput, VersionPath, VersionRestoreInput,
        VersionSide,
    },
    paging::PAGE_SIZE,
};
use similar::{ChangeTag, TextDiff};
use store::memory as memories;

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    memory_edit::{Edit, review_audience},
    operation::{Done, Endpoint, Group, Operation, Route, operations},
};

operations! {
    MemoryVersionList,
    MemoryVersionGet,
    MemoryVersionDiff,
    MemoryVersionRestore,
}

/// Total size of both sides up to which words are compared; above it, lines.
const MAX_WORD_DIFF_BYTES: usize = 40_000;
/// When comparing takes longer, the rest counts as replaced.
const DIFF_TIMEOUT: Duration = Duration::from_millis(200);

/// All earlier versions of an own memory, newest first, for its page.
pub async fn memory_versions(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryId,
) -> Result<Vec<MemoryVersion>, AppError> {
    let mut tx = AuthorizedTx::begin(ctx, actor, Action::MemoryGet).await?;
    memories::memory_get(&mut tx, id).await?;
    Ok(memories::memory_versions(&mut tx, id).await?)
}

pub struct MemoryVersionList;

impl Operation for MemoryVersionList {
    const ACTION: Action = Action::MemoryGet;
    const ROUTE: Route = Route::get("/memories/{id}/versions");
    const GROUP: Group = Group::Memories;
    const TITLE: &'static str = "List a memory's earlier versions";
    const DESCRIPTION: &'static str = "For your own memories, newest first. Memories of others have none, because they may contain what was removed before sharing.";
    type Input = VersionListInput;
    type Output = Page<MemoryVersion>;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        VersionListInput { id, after }: VersionListInput,
    ) -> Result<Done<Page<MemoryVersion>>, AppError> {
        memories::memory_get(tx, id).await?;
        let after = after.as_deref();
        let page = memories::memory_version_page(tx, id, after, PAGE_SIZE).await?;
        Ok(Done::read(page))
    }
}

pub struct MemoryVersionGet;

impl Operation for MemoryVersionGet {
    const ACTION: Action = Action::MemoryGet;
    const ROUTE: Route = Route::get("/memories/{id}/versions/{version}");
    const GROUP: Group = Group::Memories;
    const TITLE: &'static str = "Get an earlier version of a memory";
    const DESCRIPTION: &'static str =
        "For your own memories. The current version is not an earlier one.";
    type Input = VersionPath;
    type Output = MemoryVersion;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        VersionPath { id, version }: VersionPath,
    ) -> Result<Done<MemoryVersion>, AppError> {
        let (found, _) = memories::memory_version_and_next(tx, id, version).await?;
        Ok(Done::read(found))
    }
}

/// Not an [`Operation`]: no transaction is open while texts are compared.
pub struct MemoryVersionDiff;

impl Endpoint for MemoryVersionDiff {
    const ACTION: Action = Action::MemoryGet;
    const ROUTE: Route = Route::get("/memories/{id}/versions/{version}/diff");
    const GROUP: Group = Group::Memories;
    const TITLE: &'static str = "Compare an earlier version of a memory with the next";
    const DESCRIPTION: &'static str =
        "For your own memories: title and text as unchanged, deleted and inserted spans.";
    type Input = VersionPath;
    type Output = VersionDiff;

    async fn call(
        ctx: &Ctx,
        actor: &Actor,
        VersionPath { id, version }: VersionPath,
    ) -> Result<VersionDiff, AppError> {
        let mut tx = AuthorizedTx::begin(ctx, actor, Action::MemoryGet).await?;
        let current = memories::memory_get(&mut tx, id).await?;
        let found = memories::memory_version_and_next(&mut tx, id, version).await;
        let (change, next) = found?;
        let needs_review = review_audience(&mut tx, actor, &current).await?.is_some();
        drop(tx);
        let before = VersionSide::from(&change);
        let after = next
            .as_ref()
            .map_or_else(|| VersionSide::from(&current), VersionSide::from);
        let contents = (
            change.content.clone(),
            next.map_or(current.content, |next| next.content),
        );
        let titles = (change.title.clone(), after.title.clone());
        let (title, content) = diff_texts(titles, contents).await?;
        Ok(VersionDiff {
            memory_id: id,
            memory_version: current.version,
            may_restore: current.is_own && current.deleted_at.is_none(),
            needs_review,
            before,
            after,
            changed_by_name: change.changed_by_name,
            changed_at: change.changed_at,
            reason: change.reason,
            title,
            content,
        })
    }
}

pub struct MemoryVersionRestore;

impl Operation for MemoryVersionRestore {
    const ACTION: Action = Action::MemoryVersionRestore;
    const ROUTE: Route = Route::post("/memories/{id}/versions/{version}/restore").or_pending();
    const GROUP: Group = Group::Memories;
    const TITLE: &'static str = "Restore an earlier version of a memory";
    const DESCRIPTION: &'static str = "Restores the text of your own memory as a new version, or as a proposal if changes need review. Its other \
         attributes are unchanged. If it has changed since `current`, the answer is 409.";
    type Input = VersionRestoreInput;
    type Output = ChangedMemory;

    fn is_pending(output: &ChangedMemory) -> bool {
        output.proposal_id.is_some()
    }

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: VersionRestoreInput,
    ) -> Result<Done<ChangedMemory>, AppError> {
        let VersionRestoreInput {
            id,
            version,
            current,
        } = input;
        tx.set_about(AuditTarget::of(id));
        let (earlier, _) = memories::memory_version_and_next(tx, id, version).await?;
        let change = MemoryChange {
            reason: Some(format!("Restored version {version}")),
            ..MemoryChange::of(MemoryText {
                title: earlier.title,
                content: earlier.content,
                kind: earlier.kind,
                tags: earlier.tags,
            })
        };
        let edit = Edit {
            id,
            version: current,
            change: &change,
            restores: Some(version),
        };
        edit.run(tx).await
    }
}

/// The differences between two titles and two contents, computed on a blocking
/// thread.
pub(crate) async fn diff_texts(
    titles: (String, String),
    contents: (String, String),
) -> Result<(Vec<DiffSpan>, Vec<DiffSpan>), AppError> {
    let diffs = tokio::task::spawn_blocking(move || {
        (spans(&titles.0, &titles.1), spans(&contents.0, &contents.1))
    });
    diffs.await.map_err(|_| AppError::Internal)
}

/// The unchanged, deleted and inserted parts, in reading order.
fn spans(before: &str, after: &str) -> Vec<DiffSpan> {
    let mut config = TextDiff::configure();
    config.timeout(DIFF_TIMEOUT);
    let diff = if before.len() + after.len() <= MAX_WORD_DIFF_BYTES {
        config.diff_words(before, after)
    } else {
        config.diff_lines(before, after)
    };
    let mut spans: Vec<DiffSpan> = Vec::new();
    for change in diff.iter_all_changes() {
        let kind = match change.tag() {
            ChangeTag::Equal => DiffKind::Same,
            ChangeTag::Delete => DiffKind::Deleted,
            ChangeTag::Insert => DiffKind::Inserted,
        };
        match spans.last_mut() {
            Some(last) if last.kind == kind => last.text.push_str(change.value()),
            _ => spans.push(DiffSpan {
                kind,
                text: change.value().to_owned(),
            }),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_without(spans: &[DiffSpan], without: DiffKind) -> String {
        let kept = spans.iter().filter(|span| span.kind != without);
        kept.map(|span| span.text.as_str()).collect()
    }

    #[test]
    fn changed_words_are_marked_and_no_text_is_lost() {
        let (before, after) = ("Tea at three, with milk", "Tea at four, with milk");
        let spans = spans(before, after);
        let changed: Vec<_> = spans
            .iter()
            .filter(|span| span.kind != DiffKind::Same)
            .map(|span| (span.kind, span.text.as_str()))
            .collect();
        assert_eq!(
            changed,
            [(DiffKind::Deleted, "three,"), (DiffKind::Inserted, "four,")]
        );
        assert_eq!(text_without(&spans, DiffKind::Inserted), before);
        assert_eq!(text_without(&spans, DiffKind::Deleted), after);
    }

    /// The worst case: texts of maximum size without a common line.
    #[test]
    fn diff_of_largest_texts_is_bounded() {
        let lines = |from: u32| -> String {
            (from..)
                .map(|n| format!("{:x}\n", n.wrapping_mul(2_654_435_761)))
                .scan(0, |length, line| {
                    *length += line.len();
                    (*length <= domain::memory::MAX_CONTENT_BYTES).then_some(line)
                })
                .collect()
        };
        let (before, after) = (lines(0), lines(1_000_000));
        let started = tokio::time::Instant::now();
        let spans = spans(&before, &after);
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "{:?}",
            started.elapsed()
        );
        assert_eq!(text_without(&spans, DiffKind::Inserted), before);
        assert_eq!(text_without(&spans, DiffKind::Deleted), after);
    }
}
