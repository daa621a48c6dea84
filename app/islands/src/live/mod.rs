//! Live updates: the server's event stream says that something on the page has
//! changed. Without scripts pages do not update.

mod notice;
mod refresh;
mod source;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use domain::live::{EndReason, JobEvent, MemoryEvent};
use leptos::prelude::*;
use web_sys::Element;

pub use notice::{LiveNotice, Watched};
pub use refresh::Refresh;
use source::Source;

use crate::page;

/// Delay after the server first rejected a stream; it doubles each time.
const RETRY: Duration = Duration::from_secs(15);
/// Maximum number of retries after rejections.
const MAX_REJECTIONS: u32 = 4;

thread_local! {
    /// The streams of the page's islands.
    static STREAMS: RefCell<Vec<Rc<Stream>>> = const { RefCell::new(Vec::new()) };
}

/// A notification of the stream.
#[derive(Clone, Debug, PartialEq)]
enum Notification {
    /// The stream is open; changes before are not notified.
    Open,
    Memory(MemoryEvent),
    /// One of the member's own jobs changed.
    Job(JobEvent),
    /// Too much changed to send each event.
    Reset,
    /// The stream ended for good.
    End(EndReason),
    /// The connection broke or was rejected; it is opened again.
    Lost,
}

/// A subscription of an island. It is open while the page is visible, because a
/// browser with many tabs would have no connection left, and resumes at its
/// cursor when the page is shown again.
struct Stream {
    /// The stream is closed when this element leaves the page.
    anchor: Element,
    /// Memories that the page shows, as in the query.
    watch: String,
    /// Position of the last event, at first that of the page; empty for none.
    cursor: RefCell<String>,
    source: RefCell<Option<Source>>,
    has_ended: Cell<bool>,
    rejections: Cell<u32>,
    on_notification: Box<dyn Fn(Notification)>,
}

/// Closes streams of hidden pages and of elements that were replaced.
pub(crate) fn install() {
    page::listen("visibilitychange", |_| update(!document().hidden()));
    page::listen("pageshow", |_| update(!document().hidden()));
    page::listen("pagehide", |_| update(false));
    page::listen(page::REPLACED, |_| {
        STREAMS.with(|streams| {
            let mut streams = streams.borrow_mut();
            streams.retain(|stream| stream.anchor.is_connected());
        });
    });
}

fn update(is_visible: bool) {
    let streams = STREAMS.with(|streams| streams.borrow().clone());
    for stream in streams {
        if is_visible {
            stream.open();
        } else {
            stream.source.take();
        }
    }
}

/// Opens the page's event stream after the event at `after` and passes its
/// notifications to `on_notification`, as long as `anchor` is on the page.
fn subscribe(
    anchor: Element,
    after: String,
    watch: String,
    on_notification: impl Fn(Notification) + 'static,
) {
    let stream = Rc::new(Stream {
        anchor,
        watch,
        cursor: RefCell::new(after),
        source: RefCell::default(),
        has_ended: Cell::default(),
        rejections: Cell::default(),
        on_notification: Box::new(on_notification),
    });
    STREAMS.with(|streams| streams.borrow_mut().push(Rc::clone(&stream)));
    if !document().hidden() {
        stream.open();
    }
}

impl Stream {
    fn open(self: Rc<Self>) {
        let is_over = self.has_ended.get() || self.rejections.get() > MAX_REJECTIONS;
        if is_over || self.source.borrow().is_some() {
            return;
        }
        let path = format!(
            "/events?after={}&watch={}",
            self.cursor.borrow(),
            self.watch
        );
        let stream = Rc::downgrade(&self);
        let source = Source::open(&path, move |event| {
            if let Some(stream) = stream.upgrade() {
                stream.take(event);
            }
        });
        self.source.replace(source);
    }

    fn take(self: Rc<Self>, event: source::Event) {
        match event {
            source::Event::Message {
                cursor,
                notification,
            } => {
                self.cursor.replace(cursor);
                if let Some(notification) = notification {
                    if matches!(notification, Notification::End(_)) {
                        self.has_ended.set(true);
                        // The browser would open it again. It is dropped later,
                        // because its handler runs now.
                        if let Some(source) = &*self.source.borrow() {
                            source.close();
                        }
                    }
                    (self.on_notification)(notification);
                }
            }
            // The browser reconnects by itself.
            source::Event::Broken => (self.on_notification)(Notification::Lost),
            source::Event::Rejected => {
                let rejections = self.rejections.get();
                self.rejections.set(rejections + 1);
                (self.on_notification)(Notification::Lost);
                let reopen = move || {
                    self.source.take();
                    self.open();
                };
                set_timeout(reopen, RETRY * 2_u32.pow(rejections.min(MAX_REJECTIONS)));
            }
        }
    }
}
