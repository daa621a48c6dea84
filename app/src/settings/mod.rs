//! The organisation's name and settings.

mod api;
mod page;

pub(crate) use page::SettingsPage;
