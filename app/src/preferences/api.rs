//! Server functions of the member's preferences.

use domain::{
    AppError,
    preferences::{DisplaySettings, Preferences},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::theme::remember;
#[cfg(feature = "ssr")]
use crate::{Flash, api};

/// Data of the form; loaded with the profile.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PreferencesData {
    pub(crate) preferences: Preferences,
    /// The organisation's time zone, if it chose one.
    pub(crate) tenant_time_zone: Option<String>,
    /// All time zones that can be chosen.
    pub(crate) time_zones: Vec<String>,
}

/// Saves the preferences and returns the display settings that result.
#[server(endpoint = "preferences_update")]
pub(crate) async fn preferences_update(
    #[server(default)] theme: String,
    #[server(default)] time_zone: String,
    #[server(default)] locale: String,
) -> Result<DisplaySettings, AppError> {
    let (ctx, actor) = api::caller()?;
    let draft = domain::preferences::PreferencesDraft {
        theme,
        time_zone,
        locale,
    };
    let settings = service::preferences_update(&ctx, &actor, &draft).await?;
    remember(settings.theme.unwrap_or_default());
    api::redirect_with_flash("/profile", Flash::PreferencesSaved);
    Ok(settings)
}
