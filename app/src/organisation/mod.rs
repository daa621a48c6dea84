//! The organisations of the signed-in person, and switching between them.

mod api;
mod page;

pub(crate) use page::OrganisationListPage;
