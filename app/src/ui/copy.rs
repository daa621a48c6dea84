//! Text that can be copied.

use std::time::Duration;

use leptos::prelude::*;

use super::{Glyph, Icon};

/// An id in a fixed-width face with a button that copies it.
#[component]
pub(crate) fn CopyId(
    /// The id.
    #[prop(into)]
    id: String,
    /// What it is the id of, for the button's name.
    what: &'static str,
) -> impl IntoView {
    let text = id.clone();
    view! {
        <span class="copy-id">
            <code>{id}</code>
            <CopyButton text=text label=format!("Copy the {what}'s id") />
        </span>
    }
}

/// Something long to be copied whole, such as a key or a link: selected as a
/// whole by one click, and copied by the button.
#[component]
pub(crate) fn CopyLine(
    /// The text.
    #[prop(into)]
    text: String,
    /// What it is, for the button's name: "key".
    what: &'static str,
) -> impl IntoView {
    let shown = text.clone();
    view! {
        <div class="copy-line">
            <code translate="no">{shown}</code>
            <CopyButton text=text label=format!("Copy the {what}") />
        </div>
    }
}

/// Several lines to be copied whole, such as a file: copied by the button, and
/// by hand where there are no scripts.
#[component]
pub(crate) fn CopyBlock(
    /// The text.
    #[prop(into)]
    text: String,
    /// What it is for, for the button's name: "Cursor".
    what: &'static str,
) -> impl IntoView {
    let shown = text.clone();
    view! {
        <div class="copy-block">
            <pre tabindex="0" aria-label=format!("For {what}") translate="no"><code>{shown}</code></pre>
            <CopyButton text=text label=format!("Copy the text for {what}") />
        </div>
    }
}

/// Copies `text`. It needs scripts and so shows only once the page is awake.
#[component]
fn CopyButton(text: String, label: String) -> impl IntoView {
    let copied = RwSignal::new(false);
    let copy = move |_| {
        let _ = window().navigator().clipboard().write_text(&text);
        copied.set(true);
        set_timeout(move || copied.set(false), Duration::from_secs(2));
    };
    view! {
        <button
            type="button"
            class="icon-button needs-script"
            aria-label=move || if copied.get() { "Copied".to_owned() } else { label.clone() }
            on:click=copy
        >
            {move || if copied.get() {
                view! { <Glyph icon=Icon::Check /> }
            } else {
                view! { <Glyph icon=Icon::Copy /> }
            }}
        </button>
    }
}
