//! Live updates: notifications from the server that something on a page has
//! changed. Without scripts pages do not update.

mod bar;
mod source;

use std::time::Duration;

use domain::{
    JobId, MemoryId,
    live::{EndReason, JobEvent, MemoryEvent, StreamCursor},
};
use leptos::{ev::Event, prelude::*};

pub(crate) use bar::LiveBar;
use source::Source;

/// Delay after the server first rejected a stream; it doubles each time.
const RETRY: Duration = Duration::from_secs(15);
/// Maximum number of retries after rejections.
const MAX_REJECTIONS: u32 = 4;

/// A page's subscription to live updates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subscription {
    /// Position up to which the page is current.
    pub(crate) after: Option<StreamCursor>,
    /// Memories that the page shows.
    pub(crate) watch: Vec<MemoryId>,
}

impl Subscription {
    fn path(&self, cursor: &str) -> String {
        let after = match (cursor, self.after) {
            ("", Some(after)) => after.to_string(),
            (cursor, _) => cursor.to_owned(),
        };
        let watch: Vec<_> = self.watch.iter().map(ToString::to_string).collect();
        let watch = watch.join(",");
        crate::ui::query_string(&[("after", &after), ("watch", &watch)])
    }
}

/// A notification of the stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Notification {
    Memory(MemoryEvent),
    /// One of the member's own jobs changed.
    Job(JobEvent),
    /// Too much changed to send each event.
    Reset,
    /// The stream ended for good.
    End(EndReason),
}

/// Opens the page's event stream for `subscription` and passes its
/// notifications to `on_notification`; one stream per page. Returns a signal
/// that is true while the stream is open.
///
/// The stream is closed while the page is hidden, because a browser with many
/// tabs would have no connection left, and resumes at its cursor when the page
/// is shown again.
pub(crate) fn subscribe(
    subscription: Signal<Option<Subscription>>,
    on_notification: impl Fn(Notification) + Copy + 'static,
) -> Signal<bool> {
    let is_open = RwSignal::new(false);
    let is_visible = RwSignal::new(false);
    let has_ended = RwSignal::new(false);
    let rejections = RwSignal::new(0_u32);
    // Cursor of the stream for this subscription.
    let cursor = StoredValue::new(String::new());
    Effect::new(move |_| {
        let update = move |_: Event| is_visible.set(!document().hidden());
        is_visible.set(!document().hidden());
        let handles = [
            window_event_listener_untyped("visibilitychange", update),
            window_event_listener_untyped("pageshow", update),
            window_event_listener_untyped("pagehide", move |_| is_visible.set(false)),
        ];
        on_cleanup(move || handles.into_iter().for_each(WindowListenerHandle::remove));
    });
    let subscription = Memo::new(move |_| subscription.get());
    Effect::new(move |previous: Option<Option<Subscription>>| {
        let attempt = rejections.get();
        let current = subscription.get();
        if previous.as_ref() != Some(&current) {
            // The page was loaded again and is newer than the cursor.
            cursor.set_value(String::new());
        }
        let is_on = is_visible.get() && !has_ended.get() && attempt <= MAX_REJECTIONS;
        is_open.set(false);
        let Some(active) = current.clone().filter(|_| is_on) else {
            return current;
        };
        let path = format!("/events{}", active.path(&cursor.get_value()));
        let source = Source::open(&path, move |event| match event {
            source::Event::Open => is_open.set(true),
            source::Event::Cursor(at) => cursor.set_value(at),
            source::Event::Notification(notification) => {
                if matches!(notification, Notification::End(_)) {
                    has_ended.set(true);
                }
                on_notification(notification);
            }
            // The browser reconnects by itself.
            source::Event::Broken => is_open.set(false),
            source::Event::Refused => {
                is_open.set(false);
                let wait = RETRY * 2_u32.pow(attempt.min(MAX_REJECTIONS));
                set_timeout(
                    move || rejections.try_update(|n| *n += 1).unwrap_or(()),
                    wait,
                );
            }
        });
        // Closed when this effect runs again or the page is left.
        StoredValue::new_local(source);
        current
    });
    is_open.into()
}

/// Calls `on_change` whenever the job changes, and once when the stream opens,
/// while there is a job and the page is visible. Returns a signal that is true
/// while the stream is open.
pub(crate) fn subscribe_job(
    job: Signal<Option<JobId>>,
    on_change: impl Fn() + Copy + 'static,
) -> Signal<bool> {
    let job = Memo::new(move |_| job.get());
    let subscription = Signal::derive(move || job.get().map(|_| Subscription::default()));
    let is_open = subscribe(subscription, move |notification| match notification {
        Notification::Job(event) if Some(event.id) == job.get_untracked() => on_change(),
        Notification::Reset | Notification::End(_) => on_change(),
        Notification::Job(_) | Notification::Memory(_) => {}
    });
    // Changes before the stream opened were not notified.
    Effect::new(move |_| {
        if is_open.get() {
            on_change();
        }
    });
    is_open
}
