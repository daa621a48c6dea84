//! The organisations of the signed-in person, and switching between them.

mod api;
mod page;

use leptos_router::path;

use crate::feature::{Feature, page};

pub(crate) const FEATURE: Feature = Feature {
    pages: || vec![page(path!("/organisations"), page::OrganisationListPage)],
    forms: &[],
    flashes: &[],
};
