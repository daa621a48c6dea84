//! Settings that apply to everybody in the organisation.

use domain::{
    preferences::TimeZone,
    settings::{CHANGES_NEED_REVIEW, OWNERS_MAY_CHANGE, TenantSettings},
};
use leptos::prelude::*;

use super::{
    api::{SettingsData, SettingsUpdate, settings_get},
    parts::SettingsTabs,
};
use crate::{
    forms::{FormState, PostForm},
    preferences::time_zone_choices,
    ui::{Choice, PageHead, SelectField, TextArea, TextField, load_page},
};

/// The page at `/settings`.
#[component]
pub(crate) fn SettingsPage() -> impl IntoView {
    let organisation = settings_get();
    load_page(organisation, show)
}

fn show(data: SettingsData) -> impl IntoView {
    let organisation = data.organisation;
    let state = FormState::<SettingsUpdate>::new();
    let hours = |hours: Option<u32>| hours.map(|hours| hours.to_string()).unwrap_or_default();
    let settings = organisation.settings;
    let reviewed_changes = if settings.owners_change_reviewed {
        OWNERS_MAY_CHANGE
    } else {
        CHANGES_NEED_REVIEW
    };
    let typed = move |name: &str, otherwise: &str| state.typed(name, otherwise);
    let none = Choice::new("", format!("Default ({})", TimeZone::UTC));
    let time_zones = time_zone_choices(none, &data.time_zones);
    let none = Choice::new(
        "",
        format!("Default ({})", TenantSettings::DEFAULT_CURRENCY),
    );
    let currencies = data.currencies.into_iter().map(|(code, name)| {
        let label = format!("{code} · {name}");
        Choice::new(code, label)
    });
    let currencies = std::iter::once(none).chain(currencies).collect::<Vec<_>>();
    view! {
        <PageHead title="Settings" lead="Organisation settings" />
        <SettingsTabs />
        <PostForm state=state class="form">
            // After a failed post without scripts it is still the version that
            // was read.
            <input type="hidden" name="version" value=typed("version", &organisation.version.to_string()) />
            <TextField
                name="name"
                label="Organisation name"
                value=typed("name", &organisation.name)
                error=state.field_error("name")
            />
            <SelectField
                name="time_zone"
                label="Time zone"
                hint="Default for members."
                choices=time_zones
                value=typed("time_zone", settings.time_zone.as_deref().unwrap_or_default())
                error=state.field_error("time_zone")
            />
            <SelectField
                name="currency"
                label="Currency"
                hint="Used for billing."
                choices=currencies
                value=typed("currency", settings.currency.as_deref().unwrap_or_default())
                error=state.field_error("currency")
            />
            <TextField
                name="session_idle_hours"
                label="Idle timeout (hours)"
                hint="Leave empty for the default of this installation, which is also the maximum."
                value=typed("session_idle_hours", &hours(settings.session_idle_hours))
                error=state.field_error("session_idle_hours")
            />
            <TextField
                name="session_absolute_hours"
                label="Maximum session length (hours)"
                hint="Applies to new sessions. To end open sessions, go to Members."
                value=typed("session_absolute_hours", &hours(settings.session_absolute_hours))
                error=state.field_error("session_absolute_hours")
            />
            <TextArea
                name="invite_domains"
                label="Invite domains"
                hint="One per line, such as example.org. Only invite addresses on these domains. Leave empty to allow any."
                rows=3
                optional=true
                value=typed("invite_domains", &settings.invite_domains.join("\n"))
                error=state.field_error("invite_domains")
            />
            <SelectField
                name="reviewed_changes"
                label="Changes to reviewed memories"
                hint="Applies to memories shared after a review. Reviewers can always change them directly."
                choices=vec![
                    Choice::new(CHANGES_NEED_REVIEW, "Require a new review"),
                    Choice::new(OWNERS_MAY_CHANGE, "Don’t require a review"),
                ]
                value=typed("reviewed_changes", reviewed_changes)
                error=state.field_error("reviewed_changes")
            />
            <div class="form-actions">
                <button type="submit" class="button button-primary">"Save settings"</button>
            </div>
        </PostForm>
        <p class="muted small">
            "Slug: " <code>{organisation.slug}</code>
        </p>
    }
}
