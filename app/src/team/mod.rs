//! Teams: the list, and one with those who belong to it.

mod api;
mod list;
mod page;

pub(crate) use list::TeamListPage;
pub(crate) use page::TeamPage;
