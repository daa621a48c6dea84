//! API keys: the viewer's own, everybody's, and those of agents and services.

mod api;
mod list;
mod new;
mod page;
mod parts;
mod service_new;
mod services;

use domain::Permission;
use leptos::server_fn::ServerFn as _;
use leptos_router::path;

use crate::{
    feature::{Feature, page},
    flash::flashes,
    frame::NavItem,
    ui::Icon,
};

pub(crate) use api::revoke;
pub(crate) use parts::{KeyStateBadge, TimeOr};

pub(crate) const NAV: NavItem = NavItem {
    path: "/keys",
    name: "Keys",
    icon: Icon::Key,
    needs: Some(Permission::ApiKeyOwn),
    key: 'k',
};

pub(crate) const FEATURE: Feature = Feature {
    pages: || {
        vec![
            page(path!("/keys"), list::KeyListPage),
            page(path!("/keys/all"), list::KeyListPage),
            page(path!("/keys/new"), new::KeyNewPage),
            page(path!("/keys/services"), services::ServicesPage),
            page(path!("/keys/services/new"), service_new::ServiceNewPage),
            page(path!("/keys/:id"), page::KeyPage),
        ]
    },
    forms: &[
        ("/keys/new", &[api::ApiKeyCreate::PATH]),
        ("/keys/services/new", &[api::ServiceAccountCreate::PATH]),
        ("/keys/:id", &[api::ApiKeyRevoke::PATH]),
    ],
    flashes: FLASHES,
};

flashes! {
    KEY_REVOKED = "key_revoked", "Key revoked.";
    /// An agent or a service.
    SERVICE_ACCOUNT_CREATED = "service_account_created", "Created. Assign a role, then create a key.";
    SERVICE_ACCOUNT_WITHOUT_KEY = "service_account_without_key", "Created. It has no key yet.";
}
