//! The one page that shows without a session.

use domain::sign_in::SignInProblem;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::ui::{Glyph, Icon, layout::DemoBanner, query_string, use_query};

/// The page at `/sign-in`, with `?return_to=` and `?error=`.
#[component]
pub(crate) fn SignInPage() -> impl IntoView {
    let query = use_query();
    let login = move || {
        let return_to = query.with(|query| query.get("return_to").to_owned());
        format!("/auth/login{}", query_string(&[("return_to", &return_to)]))
    };
    let problem = move || query.with(|query| SignInProblem::from_code(query.get("error")));
    view! {
        <Title text="Sign in · Atrium" />
        <DemoBanner />
        <main class="gate">
            <div class="gate-card">
                <p class="wordmark"><Glyph icon=Icon::Mark />"Atrium"</p>
                <h1>"Sign in to your organisation"</h1>
                <p>"Keep what you and your agents should remember, and find it again by what it means."</p>
                {move || {
                    problem()
                        .map(|problem| {
                            view! {
                                <p class="notice notice-bad" role="alert">
                                    <Glyph icon=Icon::Warning />
                                    <span>{problem.sentence()}</span>
                                </p>
                            }
                        })
                }}
                <a class="button button-primary button-wide" href=login rel="external">"Sign in"</a>
            </div>
        </main>
    }
    .into_any()
}
