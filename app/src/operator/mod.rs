//! The installation's organisations, for its operators.

mod api;
mod delete;
mod list;
mod new;
mod page;
mod parts;
mod query;

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
    path: "/operator",
    name: "All organisations",
    icon: Icon::Building,
    needs: Some(Permission::PlatformOperate),
    key: 'z',
};

pub(crate) const FEATURE: Feature = Feature {
    pages: || {
        vec![
            page(path!("/operator"), list::TenantListPage),
            page(path!("/operator/new"), new::TenantNewPage),
            page(path!("/operator/:id/delete"), delete::TenantDeletePage),
            page(path!("/operator/:id"), page::TenantPage),
        ]
    },
    forms: &[
        ("/operator/new", &[api::TenantCreate::PATH]),
        ("/operator/:id/delete", &[api::TenantDelete::PATH]),
        (
            "/operator/:id",
            &[
                api::TenantSuspend::PATH,
                api::TenantResume::PATH,
                api::TenantTierSet::PATH,
            ],
        ),
    ],
    flashes: FLASHES,
};

flashes! {
    TENANT_SUSPENDED = "tenant_suspended", "Organisation suspended. All sessions ended.";
    TENANT_RESUMED = "tenant_resumed", "Organisation resumed. Everything restored.";
    TENANT_DELETED = "tenant_deleted", "Organisation deleted. It can be restored for 30 days.";
    TENANT_TIER_SET = "tenant_tier_set", "Tier updated.";
}
