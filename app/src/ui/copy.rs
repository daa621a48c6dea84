//! An id that can be copied.

use std::time::Duration;

use leptos::prelude::*;

use super::{Glyph, Icon};

/// An id in a fixed-width face with a button that copies it. The button needs
/// scripts and so shows only once the page is awake.
#[component]
pub(crate) fn CopyId(
    /// The id.
    #[prop(into)]
    id: String,
    /// What it is the id of, for the button's name.
    what: &'static str,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let text = id.clone();
    let copy = move |_| {
        let _ = window().navigator().clipboard().write_text(&text);
        copied.set(true);
        set_timeout(move || copied.set(false), Duration::from_secs(2));
    };
    view! {
        <span class="copy-id">
            <code>{id}</code>
            <button
                type="button"
                class="icon-button needs-script"
                aria-label=move || {
                    if copied.get() { "Copied".to_owned() } else { format!("Copy the {what}'s id") }
                }
                on:click=copy
            >
                {move || if copied.get() {
                    view! { <Glyph icon=Icon::Check /> }
                } else {
                    view! { <Glyph icon=Icon::Copy /> }
                }}
            </button>
        </span>
    }
}
