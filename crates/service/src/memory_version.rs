//! Versions of a memory: list, compare and restore.

use std::time::Duration;

use domain::{
    Action, Actor, AppError, MemoryId, Page,
    memory::{Memory, MemoryChange, MemoryText, MemoryVersion},
    memory_version::{DiffKind, DiffSpan, VersionDiff, VersionSide},
    paging::PAGE_SIZE,
    share::EditOutcome,
};
use similar::{ChangeTag, TextDiff};

use crate::{
    Ctx,
    authorized_tx::AuthorizedTx,
    memory_edit::{Edit, review_audience},
};

/// Total size of both sides up to which words are compared; above it, lines.
const MAX_WORD_DIFF_BYTES: usize = 40_000;
/// When comparing takes longer, the rest counts as replaced.
const DIFF_TIMEOUT: Duration = Duration::from_millis(200);

/// One page of the earlier versions of an own memory, newest first.
pub async fn memory_version_list(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryId,
    after: Option<&str>,
) -> Result<Page<MemoryVersion>, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryGet).await?;
    store::memory::memory_get(&mut act.tx, id).await?;
    Ok(store::memory::memory_version_page(&mut act.tx, id, after, PAGE_SIZE).await?)
}

/// One earlier version of an own memory. The current one is not found.
pub async fn memory_version_get(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryId,
    version: i32,
) -> Result<MemoryVersion, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryGet).await?;
    let found = store::memory::memory_version_and_next(&mut act.tx, id, version).await;
    Ok(found?.0)
}

/// The difference between an earlier version of an own memory and the version
/// after it.
pub async fn memory_version_diff(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryId,
    version: i32,
) -> Result<VersionDiff, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryGet).await?;
    let current = store::memory::memory_get(&mut act.tx, id).await?;
    let found = store::memory::memory_version_and_next(&mut act.tx, id, version).await;
    let (change, next) = found?;
    let needs_review = review_audience(&mut act.tx, actor, &current)
        .await?
        .is_some();
    drop(act);
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

/// Restores the text of version `version` of an own memory as a new version, or
/// proposes it if a change needs a review; `current` is the version that was
/// displayed. Other attributes stay. Returns the memory as it is visible to
/// others then.
///
/// # Errors
/// [`AppError::Conflict`] if the memory has changed since `current`.
pub async fn memory_version_restore(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryId,
    version: i32,
    current: i32,
) -> Result<(Memory, EditOutcome), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryVersionRestore).await?;
    let found = store::memory::memory_version_and_next(&mut act.tx, id, version).await;
    let (earlier, _) = found?;
    let change = MemoryChange {
        text: MemoryText {
            title: earlier.title,
            content: earlier.content,
            kind: earlier.kind,
            tags: earlier.tags,
        },
        attributes: None,
        reason: Some(format!("Restored version {version}")),
    };
    let edit = Edit {
        id,
        version: current,
        change: &change,
        restores: Some(version),
    };
    let (outcome, memory) = edit.commit(ctx, actor, act).await?;
    Ok((memory, outcome))
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
