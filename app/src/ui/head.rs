//! The top of a page: what it is, in one sentence, and what to do.

use leptos::prelude::*;

use super::PageTitle;

/// Title, sentence and main action; also names the browser's tab.
#[component]
pub(crate) fn PageHead(
    /// The page's name.
    #[prop(into)]
    title: String,
    /// One sentence below it.
    #[prop(optional, into)]
    lead: Option<String>,
    /// Way back up, as a path and a name.
    #[prop(optional)]
    up: Option<(&'static str, &'static str)>,
    /// The main action on the right.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <PageTitle text=title.clone() />
        <header class="page-head">
            <div class="page-head-text">
                {up.map(|(path, name)| {
                    view! {
                        <p class="page-up">
                            <a href=path>{name}</a>
                            <span aria-hidden="true">" /"</span>
                        </p>
                    }
                })}
                <h1 dir="auto">{title}</h1>
                {lead.map(|lead| view! { <p class="page-lead">{lead}</p> })}
            </div>
            {children.map(|children| view! { <div class="page-actions">{children()}</div> })}
        </header>
    }
}
