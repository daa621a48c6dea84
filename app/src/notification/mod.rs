//! What one was told.

mod api;
mod page;

pub(crate) use page::NotificationListPage;
