//! Server functions of the organisation's settings.

use domain::{AppError, settings::Organisation};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::{Flash, api};

/// The organisation as it is set up.
#[server(endpoint = "settings_get")]
pub(crate) async fn settings_get() -> Result<Organisation, AppError> {
    let (ctx, actor) = api::caller()?;
    service::settings_get(&ctx, &actor).await
}

/// Changes it; `version` is the one that was shown.
#[server(endpoint = "settings_update")]
pub(crate) async fn settings_update(
    version: i32,
    #[server(default)] name: String,
    #[server(default)] session_idle_hours: String,
    #[server(default)] session_absolute_hours: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let draft = domain::settings::OrganisationDraft {
        name,
        session_idle_hours,
        session_absolute_hours,
    };
    service::settings_update(&ctx, &actor, version, &draft).await?;
    api::go("/settings", Flash::SettingsSaved);
    Ok(())
}
