//! Data of the first page after signing in.

use serde::{Deserialize, Serialize};

use crate::{import::Import, memory::MemorySummary};

/// The availability of semantic search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum SemanticSearch {
    On,
    /// Only keyword search works.
    Off {
        /// Why, and how to turn it on.
        reason: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// Not counting the trash.
    pub own_memories: i64,
    /// Memories of others that the member can see.
    pub shared_memories: i64,
    /// Own memories without an embedding yet.
    pub waiting_for_embedding: i64,
    /// The newest visible memories, at most five.
    pub recent: Vec<MemorySummary>,
    /// The member's running and recent imports, at most three.
    pub imports: Vec<Import>,
    pub semantic_search: SemanticSearch,
}
