//! The organisation's name and settings.

mod api;
mod page;
mod parts;

pub(crate) use {page::SettingsPage, parts::SettingsTabs};

#[cfg(feature = "ssr")]
pub(crate) const FORMS: crate::forms::PageForms = {
    use leptos::server_fn::ServerFn as _;
    &[("/settings", &[api::SettingsUpdate::PATH])]
};
