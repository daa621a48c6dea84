//! Members of an organisation: people, agents and services.

use serde::{Deserialize, Serialize};

use crate::{
    ActorKind, AppError, RoleId, SessionId, TeamId, Timestamp, UserId,
    api_key::ApiKey,
    audit::AuditEntry,
    break_glass::BreakGlassStatus,
    keyed_enum::keyed_enum,
    paging::{Sort, Sorts},
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
            Active => "This member is already active.",
            Suspended => "This member is already suspended.",
            Deactivated => "This member is already deactivated.",
        };
        Err(AppError::Conflict {
            message: message.into(),
        })
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct MemberListInput {
    /// Part of a name, an e-mail address or a handle; empty lists all.
    pub query: String,
    /// `invited`, `active`, `suspended` or `deactivated`; empty lists all.
    pub status: String,
    /// A role's key; empty lists all.
    pub role: String,
    /// A team's id; empty lists all.
    pub team: String,
    /// `human`, `agent`, `sub_agent` or `service`; empty lists all.
    pub kind: String,
    /// `name`, `status`, `last_seen_at` or `created_at`, with `-` before it for
    /// descending; empty is `name`.
    pub sort: String,
    /// `next` or `prev` of another page.
    pub after: Option<String>,
}

/// Columns that members can be sorted by.
pub const MEMBER_SORTS: Sorts = Sorts {
    columns: &["name", "status", "last_seen_at", "created_at"],
    default: Sort {
        column: "name",
        is_descending: false,
    },
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MemberSessionPath {
    pub id: UserId,
    pub session_id: SessionId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MemberPath {
    pub id: UserId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MemberRolePath {
    pub id: UserId,
    pub role_id: RoleId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemberSummary {
    pub id: UserId,
    pub display_name: String,
    /// From the identity provider; never used as an identifier.
    pub email: Option<String>,
    pub kind: ActorKind,
    pub status: UserStatus,
    /// Names of the roles.
    pub roles: Vec<String>,
    /// Names of the teams.
    pub teams: Vec<String>,
    /// With a precision of one minute.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub last_seen_at: Option<Timestamp>,
}

/// A role held by a member for one reason. A role held for several reasons has
/// several entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeldRole {
    pub role: RoleRef,
    pub source: RoleSource,
    /// `None` unless granted by a member.
    pub granted_by: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub granted_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeldTeam {
    pub id: TeamId,
    pub name: String,
    pub role: TeamRole,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub last_seen_at: Option<Timestamp>,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub created_at: Timestamp,
    pub roles: Vec<HeldRole>,
    pub teams: Vec<HeldTeam>,
}

/// Data of a member's page. Parts that the viewer may not see are `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemberDetail {
    #[serde(flatten)]
    pub member: Member,
    /// The viewer is this member.
    pub is_self: bool,
    /// Roles that the viewer may grant and revoke.
    pub grantable: Vec<RoleRef>,
    /// The reason why the viewer can't suspend or deactivate the member.
    pub blocked_reason: Option<BlockedReason>,
    /// Live browser sessions.
    pub sessions: Option<Vec<Session>>,
    /// The newest API keys, active or not.
    pub keys: Option<Vec<ApiKey>>,
    pub break_glass: Option<BreakGlassStatus>,
    /// The newest audit entries by or about the member.
    pub audit: Option<Vec<AuditEntry>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BlockedReason {
    /// The viewer lacks `member.manage`.
    Permission,
    /// Managing an owner requires `owner.grant`.
    Owner,
    /// The organisation would be left without an owner (SEC-A11).
    LastOwner,
}
