//! Client of the event stream, over the browser's `EventSource`.

use leptos::wasm_bindgen::{JsCast as _, closure::Closure};
use serde::{Deserialize, de::DeserializeOwned};
use web_sys::{EventSource, MessageEvent};

use super::Notification;
use domain::live::EndReason;

/// An event of the connection.
pub(super) enum Event {
    Open,
    /// The stream's cursor after a message.
    Cursor(String),
    Notification(Notification),
    /// The connection broke; the browser reconnects.
    Broken,
    /// The connection failed; the browser does not retry.
    Refused,
}

/// An open stream; closed when dropped.
pub(super) struct Source {
    source: Option<EventSource>,
    /// Event handlers, kept alive while the browser may call them.
    _closures: Vec<Closure<dyn FnMut(web_sys::Event)>>,
}

/// Names of the server's events.
const NAMES: [&str; 5] = ["ready", "memory", "job", "reset", "end"];

impl Source {
    /// Opens the stream at `path` and passes its events to `on_event`.
    pub(super) fn open(path: &str, on_event: impl Fn(Event) + Copy + 'static) -> Self {
        let Ok(source) = EventSource::new(path) else {
            on_event(Event::Refused);
            return Self {
                source: None,
                _closures: Vec::new(),
            };
        };
        let on_message = Closure::<dyn FnMut(_)>::new(move |event: web_sys::Event| {
            let Ok(message) = event.dyn_into::<MessageEvent>() else {
                return;
            };
            let data = message.data().as_string().unwrap_or_default();
            let event = parse_event(&message.type_(), &data);
            on_event(Event::Cursor(message.last_event_id()));
            if let Some(event) = event {
                on_event(event);
            }
        });
        for name in NAMES {
            let _ =
                source.add_event_listener_with_callback(name, on_message.as_ref().unchecked_ref());
        }
        let on_error = {
            let source = source.clone();
            Closure::<dyn FnMut(_)>::new(move |_: web_sys::Event| {
                let is_closed = source.ready_state() == EventSource::CLOSED;
                on_event(if is_closed {
                    Event::Refused
                } else {
                    Event::Broken
                });
            })
        };
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Self {
            source: Some(source),
            _closures: vec![on_message, on_error],
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Some(source) = &self.source {
            source.set_onerror(None);
            source.close();
        }
    }
}

fn parse_event(name: &str, data: &str) -> Option<Event> {
    #[derive(Deserialize)]
    struct End {
        reason: EndReason,
    }
    fn read<T: DeserializeOwned>(data: &str) -> Option<T> {
        serde_json::from_str(data).ok()
    }
    let notification = match name {
        "ready" => return Some(Event::Open),
        "memory" => Notification::Memory(read(data)?),
        "job" => Notification::Job(read(data)?),
        "reset" => Notification::Reset,
        "end" => Notification::End(read::<End>(data)?.reason),
        _ => return None,
    };
    Some(Event::Notification(notification))
}
