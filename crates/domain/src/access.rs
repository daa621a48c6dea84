//! Actors, permissions and system roles.

use std::{collections::BTreeSet, fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    ApiKeyId, AppError, RequestId, SessionId, TeamId, TenantId, UserId, Vendor,
    keyed_enum::keyed_enum, memory::Origin,
};

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $key:literal, $sentence:literal;)*) => {
        /// The permission catalogue.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Permission {
            $($(#[$doc])* #[serde(rename = $key)] $name,)*
        }

        impl Permission {
            /// In the order of the catalogue.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable key, stored in roles and named in `Forbidden` errors.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key),* }
            }

            /// The description shown when granting it.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence),* }
            }
        }
    };
}

#[cfg(feature = "schema")]
crate::schema::key_schema!(Permission);

permissions! {
    MemoryRead = "memory.read", "Read memories.";
    MemoryWrite = "memory.write", "Create, edit, delete and restore memories.";
    MemoryShare = "memory.share", "Share memories, and review proposals for teams you lead.";
    MemoryReview = "memory.review", "Review all proposals, and share memories without a review.";
    MemoryImport = "memory.import", "Import memories from files.";
    ProfileManage = "profile.manage", "Manage own profile and sessions.";
    AuditRead = "audit.read", "Read the audit log.";
    /// Runs cross-tenant access attempts against the live database.
    IsolationProbe = "isolation.probe", "Run tenant isolation checks.";
    GroupMappingManage = "group_mapping.manage", "Manage directory group mappings.";
    SettingsManage = "settings.manage", "Manage organisation settings.";
    MemberRead = "member.read", "View members, roles and teams.";
    MemberManage = "member.manage", "Suspend, deactivate, reactivate and offboard members, and end their sessions.";
    MemberInvite = "member.invite", "Invite members.";
    RoleManage = "role.manage", "Manage custom roles.";
    RoleGrant = "role.grant", "Assign and remove roles.";
    OwnerGrant = "owner.grant", "Manage owners and grant break-glass access.";
    TeamLead = "team.lead", "Manage teams you lead.";
    TeamManage = "team.manage", "Manage all teams.";
    /// Never part of a system role; see [`Permission::is_entrusted`].
    MemoryBreakGlass = "memory.break_glass", "Open a member's private memories with a stated reason; the member is notified.";
    ApiKeyOwn = "api_key.own", "Manage own API keys.";
    ApiKeyManage = "api_key.manage", "Manage all API keys, agents and services.";
    /// Concerns the whole installation; see [`Permission::is_for_roles`].
    PlatformOperate = "platform.operate", "Operate this installation: view, create, suspend and delete organisations.";
}

/// Rules for granting permissions.
impl Permission {
    /// True if a role or an API key can hold it. Permissions for the whole
    /// installation come only from being its operator, in a browser session.
    pub const fn is_for_roles(self) -> bool {
        !matches!(self, Self::PlatformOperate)
    }

    /// The permissions that a role or an API key can hold, in the order of the
    /// catalogue.
    pub fn for_roles() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|p| p.is_for_roles())
    }

    /// Parses the key of a permission that a role or an API key can hold.
    ///
    /// # Errors
    /// [`UnknownPermission`], also for a known key that roles can't hold.
    pub fn for_role(key: &str) -> Result<Self, UnknownPermission> {
        key.parse()
            .ok()
            .filter(|permission: &Self| permission.is_for_roles())
            .ok_or_else(|| UnknownPermission(key.to_owned()))
    }

    /// The permissions that a member holding `held` may put into roles, grant
    /// and revoke: their own, nothing beyond. Entrusted permissions instead
    /// require [`Permission::OwnerGrant`], and holding one does not allow
    /// granting it.
    pub fn grantable(held: &BTreeSet<Self>) -> BTreeSet<Self> {
        Self::ALL
            .iter()
            .copied()
            .filter(|permission| {
                permission.is_for_roles() && held.contains(&permission.required_to_grant())
            })
            .collect()
    }

    /// The permission required to grant this one.
    #[must_use]
    pub const fn required_to_grant(self) -> Self {
        if self.is_entrusted() {
            Self::OwnerGrant
        } else {
            self
        }
    }

    /// Granted to a person by name and used only in a browser session: no
    /// system role holds it, and no API key, program or job can use it.
    pub const fn is_entrusted(self) -> bool {
        matches!(self, Self::MemoryBreakGlass)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// The key is not in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no permission “{0}”")]
pub struct UnknownPermission(pub String);

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(key: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|p| p.key() == key)
            .ok_or_else(|| UnknownPermission(key.to_owned()))
    }
}

keyed_enum! {
    /// The fixed roles that every organisation is created with, most powerful
    /// first.
    SystemRole {
        Owner = "owner", "Owner";
        Admin = "admin", "Admin";
        Member = "member", "Member";
        Viewer = "viewer", "Viewer";
        Billing = "billing", "Billing";
    }
}

impl SystemRole {
    pub const fn description(self) -> &'static str {
        match self {
            Self::Owner => "Full access, except other members' private memories.",
            Self::Admin => "Manages the organisation day to day.",
            Self::Member => "Works with own and shared memories.",
            Self::Viewer => "Reads shared memories.",
            Self::Billing => "Reads usage and cost.",
        }
    }

    pub const fn permissions(self) -> &'static [Permission] {
        use Permission::{
            ApiKeyManage, ApiKeyOwn, AuditRead, GroupMappingManage, IsolationProbe, MemberInvite,
            MemberManage, MemberRead, MemoryImport, MemoryRead, MemoryReview, MemoryShare,
            MemoryWrite, OwnerGrant, ProfileManage, RoleGrant, RoleManage, SettingsManage,
            TeamLead, TeamManage,
        };
        match self {
            Self::Owner => &[
                MemoryRead,
                MemoryWrite,
                MemoryShare,
                MemoryReview,
                MemoryImport,
                ProfileManage,
                AuditRead,
                IsolationProbe,
                GroupMappingManage,
                SettingsManage,
                MemberRead,
                MemberManage,
                MemberInvite,
                RoleManage,
                RoleGrant,
                OwnerGrant,
                TeamLead,
                TeamManage,
                ApiKeyOwn,
                ApiKeyManage,
            ],
            Self::Admin => &[
                MemoryRead,
                MemoryWrite,
                MemoryShare,
                MemoryReview,
                MemoryImport,
                ProfileManage,
                AuditRead,
                IsolationProbe,
                GroupMappingManage,
                SettingsManage,
                MemberRead,
                MemberManage,
                MemberInvite,
                RoleManage,
                RoleGrant,
                TeamLead,
                TeamManage,
                ApiKeyOwn,
                ApiKeyManage,
            ],
            Self::Member => &[
                MemoryRead,
                MemoryWrite,
                MemoryShare,
                MemoryImport,
                ProfileManage,
                MemberRead,
                TeamLead,
                ApiKeyOwn,
            ],
            Self::Viewer => &[MemoryRead, ProfileManage, MemberRead, ApiKeyOwn],
            Self::Billing => &[ProfileManage, MemberRead],
        }
    }
}

impl SystemRole {
    /// Keys of the system roles that hold `permission`. The mapping exists only
    /// in code, not in the database.
    pub fn keys_with(permission: Permission) -> Vec<&'static str> {
        let holds = |role: &&Self| role.permissions().contains(&permission);
        Self::ALL
            .iter()
            .filter(holds)
            .map(|role| role.key())
            .collect()
    }
}

impl FromStr for SystemRole {
    type Err = UnknownRole;

    fn from_str(key: &str) -> Result<Self, Self::Err> {
        Self::from_key(key).ok_or_else(|| UnknownRole(key.to_owned()))
    }
}

/// The key is not that of a system role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no role “{0}”; there are owner, admin, member, viewer and billing")]
pub struct UnknownRole(pub String);

keyed_enum! {
    ActorKind {
        Human = "human";
        Agent = "agent";
        /// An agent that works for another agent.
        SubAgent = "sub_agent";
        /// A program with an API key.
        Service = "service";
        /// Atrium itself, e.g. before the caller is known.
        System = "system";
    }
}

/// The origin of a request, for the audit log and the list of sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestFacts {
    /// Also in logs and on error pages.
    pub request_id: RequestId,
    /// The caller's address, as reported by trusted proxies.
    pub ip: Option<IpAddr>,
    /// The caller's `User-Agent`, cut to 400 characters.
    pub user_agent: Option<String>,
    pub session_id: Option<SessionId>,
    pub api_key_id: Option<ApiKeyId>,
}

/// The member making a request. Resolved again for every request, so role
/// changes and revoked sessions take effect at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub kind: ActorKind,
    /// Name for the audit log, readable after the member is gone.
    pub label: String,
    /// The union of the permissions of all roles.
    pub permissions: BTreeSet<Permission>,
    pub team_ids: Vec<TeamId>,
    /// The subset of `team_ids` that the member leads.
    pub led_team_ids: Vec<TeamId>,
    /// Vendor of the API key; memories not allowed for it are hidden. `None`
    /// for browser sessions.
    pub vendor: Option<Vendor>,
    /// Recorded as the origin of memories that it writes.
    pub origin: Origin,
    pub request: RequestFacts,
}

impl Actor {
    /// Checks that the actor holds `permission`.
    pub fn authorize(&self, permission: Permission) -> Result<(), AppError> {
        if self.permissions.contains(&permission) {
            Ok(())
        } else {
            Err(AppError::Forbidden { permission })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permission_keys_round_trip_and_are_unique() {
        let keys: BTreeSet<_> = Permission::ALL.iter().map(|p| p.key()).collect();
        assert_eq!(keys.len(), Permission::ALL.len());
        for permission in Permission::ALL {
            assert_eq!(permission.key().parse(), Ok(*permission));
        }
        assert!("memory.everything".parse::<Permission>().is_err());
    }

    #[test]
    fn owner_holds_all_permissions_except_entrusted_ones() {
        let all: Vec<_> = Permission::for_roles()
            .filter(|permission| !permission.is_entrusted())
            .collect();
        assert_eq!(SystemRole::Owner.permissions(), all);
        let in_any = |permission: &Permission| {
            SystemRole::ALL
                .iter()
                .any(|role| role.permissions().contains(permission))
        };
        assert!(!in_any(&Permission::MemoryBreakGlass));
    }

    // SEC-G: a permission granted by somebody who may not grant it.
    #[test]
    fn only_owners_can_grant_break_glass() {
        let grantable =
            |held: &[Permission]| Permission::grantable(&held.iter().copied().collect());
        assert!(grantable(&[Permission::OwnerGrant]).contains(&Permission::MemoryBreakGlass));
        let reader = [Permission::MemoryBreakGlass, Permission::RoleGrant];
        assert_eq!(grantable(&reader), BTreeSet::from([Permission::RoleGrant]));
    }

    // SEC-G: a permission that no organisation can grant.
    #[test]
    fn installation_permissions_are_not_grantable() {
        let held: BTreeSet<_> = Permission::ALL.iter().copied().collect();
        assert!(!Permission::grantable(&held).contains(&Permission::PlatformOperate));
        assert!(Permission::for_role("platform.operate").is_err());
        for role in SystemRole::ALL {
            assert!(
                role.permissions().iter().all(|p| p.is_for_roles()),
                "{role:?}"
            );
        }
    }

    #[test]
    fn system_role_keys_round_trip() {
        for role in SystemRole::ALL {
            assert_eq!(role.key().parse(), Ok(*role));
        }
    }
}
