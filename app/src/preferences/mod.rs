//! Display preferences: colours, time zone, dates and numbers.

mod api;
mod parts;
mod theme;

pub(crate) use api::{PreferencesData, PreferencesUpdate};
pub(crate) use parts::{Preferences, time_zone_choices};
pub(crate) use theme::ThemeSet;
#[cfg(feature = "ssr")]
pub(crate) use theme::theme_of;
