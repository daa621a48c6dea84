//! What a memory was: how one version differs from the next, and back to it.

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
    memory_edit::{Edit, audience_to_ask},
};

/// Up to so many bytes on both sides together words are compared; beyond that
/// lines are.
const WORDS_UP_TO: usize = 40_000;
/// Where comparing takes longer, what is left counts as replaced.
const LONGEST: Duration = Duration::from_millis(200);

/// One page of what an own memory said before each change, newest first.
///
/// # Errors
/// [`AppError::NotFound`] when it doesn't exist or isn't in sight;
/// [`AppError::Invalid`] for a broken `after`.
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

/// What an own memory said at version `version`, before it was changed.
///
/// # Errors
/// [`AppError::NotFound`] when it isn't an own memory, or has no such version
/// before the current one.
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

/// How version `version` of an own memory differs from the one after it.
///
/// # Errors
/// [`AppError::NotFound`] when it isn't an own memory, or has no such version
/// before the current one.
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
    let needs_review = audience_to_ask(&mut act.tx, actor, &current)
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
    let (title, content) = compared(titles, contents).await?;
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

/// Makes an own memory again what it was at version `version`, as a new
/// version, or proposes that where a change needs a review; `current` is the
/// one that was shown. What it is besides its words stays. Returns the memory
/// as others see it then.
///
/// # Errors
/// [`AppError::NotFound`] when it isn't an own memory or has no such version;
/// [`AppError::Conflict`] when it was changed meanwhile;
/// [`AppError::Forbidden`].
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

/// How two texts differ, as [`spans`], off the thread that serves requests.
pub(crate) async fn compared(
    titles: (String, String),
    contents: (String, String),
) -> Result<(Vec<DiffSpan>, Vec<DiffSpan>), AppError> {
    let compared = tokio::task::spawn_blocking(move || {
        (spans(&titles.0, &titles.1), spans(&contents.0, &contents.1))
    });
    compared.await.map_err(|_| AppError::Internal)
}

/// What was deleted and inserted between two texts, in the order of reading.
fn spans(before: &str, after: &str) -> Vec<DiffSpan> {
    let mut config = TextDiff::configure();
    config.timeout(LONGEST);
    let diff = if before.len() + after.len() <= WORDS_UP_TO {
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

    fn joined(spans: &[DiffSpan], without: DiffKind) -> String {
        let kept = spans.iter().filter(|span| span.kind != without);
        kept.map(|span| span.text.as_str()).collect()
    }

    #[test]
    fn words_that_came_and_went_are_told_and_nothing_is_lost() {
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
        assert_eq!(joined(&spans, DiffKind::Inserted), before);
        assert_eq!(joined(&spans, DiffKind::Deleted), after);
    }

    /// The worst texts that a memory can have: nothing in common, all on
    /// lines of their own.
    #[test]
    fn comparing_the_largest_texts_is_bounded() {
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
        assert_eq!(joined(&spans, DiffKind::Inserted), before);
        assert_eq!(joined(&spans, DiffKind::Deleted), after);
    }
}
