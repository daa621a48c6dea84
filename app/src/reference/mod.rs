//! The REST API's reference, read from the API's own OpenAPI document.

mod api;
mod page;

pub(crate) use page::ReferencePage;
