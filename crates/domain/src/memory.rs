//! Memories: what a member or an agent wants to have at hand later.

use serde::{Deserialize, Serialize};

mod filter;
mod kinds;
mod new;
mod search;

pub use filter::{
    FilterChoices, MemoryCriteria, MemoryFilter, MemoryOwner, NamedPersona, NamedUser, query_parse,
};
pub(crate) use kinds::keyed_enum;
pub use kinds::{AllowedVendors, MemoryKind, Origin, Term, Vendor, Visibility};
pub use new::{MemoryAttributes, MemoryChange, MemoryDraft, MemoryText, NewMemory};
pub use search::{MemoryHit, ScoreParts, SearchMode, SearchResults};

use crate::{MemoryId, PersonaId, TeamId, Timestamp, UserId};

/// The longest content, in bytes of UTF-8.
pub const MAX_CONTENT_BYTES: usize = 100_000;
/// The longest title, in characters.
pub const MAX_TITLE_CHARS: usize = 200;
/// The most tags on one memory.
pub const MAX_TAGS: usize = 20;
/// The longest tag, in characters.
pub const MAX_TAG_CHARS: usize = 50;
/// The longest search text, in characters.
pub const MAX_QUERY_CHARS: usize = 1_000;
/// The longest name of the conversation a memory comes from, in characters.
pub const MAX_SESSION_CHARS: usize = 200;
/// How long a memory stays in the trash, in days.
pub const TRASH_DAYS: i64 = 30;
/// The longest reason of a change, in characters.
pub const MAX_REASON_CHARS: usize = 500;
/// As far as memories that wait for their embedding are counted.
pub const WAITING_COUNTED: i64 = 1_000;
/// What a memory's importance is until somebody rates it.
pub const USUAL_IMPORTANCE: f32 = 0.5;

/// A memory in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemorySummary {
    /// Its id.
    pub id: MemoryId,
    /// May be empty.
    pub title: String,
    /// The first 280 characters of the content.
    pub excerpt: String,
    /// What kind of thing it is.
    pub kind: MemoryKind,
    /// Its tags.
    pub tags: Vec<String>,
    /// Who can see it.
    pub visibility: Visibility,
    /// Whose it is.
    pub owner_id: UserId,
    /// The owner's name.
    pub owner_name: String,
    /// Where it came from.
    pub origin: Origin,
    /// When it is let go; `None` keeps it until somebody deletes it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires_at: Option<Timestamp>,
    /// The memory that this is a reply to.
    pub parent_id: Option<MemoryId>,
    /// How many replies to it are in sight.
    pub replies: i64,
    /// When it was moved to the trash.
    #[serde(with = "time::serde::rfc3339::option")]
    pub deleted_at: Option<Timestamp>,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: Timestamp,
}

/// A memory, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Its id.
    pub id: MemoryId,
    /// May be empty.
    pub title: String,
    /// The text as given.
    pub content: String,
    /// What kind of thing it is.
    pub kind: MemoryKind,
    /// Its tags.
    pub tags: Vec<String>,
    /// Who can see it.
    pub visibility: Visibility,
    /// The team when `visibility` is team.
    pub team_id: Option<TeamId>,
    /// The team's name when `visibility` is team.
    pub team_name: Option<String>,
    /// Whose it is.
    pub owner_id: UserId,
    /// The owner's name.
    pub owner_name: String,
    /// The one who asks owns it and so may change it.
    pub is_own: bool,
    /// Where it came from.
    pub origin: Origin,
    /// The conversation it comes from, as its program calls it.
    pub source_session_id: Option<String>,
    /// When it is let go; `None` keeps it until somebody deletes it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires_at: Option<Timestamp>,
    /// The context of its owner that it belongs to; the owner alone sees it.
    pub persona_id: Option<PersonaId>,
    /// The name of that context.
    pub persona_name: Option<String>,
    /// The memory that this is a reply to.
    pub parent_id: Option<MemoryId>,
    /// 0 to 1.
    pub importance: f32,
    /// Who may read it through a program.
    pub allowed_vendors: AllowedVendors,
    /// Goes up with each change; an edit names the one it started from.
    pub version: i32,
    /// Whether it can be found by meaning yet.
    pub is_embedded: bool,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: Timestamp,
    /// When it was moved to the trash.
    #[serde(with = "time::serde::rfc3339::option")]
    pub deleted_at: Option<Timestamp>,
}

impl Memory {
    /// How long it is meant to be kept.
    pub fn term(&self) -> Term {
        match self.expires_at {
            Some(_) => Term::Short,
            None => Term::Long,
        }
    }
}

/// A reply to a memory, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryReply {
    /// Its id.
    pub id: MemoryId,
    /// May be empty.
    pub title: String,
    /// The text as given.
    pub content: String,
    /// What kind of thing it is.
    pub kind: MemoryKind,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whose it is.
    pub owner_id: UserId,
    /// The owner's name.
    pub owner_name: String,
    /// The one who asks owns it and so may change it.
    pub is_own: bool,
    /// Where it came from.
    pub origin: Origin,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: Timestamp,
}

/// A memory as it was before a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryVersion {
    /// The version that this was.
    pub version: i32,
    /// The title then.
    pub title: String,
    /// The content then.
    pub content: String,
    /// The kind then.
    pub kind: MemoryKind,
    /// The tags then.
    pub tags: Vec<String>,
    /// Who could see it then.
    pub visibility: Visibility,
    /// Why it was replaced, where somebody said so.
    pub reason: Option<String>,
    /// Who replaced it.
    pub changed_by_name: String,
    /// When it was replaced.
    #[serde(with = "time::serde::rfc3339")]
    pub changed_at: Timestamp,
}
