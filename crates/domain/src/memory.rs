//! Memories: what a member or an agent wants to remember.

use serde::{Deserialize, Serialize};

mod filter;
mod kinds;
mod new;
mod search;

pub use filter::{
    FilterChoices, MemoryCriteria, MemoryFilter, MemoryOwner, NamedPersona, NamedUser, parse_query,
};
pub use kinds::{AllowedVendors, MemoryKind, Origin, Term, Vendor, Visibility};
pub use new::{MemoryAttributes, MemoryChange, MemoryDraft, MemoryText, NewMemory};
pub use search::{MemoryHit, ScoreParts, SearchMode, SearchResults};

use crate::{MemoryId, PersonaId, TeamId, Timestamp, UserId};

/// In bytes of UTF-8.
pub const MAX_CONTENT_BYTES: usize = 100_000;
/// In characters.
pub const MAX_TITLE_CHARS: usize = 200;
/// Per memory.
pub const MAX_TAGS: usize = 20;
/// In characters.
pub const MAX_TAG_CHARS: usize = 50;
/// In characters.
pub const MAX_QUERY_CHARS: usize = 1_000;
/// Limit for the id of a source conversation, in characters.
pub const MAX_SESSION_CHARS: usize = 200;
/// Days that a memory stays in the trash.
pub const TRASH_DAYS: i64 = 30;
/// In characters.
pub const MAX_REASON_CHARS: usize = 500;
/// Counting memories without an embedding stops here.
pub const MAX_WAITING_COUNT: i64 = 1_000;
/// The default importance.
pub const DEFAULT_IMPORTANCE: f32 = 0.5;

/// A memory in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemorySummary {
    pub id: MemoryId,
    /// May be empty.
    pub title: String,
    /// The first 280 characters of the content.
    pub excerpt: String,
    pub kind: MemoryKind,
    pub tags: Vec<String>,
    pub visibility: Visibility,
    pub owner_id: UserId,
    pub owner_name: String,
    pub origin: Origin,
    /// `None`: never.
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires_at: Option<Timestamp>,
    /// Set if the memory is a reply.
    pub parent_id: Option<MemoryId>,
    /// The number of visible replies.
    pub replies: i64,
    /// When it was moved to the trash.
    #[serde(with = "time::serde::rfc3339::option")]
    pub deleted_at: Option<Timestamp>,
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    pub id: MemoryId,
    /// May be empty.
    pub title: String,
    /// Exactly as entered.
    pub content: String,
    pub kind: MemoryKind,
    pub tags: Vec<String>,
    pub visibility: Visibility,
    /// Set if `visibility` is team.
    pub team_id: Option<TeamId>,
    /// Set if `visibility` is team.
    pub team_name: Option<String>,
    pub owner_id: UserId,
    pub owner_name: String,
    /// The viewer owns the memory and so may change it.
    pub is_own: bool,
    pub origin: Origin,
    /// The source conversation, as named by the program that wrote it.
    pub source_session_id: Option<String>,
    /// `None`: never.
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires_at: Option<Timestamp>,
    /// A persona of the owner; visible only to the owner.
    pub persona_id: Option<PersonaId>,
    pub persona_name: Option<String>,
    /// Set if the memory is a reply.
    pub parent_id: Option<MemoryId>,
    /// 0 to 1.
    pub importance: f32,
    pub allowed_vendors: AllowedVendors,
    /// Increases with each change; an edit names the version it is based on.
    pub version: i32,
    /// True once semantic search can find it.
    pub is_embedded: bool,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: Timestamp,
    /// When it was moved to the trash.
    #[serde(with = "time::serde::rfc3339::option")]
    pub deleted_at: Option<Timestamp>,
}

impl Memory {
    pub fn term(&self) -> Term {
        match self.expires_at {
            Some(_) => Term::Short,
            None => Term::Long,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryReply {
    pub id: MemoryId,
    /// May be empty.
    pub title: String,
    /// Exactly as entered.
    pub content: String,
    pub kind: MemoryKind,
    pub tags: Vec<String>,
    pub owner_id: UserId,
    pub owner_name: String,
    /// The viewer owns the reply and so may change it.
    pub is_own: bool,
    pub origin: Origin,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: Timestamp,
}

/// A version of a memory that was replaced by a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryVersion {
    pub version: i32,
    pub title: String,
    pub content: String,
    pub kind: MemoryKind,
    pub tags: Vec<String>,
    pub visibility: Visibility,
    /// The optional reason of the change.
    pub reason: Option<String>,
    pub changed_by_name: String,
    #[serde(with = "time::serde::rfc3339")]
    pub changed_at: Timestamp,
}
