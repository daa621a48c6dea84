//! Who acts, and what they may do.

use std::{collections::BTreeSet, fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{ApiKeyId, AppError, RequestId, SessionId, TeamId, TenantId, UserId, Vendor};

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $key:literal, $sentence:literal;)*) => {
        /// The permission catalogue: every act that can be allowed or refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Permission {
            $($(#[$doc])* #[serde(rename = $key)] $name,)*
        }

        impl Permission {
            /// All permissions, in the order of the catalogue.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable key, as stored in a role and shown in a refusal.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key),* }
            }

            /// What it allows, for the one who grants it.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence),* }
            }
        }
    };
}

permissions! {
    /// See memories that one owns or that are shared with one.
    MemoryRead = "memory.read", "See and search your memories and those shared with you.";
    /// Create, edit, delete and restore own memories.
    MemoryWrite = "memory.write", "Create, edit, delete and restore your memories.";
    /// Let others see own memories, and say so of what they are told in their teams.
    MemoryShare = "memory.share", "Share your memories or propose it, and decide what is proposed to teams you lead.";
    /// What is proposed to everybody or to any team.
    MemoryReview = "memory.review", "Decide what is proposed to any team or to everyone, and share your own without asking.";
    /// Import files of memories.
    MemoryImport = "memory.import", "Import memories from a file.";
    /// Own profile and sessions.
    ProfileManage = "profile.manage", "See your profile and end your own sessions.";
    /// The organisation's audit log.
    AuditRead = "audit.read", "Read the organisation's audit log.";
    /// Attempts, on the running database, to reach another tenant's rows.
    IsolationProbe = "isolation.probe", "Test that no other organisation can be reached.";
    /// Rules from the issuer's groups to roles and teams.
    GroupMappingManage = "group_mapping.manage", "Decide which groups grant which roles and teams.";
    /// The organisation's own settings.
    SettingsManage = "settings.manage", "Change the organisation's name and settings.";
    /// Names, roles and teams of the organisation's members.
    MemberRead = "member.read", "See the organisation's members, roles and teams.";
    /// Who is in and who is out.
    MemberManage = "member.manage", "Suspend, deactivate, reactivate and offboard members, and end their sessions.";
    /// Who is asked to join.
    MemberInvite = "member.invite", "Invite people into the organisation.";
    /// Roles of the organisation's own.
    RoleManage = "role.manage", "Create, change and delete custom roles.";
    /// Who holds which role.
    RoleGrant = "role.grant", "Give members roles and take them away.";
    /// Who holds the owner's role.
    OwnerGrant = "owner.grant", "Make and unmake owners, and entrust somebody with reading private memories.";
    /// The teams that one leads.
    TeamLead = "team.lead", "Rename the teams you lead and change who belongs to them.";
    /// All teams.
    TeamManage = "team.manage", "Create, change and delete any team.";
    /// Others' private memories, in an emergency.
    MemoryBreakGlass = "memory.break_glass", "Read a member's private memories for a stated reason; the member is told.";
    /// Keys that act as oneself.
    ApiKeyOwn = "api_key.own", "Create, see and revoke keys with which programs act as you.";
    /// Everybody's keys, and the agents and services that have some.
    ApiKeyManage = "api_key.manage", "See and revoke everybody's keys, and create agents and services with theirs.";
    /// The installation itself; see [`Permission::is_for_roles`].
    PlatformOperate = "platform.operate", "Run this installation: see, create, suspend and delete organisations.";
}

/// What somebody may entrust others with.
impl Permission {
    /// Whether a role or a key can hold it. What concerns the whole
    /// installation comes with being its operator, in a browser, and from
    /// nothing that an organisation could give.
    pub const fn is_for_roles(self) -> bool {
        !matches!(self, Self::PlatformOperate)
    }

    /// What a role or a key can hold, in the order of the catalogue.
    pub fn for_roles() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|p| p.is_for_roles())
    }

    /// The permission with this key, where a role or a key can hold it.
    ///
    /// # Errors
    /// [`UnknownPermission`]: inside an organisation there is no other.
    pub fn for_role(key: &str) -> Result<Self, UnknownPermission> {
        key.parse()
            .ok()
            .filter(|permission: &Self| permission.is_for_roles())
            .ok_or_else(|| UnknownPermission(key.to_owned()))
    }

    /// What somebody who holds `held` may put into roles, give and take: what
    /// they hold themselves, and nothing beyond. What people are entrusted
    /// with goes by who may entrust, not by who holds it.
    pub fn grantable(held: &BTreeSet<Self>) -> BTreeSet<Self> {
        Self::ALL
            .iter()
            .copied()
            .filter(|permission| permission.is_for_roles() && held.contains(&permission.to_grant()))
            .collect()
    }

    /// What one must hold to give it.
    #[must_use]
    pub const fn to_grant(self) -> Self {
        if self.is_entrusted() {
            Self::OwnerGrant
        } else {
            self
        }
    }

    /// Given by name to a person, who uses it in a browser: no system role
    /// holds it, and neither a key nor a program nor a job can use it.
    pub const fn is_entrusted(self) -> bool {
        matches!(self, Self::MemoryBreakGlass)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// A key that is not in the catalogue.
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

/// The roles that every organisation has from its first moment and that
/// nobody can edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemRole {
    /// Everything in the organisation, except others' private memories.
    Owner,
    /// Runs the organisation day to day.
    Admin,
    /// Works with own and shared memories.
    Member,
    /// Reads only.
    Viewer,
    /// Reads usage and cost.
    Billing,
}

impl SystemRole {
    /// All system roles, most powerful first.
    pub const ALL: &[Self] = &[
        Self::Owner,
        Self::Admin,
        Self::Member,
        Self::Viewer,
        Self::Billing,
    ];

    /// The stable key, unique in a tenant.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Viewer => "viewer",
            Self::Billing => "billing",
        }
    }

    /// The name on pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Admin => "Admin",
            Self::Member => "Member",
            Self::Viewer => "Viewer",
            Self::Billing => "Billing",
        }
    }

    /// What the role is for, in one sentence.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Owner => "Everything in the organisation, except others' private memories.",
            Self::Admin => "Runs the organisation day to day.",
            Self::Member => "Works with own and shared memories.",
            Self::Viewer => "Reads what is shared, changes nothing.",
            Self::Billing => "Reads usage and cost.",
        }
    }

    /// What the role allows.
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
    /// Keys of the system roles that hold `permission`: what they allow is the
    /// program's to know, not the database's.
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
        Self::ALL
            .iter()
            .copied()
            .find(|role| role.key() == key)
            .ok_or_else(|| UnknownRole(key.to_owned()))
    }
}

/// A key that names no system role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no role “{0}”; there are owner, admin, member, viewer and billing")]
pub struct UnknownRole(pub String);

/// What kind of member acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person.
    Human,
    /// An AI agent.
    Agent,
    /// An agent that works for another agent.
    SubAgent,
    /// A program with a key.
    Service,
    /// Atrium itself, e.g. before a caller is known.
    System,
}

impl ActorKind {
    /// As stored in `users.kind` and `audit_log.actor_kind`.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Agent => "agent",
            Self::SubAgent => "sub_agent",
            Self::Service => "service",
            Self::System => "system",
        }
    }

    /// The reverse of [`ActorKind::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        [
            Self::Human,
            Self::Agent,
            Self::SubAgent,
            Self::Service,
            Self::System,
        ]
        .into_iter()
        .find(|kind| kind.key() == key)
    }
}

/// Where a request came from, for the audit log and the list of sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestFacts {
    /// The request's id, also in logs and on error pages.
    pub request_id: RequestId,
    /// The caller's address, as far as trusted proxies tell it.
    pub ip: Option<IpAddr>,
    /// The caller's `User-Agent`, cut to 400 characters.
    pub user_agent: Option<String>,
    /// The browser session behind the request, if one is.
    pub session_id: Option<SessionId>,
    /// The API key behind the request, if one is.
    pub api_key_id: Option<ApiKeyId>,
}

/// A member who acts, resolved anew for every request, so that a change of
/// roles or a revoked session counts at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The organisation in which the act happens.
    pub tenant_id: TenantId,
    /// Who acts.
    pub user_id: UserId,
    /// What kind of member that is.
    pub kind: ActorKind,
    /// Name for the audit log, readable after the member is gone.
    pub label: String,
    /// The union of what the member's roles allow.
    pub permissions: BTreeSet<Permission>,
    /// The teams that the member belongs to.
    pub team_ids: Vec<TeamId>,
    /// Those of them that the member leads.
    pub led_team_ids: Vec<TeamId>,
    /// By whose product the key is used with which the member acts: memories
    /// that it may not read are out of sight. `None` in a browser.
    pub vendor: Option<Vendor>,
    /// The request in which the act happens.
    pub request: RequestFacts,
}

impl Actor {
    /// Passes when the actor holds `permission`.
    ///
    /// # Errors
    /// [`AppError::Forbidden`] naming the permission.
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
    fn permission_keys_parse_back_and_are_unique() {
        let keys: BTreeSet<_> = Permission::ALL.iter().map(|p| p.key()).collect();
        assert_eq!(keys.len(), Permission::ALL.len());
        for permission in Permission::ALL {
            assert_eq!(permission.key().parse(), Ok(*permission));
        }
        assert!("memory.everything".parse::<Permission>().is_err());
    }

    #[test]
    fn owner_holds_the_whole_catalogue_but_what_people_are_entrusted_with() {
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

    // SEC-G: a right handed on by somebody who may not give it.
    #[test]
    fn who_reads_private_memories_is_for_owners_to_say() {
        let grantable =
            |held: &[Permission]| Permission::grantable(&held.iter().copied().collect());
        assert!(grantable(&[Permission::OwnerGrant]).contains(&Permission::MemoryBreakGlass));
        let reader = [Permission::MemoryBreakGlass, Permission::RoleGrant];
        assert_eq!(grantable(&reader), BTreeSet::from([Permission::RoleGrant]));
    }

    // SEC-G: a permission above what an organisation can give.
    #[test]
    fn what_concerns_the_installation_is_in_no_role_and_no_grant() {
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
    fn system_role_keys_parse_back() {
        for role in SystemRole::ALL {
            assert_eq!(role.key().parse(), Ok(*role));
        }
    }
}
