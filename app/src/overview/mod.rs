//! The first page after signing in.

mod api;
mod page;

pub(crate) use page::OverviewPage;
