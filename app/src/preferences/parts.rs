//! The preferences form on the profile page.

use domain::preferences::{Formats, Locale, Theme, TimeZone};
use leptos::prelude::*;

use super::api::{PreferencesData, PreferencesUpdate};
use crate::{
    clock::page_now,
    format,
    forms::{FormState, PostForm},
    ui::{Choice, SelectField},
};

#[component]
pub(crate) fn Preferences(
    state: FormState<PreferencesUpdate>,
    data: PreferencesData,
) -> impl IntoView {
    let current = data.preferences;
    let typed = move |name: &str, otherwise: &str| state.typed(name, otherwise);
    let themes = Theme::ALL
        .iter()
        .map(|theme| Choice::new(theme.key(), theme.label()))
        .collect::<Vec<_>>();
    let now = page_now();
    let locales = Locale::ALL.map(|locale| {
        let zone = TimeZone::utc();
        let sample = format::date(now, &Formats { locale, zone });
        Choice::new(locale.tag(), format!("{} · {sample}", locale.name()))
    });
    let tenant_zone = data.tenant_time_zone.as_deref().unwrap_or(TimeZone::UTC);
    let first = Choice::new(
        "",
        format!("Organisation default ({})", zone_label(tenant_zone)),
    );
    view! {
        <section class="section" aria-labelledby="preferences">
            <h2 id="preferences">"Preferences"</h2>
            <p class="muted">"Display preferences"</p>
            <PostForm state=state class="form">
                <SelectField
                    name="theme"
                    label="Theme"
                    choices=themes
                    value=typed("theme", current.theme.unwrap_or_default().key())
                    error=state.field_error("theme")
                />
                <SelectField
                    name="time_zone"
                    label="Time zone"
                    choices=time_zone_choices(first, &data.time_zones)
                    value=typed("time_zone", current.time_zone.as_deref().unwrap_or_default())
                    error=state.field_error("time_zone")
                />
                <SelectField
                    name="locale"
                    label="Dates and numbers"
                    choices=locales.to_vec()
                    value=typed("locale", current.locale.unwrap_or_default().tag())
                    error=state.field_error("locale")
                />
                <div class="form-actions">
                    <button type="submit" class="button">"Save preferences"</button>
                </div>
            </PostForm>
        </section>
    }
}

/// Choices of all time zones, after `first`, which stands for no choice.
pub(crate) fn time_zone_choices(first: Choice, names: &[String]) -> Vec<Choice> {
    let choice = |name: &String| Choice::new(name.as_str(), zone_label(name));
    std::iter::once(first)
        .chain(names.iter().map(choice))
        .collect()
}

/// A zone's name with spaces.
fn zone_label(name: &str) -> String {
    name.replace('_', " ")
}
