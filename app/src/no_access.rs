//! The page for people who are signed in without any role.

use leptos::prelude::*;

use crate::{
    frame::DemoBanner,
    ui::{Glyph, Icon, PageTitle},
};

/// The page at `/no-access`.
#[component]
pub(crate) fn NoAccessPage() -> impl IntoView {
    view! {
        <PageTitle text="No access yet" />
        <DemoBanner />
        <main class="gate">
            <div class="gate-card">
                <p class="gate-mark"><Glyph icon=Icon::Lock /></p>
                <h1>"You have no access yet"</h1>
                <p>
                    "You are signed in, but you don’t have a role yet. Ask an owner or admin of your organisation for one, then sign in again."
                </p>
                <form method="post" action="/auth/logout">
                    <button type="submit" class="button button-wide">"Sign out"</button>
                </form>
            </div>
        </main>
    }
    .into_any()
}
