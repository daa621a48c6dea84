//! Memories: create, change, list, search, share, delete and export them.

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

use domain::{
    MemoryId, Timestamp,
    memory::{AllowedVendors, MemoryKind, MemorySummary, Origin, Visibility},
};
use uuid::Uuid;

use crate::StoreError;

pub use criteria::criteria_filter;
pub use embedding::{
    EmbeddedMemory, GRACE, PendingEmbedding, embedding_drop_many, embedding_owners,
    embedding_pending, embedding_pending_count, embedding_set_many,
};
pub use export::{ExportRow, export_rows, export_versions};
pub use frequency::{collection_refresh, tenants_with_stale_collection};
pub use list::{MemoryCounts, memory_counts, memory_get, memory_list};
pub use live::{ChangedMemory, memory_changes, memory_visible};
pub use query::SearchQuery;
pub use search::{SearchParams, memory_search, memory_similar};
pub use share::{AccessScope, memory_share, memory_viewers};
pub use thread::{memory_replies, memory_reply, memory_thread_sync};
pub use trash::{
    memory_delete, memory_expire, memory_restore, memory_trash_empty, memory_trash_purge,
    tenants_with_expired_memories,
};
pub use version::{memory_version_and_next, memory_version_page, memory_versions};
pub use view::{
    memory_filter_choices, memory_view_create, memory_view_delete, memory_view_list,
    memory_view_rename,
};
pub use write::{memory_create, memory_persona_set, memory_update};

struct SummaryRow {
    id: Uuid,
    title: String,
    excerpt: String,
    kind: String,
    tags: Vec<String>,
    visibility: String,
    owner_id: Uuid,
    owner_name: String,
    origin: String,
    expires_at: Option<Timestamp>,
    parent_id: Option<Uuid>,
    replies: i64,
    deleted_at: Option<Timestamp>,
    updated_at: Timestamp,
}

impl TryFrom<SummaryRow> for MemorySummary {
    type Error = StoreError;

    fn try_from(row: SummaryRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: MemoryId(row.id),
            title: row.title,
            excerpt: row.excerpt,
            kind: kind_of(&row.kind)?,
            tags: row.tags,
            visibility: visibility_of(&row.visibility)?,
            owner_id: row.owner_id.into(),
            owner_name: row.owner_name,
            origin: origin_of(&row.origin)?,
            expires_at: row.expires_at,
            parent_id: row.parent_id.map(MemoryId),
            replies: row.replies,
            deleted_at: row.deleted_at,
            updated_at: row.updated_at,
        })
    }
}

pub(crate) fn kind_of(key: &str) -> Result<MemoryKind, StoreError> {
    MemoryKind::from_key(key)
        .ok_or_else(|| StoreError::other(format!("a memory has the unknown kind “{key}”")))
}

pub(crate) fn visibility_of(key: &str) -> Result<Visibility, StoreError> {
    Visibility::from_key(key)
        .ok_or_else(|| StoreError::other(format!("a memory has the unknown visibility “{key}”")))
}

fn origin_of(key: &str) -> Result<Origin, StoreError> {
    Origin::from_key(key)
        .ok_or_else(|| StoreError::other(format!("a memory has the unknown origin “{key}”")))
}

pub(crate) fn vendors_of(keys: &[String]) -> Result<AllowedVendors, StoreError> {
    AllowedVendors::from_keys(keys)
        .map_err(|_| StoreError::other(format!("a memory names unknown vendors: {keys:?}")))
}
