//! Setup instructions for AI clients.

mod api;
mod page;
mod setup;

use domain::Permission;
use leptos::server_fn::ServerFn as _;
use leptos_router::path;

use crate::{
    feature::{Feature, page},
    frame::NavItem,
    ui::Icon,
};

pub(crate) use api::connect_get;
pub(crate) use setup::Setups;

pub(crate) const NAV: NavItem = NavItem {
    path: "/connect",
    name: "Connect AI clients",
    icon: Icon::Plug,
    needs: Some(Permission::ApiKeyOwn),
    key: 'c',
};

pub(crate) const FEATURE: Feature = Feature {
    pages: || vec![page(path!("/connect"), page::ConnectPage)],
    forms: &[("/connect", &[api::ConnectClient::PATH])],
    flashes: &[],
};
