//! Text with a button that copies it.

use islands::CopyButton;
use leptos::prelude::*;

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
            <CopyButton text=text label=format!("Copy the {what} ID") />
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
