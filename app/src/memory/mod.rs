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

mod page;
mod parts;
mod query;
mod thread;
mod trash;
mod views;

use domain::Permission;
use leptos::server_fn::ServerFn as _;
use leptos_router::path;

use crate::{
    feature::{Feature, page},
    flash::flashes,
    frame::NavItem,
    ui::Icon,
};

pub(crate) use api::MemoryRestore;
pub(crate) use attributes::{Fact, facts};
pub(crate) use history::DiffText;
pub(crate) use parts::{MemoryTable, display_title};

pub(crate) const NAV: NavItem = NavItem {
    path: "/memories",
    name: "Memories",
    icon: Icon::Memories,
    needs: Some(Permission::MemoryRead),
    key: 'm',
};

pub(crate) const FEATURE: Feature = Feature {
    pages: || {
        vec![
            page(path!("/memories"), list::MemoryListPage),
            page(path!("/memories/new"), edit::MemoryNewPage),
            page(path!("/memories/views"), views::MemoryViewListPage),
            page(path!("/memories/export"), export::MemoryExportPage),
            page(path!("/memories/:id"), page::MemoryPage),
            page(path!("/memories/:id/edit"), edit::MemoryEditPage),
            page(
                path!("/memories/:id/versions/:version"),
                history::VersionPage,
            ),
        ]
    },
    forms: &[
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
    ],
    flashes: FLASHES,
};

flashes! {
    /// Only by `Flash::memory_deleted`, so that the page can offer to restore it.
    MEMORY_DELETED = "memory_deleted", "Memory moved to the trash.";
    MEMORY_CREATED = "memory_created", "Memory created.";
    MEMORY_UPDATED = "memory_updated", "Changes saved.";
    MEMORY_RESTORED = "memory_restored", "Memory restored.";
    MEMORY_VIEW_CREATED = "memory_view_created", "View saved.";
    MEMORY_VIEW_RENAMED = "memory_view_renamed", "View renamed.";
    MEMORY_VIEW_DELETED = "memory_view_deleted", "View deleted.";
    /// Others see the previous version until the change is accepted.
    MEMORY_CHANGE_PROPOSED = "memory_change_proposed", "Saved as a proposal. Others see the current version until it is approved.";
    MEMORY_REPLIED = "memory_replied", "Reply added.";
    MEMORY_PURGED = "memory_purged", "Memory permanently deleted.";
    TRASH_EMPTIED = "trash_emptied", "Trash emptied.";
    MEMORY_VERSION_RESTORED = "memory_version_restored", "Version restored. The previous text is kept as a version.";
}
