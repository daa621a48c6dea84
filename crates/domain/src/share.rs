//! Sharing: the audience of a memory, and the ways its owner may share it.

use serde::{Deserialize, Serialize};

use crate::{
    Actor, ActorKind, AppError, MemoryId, Permission, ProposalId, TeamId, UserId,
    memory::{Memory, Visibility},
    proposal::PendingProposal,
};

/// In characters; for proposals and decisions.
pub const MAX_COMMENT_CHARS: usize = 1_000;

/// The members that a memory is shared with: in JSON and in forms `org`, or the
/// id of a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Audience {
    Team(TeamId),
    /// Everyone in the organisation.
    Org,
}

impl Audience {
    pub const fn visibility(self) -> Visibility {
        match self {
            Self::Team(_) => Visibility::Team,
            Self::Org => Visibility::Org,
        }
    }

    pub const fn team_id(self) -> Option<TeamId> {
        match self {
            Self::Team(id) => Some(id),
            Self::Org => None,
        }
    }

    /// The current audience of `memory`; `None` if private.
    pub fn of(memory: &Memory) -> Option<Self> {
        match memory.visibility {
            Visibility::Private => None,
            Visibility::Team => memory.team_id.map(Self::Team),
            Visibility::Org => Some(Self::Org),
        }
    }

    /// The value in forms and in JSON.
    pub fn key(self) -> String {
        match self {
            Self::Team(id) => id.to_string(),
            Self::Org => Visibility::Org.key().to_owned(),
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        if key == Visibility::Org.key() {
            Some(Self::Org)
        } else {
            key.parse().ok().map(Self::Team)
        }
    }

    /// True if `actor` reviews proposals for this audience, and so can share
    /// own memories with it without review.
    pub fn is_decided_by(self, actor: &Actor) -> bool {
        actor.permissions.contains(&Permission::MemoryReview)
            || self
                .team_id()
                .is_some_and(|team| actor.led_team_ids.contains(&team))
    }
}

impl From<Audience> for String {
    fn from(audience: Audience) -> Self {
        audience.key()
    }
}

impl TryFrom<String> for Audience {
    type Error = &'static str;

    fn try_from(key: String) -> Result<Self, &'static str> {
        Self::from_key(&key)
            .ok_or("Choose one of your teams or the organisation: a team's id, or `org`.")
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Audience {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Audience".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "`org` for everyone in the organisation, or the id of a team.",
            "examples": ["org"],
        })
    }
}

/// Whom to share a memory with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ShareInput {
    pub id: MemoryId,
    /// The version that the caller has read.
    pub version: i32,
    pub audience: Audience,
    /// For those who decide: at most 1,000 characters.
    #[serde(default)]
    pub comment: String,
}

/// A comment on a proposal or decision; may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comment(String);

impl Comment {
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

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ShareOutcome {
    /// The audience can view it.
    Shared {
        /// The new version.
        version: i32,
    },
    /// It is pending review.
    Proposed { proposal_id: ProposalId },
    /// It is private again.
    Private {
        /// The new version.
        version: i32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditOutcome {
    Changed,
    /// Waits for a reviewer; until then others see the memory unchanged.
    Proposed(ProposalId),
}

impl EditOutcome {
    pub const fn proposal_id(self) -> Option<ProposalId> {
        match self {
            Self::Changed => None,
            Self::Proposed(id) => Some(id),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Viewer {
    pub id: UserId,
    pub name: String,
    pub kind: ActorKind,
}

/// The members who see a memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Viewers {
    /// The number of people.
    pub people: i64,
    /// The number of agents and services.
    pub programs: i64,
    /// The first viewers by name, people before programs. Empty if the caller
    /// may not see the organisation's members.
    pub first: Vec<Viewer>,
}

/// An audience that the owner can choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AudienceChoice {
    pub audience: Audience,
    /// Empty for everyone.
    pub team_name: String,
    /// True if sharing needs no review.
    pub is_immediate: bool,
}

/// The sharing section of a memory's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemorySharing {
    pub viewers: Viewers,
    /// Audiences that the viewer can share it with.
    pub choices: Vec<AudienceChoice>,
    pub may_unshare: bool,
    /// The pending proposal; only for the owner.
    pub pending: Option<PendingProposal>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audience_key_round_trips() {
        let team = Audience::Team(uuid::Uuid::from_u128(7).into());
        for audience in [team, Audience::Org] {
            assert_eq!(Audience::from_key(&audience.key()), Some(audience));
        }
        for other in ["", "private", "everyone"] {
            assert_eq!(Audience::from_key(other), None, "{other}");
        }
    }

    #[test]
    fn long_comments_are_rejected_and_empty_ones_allowed() {
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
