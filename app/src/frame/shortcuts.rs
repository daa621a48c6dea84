//! Keyboard shortcuts of every page, and their list under `?`. Single-key
//! shortcuts can be switched off, for users of speech input.

use domain::Permission;
use leptos::{ev, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use super::nav::places;

/// Key in `localStorage`; the value `off` disables single-key shortcuts.
const STORAGE_KEY: &str = "atrium.shortcuts";

/// The list, and the switch.
#[component]
pub(crate) fn ShortcutHelp() -> impl IntoView {
    let on = RwSignal::new(true);
    Effect::new(move |_| on.set(single_keys_enabled()));
    let keys: [(&[&str], &str); 10] = [
        (&["Ctrl", "K"], "Go to a page or search"),
        (&["/"], "Search memories"),
        (&["n"], "New memory"),
        (&["g", "o"], "Overview"),
        (&["g", "m"], "Memories"),
        (&["g", "i"], "Import"),
        (&["g", "a"], "Audit log"),
        (&["g", "n"], "Notifications"),
        (&["g", "p"], "Profile"),
        (&["?"], "This list"),
    ];
    let line = |(keys, description): (&'static [&'static str], &'static str)| {
        view! {
            <div>
                <dt>{description}</dt>
                <dd>{keys.iter().map(|key| view! { <kbd>{*key}</kbd> }).collect_view()}</dd>
            </div>
        }
    };
    view! {
        <h2 id="shortcuts">"Keyboard shortcuts"</h2>
        <dl class="shortcuts">{keys.into_iter().map(line).collect_view()}</dl>
        <label class="check">
            <input
                type="checkbox"
                prop:checked=on
                on:change=move |event| {
                    let checked = event_target_checked(&event);
                    on.set(checked);
                    set_single_keys(checked);
                }
            />
            "Use single-key shortcuts"
        </label>
        <form method="dialog">
            <button type="submit" class="button">"Close"</button>
        </form>
    }
}

/// Listens for keys on the whole page, and for the palette's button.
pub(crate) fn listen_for_keys(
    open_palette: impl Fn() + Copy + 'static,
    open_help: impl Fn() + Copy + 'static,
    permissions: RwSignal<Vec<Permission>>,
) {
    let navigate = StoredValue::new(use_navigate());
    let open_page = move |path: &str| {
        navigate.with_value(|navigate| navigate(path, NavigateOptions::default()));
    };
    let after_g = StoredValue::new(false);
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
        let key = event.key();
        if after_g.get_value() {
            after_g.set_value(false);
            let place = permissions.with_untracked(|permissions| {
                places(permissions)
                    .find(|place| key == place.key.to_string())
                    .copied()
            });
            if let Some(place) = place {
                event.prevent_default();
                open_page(place.path);
            }
            return;
        }
        match key.as_str() {
            "g" => after_g.set_value(true),
            "n" => {
                event.prevent_default();
                open_page("/memories/new");
            }
            "?" => open_help(),
            "/" => {
                event.prevent_default();
                let field = document().get_element_by_id("query");
                match field.and_then(|field| field.dyn_into::<HtmlElement>().ok()) {
                    Some(field) => {
                        let _ = field.focus();
                    }
                    None => open_page("/memories"),
                }
            }
            _ => {}
        }
    };
    // Effects run in the browser only.
    Effect::new(move |_| {
        let keys = window_event_listener(ev::keydown, on_key);
        let button = window_event_listener(ev::click, move |event| {
            if closest(event.target(), "[data-opens=palette]").is_some() {
                open_palette();
            }
        });
        on_cleanup(move || {
            keys.remove();
            button.remove();
        });
    });
}

/// True if the key belongs to a field or a dialog.
fn is_typing(event: &KeyboardEvent) -> bool {
    closest(
        event.target(),
        "input, textarea, select, dialog, [contenteditable]",
    )
    .is_some()
}

fn closest(target: Option<web_sys::EventTarget>, selector: &str) -> Option<Element> {
    target?.dyn_into::<Element>().ok()?.closest(selector).ok()?
}

fn single_keys_enabled() -> bool {
    let stored = window().local_storage().ok().flatten();
    stored
        .and_then(|store| store.get_item(STORAGE_KEY).ok().flatten())
        .as_deref()
        != Some("off")
}

fn set_single_keys(on: bool) {
    if let Ok(Some(store)) = window().local_storage() {
        let _ = if on {
            store.remove_item(STORAGE_KEY)
        } else {
            store.set_item(STORAGE_KEY, "off")
        };
    }
}
