//! Test of the isolation between organisations.

mod api;
mod page;

use domain::Permission;
use leptos_router::path;

use crate::{
    feature::{Feature, page},
    frame::NavItem,
    ui::Icon,
};

pub(crate) const NAV: NavItem = NavItem {
    path: "/isolation",
    name: "Tenant isolation",
    icon: Icon::Wall,
    needs: Some(Permission::IsolationProbe),
    key: 'w',
};

pub(crate) const FEATURE: Feature = Feature {
    pages: || vec![page(path!("/isolation"), page::IsolationPage)],
    forms: &[],
    flashes: &[],
};
