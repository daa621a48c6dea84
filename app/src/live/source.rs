//! The browser's own client of a stream of events.

use leptos::wasm_bindgen::{JsCast as _, closure::Closure};
use serde::{Deserialize, de::DeserializeOwned};
use web_sys::{EventSource, MessageEvent};

use super::Notification;
use domain::live::EndReason;

/// What happens to a stream.
pub(super) enum Event {
    /// It is open.
    Open,
    /// It went on to here.
    Cursor(String),
    /// It told something.
    Notification(Notification),
    /// It broke off; the browser opens it again.
    Broken,
    /// It was not opened, and won't be.
    Refused,
}

/// An open stream; closed when dropped.
pub(super) struct Source {
    source: Option<EventSource>,
    /// Called by the browser for as long as it is open.
    _closures: Vec<Closure<dyn FnMut(web_sys::Event)>>,
}

/// What a stream can tell.
const NAMES: [&str; 5] = ["ready", "memory", "job", "reset", "end"];

impl Source {
    /// Opens the stream at `path` and gives `happened` what happens to it.
    pub(super) fn open(path: &str, happened: impl Fn(Event) + Copy + 'static) -> Self {
        let Ok(source) = EventSource::new(path) else {
            happened(Event::Refused);
            return Self {
                source: None,
                _closures: Vec::new(),
            };
        };
        let told = Closure::<dyn FnMut(_)>::new(move |event: web_sys::Event| {
            let Ok(message) = event.dyn_into::<MessageEvent>() else {
                return;
            };
            let data = message.data().as_string().unwrap_or_default();
            let event = heard(&message.type_(), &data);
            happened(Event::Cursor(message.last_event_id()));
            if let Some(event) = event {
                happened(event);
            }
        });
        for name in NAMES {
            let _ = source.add_event_listener_with_callback(name, told.as_ref().unchecked_ref());
        }
        let failed = {
            let source = source.clone();
            Closure::<dyn FnMut(_)>::new(move |_: web_sys::Event| {
                let is_closed = source.ready_state() == EventSource::CLOSED;
                happened(if is_closed {
                    Event::Refused
                } else {
                    Event::Broken
                });
            })
        };
        source.set_onerror(Some(failed.as_ref().unchecked_ref()));
        Self {
            source: Some(source),
            _closures: vec![told, failed],
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

fn heard(name: &str, data: &str) -> Option<Event> {
    #[derive(Deserialize)]
    struct End {
        reason: EndReason,
    }
    fn read<T: DeserializeOwned>(data: &str) -> Option<T> {
        serde_json::from_str(data).ok()
    }
    let told = match name {
        "ready" => return Some(Event::Open),
        "memory" => Notification::Memory(read(data)?),
        "job" => Notification::Job(read(data)?),
        "reset" => Notification::Reset,
        "end" => Notification::End(read::<End>(data)?.reason),
        _ => return None,
    };
    Some(Event::Notification(told))
}
