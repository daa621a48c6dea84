//! Keyboard shortcuts of every page. Single-key shortcuts can be switched off,
//! for users of speech input.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast as _;
use web_sys::{Element, EventTarget, KeyboardEvent};

use crate::{page, palette::Shortcut};

/// Key in `localStorage`; the value `off` disables single-key shortcuts.
const STORAGE_KEY: &str = "atrium.shortcuts";

/// Listens for keys on the whole page, and for buttons that open the palette.
pub(crate) fn listen(
    shortcuts: Vec<Shortcut>,
    open_palette: impl Fn() + Copy + 'static,
    open_help: impl Fn() + Copy + 'static,
) {
    // The first key of a shortcut of two keys.
    let pressed = StoredValue::new(String::new());
    let on_key = move |event: KeyboardEvent| {
        let with_command = event.ctrl_key() || event.meta_key();
        if with_command && event.key().eq_ignore_ascii_case("k") {
            event.prevent_default();
            open_palette();
            return;
        }
        if with_command || event.alt_key() || is_typing(&event) || !single_keys_enabled() {
            return;
        }
        let keys = pressed.get_value() + &event.key();
        pressed.set_value(String::new());
        match keys.as_str() {
            "?" => open_help(),
            "j" | "k" => move_in_list(keys == "j"),
            _ => {
                if let Some(shortcut) = shortcuts.iter().find(|shortcut| shortcut.keys == keys) {
                    event.prevent_default();
                    follow(shortcut);
                } else if shortcuts
                    .iter()
                    .any(|shortcut| shortcut.keys.starts_with(&keys))
                {
                    pressed.set_value(keys);
                }
            }
        }
    };
    window_event_listener(ev::keydown, on_key);
    window_event_listener(ev::click, move |event| {
        if closest(event.target(), "[data-opens=palette]").is_some() {
            open_palette();
        }
    });
}

/// Opens the shortcut's page, or focuses its field if this page has it.
fn follow(shortcut: &Shortcut) {
    let field = shortcut.field.as_deref();
    match field.and_then(|field| document().get_element_by_id(field)) {
        Some(field) => page::focus(&field),
        None => page::open(&shortcut.path),
    }
}

/// Moves the focus to the next or previous row of a list.
fn move_in_list(forward: bool) {
    let Some(main) = document().get_element_by_id("main") else {
        return;
    };
    let rows = page::select(&main, "a.row-title");
    let active = document().active_element();
    let at = rows
        .iter()
        .position(|row| Some(row.as_ref()) == active.as_deref());
    let next = match (at, forward) {
        (None, _) => Some(0),
        (Some(at), true) => Some(at + 1),
        (Some(at), false) => at.checked_sub(1),
    };
    if let Some(row) = next.and_then(|next| rows.get(next)) {
        page::focus(row);
    }
}

/// True if the key belongs to a field or a dialog.
fn is_typing(event: &KeyboardEvent) -> bool {
    closest(
        event.target(),
        "input, textarea, select, dialog, [contenteditable]",
    )
    .is_some()
}

fn closest(target: Option<EventTarget>, selector: &str) -> Option<Element> {
    target?.dyn_into::<Element>().ok()?.closest(selector).ok()?
}

pub(crate) fn single_keys_enabled() -> bool {
    let stored = window().local_storage().ok().flatten();
    stored
        .and_then(|store| store.get_item(STORAGE_KEY).ok().flatten())
        .as_deref()
        != Some("off")
}

pub(crate) fn set_single_keys(on: bool) {
    if let Ok(Some(store)) = window().local_storage() {
        let _ = if on {
            store.remove_item(STORAGE_KEY)
        } else {
            store.set_item(STORAGE_KEY, "off")
        };
    }
}
