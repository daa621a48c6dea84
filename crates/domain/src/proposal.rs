//! Proposals: memories that their owners want others to see, for those who
//! decide it.

use serde::{Deserialize, Serialize};

use crate::{
    MemoryId, Page, ProposalId, TeamId, Timestamp, UserId,
    memory::{AllowedVendors, Memory, MemoryChange, MemoryKind, Visibility, keyed_enum},
    memory_version::DiffSpan,
    share::Viewers,
};

keyed_enum! {
    /// How far a proposal has come.
    ProposalStatus {
        /// Somebody is to decide it.
        Pending = "pending", "Waiting";
        /// It is shared.
        Accepted = "accepted", "Accepted";
        /// It stays as it was.
        Declined = "declined", "Declined";
        /// Its author took it back, or its team or author is gone.
        Withdrawn = "withdrawn", "Withdrawn";
    }
}

keyed_enum! {
    /// Which proposals a list shows.
    ProposalView {
        /// Others', which the one who asks can decide.
        Waiting = "waiting", "To decide";
        /// The own ones.
        Mine = "mine", "Yours";
        /// Others', which the one who asks has decided.
        Decided = "decided", "Decided by you";
    }
}

/// A proposal in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalSummary {
    /// Its id.
    pub id: ProposalId,
    /// What is proposed, by its title; may be empty.
    pub title: String,
    /// How its text begins.
    pub excerpt: String,
    /// Who proposes it.
    pub proposer_id: UserId,
    /// Their name.
    pub proposer_name: String,
    /// To whom: a team or everyone.
    pub visibility: Visibility,
    /// The team's name, also of one that is gone.
    pub team_name: Option<String>,
    /// It changes what they see already; else it is to be shared with them.
    pub is_change: bool,
    /// How far it has come.
    pub status: ProposalStatus,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    /// When it was decided or withdrawn.
    #[serde(with = "time::serde::rfc3339::option")]
    pub reviewed_at: Option<Timestamp>,
}

/// All that others see of a memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryShown {
    /// May be empty.
    pub title: String,
    /// The text.
    pub content: String,
    /// What kind of thing it is.
    pub kind: MemoryKind,
    /// Its tags.
    pub tags: Vec<String>,
    /// Who may read it through a program.
    pub allowed_vendors: AllowedVendors,
    /// 0 to 1.
    pub importance: f32,
    /// When it ends by itself.
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires_at: Option<Timestamp>,
}

impl MemoryShown {
    /// What others see of `memory`.
    pub fn of(memory: &Memory) -> Self {
        Self {
            title: memory.title.clone(),
            content: memory.content.clone(),
            kind: memory.kind,
            tags: memory.tags.clone(),
            allowed_vendors: memory.allowed_vendors.clone(),
            importance: memory.importance,
            expires_at: memory.expires_at,
        }
    }

    /// What others would see of `memory` after `change`.
    pub fn after(memory: &Memory, change: &MemoryChange) -> Self {
        let text = change.text.clone();
        let before = Self::of(memory);
        let attributes = change.attributes.as_ref();
        Self {
            title: text.title,
            content: text.content,
            kind: text.kind,
            tags: text.tags,
            allowed_vendors: attributes.map_or(before.allowed_vendors, |attributes| {
                attributes.allowed_vendors.clone()
            }),
            importance: attributes.map_or(before.importance, |attributes| attributes.importance),
            expires_at: attributes.map_or(before.expires_at, |attributes| attributes.expires_at),
        }
    }
}

/// What a proposal changes about a memory that others see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProposedChange {
    /// As others saw it when the change was proposed.
    pub before: MemoryShown,
    /// As they would see it.
    pub after: MemoryShown,
    /// The titles compared.
    pub title: Vec<DiffSpan>,
    /// The texts compared.
    pub content: Vec<DiffSpan>,
}

/// A proposal, whole: what is decided are these words and no others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// As in a list.
    pub summary: ProposalSummary,
    /// Which memory; in sight of its owner only, until it is shared.
    pub memory_id: MemoryId,
    /// Which version of it.
    pub memory_version: i32,
    /// Its text.
    pub content: String,
    /// What kind of thing it is.
    pub kind: MemoryKind,
    /// Its tags.
    pub tags: Vec<String>,
    /// What it changes, where others see the memory already.
    pub change: Option<ProposedChange>,
    /// What its author says about it; may be empty.
    pub comment: String,
    /// Who decided.
    pub reviewer_name: Option<String>,
    /// What they said, or why it ended otherwise.
    pub review_comment: Option<String>,
    /// The one who asks proposed it.
    pub is_own: bool,
    /// The one who asks can decide it.
    pub may_decide: bool,
    /// The memory is not any more what was proposed; known to its owner.
    pub is_stale: bool,
    /// Who would see it, while it waits.
    pub viewers: Option<Viewers>,
}

/// What the owner of a memory has proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingProposal {
    /// Its id.
    pub id: ProposalId,
    /// To whom: a team or everyone.
    pub visibility: Visibility,
    /// The team.
    pub team_id: Option<TeamId>,
    /// The team's name.
    pub team_name: Option<String>,
    /// The memory was changed since, so that it can't be accepted any more.
    pub is_stale: bool,
    /// It changes what they see already.
    pub is_change: bool,
}

/// One page of proposals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposals {
    /// Which ones these are.
    pub view: ProposalView,
    /// Whether the one who asks decides any.
    pub may_decide: bool,
    /// How many wait for them.
    pub waiting: i64,
    /// Newest first.
    pub page: Page<ProposalSummary>,
}
