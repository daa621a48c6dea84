//! The first page after signing in.

mod api;
mod attention;
mod figures;
mod page;
mod setup;

use leptos_router::path;

use crate::{
    feature::{Feature, page},
    frame::NavItem,
    ui::Icon,
};

pub(crate) const NAV: NavItem = NavItem {
    path: "/",
    name: "Overview",
    icon: Icon::Overview,
    needs: None,
    key: 'o',
};

pub(crate) const FEATURE: Feature = Feature {
    pages: || vec![page(path!("/"), page::OverviewPage)],
    forms: &[],
    flashes: &[],
};
