//! The header of a page.

use leptos::prelude::*;

use super::PageTitle;

/// Title, lead and main actions; also sets the title of the browser tab.
#[component]
pub(crate) fn PageHead(
    #[prop(into)] title: String,
    /// One sentence below the title.
    #[prop(optional, into)]
    lead: Option<String>,
    /// Path and name of the parent page.
    #[prop(optional)]
    up: Option<(&'static str, &'static str)>,
    /// The page answers a form: its title gets the focus.
    #[prop(optional)]
    is_answer: bool,
    /// Main actions, on the right.
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
                <h1
                    dir="auto"
                    tabindex=is_answer.then_some("-1")
                    data-answer=is_answer.then_some("")
                >
                    {title}
                </h1>
                {lead.map(|lead| view! { <p class="page-lead">{lead}</p> })}
            </div>
            {children.map(|children| view! { <div class="page-actions">{children()}</div> })}
        </header>
    }
}
