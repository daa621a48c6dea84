//! One action on several members at once.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Action, AppError, RequestId, RoleId, TeamId, Timestamp, UserId, member::MemberChange};

/// The members of one page.
pub const MAX_BULK: usize = crate::paging::PAGE_SIZE as usize;

/// The action applied to each member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkAction {
    Suspend,
    Reactivate,
    GrantRole(RoleId),
    AddToTeam(TeamId),
}

impl BulkAction {
    /// The value in forms.
    pub fn key(self) -> String {
        match self {
            Self::Suspend => MemberChange::Suspend.key().to_owned(),
            Self::Reactivate => MemberChange::Reactivate.key().to_owned(),
            Self::GrantRole(id) => format!("role:{id}"),
            Self::AddToTeam(id) => format!("team:{id}"),
        }
    }

    /// The action audited for each member.
    pub const fn action(self) -> Action {
        match self {
            Self::Suspend => Action::MemberSuspend,
            Self::Reactivate => Action::MemberReactivate,
            Self::GrantRole(_) => Action::RoleGrant,
            Self::AddToTeam(_) => Action::TeamMemberChange,
        }
    }
}

impl FromStr for BulkAction {
    type Err = AppError;

    fn from_str(key: &str) -> Result<Self, AppError> {
        let invalid = |_| AppError::field("act", "Choose an action.");
        match key.split_once(':') {
            None if key == MemberChange::Suspend.key() => Ok(Self::Suspend),
            None if key == MemberChange::Reactivate.key() => Ok(Self::Reactivate),
            Some(("role", id)) => id.parse().map(Self::GrantRole).map_err(invalid),
            Some(("team", id)) => id.parse().map(Self::AddToTeam).map_err(invalid),
            _ => Err(AppError::field("act", "Choose an action.")),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BulkInput {
    /// The `key` of one of the actions that the caller can choose.
    pub act: String,
    /// 1 to 50 members.
    pub ids: Vec<UserId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BulkApplied {
    /// The id of the outcome, which can be read afterwards.
    pub id: RequestId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BulkOutcomePath {
    /// The request that applied the action.
    pub id: RequestId,
}

/// A selectable action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BulkChoice {
    /// A [`BulkAction`] key.
    pub key: String,
    /// E.g. `Assign role: Viewer`.
    pub label: String,
}

/// The preview or result for one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BulkRow {
    pub id: UserId,
    /// `None` if there is no such member.
    pub display_name: Option<String>,
    /// The reason why the action can't be, or was not, applied.
    pub blocked_reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BulkPreview {
    pub choice: BulkChoice,
    /// One row for each chosen member, in the order of the choice.
    pub rows: Vec<BulkRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BulkOutcome {
    /// The [`Action`] key.
    pub action: String,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub at: Timestamp,
    /// One row for each member, in the order of processing.
    pub rows: Vec<BulkRow>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_round_trip_and_unknown_keys_are_rejected() {
        let id = uuid::Uuid::max();
        for act in [
            BulkAction::Suspend,
            BulkAction::Reactivate,
            BulkAction::GrantRole(id.into()),
            BulkAction::AddToTeam(id.into()),
        ] {
            assert_eq!(act.key().parse(), Ok(act));
        }
        for key in ["", "deactivate", "role:", "role:x", "team", "x:y"] {
            let error = key.parse::<BulkAction>().unwrap_err();
            assert!(error.for_field("act").is_some(), "{key}");
        }
    }
}
