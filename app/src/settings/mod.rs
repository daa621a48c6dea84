//! The organisation's name and settings.

mod api;
mod page;
mod parts;

pub(crate) use {page::SettingsPage, parts::SettingsTabs};
