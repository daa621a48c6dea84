//! The organisation's name and settings.

mod api;
mod page;
mod parts;

use domain::Permission;
use leptos::server_fn::ServerFn as _;
use leptos_router::path;

use crate::{
    feature::{Feature, page},
    flash::flashes,
    frame::NavItem,
    ui::Icon,
};

pub(crate) use parts::SettingsTabs;

pub(crate) const NAV: NavItem = NavItem {
    path: "/settings",
    name: "Settings",
    icon: Icon::Settings,
    needs: Some(Permission::SettingsManage),
    key: 's',
};

pub(crate) const FEATURE: Feature = Feature {
    pages: || vec![page(path!("/settings"), page::SettingsPage)],
    forms: &[("/settings", &[api::SettingsUpdate::PATH])],
    flashes: FLASHES,
};

flashes! {
    SETTINGS_SAVED = "settings_saved", "Settings saved.";
}
