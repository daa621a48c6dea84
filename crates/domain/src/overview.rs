//! The first page after signing in.

use serde::{Deserialize, Serialize};

use crate::{import::Import, memory::MemorySummary};

/// Whether search by meaning works, and if not, why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum SemanticSearch {
    /// The model is loaded.
    On,
    /// It is not; keyword search works.
    Off {
        /// Why, and how to turn it on.
        reason: String,
    },
}

/// What a member sees first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// Memories that the member owns, deleted ones not counted.
    pub own_memories: i64,
    /// Memories of others that the member can see.
    pub shared_memories: i64,
    /// Own memories that wait for their embedding.
    pub waiting_for_embedding: i64,
    /// The newest memories in sight, at most five.
    pub recent: Vec<MemorySummary>,
    /// Imports of the member that still run or ended lately, at most three.
    pub imports: Vec<Import>,
    /// Whether search by meaning works.
    pub semantic_search: SemanticSearch,
}
