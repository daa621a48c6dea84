//! Invites: the organisation's list, and the page behind an invite's link.

mod accept;
mod api;
mod list;
mod new;
mod page;
mod parts;

pub(crate) use accept::InviteAcceptPage;
pub(crate) use list::InviteListPage;
pub(crate) use new::InviteNewPage;
pub(crate) use page::InvitePage;

#[cfg(feature = "ssr")]
pub(crate) const FORMS: crate::forms::PageForms = {
    use leptos::server_fn::ServerFn as _;
    &[
        ("/invites/new", &[api::InviteCreate::PATH]),
        (
            "/invites/:id",
            &[api::InviteRenew::PATH, api::InviteRevoke::PATH],
        ),
    ]
};
