//! Members of an organisation: people, agents and services.

use serde::{Deserialize, Serialize};

use crate::{
    ActorKind, AppError, TeamId, Timestamp, UserId,
    api_key::ApiKey,
    audit::AuditEntry,
    break_glass::BreakGlassStatus,
    keyed_enum::keyed_enum,
    profile::Session,
    role::{RoleRef, RoleSource},
    team::TeamRole,
};

keyed_enum! {
    UserStatus {
        /// Invited, has not signed in yet.
        Invited = "invited", "Invited";
        Active = "active", "Active";
        Suspended = "suspended", "Suspended";
        Deactivated = "deactivated", "Deactivated";
    }
}

/// A status change made by an administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberChange {
    Suspend,
    Deactivate,
    Reactivate,
}

impl MemberChange {
    /// The value in forms.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Deactivate => "deactivate",
            Self::Reactivate => "reactivate",
        }
    }

    /// The resulting status.
    pub const fn to(self) -> UserStatus {
        match self {
            Self::Suspend => UserStatus::Suspended,
            Self::Deactivate => UserStatus::Deactivated,
            Self::Reactivate => UserStatus::Active,
        }
    }

    /// Checks that the change is possible from status `from`.
    ///
    /// # Errors
    /// [`AppError::Conflict`] with the current status.
    pub fn check(self, from: UserStatus) -> Result<(), AppError> {
        use UserStatus::{Active, Deactivated, Invited, Suspended};
        let is_allowed = match self {
            Self::Suspend => matches!(from, Active | Invited),
            Self::Deactivate => matches!(from, Active | Invited | Suspended),
            Self::Reactivate => matches!(from, Suspended | Deactivated),
        };
        if is_allowed {
            return Ok(());
        }
        let message = match from {
            Invited => "This member has not signed in yet.",
            Active => "This member is active already.",
            Suspended => "This member is suspended already.",
            Deactivated => "This member is deactivated already.",
        };
        Err(AppError::Conflict {
            message: message.into(),
        })
    }
}

/// Filter of the member list, as in the URL. An empty string means no
/// restriction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemberFilter {
    /// Part of a name, an e-mail address or a handle.
    pub query: String,
    /// A [`UserStatus`] key.
    pub status: String,
    /// A role's key.
    pub role: String,
    /// A team's id.
    pub team: String,
    /// An [`ActorKind`] key.
    pub kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberSummary {
    pub id: UserId,
    pub display_name: String,
    /// From the identity provider; never used as an identifier.
    pub email: Option<String>,
    pub kind: ActorKind,
    pub status: UserStatus,
    pub roles: Vec<String>,
    pub teams: Vec<String>,
    /// With a precision of one minute.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_seen_at: Option<Timestamp>,
}

/// A role held by a member for one reason. A role held for several reasons has
/// several entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRole {
    pub role: RoleRef,
    pub source: RoleSource,
    /// `None` unless granted by a member.
    pub granted_by: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub granted_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldTeam {
    pub id: TeamId,
    pub name: String,
    pub role: TeamRole,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub id: UserId,
    pub display_name: String,
    /// From the identity provider; never used as an identifier.
    pub email: Option<String>,
    /// An optional short name.
    pub handle: Option<String>,
    pub kind: ActorKind,
    pub status: UserStatus,
    pub is_owner: bool,
    /// The only owner left, who can't be removed (SEC-A11).
    pub is_last_owner: bool,
    /// With a precision of one minute.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_seen_at: Option<Timestamp>,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    pub roles: Vec<HeldRole>,
    pub teams: Vec<HeldTeam>,
}

/// Data of a member's page. Parts that the viewer may not see are `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberDetail {
    pub member: Member,
    pub is_self: bool,
    /// Roles that the viewer may grant and revoke.
    pub grantable: Vec<RoleRef>,
    /// Why the viewer can't suspend or deactivate the member.
    pub blocked_reason: Option<BlockedReason>,
    pub sessions: Option<Vec<Session>>,
    /// The newest API keys, active or not.
    pub keys: Option<Vec<ApiKey>>,
    pub break_glass: Option<BreakGlassStatus>,
    /// The newest audit entries by or about the member.
    pub audit: Option<Vec<AuditEntry>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockedReason {
    /// The viewer lacks `member.manage`.
    Permission,
    /// Managing an owner requires `owner.grant`.
    Owner,
    /// The organisation would be left without an owner (SEC-A11).
    LastOwner,
}
