//! Pieces that the pages of settings share.

use leptos::prelude::*;

use crate::ui::Tabs;

/// The pages on which an organisation is set up.
#[component]
pub(crate) fn SettingsTabs() -> impl IntoView {
    view! {
        <Tabs
            label="Settings"
            tabs=vec![("/settings", "Organisation"), ("/settings/embedding", "Search by meaning")]
        />
    }
}
