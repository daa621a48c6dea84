//! Every act that a member can attempt, and the permission that it needs.
//!
//! A service function names its action once; authorisation, the audit row and
//! the role × action matrix all follow from that name.

use std::fmt;

use crate::Permission;

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $key:literal, $permission:ident, $effect:ident;)*) => {
        /// The acts, noun first.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $($(#[$doc])* $name,)*
        }

        impl Action {
            /// All acts.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// As in the audit log.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key),* }
            }

            /// What it needs.
            pub const fn permission(self) -> Permission {
                match self { $(Self::$name => Permission::$permission),* }
            }

            /// Whether it only reads or also changes something.
            pub const fn effect(self) -> Effect {
                match self { $(Self::$name => Effect::$effect),* }
            }
        }
    };
}

/// Whether an act changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Reads only; audited when refused.
    Read,
    /// Changes something; always audited.
    Write,
    /// Reads what is somebody else's alone, or carries off all that is in
    /// sight; always audited.
    Reveal,
}

actions! {
    /// List memories in sight.
    MemoryList = "memory.list", MemoryRead, Read;
    /// Search memories in sight.
    MemorySearch = "memory.search", MemoryRead, Read;
    /// Read one memory and its versions.
    MemoryGet = "memory.get", MemoryRead, Read;
    /// Be told when memories in sight or own jobs change.
    EventStream = "event.stream", MemoryRead, Read;
    /// Download the memories in sight that a filter shows.
    MemoryExport = "memory.export", MemoryRead, Reveal;
    /// Create a memory.
    MemoryCreate = "memory.create", MemoryWrite, Write;
    /// Change an own memory.
    MemoryUpdate = "memory.update", MemoryWrite, Write;
    /// Move an own memory to the trash.
    MemoryDelete = "memory.delete", MemoryWrite, Write;
    /// Take an own memory out of the trash.
    MemoryRestore = "memory.restore", MemoryWrite, Write;
    /// Answer a memory in sight.
    MemoryReply = "memory.reply", MemoryWrite, Write;
    /// Make an own memory again what it was.
    MemoryVersionRestore = "memory.version_restore", MemoryWrite, Write;
    /// Delete own memories in the trash for good.
    MemoryPurge = "memory.purge", MemoryWrite, Write;
    /// See the own personas.
    PersonaList = "persona.list", MemoryRead, Read;
    /// Create a persona.
    PersonaCreate = "persona.create", MemoryWrite, Write;
    /// Change an own persona.
    PersonaUpdate = "persona.update", MemoryWrite, Write;
    /// Delete an own persona; its memories stay.
    PersonaDelete = "persona.delete", MemoryWrite, Write;
    /// See one's saved views.
    MemoryViewList = "memory_view.list", MemoryRead, Read;
    /// Save a question and filters under a name.
    MemoryViewCreate = "memory_view.create", MemoryRead, Write;
    /// Give a saved view another name.
    MemoryViewRename = "memory_view.rename", MemoryRead, Write;
    /// Delete a saved view.
    MemoryViewDelete = "memory_view.delete", MemoryRead, Write;
    /// Let others see an own memory, or fewer of them.
    MemoryShare = "memory.share", MemoryShare, Write;
    /// Take an own memory back, so that nobody else sees it.
    MemoryUnshare = "memory.unshare", MemoryShare, Write;
    /// List what is proposed: own ones and those that one decides.
    ProposalList = "memory_proposal.list", MemoryShare, Read;
    /// Read what is proposed.
    ProposalGet = "memory_proposal.get", MemoryShare, Read;
    /// Propose to share an own memory.
    ProposalCreate = "memory_proposal.create", MemoryShare, Write;
    /// Share what somebody else proposes.
    ProposalAccept = "memory_proposal.accept", MemoryShare, Write;
    /// Leave unshared what somebody else proposes.
    ProposalDecline = "memory_proposal.decline", MemoryShare, Write;
    /// Take an own proposal back.
    ProposalWithdraw = "memory_proposal.withdraw", MemoryShare, Write;
    /// Give a file of memories.
    ImportStart = "import.start", MemoryImport, Write;
    /// Write one batch of a file's records.
    ImportApply = "import.apply", MemoryImport, Write;
    /// Have an own file imported that waits for a look.
    ImportConfirm = "import.confirm", MemoryImport, Write;
    /// Let go of an own file that waits for a look.
    ImportDiscard = "import.discard", MemoryImport, Write;
    /// Look at own imports.
    ImportGet = "import.get", MemoryImport, Read;
    /// Stop an own import.
    ImportCancel = "import.cancel", MemoryImport, Write;
    /// Start an own import again where it stopped.
    ImportRetry = "import.retry", MemoryImport, Write;
    /// Read the audit log.
    AuditList = "audit.list", AuditRead, Read;
    /// Try to reach other tenants' rows, and undo it.
    IsolationProbe = "isolation.probe", IsolationProbe, Read;
    /// See what groups and app roles grant.
    GroupMappingList = "group_mapping.list", GroupMappingManage, Read;
    /// Try a change of that on today's members, without making it.
    GroupMappingSimulate = "group_mapping.simulate", GroupMappingManage, Read;
    /// Add a rule from a group or an app role to a role or a team.
    GroupMappingCreate = "group_mapping.create", GroupMappingManage, Write;
    /// Change such a rule.
    GroupMappingUpdate = "group_mapping.update", GroupMappingManage, Write;
    /// Remove such a rule.
    GroupMappingDelete = "group_mapping.delete", GroupMappingManage, Write;
    /// See one's own API keys.
    ApiKeyList = "api_key.list", ApiKeyOwn, Read;
    /// Create an API key for oneself.
    ApiKeyCreate = "api_key.create", ApiKeyOwn, Write;
    /// Revoke an own API key.
    ApiKeyRevoke = "api_key.revoke", ApiKeyOwn, Write;
    /// See everybody's API keys, and the agents and services that have some.
    ApiKeyListAll = "api_key.list_all", ApiKeyManage, Read;
    /// Create an API key for an agent or a service.
    ApiKeyCreateFor = "api_key.create_for", ApiKeyManage, Write;
    /// Revoke somebody else's API key.
    ApiKeyRevokeAny = "api_key.revoke_any", ApiKeyManage, Write;
    /// Create an agent or a service that works with keys.
    ServiceAccountCreate = "service_account.create", ApiKeyManage, Write;
    /// See how the organisation is set up.
    SettingsGet = "settings.get", SettingsManage, Read;
    /// Change its name and settings.
    SettingsUpdate = "settings.update", SettingsManage, Write;
    /// See by which model memories are found.
    EmbeddingModelList = "embedding_model.list", SettingsManage, Read;
    /// Prepare another model.
    EmbeddingModelStart = "embedding_model.start", SettingsManage, Write;
    /// Halt the preparation.
    EmbeddingModelPause = "embedding_model.pause", SettingsManage, Write;
    /// Go on with it.
    EmbeddingModelResume = "embedding_model.resume", SettingsManage, Write;
    /// Give it up.
    EmbeddingModelCancel = "embedding_model.cancel", SettingsManage, Write;
    /// See the own profile and sessions.
    ProfileGet = "profile.get", ProfileManage, Read;
    /// Choose how one wants things shown.
    PreferencesUpdate = "preferences.update", ProfileManage, Write;
    /// End one of the own sessions.
    SessionRevoke = "session.revoke", ProfileManage, Write;
    /// List members.
    MemberList = "member.list", MemberRead, Read;
    /// Look at one member, with roles and teams.
    MemberGet = "member.get", MemberRead, Read;
    /// Put a member out for now.
    MemberSuspend = "member.suspend", MemberManage, Write;
    /// Put a member out.
    MemberDeactivate = "member.deactivate", MemberManage, Write;
    /// Let a member in again.
    MemberReactivate = "member.reactivate", MemberManage, Write;
    /// Let a member go.
    MemberOffboard = "member.offboard", MemberManage, Write;
    /// End a member's sessions.
    MemberSessionRevoke = "member.session_revoke", MemberManage, Write;
    /// See who was invited.
    InviteList = "invite.list", MemberInvite, Read;
    /// Invite somebody.
    InviteCreate = "invite.create", MemberInvite, Write;
    /// Make a new link for an invite; the old one ends.
    InviteRenew = "invite.renew", MemberInvite, Write;
    /// End an invite.
    InviteRevoke = "invite.revoke", MemberInvite, Write;
    /// List roles.
    RoleList = "role.list", MemberRead, Read;
    /// Look at one role and who holds it.
    RoleGet = "role.get", MemberRead, Read;
    /// Make a role of the organisation's own.
    RoleCreate = "role.create", RoleManage, Write;
    /// Change a role of the organisation's own.
    RoleUpdate = "role.update", RoleManage, Write;
    /// Delete a role of the organisation's own.
    RoleDelete = "role.delete", RoleManage, Write;
    /// List teams.
    TeamList = "team.list", MemberRead, Read;
    /// Look at one team and who belongs to it.
    TeamGet = "team.get", MemberRead, Read;
    /// Make a team.
    TeamCreate = "team.create", TeamManage, Write;
    /// Give a team another name.
    TeamRename = "team.rename", TeamLead, Write;
    /// Change who belongs to a team, and as what.
    TeamMemberChange = "team.member_change", TeamLead, Write;
    /// Delete a team.
    TeamDelete = "team.delete", TeamManage, Write;
    /// Open a member's private memories for a stated reason.
    BreakGlassOpen = "break_glass.open", MemoryBreakGlass, Write;
    /// Close them before the time is over.
    BreakGlassClose = "break_glass.close", MemoryBreakGlass, Write;
    /// List the private memories that one has opened.
    BreakGlassList = "break_glass.list", MemoryBreakGlass, Reveal;
    /// Read one of them.
    BreakGlassRead = "break_glass.read", MemoryBreakGlass, Reveal;
    /// See what one was told.
    NotificationList = "notification.list", ProfileManage, Read;
    /// Note that one has read it.
    NotificationRead = "notification.read", ProfileManage, Write;
    /// Give a member a role.
    RoleGrant = "role.grant", RoleGrant, Write;
    /// Take a role from a member.
    RoleRevoke = "role.revoke", RoleGrant, Write;
    /// See the installation's organisations and how many of what they have.
    TenantList = "tenant.list", PlatformOperate, Read;
    /// Create an organisation and the invite for its owner.
    TenantCreate = "tenant.create", PlatformOperate, Write;
    /// Put everybody of an organisation out for now.
    TenantSuspend = "tenant.suspend", PlatformOperate, Write;
    /// Let an organisation in again, also one that was deleted a while ago.
    TenantResume = "tenant.resume", PlatformOperate, Write;
    /// Have an organisation removed after a time of grace.
    TenantDelete = "tenant.delete", PlatformOperate, Write;
    /// Put an organisation into another tier.
    TenantTierSet = "tenant.tier_set", PlatformOperate, Write;
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::access::SystemRole;

    /// Compares with `tests/role_action_matrix.txt`, which a reviewer reads:
    /// a new action or a changed role shows there as a line of the diff.
    #[test]
    fn role_action_matrix_is_as_reviewed() {
        let mut matrix = format!("{:<24}", "action");
        for role in SystemRole::ALL {
            let _ = write!(matrix, "{:<9}", role.key());
        }
        matrix = format!("{}\n", matrix.trim_end());
        for action in Action::ALL {
            let mut line = format!("{:<23} ", action.key());
            for role in SystemRole::ALL {
                let allowed = role.permissions().contains(&action.permission());
                let _ = write!(line, "{:<9}", if allowed { "yes" } else { "-" });
            }
            let _ = writeln!(matrix, "{}", line.trim_end());
        }
        let golden = include_str!("../tests/role_action_matrix.txt");
        assert_eq!(
            matrix, golden,
            "the matrix changed; if that is meant, write it to the file:\n{matrix}"
        );
    }
}
