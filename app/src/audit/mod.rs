//! The audit log.

mod api;
mod page;

pub(crate) use page::{AuditPage, AuditRows};
