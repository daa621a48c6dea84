//! Members of an organisation: people, agents and services alike.

use serde::{Deserialize, Serialize};

use crate::{
    ActorKind, AppError, TeamId, Timestamp, UserId,
    api_key::ApiKey,
    audit::AuditEntry,
    break_glass::BreakGlassStanding,
    profile::Session,
    role::{RoleRef, RoleSource},
    team::TeamRole,
};

/// Whether a member may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// Was asked to join and has not signed in yet.
    Invited,
    /// May act.
    Active,
    /// May not act for now.
    Suspended,
    /// Has left.
    Deactivated,
}

impl UserStatus {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Invited,
        Self::Active,
        Self::Suspended,
        Self::Deactivated,
    ];

    /// As stored.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deactivated => "deactivated",
        }
    }

    /// The reverse of [`UserStatus::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.key() == key)
    }

    /// For people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Invited => "Invited",
            Self::Active => "Active",
            Self::Suspended => "Suspended",
            Self::Deactivated => "Deactivated",
        }
    }
}

/// A change of whether a member may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberChange {
    /// Out for now.
    Suspend,
    /// Out for good, until somebody takes it back.
    Deactivate,
    /// In again.
    Reactivate,
}

impl MemberChange {
    /// As a form sends it.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Deactivate => "deactivate",
            Self::Reactivate => "reactivate",
        }
    }

    /// What the member is afterwards.
    pub const fn to(self) -> UserStatus {
        match self {
            Self::Suspend => UserStatus::Suspended,
            Self::Deactivate => UserStatus::Deactivated,
            Self::Reactivate => UserStatus::Active,
        }
    }

    /// Passes when a member who is `from` can be changed so.
    ///
    /// # Errors
    /// [`AppError::Conflict`] that says what the member is instead.
    pub fn check(self, from: UserStatus) -> Result<(), AppError> {
        use UserStatus::{Active, Deactivated, Invited, Suspended};
        let fits = match self {
            Self::Suspend => matches!(from, Active | Invited),
            Self::Deactivate => matches!(from, Active | Invited | Suspended),
            Self::Reactivate => matches!(from, Suspended | Deactivated),
        };
        if fits {
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

/// What the list of members is narrowed to. Lives in the URL; empty text means
/// no restriction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemberFilter {
    /// A part of a name, an e-mail address or a handle.
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

/// A member in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberSummary {
    /// The member's id.
    pub id: UserId,
    /// The name on pages.
    pub display_name: String,
    /// As the issuer tells it; never used to identify.
    pub email: Option<String>,
    /// A person, an agent or a service.
    pub kind: ActorKind,
    /// Whether the member may act.
    pub status: UserStatus,
    /// Names of the member's roles.
    pub roles: Vec<String>,
    /// Names of the member's teams.
    pub teams: Vec<String>,
    /// When the member was last active, to the minute.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_seen_at: Option<Timestamp>,
}

/// A role that a member holds, for one reason. Held for several, it is there
/// several times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRole {
    /// The role.
    pub role: RoleRef,
    /// Why it is held.
    pub source: RoleSource,
    /// Who gave it, where a member did.
    pub granted_by: Option<String>,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub granted_at: Timestamp,
}

/// A team that a member belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldTeam {
    /// The team.
    pub id: TeamId,
    /// Its name.
    pub name: String,
    /// As what.
    pub role: TeamRole,
}

/// A member, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The member's id.
    pub id: UserId,
    /// The name on pages.
    pub display_name: String,
    /// As the issuer tells it; never used to identify.
    pub email: Option<String>,
    /// A short name, where one was chosen.
    pub handle: Option<String>,
    /// A person, an agent or a service.
    pub kind: ActorKind,
    /// Whether the member may act.
    pub status: UserStatus,
    /// Holds the owner's role.
    pub is_owner: bool,
    /// Nobody would be left to run the organisation without this member.
    pub is_last_owner: bool,
    /// When the member was last active, to the minute.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_seen_at: Option<Timestamp>,
    /// When the member was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    /// What the member holds, and why.
    pub roles: Vec<HeldRole>,
    /// Where the member belongs.
    pub teams: Vec<HeldTeam>,
}

/// What the page of one member shows. Parts that the reader may not see are
/// `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberDetail {
    /// The member.
    pub member: Member,
    /// It is the one who looks.
    pub is_self: bool,
    /// Roles that the one who looks may give and take.
    pub grantable: Vec<RoleRef>,
    /// Why the one who looks can't suspend or deactivate this member; `None`
    /// when nothing stands in the way.
    pub blocked_reason: Option<BlockedReason>,
    /// Signed-in browsers.
    pub sessions: Option<Vec<Session>>,
    /// The newest keys that act as the member, whether they work or not.
    pub keys: Option<Vec<ApiKey>>,
    /// Whether the member's private memories are open to the one who looks.
    pub break_glass: Option<BreakGlassStanding>,
    /// The newest audit rows of and about the member.
    pub audit: Option<Vec<AuditEntry>>,
}

/// Why a member can't be suspended or deactivated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockedReason {
    /// `member.manage` is missing.
    Permission,
    /// An owner is only managed by who may unmake owners.
    Owner,
    /// Nobody would be left to run the organisation (SEC-A11).
    LastOwner,
}
