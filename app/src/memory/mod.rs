//! Memories: list and search, one memory, creating and editing.

mod api;
mod attributes;
mod edit;
mod export;
mod filters;
mod highlight;
mod history;
mod hits;
mod list;
mod live;
mod page;
mod parts;
mod query;
mod thread;
mod trash;
mod views;

pub(crate) use api::MemoryRestore;
pub(crate) use attributes::{Fact, facts};
pub(crate) use edit::{MemoryEditPage, MemoryNewPage};
pub(crate) use export::MemoryExportPage;
pub(crate) use history::{DiffText, VersionPage};
pub(crate) use list::MemoryListPage;
pub(crate) use page::MemoryPage;
pub(crate) use parts::{MemoryTable, display_title};
pub(crate) use views::MemoryViewListPage;

#[cfg(feature = "ssr")]
pub(crate) const FORMS: crate::forms::PageForms = {
    use leptos::server_fn::ServerFn as _;
    &[
        (
            "/memories",
            &[api::MemoryViewCreate::PATH, trash::MemoryTrashEmpty::PATH],
        ),
        ("/memories/new", &[api::MemoryCreate::PATH]),
        (
            "/memories/views",
            &[api::MemoryViewRename::PATH, api::MemoryViewDelete::PATH],
        ),
        (
            "/memories/:id",
            &[
                api::MemoryDelete::PATH,
                trash::MemoryPurge::PATH,
                thread::MemoryReplyCall::PATH,
            ],
        ),
        ("/memories/:id/edit", &[api::MemoryUpdate::PATH]),
        (
            "/memories/:id/versions/:version",
            &[history::MemoryVersionRestore::PATH],
        ),
    ]
};
