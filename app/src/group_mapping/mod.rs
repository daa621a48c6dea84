//! Rules by which groups of the identity provider grant roles and teams,
//! previewed before they are saved.

mod api;
mod edit;
mod list;
mod preview;

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
    path: "/groups",
    name: "Directory groups",
    icon: Icon::Group,
    needs: Some(Permission::GroupMappingManage),
    key: 'u',
};

pub(crate) const FEATURE: Feature = Feature {
    pages: || {
        vec![
            page(path!("/groups"), list::GroupMappingListPage),
            page(path!("/groups/new"), edit::GroupMappingNewPage),
            page(path!("/groups/preview"), preview::GroupMappingPreviewPage),
            page(path!("/groups/:id"), edit::GroupMappingPage),
        ]
    },
    forms: &[(
        "/groups/preview",
        &[api::GroupMappingSave::PATH, api::GroupMappingDelete::PATH],
    )],
    flashes: FLASHES,
};

flashes! {
    /// A rule from an identity provider's group to a role or team.
    GROUP_MAPPING_SAVED = "group_mapping_saved", "Rule saved. It applies at each member's next sign-in.";
    GROUP_MAPPING_DELETED = "group_mapping_deleted", "Rule removed. Access from this rule is removed at next sign-in.";
}
