//! Members: the list, and the page of one member.

mod access;
mod api;
mod bulk;
mod list;
mod offboard;
mod page;
mod parts;
mod query;

pub(crate) use bulk::{BulkOutcomePage, BulkPage};
pub(crate) use list::MemberListPage;
pub(crate) use offboard::OffboardPage;
pub(crate) use page::MemberPage;
pub(crate) use parts::{KindBadge, StatusBadge};

#[cfg(feature = "ssr")]
pub(crate) const FORMS: crate::forms::PageForms = {
    use leptos::server_fn::ServerFn as _;
    &[
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
    ]
};
