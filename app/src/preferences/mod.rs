//! Display preferences: colours, time zone, dates and numbers.

mod api;
mod parts;
mod theme;

use crate::{feature::Feature, flash::flashes};

pub(crate) use api::{PreferencesData, PreferencesUpdate};
pub(crate) use parts::{Preferences, time_zone_choices};
pub(crate) use theme::ThemeSet;
pub(crate) use theme::theme_of;

pub(crate) const FEATURE: Feature = Feature {
    pages: || Vec::new(),
    forms: &[],
    flashes: FLASHES,
};

flashes! {
    PREFERENCES_SAVED = "preferences_saved", "Preferences saved.";
}
