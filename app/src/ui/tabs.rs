//! Tabs that link pages about the same subject.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// Links; the one to the current page is marked.
#[component]
pub(crate) fn Tabs(
    /// Label for screen readers.
    label: &'static str,
    /// Path and name of each tab.
    tabs: Vec<(&'static str, &'static str)>,
) -> impl IntoView {
    let path = use_location().pathname;
    view! {
        <nav class="tabs" aria-label=label>
            {tabs
                .into_iter()
                .map(|(to, name)| {
                    let current = path.with_untracked(|path| path == to).then_some("page");
                    view! { <a href=to aria-current=current>{name}</a> }
                })
                .collect_view()}
        </nav>
    }
}
