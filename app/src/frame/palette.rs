//! The command palette (Ctrl/⌘ K): every page and action, found by a part of
//! its name. It needs scripts; each command is also a link elsewhere.

use domain::Permission;
use leptos::{html, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use web_sys::KeyboardEvent;

use super::{
    nav::places,
    shortcuts::{ShortcutHelp, listen_for_keys},
};
use crate::{
    profile::CurrentMember,
    ui::{Glyph, Icon, query_string},
};

/// An entry of the palette.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Command {
    name: String,
    icon: Icon,
    path: String,
}

impl Command {
    fn new(name: impl Into<String>, icon: Icon, path: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            icon,
            path: path.into(),
        }
    }
}

/// The commands that match `text`: pages and actions whose name contains each
/// of its words, then a search for it.
fn commands(permissions: &[Permission], text: &str) -> Vec<Command> {
    let text = text.trim();
    let mut all: Vec<Command> = places(permissions)
        .map(|place| Command::new(place.name, place.icon, place.path))
        .collect();
    if permissions.contains(&Permission::MemoryWrite) {
        all.push(Command::new("New memory", Icon::Plus, "/memories/new"));
    }
    if permissions.contains(&Permission::MemoryRead) {
        all.push(Command::new("Trash", Icon::Trash, "/memories?state=trash"));
    }
    if permissions.contains(&Permission::ApiKeyOwn) {
        all.push(Command::new("New API key", Icon::Key, "/keys/new"));
        all.push(Command::new("API reference", Icon::Memories, "/reference"));
    }
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    all.retain(|command| {
        let name = command.name.to_lowercase();
        words.iter().all(|word| name.contains(word))
    });
    if !text.is_empty() && permissions.contains(&Permission::MemoryRead) {
        let path = format!("/memories{}", query_string(&[("query", text)]));
        all.push(Command::new(
            format!("Search memories for “{text}”"),
            Icon::Search,
            path,
        ));
    }
    all
}

/// The palette, the list of shortcuts, and the keys that open them.
#[component]
pub(crate) fn Palette() -> impl IntoView {
    let me = CurrentMember::from_context();
    let palette = NodeRef::<html::Dialog>::new();
    let help = NodeRef::<html::Dialog>::new();
    let permissions = RwSignal::new(Vec::<Permission>::new());
    Effect::new(move |_| {
        permissions.set(me.member().map(|me| me.permissions).unwrap_or_default());
    });
    let text = RwSignal::new(String::new());
    let open = move || {
        text.set(String::new());
        show(palette);
    };
    listen_for_keys(open, move || show(help), permissions);
    view! {
        <dialog class="palette" aria-label="Go to or search" node_ref=palette>
            <PaletteContent dialog=palette text=text permissions=permissions />
        </dialog>
        <dialog class="help" aria-labelledby="shortcuts" node_ref=help>
            <ShortcutHelp />
        </dialog>
    }
}

fn show(dialog: NodeRef<html::Dialog>) {
    if let Some(dialog) = dialog.get_untracked()
        && !dialog.open()
    {
        let _ = dialog.show_modal();
    }
}

#[component]
fn PaletteContent(
    dialog: NodeRef<html::Dialog>,
    text: RwSignal<String>,
    permissions: RwSignal<Vec<Permission>>,
) -> impl IntoView {
    let selected = RwSignal::new(0_usize);
    let matches = Memo::new(move |_| {
        permissions.with(|permissions| text.with(|text| commands(permissions, text)))
    });
    // A new list starts at its top.
    Effect::new(move |_| {
        matches.track();
        selected.set(0);
    });
    let navigate = StoredValue::new(use_navigate());
    let open_page = move |path: &str| {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
        navigate.with_value(|navigate| navigate(path, NavigateOptions::default()));
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
                prop:value=text
                on:input=move |event| text.set(event_target_value(&event))
                on:keydown=on_key
            />
        </div>
        <ul id="palette-list" role="listbox" aria-label="Commands">
            {move || matches.get().into_iter().enumerate().map(option).collect_view()}
        </ul>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(permissions: &[Permission], text: &str) -> Vec<String> {
        commands(permissions, text)
            .into_iter()
            .map(|command| command.name)
            .collect()
    }

    #[test]
    fn commands_match_the_text_and_the_permissions() {
        assert_eq!(
            names(Permission::ALL, " mem NEW"),
            ["New memory", "Search memories for “mem NEW”"]
        );
        assert_eq!(
            names(&[Permission::ProfileManage], ""),
            ["Overview", "Notifications", "Profile"]
        );
        assert_eq!(
            names(&[Permission::ProfileManage], "new"),
            Vec::<String>::new()
        );
    }
}
