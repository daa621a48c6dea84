//! The member's own account and sessions.

mod api;
mod page;
mod parts;

use leptos::server_fn::ServerFn as _;
use leptos_router::path;

use crate::{
    feature::{Feature, page},
    flash::flashes,
    frame::NavItem,
    ui::Icon,
};

pub(crate) use api::{Account, account_get};
pub(crate) use parts::{IfPermitted, SessionTable};

pub(crate) const NAV: NavItem = NavItem {
    path: "/profile",
    name: "Profile",
    icon: Icon::User,
    needs: None,
    key: 'p',
};

pub(crate) const FEATURE: Feature = Feature {
    pages: || vec![page(path!("/profile"), page::ProfilePage)],
    forms: &[(
        "/profile",
        &[
            api::SessionRevoke::PATH,
            api::SessionRevokeOthers::PATH,
            crate::preferences::PreferencesUpdate::PATH,
        ],
    )],
    flashes: FLASHES,
};

flashes! {
    /// One of the viewer's own sessions.
    SESSION_ENDED = "session_ended", "Session ended.";
    /// All of the viewer's other sessions.
    SESSIONS_ENDED = "sessions_ended", "Signed out everywhere else.";
}
