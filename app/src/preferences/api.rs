//! Server functions of the member's preferences.

use domain::{
    AppError, NoInput,
    preferences::PreferencesInput,
    preferences::{DisplaySettings, Preferences},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::theme::remember;
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
    let input = PreferencesInput {
        theme,
        time_zone,
        locale,
    };
    service::call::<service::PreferencesUpdate>(&ctx, &actor, input).await?;
    let saved = service::call::<service::PreferencesGet>(&ctx, &actor, NoInput {}).await?;
    let tenant_time_zone = saved.tenant_time_zone.as_deref();
    let now = ctx.clock.now();
    let settings = service::display_settings(&saved.preferences, tenant_time_zone, now);
    remember(settings.theme.unwrap_or_default());
    api::redirect_with_flash("/profile", Flash::PREFERENCES_SAVED);
    Ok(settings)
}
