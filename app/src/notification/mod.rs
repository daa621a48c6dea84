//! The member's notifications.

mod api;
mod page;

pub(crate) use page::NotificationListPage;

#[cfg(feature = "ssr")]
pub(crate) const FORMS: crate::forms::PageForms = {
    use leptos::server_fn::ServerFn as _;
    &[(
        "/notifications",
        &[api::NotificationRead::PATH, api::NotificationReadAll::PATH],
    )]
};
