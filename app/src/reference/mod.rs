//! The REST API's reference, from the document that the API itself gives.

mod api;
mod page;

pub(crate) use page::ReferencePage;
