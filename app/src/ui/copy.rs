//! Text with a button that copies it.

use std::time::Duration;

use leptos::prelude::*;

use super::{Glyph, Icon};

/// An id in a fixed-width face with a button that copies it.
#[component]
pub(crate) fn CopyId(
    #[prop(into)] id: String,
    /// The object of the id, for the button's label.
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

/// A key or link to be copied as a whole: one click selects it, the button
/// copies it.
#[component]
pub(crate) fn CopyLine(
    #[prop(into)] text: String,
    /// The name of the text in the button's label, e.g. "key".
    what: &'static str,
) -> impl IntoView {
    let content = text.clone();
    view! {
        <div class="copy-line">
            <code translate="no">{content}</code>
            <CopyButton text=text label=format!("Copy the {what}") />
        </div>
    }
}

/// Several lines to be copied as a whole, such as a file: by the button, or by
/// hand without scripts.
#[component]
pub(crate) fn CopyBlock(
    #[prop(into)] text: String,
    /// The target of the text in the button's label, e.g. "Cursor".
    what: &'static str,
) -> impl IntoView {
    let content = text.clone();
    view! {
        <div class="copy-block">
            <pre tabindex="0" aria-label=format!("For {what}") translate="no"><code>{content}</code></pre>
            <CopyButton text=text label=format!("Copy the text for {what}") />
        </div>
    }
}

/// Copies `text`. It needs scripts, so it is hidden until the page is hydrated.
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
