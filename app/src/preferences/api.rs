//! Server functions of one's preferences.

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

/// What the form shows; it comes with the profile.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PreferencesData {
    pub(crate) preferences: Preferences,
    /// The organisation's time zone, if it chose one.
    pub(crate) tenant_time_zone: Option<String>,
    /// All there are.
    pub(crate) time_zones: Vec<String>,
}

/// Keeps what one chose.
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
    let shown = service::preferences_update(&ctx, &actor, &draft).await?;
    remember(shown.theme.unwrap_or_default());
    api::go("/profile", Flash::PreferencesSaved);
    Ok(shown)
}
