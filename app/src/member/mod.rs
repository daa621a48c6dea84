//! Members: the list, and one with everything about them.

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
