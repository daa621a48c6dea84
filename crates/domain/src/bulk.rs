//! One act on several members at once.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Action, AppError, RoleId, TeamId, Timestamp, UserId, member::MemberChange};

/// Members that one act may be about: those of one page.
pub const MAX_BULK: usize = crate::paging::PAGE_SIZE as usize;

/// What is done to each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkAct {
    /// Out for now.
    Suspend,
    /// In again.
    Reactivate,
    /// Holds a role from now on.
    GiveRole(RoleId),
    /// Is in a team from now on.
    JoinTeam(TeamId),
}

impl BulkAct {
    /// As a form sends it.
    pub fn key(self) -> String {
        match self {
            Self::Suspend => MemberChange::Suspend.key().to_owned(),
            Self::Reactivate => MemberChange::Reactivate.key().to_owned(),
            Self::GiveRole(id) => format!("role:{id}"),
            Self::JoinTeam(id) => format!("team:{id}"),
        }
    }

    /// What is written into the audit log for each of them.
    pub const fn action(self) -> Action {
        match self {
            Self::Suspend => Action::MemberSuspend,
            Self::Reactivate => Action::MemberReactivate,
            Self::GiveRole(_) => Action::RoleGrant,
            Self::JoinTeam(_) => Action::TeamMemberChange,
        }
    }
}

impl FromStr for BulkAct {
    type Err = AppError;

    fn from_str(key: &str) -> Result<Self, AppError> {
        let none = |_| AppError::field("act", "Choose what to do with them.");
        match key.split_once(':') {
            None if key == MemberChange::Suspend.key() => Ok(Self::Suspend),
            None if key == MemberChange::Reactivate.key() => Ok(Self::Reactivate),
            Some(("role", id)) => id.parse().map(Self::GiveRole).map_err(none),
            Some(("team", id)) => id.parse().map(Self::JoinTeam).map_err(none),
            _ => Err(AppError::field("act", "Choose what to do with them.")),
        }
    }
}

/// An act that may be chosen, with its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkChoice {
    /// A [`BulkAct`]'s key.
    pub key: String,
    /// What it does, e.g. `Give the role Viewer`.
    pub label: String,
}

/// What would happen to one member, or did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkRow {
    /// The member.
    pub id: UserId,
    /// The member's name; `None` where there is no such member.
    pub display_name: Option<String>,
    /// Why not, where it does not or did not happen.
    pub blocked_reason: Option<String>,
}

/// What an act would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkPreview {
    /// The act.
    pub choice: BulkChoice,
    /// A row for each chosen member, in the order of the choice.
    pub rows: Vec<BulkRow>,
}

/// What an act did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkOutcome {
    /// As in the audit log.
    pub action: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: Timestamp,
    /// A row for each member, in the order in which it was done.
    pub rows: Vec<BulkRow>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_parse_back_and_anything_else_is_refused() {
        let id = uuid::Uuid::max();
        for act in [
            BulkAct::Suspend,
            BulkAct::Reactivate,
            BulkAct::GiveRole(id.into()),
            BulkAct::JoinTeam(id.into()),
        ] {
            assert_eq!(act.key().parse(), Ok(act));
        }
        for key in ["", "deactivate", "role:", "role:x", "team", "x:y"] {
            let refused = key.parse::<BulkAct>().unwrap_err();
            assert!(refused.for_field("act").is_some(), "{key}");
        }
    }
}
