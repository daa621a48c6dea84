//! Versions of a memory: the list, the difference to the next version, and
//! restoring.

use domain::{
    AppError, MemoryId, Permission, Timestamp,
    memory::{Memory, MemoryVersion},
    memory_version::{DiffKind, DiffSpan, VersionDiff},
};
use leptos::prelude::*;

use crate::{
    Flash, api,
    forms::{FormState, PostForm},
    profile::IfPermitted,
    ui::{Badge, PageHead, Time, Tone, load_page, path_id},
};
use domain::memory_version::{VersionPath, VersionRestoreInput};

/// The difference between a version and the next one.
pub(crate) async fn memory_version_diff(
    id: MemoryId,
    version: i32,
) -> Result<VersionDiff, AppError> {
    let (ctx, actor) = api::caller()?;
    let path = VersionPath { id, version };
    service::call::<service::MemoryVersionDiff>(&ctx, &actor, path).await
}

/// Restores a version; `current` is the memory's version that the page showed.
#[server(endpoint = "memory_version_restore")]
pub(crate) async fn memory_version_restore(
    id: MemoryId,
    version: i32,
    current: i32,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = VersionRestoreInput {
        id,
        version,
        current,
    };
    let changed = service::call::<service::MemoryVersionRestore>(&ctx, &actor, input).await?;
    let flash = match changed.proposal_id {
        None => Flash::MEMORY_VERSION_RESTORED,
        Some(_) => Flash::MEMORY_CHANGE_PROPOSED,
    };
    api::redirect_with_flash(&format!("/memories/{id}"), flash);
    Ok(())
}

/// One version in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    version: i32,
    /// Author and time; `None` if they are no longer known.
    created: Option<(String, Timestamp)>,
    reason: Option<String>,
    is_current: bool,
}

/// All versions, latest first. A stored version records who replaced it and
/// when, which is the author and time of the version after it.
pub(super) fn entries(memory: &Memory, versions: &[MemoryVersion]) -> Vec<Entry> {
    let find_previous = |version: i32| {
        versions
            .iter()
            .find(|earlier| earlier.version == version - 1)
    };
    let entry = |version: i32| {
        let change = find_previous(version);
        let created = match change {
            Some(change) => Some((change.changed_by_name.clone(), change.changed_at)),
            None if version == 1 => Some((memory.owner_name.clone(), memory.created_at)),
            None => None,
        };
        Entry {
            version,
            created,
            reason: change.and_then(|change| change.reason.clone()),
            is_current: version == memory.version,
        }
    };
    std::iter::once(memory.version)
        .chain(versions.iter().map(|earlier| earlier.version))
        .map(entry)
        .collect()
}

#[component]
pub(super) fn Versions(id: MemoryId, entries: Vec<Entry>) -> impl IntoView {
    // A single version is the memory itself.
    (entries.len() > 1).then(|| {
        view! {
            <section class="section" aria-labelledby="versions">
                <h2 id="versions">"Versions"</h2>
                <div class="table-frame">
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">"Version"</th>
                                <th scope="col">"Author"</th>
                                <th scope="col" class="optional">"Change note"</th>
                                <th scope="col" class="col-time">"Created"</th>
                            </tr>
                        </thead>
                        <tbody>
                            {entries
                                .into_iter()
                                .map(|entry| view! { <Row id=id entry=entry /> })
                                .collect_view()}
                        </tbody>
                    </table>
                </div>
            </section>
        }
    })
}

#[component]
fn Row(id: MemoryId, entry: Entry) -> impl IntoView {
    let name = format!("Version {}", entry.version);
    let first = if entry.is_current {
        view! {
            <span class="cell-line cell-wrap">
                <span>{name}</span>
                <Badge tone=Tone::Neutral text="Current" />
            </span>
        }
        .into_any()
    } else {
        let path = format!("/memories/{id}/versions/{}", entry.version);
        view! { <a class="row-title" href=path>{name}</a> }.into_any()
    };
    let (by, at) = entry.created.unzip();
    view! {
        <tr>
            <td>{first}</td>
            <td dir="auto">{by}</td>
            <td class="optional wrap" dir="auto">{entry.reason}</td>
            <td class="col-time">{at.map(|at| view! { <Time at=at /> })}</td>
        </tr>
    }
}

/// The page at `/memories/{id}/versions/{version}`.
#[component]
pub(crate) fn VersionPage() -> impl IntoView {
    let id = path_id("id");
    let version = path_id::<i32>("version");
    let data = async move { memory_version_diff(id?, version?).await };
    load_page(data, show)
}

fn show(diff: VersionDiff) -> impl IntoView {
    let restore = FormState::<MemoryVersionRestore>::new();
    let (id, version) = (diff.memory_id, diff.before.version);
    let back = format!("/memories/{id}");
    let restore_label = if diff.needs_review {
        "Propose this version"
    } else {
        "Restore this version"
    };
    let restore_form = diff.may_restore.then(|| {
        view! {
            <IfPermitted permission=Permission::MemoryWrite>
                <PostForm state=restore class="inline-form">
                    <input type="hidden" name="id" value=id.to_string() />
                    <input type="hidden" name="version" value=version />
                    <input type="hidden" name="current" value=diff.memory_version />
                    <button type="submit" class="button button-primary">{restore_label}</button>
                </PostForm>
            </IfPermitted>
        }
    });
    let pairs = [
        (
            "Kind",
            diff.before.kind.label().to_owned(),
            diff.after.kind.label().to_owned(),
        ),
        (
            "Tags",
            diff.before.tags.join(", "),
            diff.after.tags.join(", "),
        ),
        (
            "Visible to",
            diff.before.visibility.label().to_owned(),
            diff.after.visibility.label().to_owned(),
        ),
    ];
    let others: Vec<_> = pairs
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .collect();
    let has_title = !(diff.before.title.is_empty() && diff.after.title.is_empty());
    view! {
        <PageHead
            title=format!("Version {version}")
            lead=format!("Compared with version {}.", diff.after.version)
        >
            <a class="button" href=back>"Back to the memory"</a>
            {restore_form}
        </PageHead>
        {(diff.may_restore && diff.needs_review)
            .then(|| view! { <p class="muted">"This memory is shared. Restoring a version needs approval."</p> })}
        <p class="muted">
            "Updated " <Time at=diff.changed_at /> " by " <bdi>{diff.changed_by_name}</bdi>
            {diff.reason.map(|reason| view! { ": " <bdi>{reason}</bdi> })}
        </p>
        <section class="section" aria-labelledby="difference">
            <h2 id="difference">"What changed"</h2>
            {has_title
                .then(|| view! { <h3 class="version-title" dir="auto"><DiffText spans=diff.title /></h3> })}
            <div class="memory-text diff" dir="auto"><DiffText spans=diff.content /></div>
            {(!others.is_empty())
                .then(|| {
                    view! {
                        <dl class="facts facts-narrow">
                            {others
                                .into_iter()
                                .map(|(name, before, after)| {
                                    view! {
                                        <div>
                                            <dt>{name}</dt>
                                            <dd>
                                                <DeletedText text=before />
                                                " "
                                                <InsertedText text=after />
                                            </dd>
                                        </div>
                                    }
                                })
                                .collect_view()}
                        </dl>
                    }
                })}
        </section>
    }
}

/// Renders a diff with its insertions and deletions marked.
#[component]
pub(crate) fn DiffText(spans: Vec<DiffSpan>) -> impl IntoView {
    spans
        .into_iter()
        .map(|span| match span.kind {
            DiffKind::Same => span.text.into_any(),
            DiffKind::Deleted => view! { <DeletedText text=span.text /> }.into_any(),
            DiffKind::Inserted => view! { <InsertedText text=span.text /> }.into_any(),
        })
        .collect_view()
}

/// Deleted text is struck out and inserted text underlined: colour is not the
/// only signal.
#[component]
fn DeletedText(text: String) -> impl IntoView {
    (!text.is_empty()).then(|| view! { <del>{text}</del> })
}

#[component]
fn InsertedText(text: String) -> impl IntoView {
    (!text.is_empty()).then(|| view! { <ins>{text}</ins> })
}

#[cfg(test)]
mod tests {
    use domain::memory::{MemoryAttributes, MemoryKind, Origin, Visibility};
    use time::macros::datetime;

    use super::*;

    const NIL: &str = "00000000-0000-0000-0000-000000000000";

    #[test]
    fn author_of_a_version_is_read_from_the_one_before_it() {
        let at = |day: u8| datetime!(2026-03-01 09:00 UTC).replace_day(day).unwrap();
        let memory = Memory {
            id: NIL.parse().unwrap(),
            title: String::new(),
            content: "three".into(),
            kind: MemoryKind::Fact,
            tags: Vec::new(),
            visibility: Visibility::Private,
            team_id: None,
            team_name: None,
            owner_id: NIL.parse().unwrap(),
            owner_name: "Mia".into(),
            is_own: true,
            origin: Origin::Dashboard,
            source_session_id: None,
            attributes: MemoryAttributes::default(),
            persona_id: None,
            persona_name: None,
            parent_id: None,
            version: 3,
            is_embedded: false,
            created_at: at(1),
            updated_at: at(3),
            deleted_at: None,
        };
        let earlier = |version: i32, by: &str, day: u8, reason: Option<&str>| MemoryVersion {
            version,
            title: String::new(),
            content: String::new(),
            kind: MemoryKind::Fact,
            tags: Vec::new(),
            visibility: Visibility::Private,
            reason: reason.map(str::to_owned),
            changed_by_name: by.into(),
            changed_at: at(day),
        };
        let versions = [
            earlier(2, "Max", 3, Some("Typo")),
            earlier(1, "Mia", 2, None),
        ];
        let actual: Vec<_> = entries(&memory, &versions)
            .into_iter()
            .map(|entry| {
                let (by, when) = entry.created.unwrap();
                (
                    entry.version,
                    by,
                    when.day(),
                    entry.reason,
                    entry.is_current,
                )
            })
            .collect();
        assert_eq!(
            actual,
            [
                (3, "Max".to_owned(), 3, Some("Typo".to_owned()), true),
                (2, "Mia".to_owned(), 2, None, false),
                (1, "Mia".to_owned(), 1, None, false),
            ]
        );
        // The history from before a memory changed its owner is not visible.
        let partial = entries(&memory, &versions[..1]);
        assert_eq!(partial.last().unwrap().created, None);
    }
}
