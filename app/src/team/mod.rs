//! Teams: the list, and the page of one team.

mod api;
mod list;
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
    path: "/teams",
    name: "Teams",
    icon: Icon::Team,
    needs: Some(Permission::MemberRead),
    key: 't',
};

pub(crate) const FEATURE: Feature = Feature {
    pages: || {
        vec![
            page(path!("/teams"), list::TeamListPage),
            page(path!("/teams/:id"), page::TeamPage),
        ]
    },
    forms: &[
        ("/teams", &[api::TeamCreate::PATH]),
        (
            "/teams/:id",
            &[
                api::TeamRename::PATH,
                api::TeamMemberChange::PATH,
                api::TeamDelete::PATH,
            ],
        ),
    ],
    flashes: FLASHES,
};

flashes! {
    TEAM_CREATED = "team_created", "Team created. Add its members.";
    TEAM_RENAMED = "team_renamed", "Team renamed.";
    TEAM_DELETED = "team_deleted", "Team deleted. Memories shared with it are private to their authors.";
    /// Added to a team, or given another role in it.
    TEAM_MEMBER_SET = "team_member_set", "Team updated.";
    TEAM_MEMBER_REMOVED = "team_member_removed", "Removed from the team.";
}
