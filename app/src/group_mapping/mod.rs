//! Which groups of the identity provider grant which roles and teams, tried
//! out before it counts.

mod api;
mod edit;
mod list;
mod preview;

pub(crate) use edit::{GroupMappingNewPage, GroupMappingPage};
pub(crate) use list::GroupMappingListPage;
pub(crate) use preview::GroupMappingPreviewPage;
