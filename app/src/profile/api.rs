//! Server functions of the profile, and the signed-in member.

use domain::{
    AppError, SessionId,
    break_glass::BreakGlassReport,
    profile::{Profile, Session},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::preferences::PreferencesData;
#[cfg(feature = "ssr")]
use {
    crate::{Flash, api},
    domain::NoInput,
};

/// The signed-in member, fetched once per page load, for the layout and for
/// everything that depends on permissions.
#[derive(Clone, Copy)]
pub(crate) struct CurrentMember {
    account: Resource<Option<Account>>,
    /// Newer count from the notifications page.
    unread: RwSignal<Option<i64>>,
    /// Newer count from the proposals page.
    waiting: RwSignal<Option<i64>>,
}

/// The member, and the counts in the navigation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) profile: Profile,
    /// Number of unread notifications.
    pub(crate) unread: i64,
    /// Number of proposals that wait for the member's decision.
    pub(crate) waiting: i64,
}

impl CurrentMember {
    /// Starts fetching and provides it as context.
    pub(crate) fn provide() -> Self {
        let me = Self {
            account: Resource::new(|| (), |()| async { me_get().await.ok() }),
            unread: RwSignal::new(None),
            waiting: RwSignal::new(None),
        };
        provide_context(me);
        me
    }

    /// The instance that the layout provides.
    pub(crate) fn from_context() -> Self {
        expect_context::<Self>()
    }

    /// The member, once loaded; read it inside a `Suspense` or an effect only.
    pub(crate) fn member(self) -> Option<Profile> {
        self.account.get().flatten().map(|account| account.profile)
    }

    /// Number of unread notifications as far as the page knows; read it like
    /// [`CurrentMember::member`].
    pub(crate) fn unread(self) -> i64 {
        let at_load = self.account.get().flatten();
        let at_load = at_load.map_or(0, |account| account.unread);
        self.unread.get().unwrap_or(at_load)
    }

    pub(crate) fn unread_set(self, unread: i64) {
        self.unread.set(Some(unread));
    }

    /// Number of waiting proposals as far as the page knows; read it like
    /// [`CurrentMember::member`].
    pub(crate) fn waiting(self) -> i64 {
        let at_load = self.account.get().flatten();
        let at_load = at_load.map_or(0, |account| account.waiting);
        self.waiting.get().unwrap_or(at_load)
    }

    pub(crate) fn waiting_set(self, waiting: i64) {
        self.waiting.set(Some(waiting));
    }
}

#[server(endpoint = "me_get")]
pub(crate) async fn me_get() -> Result<Account, AppError> {
    let (ctx, actor) = api::caller()?;
    let frame = service::frame_get(&ctx, &actor).await?;
    Ok(Account {
        profile: frame.profile,
        unread: frame.unread,
        waiting: frame.waiting,
    })
}

/// Data of the profile page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ProfileData {
    pub(crate) profile: Profile,
    pub(crate) preferences: PreferencesData,
    pub(crate) sessions: Vec<Session>,
    pub(crate) readers: Vec<BreakGlassReport>,
}

#[server(endpoint = "profile_get")]
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
