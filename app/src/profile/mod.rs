//! One's own account and sessions.

mod api;
mod page;

pub(crate) use api::Me;
pub(crate) use page::ProfilePage;
