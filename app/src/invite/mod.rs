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
