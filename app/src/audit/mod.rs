//! The audit log.

mod api;
mod page;

#[cfg(feature = "ssr")]
pub(crate) use api::lay_out;
pub(crate) use page::{AuditPage, AuditRows};
