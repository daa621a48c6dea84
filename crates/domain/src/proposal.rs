//! Proposals: memories that their owners want others to see, for those who
//! decide it.

use serde::{Deserialize, Serialize};

use crate::{
    MemoryId, Page, ProposalId, TeamId, Timestamp, UserId,
    memory::{MemoryKind, Visibility, keyed_enum},
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
    /// How far it has come.
    pub status: ProposalStatus,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    /// When it was decided or withdrawn.
    #[serde(with = "time::serde::rfc3339::option")]
    pub reviewed_at: Option<Timestamp>,
}

/// A proposal, whole: what is decided are these words and no others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
