//! Teams: groups of members that share memories.

use serde::{Deserialize, Serialize};

use crate::{ActorKind, AppError, TeamId, Timestamp, UserId, member::UserStatus};

/// Characters that a team's name may have.
pub const MAX_TEAM_NAME_CHARS: usize = 100;

/// What somebody is in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TeamRole {
    /// Manages the team, with the permission `team.lead`.
    Lead,
    /// Belongs to it.
    Member,
}

impl TeamRole {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Lead, Self::Member];

    /// As stored.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Member => "member",
        }
    }

    /// The reverse of [`TeamRole::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.key() == key)
    }

    /// For people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Lead => "Lead",
            Self::Member => "Member",
        }
    }
}

/// A team by name, for choosing it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamRef {
    /// Its id.
    pub id: TeamId,
    /// For people.
    pub name: String,
}

/// A team's name that the database takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamName(String);

impl TeamName {
    /// Takes what was typed.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for the field `name`.
    pub fn parse(typed: &str) -> Result<Self, AppError> {
        let name = typed.trim();
        if name.is_empty() || name.chars().count() > MAX_TEAM_NAME_CHARS {
            let message = format!("A team's name has 1 to {MAX_TEAM_NAME_CHARS} characters.");
            Err(AppError::field("name", message))
        } else if name.chars().any(char::is_control) {
            Err(AppError::field(
                "name",
                "A name can't contain control characters.",
            ))
        } else {
            Ok(Self(name.to_owned()))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What happens to somebody in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TeamChange {
    /// Is in it from now on, or stays, as this.
    Join(TeamRole),
    /// Is not in it any more.
    Leave,
}

/// A team in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamSummary {
    /// Its id.
    pub id: TeamId,
    /// For people.
    pub name: String,
    /// How many belong to it.
    pub members: i64,
    /// Names of those who lead it.
    pub leads: Vec<String>,
    /// The one who looks belongs to it.
    pub is_own: bool,
}

/// Somebody in a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamMember {
    /// Who.
    pub id: UserId,
    /// The name on pages.
    pub display_name: String,
    /// As the issuer tells it.
    pub email: Option<String>,
    /// A person, an agent or a service.
    pub kind: ActorKind,
    /// Whether the member may act.
    pub status: UserStatus,
    /// As what.
    pub role: TeamRole,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub added_at: Timestamp,
    /// The issuer's groups say so, whatever anybody does here.
    pub from_issuer: bool,
}

/// What the page of one team shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamDetail {
    /// Its id.
    pub id: TeamId,
    /// For people.
    pub name: String,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    /// How many belong to it.
    pub member_count: i64,
    /// Some of them: leads first, then by name.
    pub members: Vec<TeamMember>,
    /// The one who looks may rename it and change who belongs to it.
    pub may_manage: bool,
    /// For who may delete it: how many memories are shared with it.
    pub shared_memories: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_bounded() {
        assert_eq!(TeamName::parse("  Design ").unwrap().as_str(), "Design");
        let long = "x".repeat(MAX_TEAM_NAME_CHARS + 1);
        for bad in ["", "  ", "a\nb", "nul\0", &long] {
            let error = TeamName::parse(bad).unwrap_err();
            assert!(error.for_field("name").is_some(), "{bad}");
        }
    }
}
