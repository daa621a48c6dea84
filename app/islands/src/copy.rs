//! A button that copies a text.

use std::time::Duration;

use leptos::prelude::*;

use crate::{Glyph, Icon};

/// Copies `text`. It needs scripts, so it is hidden until the page is hydrated.
#[island]
pub fn CopyButton(text: String, label: String) -> impl IntoView {
    let copied = RwSignal::new(false);
    let copy = move |_| {
        let _ = window().navigator().clipboard().write_text(&text);
        copied.set(true);
        set_timeout(move || copied.set(false), Duration::from_secs(2));
    };
    view! {
        <button
            type="button"
            class="icon-button copy-button needs-script"
            class:copied=copied
            aria-label=move || if copied.get() { "Copied".to_owned() } else { label.clone() }
            on:click=copy
        >
            <Glyph icon=Icon::Copy />
            <Glyph icon=Icon::Check />
        </button>
    }
}
