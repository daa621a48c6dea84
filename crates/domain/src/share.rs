//! Sharing: who sees a memory, and with whom its owner may share it.

use serde::{Deserialize, Serialize};

use crate::{
    Actor, ActorKind, AppError, Permission, ProposalId, TeamId, UserId,
    memory::{Memory, Visibility},
    proposal::PendingProposal,
};

/// The longest comment on a proposal or a decision, in characters.
pub const MAX_COMMENT_CHARS: usize = 1_000;

/// With whom a memory is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// One team.
    Team(TeamId),
    /// Everyone in the organisation.
    Org,
}

impl Audience {
    /// How visible a memory is that is shared so.
    pub const fn visibility(self) -> Visibility {
        match self {
            Self::Team(_) => Visibility::Team,
            Self::Org => Visibility::Org,
        }
    }

    /// The team, where it is one.
    pub const fn team_id(self) -> Option<TeamId> {
        match self {
            Self::Team(id) => Some(id),
            Self::Org => None,
        }
    }

    /// Who sees `memory` beside its owner.
    pub fn of(memory: &Memory) -> Option<Self> {
        match memory.visibility {
            Visibility::Private => None,
            Visibility::Team => memory.team_id.map(Self::Team),
            Visibility::Org => Some(Self::Org),
        }
    }

    /// As a form's value.
    pub fn key(self) -> String {
        match self {
            Self::Team(id) => id.to_string(),
            Self::Org => Visibility::Org.key().to_owned(),
        }
    }

    /// The reverse of [`Audience::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        if key == Visibility::Org.key() {
            Some(Self::Org)
        } else {
            key.parse().ok().map(Self::Team)
        }
    }

    /// Whether `actor` decides who joins this audience, and so shares an own
    /// memory without asking.
    pub fn is_decided_by(self, actor: &Actor) -> bool {
        actor.permissions.contains(&Permission::MemoryReview)
            || self
                .team_id()
                .is_some_and(|team| actor.led_team_ids.contains(&team))
    }
}

/// What somebody says on a proposal or a decision; may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comment(String);

impl Comment {
    /// Checks what was typed.
    ///
    /// # Errors
    /// [`AppError::Invalid`] naming `comment`.
    pub fn parse(text: &str) -> Result<Self, AppError> {
        let text = text.trim();
        if text.chars().count() > MAX_COMMENT_CHARS {
            let message = format!("A comment has at most {MAX_COMMENT_CHARS} characters.");
            return Err(AppError::field("comment", message));
        }
        if text.contains('\0') {
            let message = "A comment can't contain a NUL character.";
            return Err(AppError::field("comment", message));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What came of wanting to share a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShareOutcome {
    /// They see it; this is its version now.
    Shared(i32),
    /// It waits for somebody who decides it.
    Proposed(ProposalId),
}

/// What came of changing a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EditOutcome {
    /// It is changed.
    Changed,
    /// Others see it as it was until somebody accepts the change.
    Proposed(ProposalId),
}

impl EditOutcome {
    /// The proposal, where it is one.
    pub const fn proposal_id(self) -> Option<ProposalId> {
        match self {
            Self::Changed => None,
            Self::Proposed(id) => Some(id),
        }
    }
}

/// Somebody who sees a memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// The member.
    pub id: UserId,
    /// The member's name.
    pub name: String,
    /// A person, an agent or a service.
    pub kind: ActorKind,
}

/// Who sees a memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewers {
    /// How many people.
    pub people: i64,
    /// How many agents and services.
    pub programs: i64,
    /// Some of them, people first, by name; nobody where the one who asks may
    /// not see the organisation's members.
    pub first: Vec<Viewer>,
}

/// With whom an owner can share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudienceChoice {
    /// With whom.
    pub audience: Audience,
    /// The team's name; empty for everyone.
    pub team_name: String,
    /// At once; else somebody decides first.
    pub at_once: bool,
}

/// What the page of a memory says of its sharing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemorySharing {
    /// Who sees it.
    pub viewers: Viewers,
    /// With whom the one who asks can share it further or instead.
    pub choices: Vec<AudienceChoice>,
    /// The one who asks can take it back.
    pub may_unshare: bool,
    /// What its owner has proposed, for the owner only.
    pub pending: Option<PendingProposal>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_survives_its_form() {
        let team = Audience::Team(uuid::Uuid::from_u128(7).into());
        for audience in [team, Audience::Org] {
            assert_eq!(Audience::from_key(&audience.key()), Some(audience));
        }
        for other in ["", "private", "everyone"] {
            assert_eq!(Audience::from_key(other), None, "{other}");
        }
    }

    #[test]
    fn a_comment_is_short_and_may_be_empty() {
        assert_eq!(Comment::parse("  ").unwrap().as_str(), "");
        let long = "é".repeat(MAX_COMMENT_CHARS);
        assert_eq!(Comment::parse(&long).unwrap().as_str(), long);
        for bad in [format!("{long}é"), "a\0b".to_owned()] {
            assert!(
                Comment::parse(&bad)
                    .unwrap_err()
                    .for_field("comment")
                    .is_some()
            );
        }
    }
}
