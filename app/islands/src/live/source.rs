//! Client of the event stream, over the browser's `EventSource`.

use domain::live::EndReason;
use leptos::wasm_bindgen::{JsCast as _, closure::Closure};
use serde::{Deserialize, de::DeserializeOwned};
use web_sys::{EventSource, MessageEvent};

use super::Notification;

/// An event of the connection.
pub(super) enum Event {
    Message {
        /// The stream's position after the message.
        cursor: String,
        /// `None` if the message is of a later version.
        notification: Option<Notification>,
    },
    /// The connection broke; the browser reconnects.
    Broken,
    /// The server rejected the connection; the browser does not retry.
    Rejected,
}

/// An open stream; closed when dropped.
pub(super) struct Source {
    source: EventSource,
    /// Event handlers, kept alive while the browser may call them.
    _closures: [Closure<dyn FnMut(web_sys::Event)>; 2],
}

/// Names of the server's events.
const NAMES: [&str; 5] = ["ready", "memory", "job", "reset", "end"];

impl Source {
    /// Opens the stream at `path` and passes its events to `on_event`; `None`
    /// if the browser refuses to.
    pub(super) fn open(path: &str, on_event: impl Fn(Event) + Clone + 'static) -> Option<Self> {
        let source = EventSource::new(path).ok()?;
        let on_error = {
            let (source, on_event) = (source.clone(), on_event.clone());
            Closure::<dyn FnMut(_)>::new(move |_: web_sys::Event| {
                let is_closed = source.ready_state() == EventSource::CLOSED;
                on_event(if is_closed {
                    Event::Rejected
                } else {
                    Event::Broken
                });
            })
        };
        let on_message = Closure::<dyn FnMut(_)>::new(move |event: web_sys::Event| {
            let Ok(message) = event.dyn_into::<MessageEvent>() else {
                return;
            };
            let data = message.data().as_string().unwrap_or_default();
            on_event(Event::Message {
                cursor: message.last_event_id(),
                notification: parse(&message.type_(), &data),
            });
        });
        for name in NAMES {
            let _ =
                source.add_event_listener_with_callback(name, on_message.as_ref().unchecked_ref());
        }
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Some(Self {
            source,
            _closures: [on_message, on_error],
        })
    }
}

impl Source {
    pub(super) fn close(&self) {
        self.source.set_onerror(None);
        self.source.close();
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.close();
    }
}

fn parse(name: &str, data: &str) -> Option<Notification> {
    #[derive(Deserialize)]
    struct End {
        reason: EndReason,
    }
    fn read<T: DeserializeOwned>(data: &str) -> Option<T> {
        serde_json::from_str(data).ok()
    }
    Some(match name {
        "ready" => Notification::Open,
        "memory" => Notification::Memory(read(data)?),
        "job" => Notification::Job(read(data)?),
        "reset" => Notification::Reset,
        "end" => Notification::End(read::<End>(data)?.reason),
        _ => return None,
    })
}
