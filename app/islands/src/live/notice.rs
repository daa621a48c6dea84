//! The bar that says that a page is outdated.

use std::{collections::HashSet, time::Duration};

use domain::{
    MemoryId,
    live::{EndReason, MemoryChangeKind, MemoryEvent, StreamCursor},
};
use leptos::{html, prelude::*};
use serde::{Deserialize, Serialize};

use super::{Notification, subscribe};
use crate::{Glyph, Icon, page};

/// Delay of a notice about a change that this page may have made itself: the
/// answer arrives in that time and shows the change.
const OWN_CHANGE_DELAY: Duration = Duration::from_millis(800);

/// Content of a page, so that only relevant changes are announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Watched {
    /// A list of memories: any change may add to it.
    List(Vec<MemoryId>),
    /// One memory with its replies.
    Memory {
        id: MemoryId,
        version: i32,
        is_deleted: bool,
        replies: Vec<MemoryId>,
    },
    /// The form that edits a memory. It is not replaced: saving shows both
    /// versions.
    Form { id: MemoryId, version: i32 },
}

impl Watched {
    fn ids(&self) -> Vec<MemoryId> {
        match self {
            Self::List(ids) => ids.clone(),
            Self::Memory { id, replies, .. } => {
                let replies = replies.iter().take(domain::live::MAX_WATCHED - 1);
                replies.chain([id]).copied().collect()
            }
            Self::Form { id, .. } => vec![*id],
        }
    }

    fn is_form(&self) -> bool {
        matches!(self, Self::Form { .. })
    }
}

/// Says that what the page shows has changed, with a button that loads the
/// changes.
#[island]
pub fn LiveNotice(
    watched: Watched,
    /// Position up to which the page is current.
    as_of: StreamCursor,
) -> impl IntoView {
    let bar = NodeRef::<html::Div>::new();
    let notifications = RwSignal::new(Vec::<Notification>::new());
    let is_form = watched.is_form();
    // It must not move the row that somebody is about to click.
    let class = if matches!(watched, Watched::List(_)) {
        "live live-over"
    } else {
        "live"
    };
    let watched = StoredValue::new(watched);
    Effect::new(move |_| {
        let Some(bar) = bar.get() else {
            return;
        };
        let ids = watched.with_value(Watched::ids);
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        let record = move |notification| {
            let _ = notifications.try_update(|all| all.push(notification));
        };
        subscribe(
            bar.into(),
            as_of.to_string(),
            ids.join(","),
            move |notification| {
                if watched.with_value(|watched| matches!(watched, Watched::Memory { .. })) {
                    set_timeout(move || record(notification), OWN_CHANGE_DELAY);
                } else {
                    record(notification);
                }
            },
        );
    });
    let text = move || watched.with_value(|watched| notifications.with(|all| notice(watched, all)));
    view! {
        <div class=class role="status" node_ref=bar>
            {move || text().map(|text| view! {
                <div class="live-bar">
                    <Glyph icon=Icon::Info />
                    <p>{text}</p>
                    {(!is_form).then(|| view! {
                        <button type="button" class="button" on:click=|_| show()>"Show"</button>
                    })}
                </div>
            })}
        </div>
    }
}

/// Loads the changes. The button disappears, so the focus moves to the content.
fn show() {
    leptos::task::spawn_local(async {
        page::reload().await;
        if let Some(main) = document().get_element_by_id("main") {
            page::focus(&main);
        }
    });
}

/// The notice for the notifications since the page was loaded.
fn notice(watched: &Watched, notifications: &[Notification]) -> Option<String> {
    let mut texts = notifications
        .iter()
        .filter_map(|notification| text(watched, notification));
    let text = texts.next_back()?;
    let Watched::List(_) = watched else {
        return Some(text.to_owned());
    };
    let is_count = notifications
        .iter()
        .all(|notification| !matches!(notification, Notification::Reset | Notification::End(_)));
    if !is_count {
        return Some(text.to_owned());
    }
    // A reply counts as a change of the memory that it replies to.
    let changed: HashSet<_> = notifications
        .iter()
        .filter_map(|notification| match notification {
            Notification::Memory(event) => Some(event.parent_id.unwrap_or(event.id)),
            _ => None,
        })
        .collect();
    Some(match changed.len() {
        1 => "1 memory changed.".to_owned(),
        count => format!("{count} memories changed."),
    })
}

fn text(watched: &Watched, notification: &Notification) -> Option<&'static str> {
    match (watched, notification) {
        (_, Notification::End(EndReason::SignedOut | EndReason::Key)) => {
            Some("You are signed out.")
        }
        (_, Notification::End(EndReason::Inactive | EndReason::Forbidden)) => {
            Some("Your access has changed.")
        }
        (Watched::List(_), Notification::Reset | Notification::Memory(_)) => {
            Some("Memories changed.")
        }
        (Watched::Memory { .. }, Notification::Reset) => Some("This page may be out of date."),
        (
            Watched::Memory {
                id,
                version,
                is_deleted,
                replies,
            },
            Notification::Memory(event),
        ) => {
            if event.id == *id {
                memory_text(event, *version, *is_deleted)
            } else {
                let is_shown = replies.contains(&event.id);
                let is_relevant = match event.change {
                    MemoryChangeKind::Gone | MemoryChangeKind::Trashed => is_shown,
                    MemoryChangeKind::Changed => event.parent_id == Some(*id),
                };
                is_relevant.then_some("The replies changed.")
            }
        }
        (Watched::Form { id, version }, Notification::Memory(event)) if event.id == *id => {
            let text = memory_text(event, *version, false)?;
            let is_changed = event.change == MemoryChangeKind::Changed;
            Some(if is_changed {
                "Someone else updated this memory. You can compare before saving."
            } else {
                text
            })
        }
        _ => None,
    }
}

/// The text for a change of the memory that the page shows in `version`.
fn memory_text(event: &MemoryEvent, version: i32, is_deleted: bool) -> Option<&'static str> {
    match event.change {
        MemoryChangeKind::Gone => Some("You no longer have access to this memory."),
        MemoryChangeKind::Trashed => (!is_deleted).then_some("This memory was moved to the trash."),
        MemoryChangeKind::Changed => {
            (is_deleted || event.version > Some(version)).then_some("This memory was updated.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> MemoryId {
        format!("00000000-0000-7000-8000-00000000000{n}")
            .parse()
            .unwrap()
    }

    fn event(id: MemoryId, change: MemoryChangeKind) -> MemoryEvent {
        MemoryEvent {
            id,
            change,
            version: Some(2),
            parent_id: None,
        }
    }

    fn changed(id: MemoryId) -> Notification {
        Notification::Memory(event(id, MemoryChangeKind::Changed))
    }

    #[test]
    fn each_memory_of_a_list_is_counted_once() {
        let list = Watched::List(vec![id(1)]);
        let notice = |notifications: &[Notification]| notice(&list, notifications);
        assert_eq!(notice(&[]), None);
        assert_eq!(notice(&[Notification::Open]), None);
        let reply = Notification::Memory(MemoryEvent {
            parent_id: Some(id(1)),
            ..event(id(2), MemoryChangeKind::Changed)
        });
        let gone = Notification::Memory(event(id(1), MemoryChangeKind::Gone));
        let mut all = vec![changed(id(1)), gone, reply];
        assert_eq!(notice(&all).as_deref(), Some("1 memory changed."));
        all.push(changed(id(3)));
        assert_eq!(notice(&all).as_deref(), Some("2 memories changed."));
        all.push(Notification::Reset);
        assert_eq!(notice(&all).as_deref(), Some("Memories changed."));
        all.push(Notification::End(EndReason::SignedOut));
        assert_eq!(notice(&all).as_deref(), Some("You are signed out."));
    }

    #[test]
    fn only_what_a_page_does_not_show_yet_is_announced() {
        let memory = |version| Watched::Memory {
            id: id(1),
            version,
            is_deleted: false,
            replies: vec![id(2)],
        };
        let updated = Some("This memory was updated.".to_owned());
        assert_eq!(notice(&memory(1), &[changed(id(1))]), updated);
        assert_eq!(notice(&memory(2), &[changed(id(1))]), None);
        assert_eq!(notice(&memory(2), &[changed(id(3))]), None);
        let reply = Notification::Memory(event(id(2), MemoryChangeKind::Gone));
        let replies = Some("The replies changed.".to_owned());
        assert_eq!(notice(&memory(2), &[reply]), replies);
        let form = Watched::Form {
            id: id(1),
            version: 1,
        };
        assert_eq!(notice(&form, &[changed(id(3)), Notification::Reset]), None);
        assert!(notice(&form, &[changed(id(1))]).is_some());
    }
}
