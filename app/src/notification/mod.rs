//! What one was told.

mod api;
mod page;

pub(crate) use page::NotificationListPage;

/// The forms of these pages.
#[cfg(feature = "ssr")]
pub(crate) const FORMS: crate::forms::PageForms = {
    use leptos::server_fn::ServerFn as _;
    &[(
        "/notifications",
        &[api::NotificationRead::PATH, api::NotificationReadAll::PATH],
    )]
};
