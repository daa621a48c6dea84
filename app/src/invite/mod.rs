//! Invites: who was asked to join, and the page of the one who was.

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

/// The forms of these pages.
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
