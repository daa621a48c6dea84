//! Break-glass: a member's private memories, read for a stated reason.

mod api;
mod page;
mod parts;

pub(crate) use page::{PrivateMemoryListPage, PrivateMemoryPage};
pub(crate) use parts::{BreakGlassReports, BreakGlassSection};
