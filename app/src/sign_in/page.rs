//! The sign-in page.

use domain::sign_in::SignInProblem;
use leptos::prelude::*;

use crate::{
    frame::DemoBanner,
    start::Page,
    ui::{Glyph, Icon, PageTitle, query_string, use_query},
};

/// The page at `/sign-in`, with `?return_to=` and `?error=`.
#[component]
pub(crate) fn SignInPage() -> impl IntoView {
    let query = use_query();
    // Without any login option, `/auth/login` says what is missing.
    let login_links = Page::get().info(|info| match info.login_options.as_slice() {
        [] => vec![("Sign in".to_owned(), String::new())],
        [only] => vec![(only.label.clone(), String::new())],
        several => several
            .iter()
            .map(|option| (option.label.clone(), option.issuer.clone()))
            .collect(),
    });
    let login_links = login_links
        .into_iter()
        .enumerate()
        .map(|(n, (label, issuer))| {
            let parameters = [
                ("issuer", issuer.as_str()),
                ("return_to", query.get("return_to")),
            ];
            let login = format!("/auth/login{}", query_string(&parameters));
            view! {
                <a
                    class="button button-wide"
                    class:button-primary=n == 0
                    href=login
                    rel="external"
                >
                    {label}
                </a>
            }
        })
        .collect_view();
    let problem = SignInProblem::from_code(query.get("error"));
    view! {
        <PageTitle text="Sign in" />
        <DemoBanner />
        <main class="gate">
            <div class="gate-card">
                <p class="wordmark"><Glyph icon=Icon::Logo />"Atrium"</p>
                <h1>"Sign in to your organisation"</h1>
                <p>"Shared memory for you and your AI tools."</p>
                {problem
                        .map(|problem| {
                            view! {
                                <p class="notice notice-bad" role="alert">
                                    <Glyph icon=Icon::Warning />
                                    <span>{problem.sentence()}</span>
                                </p>
                            }
                        })}
                {login_links}
            </div>
        </main>
    }
    .into_any()
}
