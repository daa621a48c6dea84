//! Roles and their permissions.

mod api;
mod edit;
mod list;
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

pub(crate) const NAV: NavItem = NavItem {
    path: "/roles",
    name: "Roles",
    icon: Icon::Role,
    needs: Some(Permission::MemberRead),
    key: 'r',
};

pub(crate) const FEATURE: Feature = Feature {
    pages: || {
        vec![
            page(path!("/roles"), list::RoleListPage),
            page(path!("/roles/new"), edit::RoleNewPage),
            page(path!("/roles/:id"), page::RolePage),
        ]
    },
    forms: &[
        ("/roles/new", &[api::RoleCreate::PATH]),
        (
            "/roles/:id",
            &[api::RoleUpdate::PATH, api::RoleDelete::PATH],
        ),
    ],
    flashes: FLASHES,
};

flashes! {
    ROLE_CREATED = "role_created", "Role created. Assign it on a member's page.";
    ROLE_UPDATED = "role_updated", "Role saved. Changes take effect with the next request.";
    ROLE_DELETED = "role_deleted", "Role deleted.";
}
