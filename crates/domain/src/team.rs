//! Teams: groups of members that share memories.

use serde::{Deserialize, Serialize};

use crate::{
    ActorKind, AppError, Timestamp, UserId,
    id::typed_id,
    keyed_enum::keyed_enum,
    member::UserStatus,
    paging::{Sort, Sorts},
};

typed_id!(TeamId, "team");

/// In characters.
pub const MAX_TEAM_NAME_CHARS: usize = 100;

keyed_enum! {
    TeamRole {
        /// Manages the team; needs the permission `team.lead`.
        Lead = "lead", "Lead";
        Member = "member", "Member";
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TeamRef {
    pub id: TeamId,
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TeamPath {
    pub id: TeamId,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TeamListInput {
    /// Part of a name; empty lists all.
    pub query: String,
    /// `name` or `members`, with `-` before it for descending; empty is `name`.
    pub sort: String,
    /// `next` or `prev` of another page.
    pub after: Option<String>,
}

/// Columns that teams can be sorted by.
pub const TEAM_SORTS: Sorts = Sorts {
    columns: &["name", "members"],
    default: Sort {
        column: "name",
        is_descending: false,
    },
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TeamInput {
    /// 1 to 100 characters, unique in the organisation.
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TeamDeleteInput {
    pub id: TeamId,
    /// The team's name, to confirm.
    pub confirm: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TeamMemberPath {
    pub id: TeamId,
    pub user_id: UserId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TeamMemberInput {
    pub id: TeamId,
    pub user_id: UserId,
    pub role: TeamRole,
}

/// A validated name, 1 to [`MAX_TEAM_NAME_CHARS`] characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamName(String);

impl TeamName {
    pub fn parse(typed: &str) -> Result<Self, AppError> {
        let name = typed.trim();
        if name.is_empty() || name.chars().count() > MAX_TEAM_NAME_CHARS {
            let message = format!("Enter a name of 1 to {MAX_TEAM_NAME_CHARS} characters.");
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

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn with_id(self, id: TeamId) -> TeamRef {
        TeamRef { id, name: self.0 }
    }
}

/// A change of one membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TeamChange {
    /// Adds the member, or changes their team role.
    Join(TeamRole),
    /// Removes the member.
    Leave,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TeamSummary {
    pub id: TeamId,
    pub name: String,
    pub member_count: i64,
    /// The names of its leads, at most five.
    pub leads: Vec<String>,
    /// The viewer belongs to it.
    pub is_own: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TeamMember {
    pub id: UserId,
    pub display_name: String,
    /// From the identity provider.
    pub email: Option<String>,
    pub kind: ActorKind,
    pub status: UserStatus,
    pub role: TeamRole,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub added_at: Timestamp,
    /// Granted by a group of the identity provider, so it can't be changed
    /// here.
    pub from_issuer: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TeamDetail {
    pub id: TeamId,
    pub name: String,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub created_at: Timestamp,
    pub member_count: i64,
    /// Not all: leads first, then by name.
    pub members: Vec<TeamMember>,
    /// The viewer may rename the team and change its members.
    pub may_manage: bool,
    /// The number of memories shared with it; `None` if the viewer can't delete
    /// the team.
    pub shared_memories: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_trimmed_and_validated() {
        assert_eq!(TeamName::parse("  Design ").unwrap().as_str(), "Design");
        let long = "x".repeat(MAX_TEAM_NAME_CHARS + 1);
        for bad in ["", "  ", "a\nb", "nul\0", &long] {
            let error = TeamName::parse(bad).unwrap_err();
            assert!(error.for_field("name").is_some(), "{bad}");
        }
    }
}
