//! Filters live in the URL: a GET form. With scripts a behaviour of the islands
//! leaves out the empty fields, and searches as one types.

use leptos::prelude::*;

use super::{Glyph, Icon};

/// A form whose fields are the query of `path`.
#[component]
pub(crate) fn FilterForm(
    /// Path of the page that it filters.
    #[prop(into)]
    path: String,
    /// Label for screen readers.
    label: &'static str,
    #[prop(optional)] class: &'static str,
    /// Id of the region that shows the results after a pause in typing into the
    /// search field.
    #[prop(optional)]
    results: Option<&'static str>,
    children: Children,
) -> impl IntoView {
    view! {
        <form method="get" action=path role="search" aria-label=label class=class data-results=results>
            {children()}
        </form>
    }
}

/// The search field `query`, and its button.
#[component]
pub(crate) fn SearchBox(
    /// Label for screen readers.
    label: &'static str,
    placeholder: &'static str,
    /// Initial value.
    #[prop(into)]
    value: String,
    max_chars: u16,
    /// Label of the button.
    act: &'static str,
) -> impl IntoView {
    view! {
        <div class="search-box">
            <Glyph icon=Icon::Search />
            <input
                type="search"
                name="query"
                id="query"
                value=value
                aria-label=label
                placeholder=placeholder
                autocomplete="off"
                maxlength=max_chars
                dir="auto"
            />
        </div>
        <button type="submit" class="button">{act}</button>
    }
}
