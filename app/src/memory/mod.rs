//! Memories: list and search, one, new, edit.

mod api;
mod chips;
mod edit;
mod filters;
mod highlight;
mod hits;
mod list;
mod page;
mod parts;
mod query;
mod views;

pub(crate) use api::MemoryRestore;
pub(crate) use edit::{MemoryEditPage, MemoryNewPage};
pub(crate) use list::MemoryListPage;
pub(crate) use page::MemoryPage;
pub(crate) use parts::{MemoryTable, display_title};
pub(crate) use views::MemoryViewListPage;
