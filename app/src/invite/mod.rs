//! Invites: the organisation's list, and the page behind an invite's link.

mod accept;
mod api;
mod list;
mod new;
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

pub(crate) use accept::InviteAcceptPage;

pub(crate) const NAV: NavItem = NavItem {
    path: "/invites",
    name: "Invites",
    icon: Icon::Mail,
    needs: Some(Permission::MemberInvite),
    key: 'v',
};

pub(crate) const FEATURE: Feature = Feature {
    pages: || {
        vec![
            page(path!("/invites"), list::InviteListPage),
            page(path!("/invites/new"), new::InviteNewPage),
            page(path!("/invites/:id"), page::InvitePage),
        ]
    },
    forms: &[
        ("/invites/new", &[api::InviteCreate::PATH]),
        (
            "/invites/:id",
            &[api::InviteRenew::PATH, api::InviteRevoke::PATH],
        ),
    ],
    flashes: FLASHES,
};

flashes! {
    INVITE_REVOKED = "invite_revoked", "Invite revoked. Its link no longer works.";
    /// The viewer joined by an invite.
    INVITE_ACCEPTED = "invite_accepted", "Welcome. You have joined.";
}
