//! Memories: what a member or an agent wants to remember.

use serde::{Deserialize, Serialize};

mod attributes;
mod filter;
mod form;
mod input;
mod kinds;
mod search;

pub use attributes::{
    ANY_VENDOR, AttributesForm, AttributesInput, Expiry, MemoryAttributes, ONLY_VENDORS,
};
pub use filter::{
    FilterChoices, MemoryCriteria, MemoryFilter, MemoryListInput, MemoryOwner, MemorySort,
    NamedPersona, NamedUser, parse_query,
};
pub(crate) use filter::{INVALID_DAY, parse_day};
pub use form::{MemoryForm, with_line_feeds};
pub use input::{
    MemoryChange, MemoryInput, MemoryPatch, MemoryPath, MemoryText, NewMemory, parse_reason,
};
pub use kinds::{AllowedVendors, MemoryKind, Origin, Term, Vendor, Visibility};
pub use search::{
    DEFAULT_HITS, MAX_HITS, MAX_INCLUDED_BYTES, MemoryHit, ScoreParts, SearchInclude, SearchInput,
    SearchMode, SearchResults, SimilarInput, parse_limit,
};

use crate::{PersonaId, ProposalId, TeamId, Timestamp, UserId, id::typed_id};

typed_id!(MemoryId, "memory");

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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// The time at which it moves to the trash by itself; null: never.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub expires_at: Option<Timestamp>,
    /// Set if the memory is a reply.
    pub parent_id: Option<MemoryId>,
    /// The number of visible replies.
    pub replies: i64,
    /// When it was moved to the trash.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub deleted_at: Option<Timestamp>,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub created_at: Timestamp,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub updated_at: Timestamp,
}

/// A memory in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Memory {
    pub id: MemoryId,
    /// May be empty.
    pub title: String,
    /// Exactly as entered.
    pub content: String,
    pub kind: MemoryKind,
    pub tags: Vec<String>,
    pub visibility: Visibility,
    /// Set if `visibility` is `team`.
    pub team_id: Option<TeamId>,
    /// Set if `visibility` is `team`.
    pub team_name: Option<String>,
    pub owner_id: UserId,
    pub owner_name: String,
    /// The caller owns the memory and so may change it.
    pub is_own: bool,
    pub origin: Origin,
    /// The source conversation, as named by the program that wrote it.
    pub source_session_id: Option<String>,
    #[serde(flatten)]
    pub attributes: MemoryAttributes,
    /// A persona of the owner; visible only to the owner.
    pub persona_id: Option<PersonaId>,
    pub persona_name: Option<String>,
    /// Set if the memory is a reply.
    pub parent_id: Option<MemoryId>,
    /// Increases with each change; an edit names the version it is based on.
    pub version: i32,
    /// True once semantic search can find it.
    pub is_embedded: bool,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub created_at: Timestamp,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub updated_at: Timestamp,
    /// When it was moved to the trash.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub deleted_at: Option<Timestamp>,
}

impl Memory {
    pub fn term(&self) -> Term {
        match self.attributes.expires_at {
            Some(_) => Term::Short,
            None => Term::Long,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// The caller owns the reply and so may change it.
    pub is_own: bool,
    pub origin: Origin,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub created_at: Timestamp,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub updated_at: Timestamp,
}

/// The beginning of a reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReplyExcerpt {
    pub id: MemoryId,
    /// May be empty.
    pub title: String,
    /// The first 280 characters of the content.
    pub excerpt: String,
    pub owner_id: UserId,
    pub owner_name: String,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub created_at: Timestamp,
}

impl From<MemoryReply> for ReplyExcerpt {
    fn from(reply: MemoryReply) -> Self {
        const EXCERPT_CHARS: usize = 280;
        Self {
            id: reply.id,
            title: reply.title,
            excerpt: reply.content.chars().take(EXCERPT_CHARS).collect(),
            owner_id: reply.owner_id,
            owner_name: reply.owner_name,
            created_at: reply.created_at,
        }
    }
}

/// A memory with the beginnings of its replies.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemoryThread {
    #[serde(flatten)]
    pub memory: Memory,
    /// Oldest first.
    pub replies: Vec<ReplyExcerpt>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TrashEmptied {
    /// The number of permanently deleted memories, including replies.
    pub deleted: usize,
}

/// A memory after a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangedMemory {
    /// As others see it.
    #[serde(flatten)]
    pub memory: Memory,
    /// The proposal, if the change waits for a review. Until it is accepted the
    /// memory stays as it is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal_id: Option<ProposalId>,
    /// What that means, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

impl ChangedMemory {
    pub fn new(memory: Memory, proposal_id: Option<ProposalId>) -> Self {
        const NOTICE: &str = "The change is saved as a proposal. Others see the memory as it is here until a reviewer \
                              accepts the change. Don't try again.";
        Self {
            memory,
            proposal_id,
            notice: proposal_id.map(|_| NOTICE.to_owned()),
        }
    }
}

/// A version of a memory that was replaced by a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub changed_at: Timestamp,
}
