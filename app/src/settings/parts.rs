//! Components shared by the settings pages.

use leptos::prelude::*;

use crate::ui::Tabs;

/// Tabs of the settings pages.
#[component]
pub(crate) fn SettingsTabs() -> impl IntoView {
    view! {
        <Tabs
            label="Settings"
            tabs=vec![("/settings", "Organisation"), ("/settings/embedding", "Semantic search")]
        />
    }
}
