//! Whether the walls between organisations stand.

mod api;
mod page;

pub(crate) use page::IsolationPage;
