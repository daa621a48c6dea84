//! One's own account and sessions.

mod api;
mod page;
mod parts;

pub(crate) use api::Me;
pub(crate) use page::ProfilePage;
pub(crate) use parts::SessionTable;
