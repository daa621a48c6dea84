//! The member's own account and sessions.

mod api;
mod page;
mod parts;

pub(crate) use api::CurrentMember;
pub(crate) use page::ProfilePage;
pub(crate) use parts::{IfPermitted, SessionTable};

#[cfg(feature = "ssr")]
pub(crate) const FORMS: crate::forms::PageForms = {
    use leptos::server_fn::ServerFn as _;
    &[(
        "/profile",
        &[
            api::SessionRevoke::PATH,
            api::SessionRevokeOthers::PATH,
            crate::preferences::PreferencesUpdate::PATH,
        ],
    )]
};
