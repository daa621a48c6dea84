//! Notices on memory pages that something changed since they were loaded.

use std::collections::HashSet;

use domain::{
    AppError, MemoryId,
    live::{EndReason, MAX_WATCHED, MemoryChangeKind, MemoryEvent, StreamCursor},
    memory::Memory,
};
use leptos::prelude::*;

use super::api::{MemoryData, MemoryListData, MemoryListing};
use crate::{
    live::{LiveBar, Notification, Subscription, subscribe},
    ui::plural,
};

/// Delay of a notice about a change that this page may have made itself: the
/// response arrives in that time and shows the change.
const OWN_CHANGE_DELAY: std::time::Duration = std::time::Duration::from_millis(800);

impl MemoryListData {
    fn ids(&self) -> Vec<MemoryId> {
        match &self.found {
            MemoryListing::List(page) => page.items.iter().map(|memory| memory.id).collect(),
            MemoryListing::Hits(results) | MemoryListing::Like(_, results) => {
                results.hits.iter().map(|hit| hit.memory.id).collect()
            }
        }
    }
}

/// Notifications since the list was loaded.
#[derive(Clone, Debug, Default)]
struct PendingChanges {
    changed: HashSet<MemoryId>,
    is_reset: bool,
    end: Option<EndReason>,
}

impl PendingChanges {
    fn add(&mut self, notification: Notification) {
        match notification {
            // A reply counts as a change of the memory that it replies to.
            Notification::Memory(memory) => {
                self.changed.insert(memory.parent_id.unwrap_or(memory.id));
            }
            Notification::Reset => self.is_reset = true,
            Notification::End(reason) => self.end = Some(reason),
            Notification::Job(_) => {}
        }
    }

    fn text(&self) -> Option<String> {
        if let Some(reason) = self.end {
            return Some(end_text(reason).to_owned());
        }
        if self.is_reset {
            return Some("Memories changed.".to_owned());
        }
        let count = self.changed.len();
        (count > 0).then(|| format!("{} changed.", plural(count, "memory", "memories")))
    }
}

const fn end_text(reason: EndReason) -> &'static str {
    match reason {
        EndReason::SignedOut | EndReason::Key => "You are signed out.",
        EndReason::Inactive | EndReason::Forbidden => "What you may see has changed.",
    }
}

/// Shows how many memories changed since the list was loaded.
#[component]
pub(super) fn ListChangesNotice<T>(
    found: Resource<Result<T, AppError>>,
    /// Reads the list from the resource's value.
    listed: fn(&T) -> &MemoryListData,
) -> impl IntoView
where
    T: Clone + Send + Sync + serde::Serialize + serde::de::DeserializeOwned + 'static,
{
    let changes = RwSignal::new(PendingChanges::default());
    let subscription = RwSignal::new(None::<Subscription>);
    Effect::new(move |_| {
        let next = found.with(|found| {
            let listed = listed(found.as_ref()?.as_ref().ok()?);
            Some(Subscription {
                after: Some(listed.as_of),
                watch: listed.ids(),
            })
        });
        changes.set(PendingChanges::default());
        subscription.set(next);
    });
    subscribe(subscription.into(), move |notification| {
        changes.update(|changes| changes.add(notification));
    });
    let text = Signal::derive(move || changes.with(PendingChanges::text));
    view! { <LiveBar text=text show=Callback::new(move |()| found.refetch()) /> }
}

/// The notice for the notifications since one memory was loaded, each with the
/// page's cursor at its arrival.
fn page_text(notifications: &[(StreamCursor, Notification)], data: &MemoryData) -> Option<String> {
    let memory = &data.memory;
    let mut text = None;
    for (as_of, notification) in notifications {
        let notice = match notification {
            Notification::Memory(event) if event.id == memory.id => memory_text(event, memory),
            Notification::Memory(event) => {
                let is_shown = data.replies.iter().any(|reply| reply.id == event.id);
                let is_relevant = match event.change {
                    MemoryChangeKind::Gone | MemoryChangeKind::Trashed => is_shown,
                    // A reply that was loaded since is up to date.
                    MemoryChangeKind::Changed => {
                        event.parent_id == Some(memory.id) && !(is_shown && *as_of < data.as_of)
                    }
                };
                is_relevant.then_some("The replies to this changed.")
            }
            Notification::Reset => Some("This may have changed."),
            Notification::End(reason) => Some(end_text(*reason)),
            Notification::Job(_) => None,
        };
        text = notice.or(text);
    }
    text.map(str::to_owned)
}

/// The notice for a change of `memory`, given as it is displayed.
fn memory_text(event: &MemoryEvent, memory: &Memory) -> Option<&'static str> {
    match event.change {
        MemoryChangeKind::Gone => Some("This memory is out of your sight now."),
        MemoryChangeKind::Trashed => memory
            .deleted_at
            .is_none()
            .then_some("This memory went into the trash."),
        MemoryChangeKind::Changed => {
            let is_newer = memory.deleted_at.is_some() || event.version > Some(memory.version);
            is_newer.then_some("This memory changed just now.")
        }
    }
}

/// The notice for changes of one memory and its replies that `data` does not
/// include.
fn page_notice(data: Signal<Option<MemoryData>>) -> Signal<Option<String>> {
    let notifications = RwSignal::new(Vec::<(StreamCursor, Notification)>::new());
    let subscription = RwSignal::new(None::<Subscription>);
    Effect::new(move |_| {
        let next = data.with(|data| {
            let data = data.as_ref()?;
            let replies = data.replies.iter().map(|reply| reply.id);
            Some(Subscription {
                after: Some(data.as_of),
                watch: replies
                    .take(MAX_WATCHED - 1)
                    .chain([data.memory.id])
                    .collect(),
            })
        });
        notifications.set(Vec::new());
        subscription.set(next);
    });
    subscribe(subscription.into(), move |notification| {
        let Some(as_of) = data.with_untracked(|data| data.as_ref().map(|data| data.as_of)) else {
            return;
        };
        // The page may have been left by then.
        let record = move || {
            let _ =
                notifications.try_update(|notifications| notifications.push((as_of, notification)));
        };
        set_timeout(record, OWN_CHANGE_DELAY);
    });
    Signal::derive(move || {
        data.with(|data| {
            notifications.with(|notifications| page_text(notifications, data.as_ref()?))
        })
    })
}

/// Shows that a memory changed since it was loaded.
#[component]
pub(super) fn PageChangesNotice(data: Resource<Result<MemoryData, AppError>>) -> impl IntoView {
    // Set in the browser only: a page that was just rendered is up to date.
    let loaded = RwSignal::new(None);
    Effect::new(move |_| loaded.set(data.get().and_then(Result::ok)));
    let text = page_notice(loaded.into());
    view! { <LiveBar text=text show=Callback::new(move |()| data.refetch()) /> }
}

/// Shows that a memory changed since its form was opened. Saving shows both
/// versions, so no action is needed before.
#[component]
pub(super) fn FormChangesNotice(
    /// The version that the form replaces.
    current: RwSignal<Memory>,
    /// Cursor at which it was loaded.
    as_of: StreamCursor,
) -> impl IntoView {
    let events = RwSignal::new(Vec::new());
    let subscription = Signal::derive(move || {
        Some(Subscription {
            after: Some(as_of),
            watch: vec![current.with_untracked(|memory| memory.id)],
        })
    });
    subscribe(subscription, move |event| {
        events.update(|events| events.push(event));
    });
    let text = Signal::derive(move || {
        current.with(|memory| {
            events.with(|events: &Vec<Notification>| {
                let mut texts = events.iter().filter_map(|event| match event {
                    Notification::Memory(event) if event.id == memory.id => {
                        let text = memory_text(event, memory)?;
                        let is_changed = event.change == MemoryChangeKind::Changed;
                        Some(if is_changed { CHANGED_NOTICE } else { text })
                    }
                    Notification::End(reason) => Some(end_text(*reason)),
                    _ => None,
                });
                texts.next_back().map(str::to_owned)
            })
        })
    });
    view! { <LiveBar text=text /> }
}

const CHANGED_NOTICE: &str =
    "This memory changed meanwhile. When you save, you see both, and nothing is lost.";

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: MemoryId, change: MemoryChangeKind) -> Notification {
        Notification::Memory(MemoryEvent {
            id,
            change,
            version: None,
            parent_id: None,
        })
    }

    #[test]
    fn each_memory_is_counted_once() {
        let id = |n| {
            format!("00000000-0000-7000-8000-00000000000{n}")
                .parse()
                .unwrap()
        };
        let (one, other): (MemoryId, MemoryId) = (id(1), id(2));
        let mut changes = PendingChanges::default();
        assert_eq!(changes.text(), None);
        changes.add(event(one, MemoryChangeKind::Changed));
        changes.add(event(one, MemoryChangeKind::Gone));
        assert_eq!(changes.text().as_deref(), Some("1 memory changed."));
        changes.add(Notification::Memory(MemoryEvent {
            id: other,
            change: MemoryChangeKind::Changed,
            version: Some(1),
            parent_id: Some(one),
        }));
        assert_eq!(changes.text().as_deref(), Some("1 memory changed."));
        changes.add(event(other, MemoryChangeKind::Trashed));
        assert_eq!(changes.text().as_deref(), Some("2 memories changed."));
        changes.add(Notification::Reset);
        assert_eq!(changes.text().as_deref(), Some("Memories changed."));
        changes.add(Notification::End(EndReason::SignedOut));
        assert_eq!(changes.text().as_deref(), Some("You are signed out."));
    }
}
