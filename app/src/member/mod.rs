//! Members: the list, and the page of one member.

mod access;
mod api;
mod bulk;
mod list;
mod offboard;
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

pub(crate) use parts::{KindBadge, StatusBadge};

pub(crate) const NAV: NavItem = NavItem {
    path: "/members",
    name: "Members",
    icon: Icon::Users,
    needs: Some(Permission::MemberRead),
    key: 'e',
};

pub(crate) const FEATURE: Feature = Feature {
    pages: || {
        vec![
            page(path!("/members"), list::MemberListPage),
            page(path!("/members/bulk"), bulk::BulkPage),
            page(path!("/members/bulk/:request"), bulk::BulkOutcomePage),
            page(path!("/members/:id/offboard"), offboard::OffboardPage),
            page(path!("/members/:id"), page::MemberPage),
        ]
    },
    forms: &[
        ("/members/bulk", &[api::MemberBulkApply::PATH]),
        ("/members/:id/offboard", &[api::MemberOffboard::PATH]),
        (
            "/members/:id",
            &[
                api::MemberStatusChange::PATH,
                api::MemberRoleGrant::PATH,
                api::MemberRoleRevoke::PATH,
                api::MemberSessionRevoke::PATH,
                api::MemberSessionRevokeAll::PATH,
                api::MemberKeyRevoke::PATH,
            ],
        ),
    ],
    flashes: FLASHES,
};

flashes! {
    MEMBER_SUSPENDED = "member_suspended", "Member suspended. Their sessions have ended, and their API keys are blocked until they are reactivated.";
    MEMBER_DEACTIVATED = "member_deactivated", "Member deactivated. Their sessions have ended.";
    MEMBER_REACTIVATED = "member_reactivated", "Member reactivated.";
    MEMBER_OFFBOARDED = "member_offboarded", "Member offboarded. Their sessions, roles and teams have ended.";
    /// All sessions of another member.
    MEMBER_SESSIONS_ENDED = "member_sessions_ended", "Member signed out everywhere.";
    ROLE_GRANTED = "role_given", "Role assigned.";
    ROLE_REVOKED = "role_taken", "Role removed.";
}
