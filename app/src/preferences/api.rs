//! Server functions of the member's preferences.

use domain::{
    AppError,
    preferences::{Preferences, PreferencesInput, Theme},
};
use leptos::prelude::*;

use super::theme::remember;
use crate::{Flash, api};

/// Data of the form; loaded with the profile.
#[derive(Clone, Debug)]
pub(crate) struct PreferencesData {
    pub(crate) preferences: Preferences,
    /// The organisation's time zone, if it chose one.
    pub(crate) tenant_time_zone: Option<String>,
    /// All time zones that can be chosen.
    pub(crate) time_zones: Vec<String>,
}

/// Saves the preferences, and the theme in this browser.
#[server(endpoint = "preferences_update")]
pub(crate) async fn preferences_update(
    #[server(default)] theme: String,
    #[server(default)] time_zone: String,
    #[server(default)] locale: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = PreferencesInput {
        theme,
        time_zone,
        locale,
    };
    let theme = Theme::from_key(&input.theme).unwrap_or_default();
    service::call::<service::PreferencesUpdate>(&ctx, &actor, input).await?;
    remember(theme);
    api::redirect_with_flash("/profile", Flash::PREFERENCES_SAVED);
    Ok(())
}
