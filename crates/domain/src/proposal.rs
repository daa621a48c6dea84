//! Proposals: requests to share a memory or to change a shared one, and their
//! review.

use serde::{Deserialize, Serialize};

use crate::{
    MemoryId, Page, TeamId, Timestamp, UserId,
    id::typed_id,
    keyed_enum::keyed_enum,
    memory::{Memory, MemoryAttributes, MemoryChange, MemoryKind, Visibility},
    memory_version::DiffSpan,
    paging::{Sort, Sorts},
    share::Viewers,
};

typed_id!(ProposalId, "memory_proposal");

keyed_enum! {
    ProposalStatus {
        Pending = "pending", "Pending";
        Accepted = "accepted", "Accepted";
        Declined = "declined", "Declined";
        /// By its author, or because its team or author is gone.
        Withdrawn = "withdrawn", "Withdrawn";
    }
}

keyed_enum! {
    ProposalView {
        /// Proposals of others that the viewer can decide.
        Waiting = "waiting", "To review";
        /// The viewer's own proposals.
        Mine = "mine", "Sent";
        /// Proposals of others that the viewer decided.
        Decided = "decided", "Reviewed";
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProposalSummary {
    pub id: ProposalId,
    /// May be empty.
    pub title: String,
    /// The beginning of the content.
    pub excerpt: String,
    pub proposer_id: UserId,
    pub proposer_name: String,
    /// The proposed audience: a team or everyone.
    pub visibility: Visibility,
    /// Also set if the team no longer exists.
    pub team_name: Option<String>,
    /// True for a change of a shared memory, false for a new share.
    pub is_change: bool,
    pub status: ProposalStatus,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub created_at: Timestamp,
    /// When it was decided or withdrawn.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub reviewed_at: Option<Timestamp>,
}

/// The parts of a memory that other members see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SharedMemory {
    /// May be empty.
    pub title: String,
    pub content: String,
    pub kind: MemoryKind,
    pub tags: Vec<String>,
    #[serde(flatten)]
    pub attributes: MemoryAttributes,
}

impl SharedMemory {
    pub fn of(memory: &Memory) -> Self {
        Self {
            title: memory.title.clone(),
            content: memory.content.clone(),
            kind: memory.kind,
            tags: memory.tags.clone(),
            attributes: memory.attributes.clone(),
        }
    }

    /// `memory` with these parts.
    pub fn apply_to(self, memory: Memory) -> Memory {
        Memory {
            title: self.title,
            content: self.content,
            kind: self.kind,
            tags: self.tags,
            attributes: self.attributes,
            ..memory
        }
    }

    /// `memory` as others would see it after `change`.
    pub fn after(memory: &Memory, change: &MemoryChange) -> Self {
        let text = change.text.clone();
        let attributes = change.attributes.as_ref();
        Self {
            title: text.title,
            content: text.content,
            kind: text.kind,
            tags: text.tags,
            attributes: attributes.unwrap_or(&memory.attributes).clone(),
        }
    }
}

/// The proposed change of a shared memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProposedChange {
    /// As shared when the change was proposed.
    pub before: SharedMemory,
    pub after: SharedMemory,
    pub title: Vec<DiffSpan>,
    pub content: Vec<DiffSpan>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProposalPath {
    pub id: ProposalId,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ProposalListInput {
    /// Without it, those that wait for the caller, or the caller's own if they
    /// can't decide any.
    pub view: Option<ProposalView>,
    /// `title`, `proposer` or `created_at`, with `-` before it for descending; empty
    /// is `-created_at`.
    pub sort: String,
    /// `next` or `prev` of another page.
    pub after: Option<String>,
}

/// Columns that proposals can be sorted by.
pub const PROPOSAL_SORTS: Sorts = Sorts {
    columns: &["title", "proposer", "created_at"],
    default: Sort {
        column: "created_at",
        is_descending: true,
    },
};

/// A decision on a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DecisionInput {
    pub id: ProposalId,
    /// For the proposer: at most 1,000 characters.
    #[serde(default)]
    pub comment: String,
}

/// A proposal in full. The decision covers exactly this text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Proposal {
    #[serde(flatten)]
    pub summary: ProposalSummary,
    /// Visible only to its owner until it is shared.
    pub memory_id: MemoryId,
    /// The version that was proposed.
    pub memory_version: i32,
    pub content: String,
    pub kind: MemoryKind,
    pub tags: Vec<String>,
    /// Set if the memory is already shared.
    pub change: Option<ProposedChange>,
    /// The proposer's comment; may be empty.
    pub comment: String,
    pub reviewer_name: Option<String>,
    /// The reviewer's comment, or why the proposal was withdrawn.
    pub review_comment: Option<String>,
    /// The viewer is the proposer.
    pub is_own: bool,
    /// The viewer can decide it.
    pub may_decide: bool,
    /// The memory has changed since. Only shown to the owner.
    pub is_stale: bool,
    /// The members who would see it; only while it is pending.
    pub viewers: Option<Viewers>,
}

/// A pending proposal, as shown to the memory's owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PendingProposal {
    pub id: ProposalId,
    /// The proposed audience: a team or everyone.
    pub visibility: Visibility,
    pub team_id: Option<TeamId>,
    pub team_name: Option<String>,
    /// The memory has changed since, so the proposal can't be accepted any
    /// more.
    pub is_stale: bool,
    /// True for a change of a shared memory, false for a new share.
    pub is_change: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Proposals {
    pub view: ProposalView,
    /// True if the viewer can decide any proposals at all.
    pub may_decide: bool,
    /// The number of proposals for the viewer to review.
    pub waiting: i64,
    #[serde(flatten)]
    pub page: Page<ProposalSummary>,
}
