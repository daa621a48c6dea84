//! Server functions of the organisation's settings.
#![expect(
    clippy::too_many_arguments,
    reason = "a server function takes the fields of its form"
)]

use domain::{AppError, NoInput, settings::Organisation, settings::SettingsInput};
use leptos::prelude::*;

use crate::{Flash, api};

/// Data of the settings page.
#[derive(Clone, Debug)]
pub(crate) struct SettingsData {
    pub(crate) organisation: Organisation,
    /// All time zones that can be chosen.
    pub(crate) time_zones: Vec<String>,
    /// Code and name of each currency.
    pub(crate) currencies: Vec<(String, String)>,
}

/// The organisation's settings, and the choices of the form.
pub(crate) async fn settings_get() -> Result<SettingsData, AppError> {
    let (ctx, actor) = api::caller()?;
    Ok(SettingsData {
        organisation: service::call::<service::SettingsGet>(&ctx, &actor, NoInput {}).await?,
        time_zones: service::time_zones(),
        currencies: service::currencies(),
    })
}

/// Changes the settings; `version` is the one that the form shows.
#[server(endpoint = "settings_update")]
pub(crate) async fn settings_update(
    version: i32,
    #[server(default)] name: String,
    #[server(default)] session_idle_hours: String,
    #[server(default)] session_absolute_hours: String,
    #[server(default)] time_zone: String,
    #[server(default)] currency: String,
    #[server(default)] invite_domains: String,
    #[server(default)] reviewed_changes: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = SettingsInput {
        version,
        name,
        session_idle_hours,
        session_absolute_hours,
        time_zone,
        currency,
        invite_domains,
        reviewed_changes,
    };
    service::call::<service::SettingsUpdate>(&ctx, &actor, input).await?;
    api::redirect_with_flash("/settings", Flash::SETTINGS_SAVED);
    Ok(())
}
