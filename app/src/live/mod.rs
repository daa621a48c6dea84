//! Hearing from the server that what a page shows has changed. Without scripts
//! pages are as they were when they were asked for.

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

/// The first wait after a stream was refused; the next ones are longer.
const RETRY: Duration = Duration::from_secs(15);
/// Refusals after which a page no longer asks.
const MAX_REFUSALS: u32 = 4;

/// What a page wants to hear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subscription {
    /// What it knows already.
    pub(crate) after: Option<StreamCursor>,
    /// The memories that it shows.
    pub(crate) watch: Vec<MemoryId>,
}

impl Subscription {
    fn path(&self, place: &str) -> String {
        let after = match (place, self.after) {
            ("", Some(after)) => after.to_string(),
            (place, _) => place.to_owned(),
        };
        let watch: Vec<_> = self.watch.iter().map(ToString::to_string).collect();
        let watch = watch.join(",");
        crate::ui::query_string(&[("after", &after), ("watch", &watch)])
    }
}

/// What it hears.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Notification {
    /// A memory changed.
    Memory(MemoryEvent),
    /// A job of one's own moved.
    Job(JobEvent),
    /// Much changed.
    Reset,
    /// There is nothing more to hear.
    End(EndReason),
}

/// Hears what `listen` asks for while the page is looked at, and gives it to
/// `heard`; one stream for each page. Says whether the stream is open.
///
/// It is closed while the page is hidden, or a browser with many tabs would
/// have no connection left for the rest, and goes on where it was when the
/// page is back.
pub(crate) fn subscribe(
    listen: Signal<Option<Subscription>>,
    heard: impl Fn(Notification) + Copy + 'static,
) -> Signal<bool> {
    let open = RwSignal::new(false);
    let shown = RwSignal::new(false);
    let over = RwSignal::new(false);
    let refusals = RwSignal::new(0_u32);
    // Where the stream for this listening is.
    let place = StoredValue::new(String::new());
    Effect::new(move |_| {
        let look = move |_: Event| shown.set(!document().hidden());
        shown.set(!document().hidden());
        let handles = [
            window_event_listener_untyped("visibilitychange", look),
            window_event_listener_untyped("pageshow", look),
            window_event_listener_untyped("pagehide", move |_| shown.set(false)),
        ];
        on_cleanup(move || handles.into_iter().for_each(WindowListenerHandle::remove));
    });
    let listen = Memo::new(move |_| listen.get());
    Effect::new(move |before: Option<Option<Subscription>>| {
        let attempt = refusals.get();
        let asked = listen.get();
        if before.as_ref() != Some(&asked) {
            // The page was loaded again and knows more than was told before.
            place.set_value(String::new());
        }
        let is_on = shown.get() && !over.get() && attempt <= MAX_REFUSALS;
        open.set(false);
        let Some(wanted) = asked.clone().filter(|_| is_on) else {
            return asked;
        };
        let path = format!("/events{}", wanted.path(&place.get_value()));
        let source = Source::open(&path, move |event| match event {
            source::Event::Open => open.set(true),
            source::Event::Cursor(at) => place.set_value(at),
            source::Event::Notification(told) => {
                if matches!(told, Notification::End(_)) {
                    over.set(true);
                }
                heard(told);
            }
            // The browser tries again by itself.
            source::Event::Broken => open.set(false),
            source::Event::Refused => {
                open.set(false);
                let wait = RETRY * 2_u32.pow(attempt.min(MAX_REFUSALS));
                set_timeout(move || refusals.try_update(|n| *n += 1).unwrap_or(()), wait);
            }
        });
        // Closed when this runs again or the page is left.
        StoredValue::new_local(source);
        asked
    });
    open.into()
}

/// Calls `moved` whenever the job moves, for as long as there is one and the
/// page is looked at, and once when it can be heard. Says whether it is.
pub(crate) fn subscribe_job(
    job: Signal<Option<JobId>>,
    moved: impl Fn() + Copy + 'static,
) -> Signal<bool> {
    let job = Memo::new(move |_| job.get());
    let listen = Signal::derive(move || job.get().map(|_| Subscription::default()));
    let open = subscribe(listen, move |heard| match heard {
        Notification::Job(event) if Some(event.id) == job.get_untracked() => moved(),
        Notification::Reset | Notification::End(_) => moved(),
        Notification::Job(_) | Notification::Memory(_) => {}
    });
    // What happened before that was told to nobody.
    Effect::new(move |_| {
        if open.get() {
            moved();
        }
    });
    open
}
