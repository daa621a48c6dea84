//! The audit log.

mod api;
mod page;
mod phrase;

use domain::Permission;
use leptos_router::path;

use crate::{
    feature::{Feature, page},
    frame::NavItem,
    ui::Icon,
};

pub(crate) use page::AuditRows;

pub(crate) const NAV: NavItem = NavItem {
    path: "/audit",
    name: "Audit log",
    icon: Icon::Audit,
    needs: Some(Permission::AuditRead),
    key: 'a',
};

pub(crate) const FEATURE: Feature = Feature {
    pages: || vec![page(path!("/audit"), page::AuditPage)],
    forms: &[],
    flashes: &[],
};
