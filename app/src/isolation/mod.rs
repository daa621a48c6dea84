//! Test of the isolation between organisations.

mod api;
mod page;

pub(crate) use page::IsolationPage;
