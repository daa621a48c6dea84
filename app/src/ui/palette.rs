//! The command palette (Ctrl/⌘ K), the single-key shortcuts, and their list
//! under `?`. All of it needs scripts; every place in it is also a link.

use domain::Permission;
use leptos::{ev, html, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent};

use super::{Glyph, Icon, nav::places, query_string};
use crate::profile::Me;

/// Where the browser remembers that single keys do nothing.
const SWITCH: &str = "atrium.shortcuts";

/// A line of the palette.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Command {
    name: String,
    icon: Icon,
    path: String,
}

/// The commands that fit `typed`: places and actions whose name contains each
/// of its words, then the search for it.
fn commands(permissions: &[Permission], typed: &str) -> Vec<Command> {
    let typed = typed.trim();
    let mut all: Vec<Command> = places(permissions)
        .map(|place| Command {
            name: place.name.to_owned(),
            icon: place.icon,
            path: place.path.to_owned(),
        })
        .collect();
    if permissions.contains(&Permission::MemoryWrite) {
        all.push(Command {
            name: "New memory".to_owned(),
            icon: Icon::Plus,
            path: "/memories/new".to_owned(),
        });
    }
    if permissions.contains(&Permission::MemoryRead) {
        all.push(Command {
            name: "Trash".to_owned(),
            icon: Icon::Trash,
            path: "/memories?state=trash".to_owned(),
        });
    }
    let words: Vec<String> = typed.split_whitespace().map(str::to_lowercase).collect();
    all.retain(|command| {
        let name = command.name.to_lowercase();
        words.iter().all(|word| name.contains(word))
    });
    if !typed.is_empty() && permissions.contains(&Permission::MemoryRead) {
        all.push(Command {
            name: format!("Search memories for “{typed}”"),
            icon: Icon::Search,
            path: format!("/memories{}", query_string(&[("q", typed)])),
        });
    }
    all
}

/// Both dialogs and the keys that open them.
#[component]
pub(crate) fn Palette() -> impl IntoView {
    let me = Me::of_page();
    let palette = NodeRef::<html::Dialog>::new();
    let help = NodeRef::<html::Dialog>::new();
    let input = NodeRef::<html::Input>::new();
    let typed = RwSignal::new(String::new());
    let chosen = RwSignal::new(0_usize);
    let permissions = RwSignal::new(Vec::<Permission>::new());
    Effect::new(move |_| {
        permissions.set(
            me.get()
                .flatten()
                .map(|me| me.permissions)
                .unwrap_or_default(),
        );
    });
    let fitting =
        Memo::new(move |_| permissions.with(|held| typed.with(|typed| commands(held, typed))));
    let navigate = StoredValue::new(use_navigate());
    let go = move |path: &str| {
        if let Some(dialog) = palette.get_untracked() {
            dialog.close();
        }
        navigate.with_value(|navigate| navigate(path, NavigateOptions::default()));
    };
    let open = move || {
        if let (Some(dialog), Some(input)) = (palette.get_untracked(), input.get_untracked()) {
            typed.set(String::new());
            chosen.set(0);
            input.set_value("");
            if !dialog.open() {
                let _ = dialog.show_modal();
            }
        }
    };
    listen(
        open,
        move || {
            if let Some(dialog) = help.get_untracked()
                && !dialog.open()
            {
                let _ = dialog.show_modal();
            }
        },
        permissions,
    );
    let on_key = move |event: KeyboardEvent| {
        let count = fitting.with_untracked(Vec::len);
        match event.key().as_str() {
            "ArrowDown" if count > 0 => chosen.update(|at| *at = (*at + 1) % count),
            "ArrowUp" if count > 0 => chosen.update(|at| *at = (*at + count - 1) % count),
            "Enter" => {
                let path = fitting.with_untracked(|all| {
                    all.get(chosen.get_untracked())
                        .map(|command| command.path.clone())
                });
                if let Some(path) = path {
                    go(&path);
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    view! {
        <dialog class="palette" aria-label="Go to or search" node_ref=palette>
            <div class="search-box">
                <Glyph icon=Icon::Search />
                <input
                    type="text"
                    role="combobox"
                    aria-label="Go to or search"
                    aria-expanded="true"
                    aria-controls="palette-list"
                    aria-activedescendant=move || format!("palette-{}", chosen.get())
                    placeholder="Go to a page, or search memories"
                    autocomplete="off"
                    node_ref=input
                    on:input=move |event| {
                        typed.set(event_target_value(&event));
                        chosen.set(0);
                    }
                    on:keydown=on_key
                />
            </div>
            <ul id="palette-list" role="listbox" aria-label="Commands">
                {move || {
                    fitting
                        .get()
                        .into_iter()
                        .enumerate()
                        .map(|(index, command)| {
                            let path = command.path.clone();
                            view! {
                                <li
                                    id=format!("palette-{index}")
                                    role="option"
                                    aria-selected=move || if chosen.get() == index { "true" } else { "false" }
                                    on:click=move |_| go(&path)
                                >
                                    <Glyph icon=command.icon />
                                    {command.name}
                                </li>
                            }
                        })
                        .collect_view()
                }}
            </ul>
        </dialog>
        <dialog class="help" aria-labelledby="shortcuts" node_ref=help>
            <ShortcutList />
        </dialog>
    }
}

#[component]
fn ShortcutList() -> impl IntoView {
    let on = RwSignal::new(true);
    Effect::new(move |_| on.set(single_keys_on()));
    let keys: [(&[&str], &str); 9] = [
        (&["Ctrl", "K"], "Go to a page or search"),
        (&["/"], "Search memories"),
        (&["n"], "New memory"),
        (&["g", "o"], "Overview"),
        (&["g", "m"], "Memories"),
        (&["g", "i"], "Import"),
        (&["g", "a"], "Audit log"),
        (&["g", "p"], "Profile"),
        (&["?"], "This list"),
    ];
    view! {
        <h2 id="shortcuts">"Keyboard shortcuts"</h2>
        <dl class="shortcuts">
            {keys
                .into_iter()
                .map(|(keys, what)| {
                    view! {
                        <div>
                            <dt>{what}</dt>
                            <dd>{keys.iter().map(|key| view! { <kbd>{*key}</kbd> }).collect_view()}</dd>
                        </div>
                    }
                })
                .collect_view()}
        </dl>
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

/// Waits for keys on the whole page, and for the palette's button.
fn listen(
    open: impl Fn() + Copy + 'static,
    help: impl Fn() + Copy + 'static,
    permissions: RwSignal<Vec<Permission>>,
) {
    let navigate = StoredValue::new(use_navigate());
    let after_g = StoredValue::new(false);
    Effect::new(move |_| {
        let keys = window_event_listener(ev::keydown, move |event| {
            if (event.ctrl_key() || event.meta_key()) && event.key().eq_ignore_ascii_case("k") {
                event.prevent_default();
                open();
                return;
            }
            if event.ctrl_key()
                || event.meta_key()
                || event.alt_key()
                || is_typing(&event)
                || !single_keys_on()
            {
                return;
            }
            let go = |path: &str| {
                navigate.with_value(|navigate| navigate(path, NavigateOptions::default()));
            };
            let key = event.key();
            if after_g.get_value() {
                after_g.set_value(false);
                let place = permissions.with_untracked(|held| {
                    places(held)
                        .find(|place| key == place.key.to_string())
                        .copied()
                });
                if let Some(place) = place {
                    event.prevent_default();
                    go(place.path);
                }
                return;
            }
            match key.as_str() {
                "g" => after_g.set_value(true),
                "n" => go("/memories/new"),
                "?" => help(),
                "/" => {
                    event.prevent_default();
                    match document()
                        .get_element_by_id("q")
                        .and_then(|q| q.dyn_into::<HtmlElement>().ok())
                    {
                        Some(q) => {
                            let _ = q.focus();
                        }
                        None => go("/memories"),
                    }
                }
                _ => {}
            }
        });
        let button = window_event_listener(ev::click, move |event| {
            let on_opener = event
                .target()
                .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
                .and_then(|target| target.closest("[data-opens=palette]").ok().flatten());
            if on_opener.is_some() {
                open();
            }
        });
        on_cleanup(move || {
            keys.remove();
            button.remove();
        });
    });
}

/// The key belongs to a field or a dialog.
fn is_typing(event: &KeyboardEvent) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .is_some_and(|target| {
            target
                .closest("input, textarea, select, dialog, [contenteditable]")
                .ok()
                .flatten()
                .is_some()
        })
}

fn single_keys_on() -> bool {
    let stored = window().local_storage().ok().flatten();
    stored
        .and_then(|store| store.get_item(SWITCH).ok().flatten())
        .as_deref()
        != Some("off")
}

fn set_single_keys(on: bool) {
    if let Ok(Some(store)) = window().local_storage() {
        let _ = if on {
            store.remove_item(SWITCH)
        } else {
            store.set_item(SWITCH, "off")
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(permissions: &[Permission], typed: &str) -> Vec<String> {
        commands(permissions, typed)
            .into_iter()
            .map(|command| command.name)
            .collect()
    }

    #[test]
    fn commands_fit_what_is_typed_and_what_is_allowed() {
        assert_eq!(
            names(Permission::ALL, " mem NEW"),
            ["New memory", "Search memories for “mem NEW”"]
        );
        assert_eq!(
            names(&[Permission::ProfileManage], ""),
            ["Overview", "Profile"]
        );
        assert_eq!(
            names(&[Permission::ProfileManage], "new"),
            Vec::<String>::new()
        );
    }
}
