//! The member's notifications.

mod api;
mod page;

use domain::Permission;
use leptos::server_fn::ServerFn as _;
use leptos_router::path;

use crate::{
    feature::{Feature, page},
    flash::flashes,
    frame::NavItem,
    ui::Icon,
};

pub(crate) const NAV: NavItem = NavItem {
    path: "/notifications",
    name: "Notifications",
    icon: Icon::Bell,
    needs: Some(Permission::ProfileManage),
    key: 'n',
};

pub(crate) const FEATURE: Feature = Feature {
    pages: || vec![page(path!("/notifications"), page::NotificationListPage)],
    forms: &[(
        "/notifications",
        &[api::NotificationRead::PATH, api::NotificationReadAll::PATH],
    )],
    flashes: FLASHES,
};

flashes! {
    NOTIFICATION_READ = "notification_read", "Marked as read.";
    NOTIFICATIONS_READ = "notifications_read", "All marked as read.";
}
