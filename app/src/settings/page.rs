//! What counts for everybody in the organisation.

use domain::settings::Organisation;
use leptos::prelude::*;

use super::api::{SettingsUpdate, settings_get};
use crate::{
    forms::{FormState, PostForm},
    ui::{Loaded, PageHead, TextField},
};

/// The page at `/settings`.
#[component]
pub(crate) fn SettingsPage() -> impl IntoView {
    let state = FormState::<SettingsUpdate>::new();
    provide_context(state);
    let done = state.done();
    let organisation = Resource::new(move || done.get(), |_| settings_get());
    view! { <Loaded resource=organisation view=show whole_page=true /> }.into_any()
}

fn show(organisation: Organisation) -> impl IntoView {
    let state = expect_context::<FormState<SettingsUpdate>>();
    let hours = |hours: Option<u32>| hours.map(|hours| hours.to_string()).unwrap_or_default();
    let settings = organisation.settings;
    let typed = move |name: &str, otherwise: &str| state.typed(name, otherwise);
    view! {
        <PageHead title="Settings" lead="What counts for everybody in the organisation." />
        <PostForm state=state class="form">
            // Sent again without scripts, it is still the version that was read.
            <input type="hidden" name="version" value=typed("version", &organisation.version.to_string()) />
            <TextField
                name="name"
                label="Name of the organisation"
                value=typed("name", &organisation.name)
                error=state.field_error("name")
            />
            <TextField
                name="session_idle_hours"
                label="Hours until an unused session ends"
                hint="Empty: as the operator of this installation decided. More than that has no effect."
                value=typed("session_idle_hours", &hours(settings.session_idle_hours))
                error=state.field_error("session_idle_hours")
            />
            <TextField
                name="session_absolute_hours"
                label="Hours until any session ends"
                hint="Counts for sessions that begin from now on. To end those that are open, go to the members."
                value=typed("session_absolute_hours", &hours(settings.session_absolute_hours))
                error=state.field_error("session_absolute_hours")
            />
            <div class="form-actions">
                <button type="submit" class="button button-primary">"Save settings"</button>
            </div>
        </PostForm>
        <p class="muted small">
            "In commands and configuration, this organisation is " <code>{organisation.slug}</code> "."
        </p>
    }
}
