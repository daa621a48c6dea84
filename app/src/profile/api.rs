//! Server functions of the profile, and the signed-in member.

use domain::{
    AppError, NoInput, SessionId,
    break_glass::BreakGlassReport,
    profile::{Profile, Session},
};
use leptos::prelude::*;

use crate::{Flash, api, preferences::PreferencesData};

/// The member, and the counts in the navigation.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) profile: Profile,
    /// Number of unread notifications.
    pub(crate) unread: i64,
    /// Number of proposals that wait for the member's decision.
    pub(crate) waiting: i64,
}

pub(crate) async fn account_get() -> Result<Account, AppError> {
    let (ctx, actor) = api::caller()?;
    let frame = service::frame_get(&ctx, &actor).await?;
    Ok(Account {
        profile: frame.profile,
        unread: frame.unread,
        waiting: frame.waiting,
    })
}

/// Data of the profile page.
#[derive(Clone, Debug)]
pub(crate) struct ProfileData {
    pub(crate) profile: Profile,
    pub(crate) preferences: PreferencesData,
    pub(crate) sessions: Vec<Session>,
    pub(crate) readers: Vec<BreakGlassReport>,
}

pub(crate) async fn profile_get() -> Result<ProfileData, AppError> {
    let (ctx, actor) = api::caller()?;
    let preferences = service::call::<service::PreferencesGet>(&ctx, &actor, NoInput {}).await?;
    Ok(ProfileData {
        preferences: PreferencesData {
            preferences: preferences.preferences,
            tenant_time_zone: preferences.tenant_time_zone,
            time_zones: service::time_zones(),
        },
        profile: service::call::<service::ProfileGet>(&ctx, &actor, NoInput {}).await?,
        sessions: service::session_list(&ctx, &actor).await?,
        readers: service::call::<service::BreakGlassReportList>(&ctx, &actor, NoInput {}).await?,
    })
}

/// Ends one of the caller's sessions.
#[server(endpoint = "session_revoke")]
pub(crate) async fn session_revoke(id: SessionId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::session_revoke(&ctx, &actor, id).await?;
    api::redirect_with_flash("/profile", Flash::SESSION_ENDED);
    Ok(())
}

/// Ends all of the caller's sessions except the current one.
#[server(endpoint = "session_revoke_others")]
pub(crate) async fn session_revoke_others() -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::session_revoke_others(&ctx, &actor).await?;
    api::redirect_with_flash("/profile", Flash::SESSIONS_ENDED);
    Ok(())
}
