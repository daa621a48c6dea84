//! The command palette (Ctrl/⌘ K): every page and action, found by a part of
//! its name, and the list of keyboard shortcuts. It needs scripts; each command
//! is also a link elsewhere.

use leptos::{html, prelude::*};
use serde::{Deserialize, Serialize};
use web_sys::KeyboardEvent;

use crate::{Glyph, Icon, page, shortcuts};

/// An entry of the palette.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    pub name: String,
    pub icon: Icon,
    pub path: String,
}

/// Keys that open a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortcut {
    /// One key, or two that are pressed one after the other.
    pub keys: String,
    pub name: String,
    pub path: String,
    /// Id of a field that is focused instead, if the page has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// The palette, the list of shortcuts, and the keys that open them.
#[island]
pub fn Palette(
    commands: Vec<Command>,
    shortcuts: Vec<Shortcut>,
    /// Path of the page that searches memories; `None` if the member may not.
    search: Option<String>,
) -> impl IntoView {
    let palette = NodeRef::<html::Dialog>::new();
    let help = NodeRef::<html::Dialog>::new();
    // The content is rendered when it is first needed.
    let is_used = RwSignal::new(false);
    let text = RwSignal::new(String::new());
    let open = move |dialog: NodeRef<html::Dialog>| {
        is_used.set(true);
        text.set(String::new());
        // The field has to be there when the dialog looks for what to focus.
        request_animation_frame(move || {
            if let Some(dialog) = dialog.get_untracked().filter(|dialog| !dialog.open()) {
                let _ = dialog.show_modal();
            }
        });
    };
    let listed = StoredValue::new(shortcuts);
    Effect::new(move |_| {
        shortcuts::listen(
            listed.get_value(),
            move || open(palette),
            move || open(help),
        );
    });
    let commands = StoredValue::new((commands, search));
    view! {
        <dialog class="palette" aria-label="Go to or search" node_ref=palette>
            {move || is_used.get().then(|| view! { <Finder commands=commands text=text dialog=palette /> })}
        </dialog>
        <dialog class="help" aria-labelledby="shortcuts" node_ref=help>
            {move || is_used.get().then(|| view! { <ShortcutList shortcuts=listed.get_value() /> })}
        </dialog>
    }
}

/// The commands whose name contains each word of `text`, then a search for it.
fn matching(commands: &[Command], search: Option<&str>, text: &str) -> Vec<Command> {
    let text = text.trim();
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let fits = |command: &&Command| {
        let name = command.name.to_lowercase();
        words.iter().all(|word| name.contains(word))
    };
    let mut found: Vec<_> = commands.iter().filter(fits).cloned().collect();
    if let Some(path) = search.filter(|_| !text.is_empty()) {
        found.push(Command {
            name: format!("Search memories for “{text}”"),
            icon: Icon::Search,
            path: format!("{path}?query={}", encode(text)),
        });
    }
    found
}

/// `text` as a value in a query.
fn encode(text: &str) -> String {
    String::from(js_sys::encode_uri_component(text)).replace("%20", "+")
}

/// The text field and the commands that match it.
#[component]
fn Finder(
    commands: StoredValue<(Vec<Command>, Option<String>)>,
    text: RwSignal<String>,
    dialog: NodeRef<html::Dialog>,
) -> impl IntoView {
    let selected = RwSignal::new(0_usize);
    let matches = Memo::new(move |_| {
        commands.with_value(|(commands, search)| {
            text.with(|text| matching(commands, search.as_deref(), text))
        })
    });
    let open_page = move |path: &str| {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
        page::open(path);
    };
    let on_key = move |event: KeyboardEvent| {
        let count = matches.with_untracked(Vec::len);
        match event.key().as_str() {
            "ArrowDown" if count > 0 => selected.update(|at| *at = (*at + 1) % count),
            "ArrowUp" if count > 0 => selected.update(|at| *at = (*at + count - 1) % count),
            "Enter" => {
                let path = matches.with_untracked(|all| {
                    all.get(selected.get_untracked())
                        .map(|command| command.path.clone())
                });
                if let Some(path) = path {
                    open_page(&path);
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    let option = move |(index, command): (usize, Command)| {
        let path = command.path;
        view! {
            <li
                id=format!("palette-{index}")
                role="option"
                aria-selected=move || if selected.get() == index { "true" } else { "false" }
                on:click=move |_| open_page(&path)
            >
                <Glyph icon=command.icon />
                {command.name}
            </li>
        }
    };
    view! {
        <div class="search-box">
            <Glyph icon=Icon::Search />
            <input
                type="text"
                role="combobox"
                aria-label="Go to or search"
                aria-expanded="true"
                aria-controls="palette-list"
                aria-activedescendant=move || format!("palette-{}", selected.get())
                placeholder="Go to a page, or search memories"
                autocomplete="off"
                autofocus
                prop:value=text
                on:input=move |event| {
                    text.set(event_target_value(&event));
                    // A new list starts at its top.
                    selected.set(0);
                }
                on:keydown=on_key
            />
        </div>
        <ul id="palette-list" role="listbox" aria-label="Commands">
            {move || matches.get().into_iter().enumerate().map(option).collect_view()}
        </ul>
    }
}

/// The list of shortcuts, and the switch for those of a single key.
#[component]
fn ShortcutList(shortcuts: Vec<Shortcut>) -> impl IntoView {
    let on = RwSignal::new(shortcuts::single_keys_enabled());
    let fixed = [
        ("Ctrl K", "Go to a page or search"),
        ("j", "Next row"),
        ("k", "Previous row"),
        ("?", "This list"),
    ];
    let pages = shortcuts.into_iter().map(|shortcut| {
        let keys: Vec<_> = shortcut.keys.chars().map(String::from).collect();
        (keys.join(" "), shortcut.name)
    });
    let lines = fixed
        .map(|(keys, name)| (keys.to_owned(), name.to_owned()))
        .into_iter()
        .chain(pages)
        .map(|(keys, name)| {
            let keys = keys
                .split(' ')
                .map(|key| view! { <kbd>{key.to_owned()}</kbd> });
            view! { <div><dt>{name}</dt> <dd>{keys.collect_view()}</dd></div> }
        });
    view! {
        <h2 id="shortcuts">"Keyboard shortcuts"</h2>
        <dl class="shortcuts">{lines.collect_view()}</dl>
        <label class="check">
            <input
                type="checkbox"
                prop:checked=on
                on:change=move |event| {
                    let checked = event_target_checked(&event);
                    on.set(checked);
                    shortcuts::set_single_keys(checked);
                }
            />
            "Use single-key shortcuts"
        </label>
        <form method="dialog">
            <button type="submit" class="button">"Close"</button>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let commands = ["Members", "New memory", "Memories"].map(|name| Command {
            name: name.to_owned(),
            icon: Icon::Plus,
            path: "/".to_owned(),
        });
        let found = matching(&commands, None, text);
        found.into_iter().map(|command| command.name).collect()
    }

    #[test]
    fn commands_match_each_word_of_the_text() {
        assert_eq!(names(" mem NEW"), ["New memory"]);
        assert_eq!(names("memo"), ["New memory", "Memories"]);
        assert_eq!(names("").len(), 3);
        assert_eq!(names("x"), Vec::<String>::new());
    }
}
