//! The REST API's reference, read from the API's own OpenAPI document.

mod api;
mod page;

use leptos_router::path;

use crate::feature::{Feature, page};

pub(crate) const FEATURE: Feature = Feature {
    pages: || vec![page(path!("/reference"), page::ReferencePage)],
    forms: &[],
    flashes: &[],
};
