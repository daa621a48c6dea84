//! The organisations that one belongs to, and the way from one to another.

mod api;
mod page;

pub(crate) use page::OrganisationListPage;
