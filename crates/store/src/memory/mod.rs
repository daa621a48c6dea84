//! Memories: create, change, list, search, share, delete and export them.

mod constraint;
mod criteria;
mod embedding;
mod export;
mod frequency;
mod fusion;
mod list;
mod live;
mod passage;
mod query;
mod search;
mod share;
mod thread;
mod trash;
mod version;
mod view;
mod write;

pub(crate) use constraint::CONSTRAINTS;
pub use criteria::criteria_filter;
pub use embedding::{
    EmbeddedMemory, GRACE, PendingEmbedding, embedding_drop_many, embedding_owners,
    embedding_pending, embedding_pending_count, embedding_set_many,
};
pub use export::{ExportRow, export_rows, export_versions};
pub use frequency::{collection_refresh, tenants_with_stale_collection};
pub use list::{MemoryCounts, MemoryPage, memory_contents, memory_counts, memory_get, memory_list};
pub use live::{ChangedMemory, memory_changes, memory_visible};
pub use query::SearchQuery;
pub use search::{SearchParams, memory_search, memory_similar};
pub use share::{AccessScope, memory_share, memory_viewers};
pub use thread::{memory_replies, memory_reply, memory_thread_follow};
pub use trash::{
    memory_delete, memory_expire, memory_restore, memory_trash_empty, memory_trash_purge,
    tenants_with_expired_memories,
};
pub use version::{memory_version_and_next, memory_version_page, memory_versions};
pub use view::{
    memory_filter_choices, memory_view_create, memory_view_delete, memory_view_list,
    memory_view_rename,
};
pub(crate) use write::{NewRow, memory_insert};
pub use write::{memory_create, memory_persona_set, memory_update};
