//! What pages of memories say when something changed meanwhile.

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

/// Until a change is told that this page may have made itself: its own answer
/// comes in that time, and shows it.
const OWN: std::time::Duration = std::time::Duration::from_millis(800);

impl MemoryListData {
    /// The memories on show.
    fn ids(&self) -> Vec<MemoryId> {
        match &self.found {
            MemoryListing::List(page) => page.items.iter().map(|memory| memory.id).collect(),
            MemoryListing::Hits(results) | MemoryListing::Like(_, results) => {
                results.hits.iter().map(|hit| hit.memory.id).collect()
            }
        }
    }
}

/// What was heard since the list was loaded.
#[derive(Clone, Debug, Default)]
struct PendingChanges {
    changed: HashSet<MemoryId>,
    many: bool,
    end: Option<EndReason>,
}

impl PendingChanges {
    fn add(&mut self, heard: Notification) {
        match heard {
            // A reply stands under what it replies to.
            Notification::Memory(memory) => {
                self.changed.insert(memory.parent_id.unwrap_or(memory.id));
            }
            Notification::Reset => self.many = true,
            Notification::End(reason) => self.end = Some(reason),
            Notification::Job(_) => {}
        }
    }

    fn text(&self) -> Option<String> {
        if let Some(reason) = self.end {
            return Some(end_text(reason).to_owned());
        }
        if self.many {
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

/// Says how many memories changed since the list was loaded.
#[component]
pub(super) fn ListNews<T>(
    /// The list.
    found: Resource<Result<T, AppError>>,
    /// What of it is shown.
    listed: fn(&T) -> &MemoryListData,
) -> impl IntoView
where
    T: Clone + Send + Sync + serde::Serialize + serde::de::DeserializeOwned + 'static,
{
    let news = RwSignal::new(PendingChanges::default());
    let asked = RwSignal::new(None::<Subscription>);
    Effect::new(move |_| {
        let wanted = found.with(|found| {
            let listed = listed(found.as_ref()?.as_ref().ok()?);
            Some(Subscription {
                after: Some(listed.as_of),
                watch: listed.ids(),
            })
        });
        news.set(PendingChanges::default());
        asked.set(wanted);
    });
    subscribe(asked.into(), move |heard| {
        news.update(|news| news.add(heard));
    });
    let text = Signal::derive(move || news.with(PendingChanges::text));
    view! { <LiveBar text=text show=Callback::new(move |()| found.refetch()) /> }
}

/// What was heard since one memory was loaded, each with what the page was as
/// of then.
fn page_text(heard: &[(StreamCursor, Notification)], data: &MemoryData) -> Option<String> {
    let memory = &data.memory;
    let mut text = None;
    for (as_of, heard) in heard {
        let told = match heard {
            Notification::Memory(event) if event.id == memory.id => memory_text(event, memory),
            Notification::Memory(event) => {
                let is_shown = data.replies.iter().any(|reply| reply.id == event.id);
                let is_news = match event.change {
                    MemoryChangeKind::Gone | MemoryChangeKind::Trashed => is_shown,
                    // One that was loaded since is shown as it is.
                    MemoryChangeKind::Changed => {
                        event.parent_id == Some(memory.id) && !(is_shown && *as_of < data.as_of)
                    }
                };
                is_news.then_some("The replies to this changed.")
            }
            Notification::Reset => Some("This may have changed."),
            Notification::End(reason) => Some(end_text(*reason)),
            Notification::Job(_) => None,
        };
        text = told.or(text);
    }
    text.map(str::to_owned)
}

/// What there is to say of a memory that is shown as it was.
fn memory_text(event: &MemoryEvent, shown: &Memory) -> Option<&'static str> {
    match event.change {
        MemoryChangeKind::Gone => Some("This memory is out of your sight now."),
        MemoryChangeKind::Trashed => shown
            .deleted_at
            .is_none()
            .then_some("This memory went into the trash."),
        MemoryChangeKind::Changed => {
            let is_other = shown.deleted_at.is_some() || event.version > Some(shown.version);
            is_other.then_some("This memory changed just now.")
        }
    }
}

/// Hears of one memory and its replies what `data` doesn't show yet.
fn page_news(data: Signal<Option<MemoryData>>) -> Signal<Option<String>> {
    let heard = RwSignal::new(Vec::<(StreamCursor, Notification)>::new());
    let listen = RwSignal::new(None::<Subscription>);
    Effect::new(move |_| {
        let wanted = data.with(|data| {
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
        heard.set(Vec::new());
        listen.set(wanted);
    });
    subscribe(listen.into(), move |told| {
        let Some(as_of) = data.with_untracked(|data| data.as_ref().map(|data| data.as_of)) else {
            return;
        };
        // By then the page may be left.
        let tell = move || {
            let _ = heard.try_update(|heard| heard.push((as_of, told)));
        };
        set_timeout(tell, OWN);
    });
    Signal::derive(move || data.with(|data| heard.with(|heard| page_text(heard, data.as_ref()?))))
}

/// Says that a memory changed since it was loaded.
#[component]
pub(super) fn PageNews(
    /// The memory.
    data: Resource<Result<MemoryData, AppError>>,
) -> impl IntoView {
    // Filled in the browser only: a page that was just made knows the newest.
    let shown = RwSignal::new(None);
    Effect::new(move |_| shown.set(data.get().and_then(Result::ok)));
    let text = page_news(shown.into());
    view! { <LiveBar text=text show=Callback::new(move |()| data.refetch()) /> }
}

/// Says that a memory changed since its form was opened. Saving shows what it
/// is now beside what was typed, so nothing is to be done before.
#[component]
pub(super) fn FormNews(
    /// The memory as the form knows it.
    current: RwSignal<Memory>,
    /// As it was loaded.
    as_of: StreamCursor,
) -> impl IntoView {
    let heard = RwSignal::new(Vec::new());
    let listen = Signal::derive(move || {
        Some(Subscription {
            after: Some(as_of),
            watch: vec![current.with_untracked(|memory| memory.id)],
        })
    });
    subscribe(listen, move |told| heard.update(|heard| heard.push(told)));
    let text = Signal::derive(move || {
        current.with(|memory| {
            heard.with(|heard: &Vec<Notification>| {
                let mut texts = heard.iter().filter_map(|heard| match heard {
                    Notification::Memory(event) if event.id == memory.id => {
                        let text = memory_text(event, memory)?;
                        let is_changed = event.change == MemoryChangeKind::Changed;
                        Some(if is_changed { MEANWHILE } else { text })
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

const MEANWHILE: &str =
    "This memory changed meanwhile. When you save, you see both, and nothing is lost.";

#[cfg(test)]
mod tests {
    use super::*;

    fn told(id: MemoryId, change: MemoryChangeKind) -> Notification {
        Notification::Memory(MemoryEvent {
            id,
            change,
            version: None,
            parent_id: None,
        })
    }

    #[test]
    fn memories_are_counted_once_however_often_they_change() {
        let id = |n| {
            format!("00000000-0000-7000-8000-00000000000{n}")
                .parse()
                .unwrap()
        };
        let (one, other): (MemoryId, MemoryId) = (id(1), id(2));
        let mut news = PendingChanges::default();
        assert_eq!(news.text(), None);
        news.add(told(one, MemoryChangeKind::Changed));
        news.add(told(one, MemoryChangeKind::Gone));
        assert_eq!(news.text().as_deref(), Some("1 memory changed."));
        news.add(Notification::Memory(MemoryEvent {
            id: other,
            change: MemoryChangeKind::Changed,
            version: Some(1),
            parent_id: Some(one),
        }));
        assert_eq!(news.text().as_deref(), Some("1 memory changed."));
        news.add(told(other, MemoryChangeKind::Trashed));
        assert_eq!(news.text().as_deref(), Some("2 memories changed."));
        news.add(Notification::Reset);
        assert_eq!(news.text().as_deref(), Some("Memories changed."));
        news.add(Notification::End(EndReason::SignedOut));
        assert_eq!(news.text().as_deref(), Some("You are signed out."));
    }
}
