//! Every action that a member can attempt, and the permission that it needs.
//!
//! A service function names its action once; authorisation, the audit row and
//! the role × action matrix all follow from that name.

use std::fmt;

use crate::Permission;

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $key:literal, $permission:ident, $effect:ident;)*) => {
        /// Actions are named noun first.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $($(#[$doc])* $name,)*
        }

        impl Action {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The key as stored in the audit log.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key),* }
            }

            pub const fn permission(self) -> Permission {
                match self { $(Self::$name => Permission::$permission),* }
            }

            pub const fn effect(self) -> Effect {
                match self { $(Self::$name => Effect::$effect),* }
            }
        }
    };
}

/// The kind of effect, which decides when an action is audited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Audited only when denied.
    Read,
    /// Always audited.
    Write,
    /// Reads data private to another member, or exports everything visible;
    /// always audited.
    Reveal,
}

actions! {
    MemoryList = "memory.list", MemoryRead, Read;
    MemorySearch = "memory.search", MemoryRead, Read;
    /// Also covers the memory's versions.
    MemoryGet = "memory.get", MemoryRead, Read;
    /// Subscribe to changes of visible memories and of the caller's own jobs.
    EventStream = "event.stream", MemoryRead, Read;
    /// Download the visible memories that match a filter.
    MemoryExport = "memory.export", MemoryRead, Reveal;
    MemoryCreate = "memory.create", MemoryWrite, Write;
    MemoryUpdate = "memory.update", MemoryWrite, Write;
    MemoryDelete = "memory.delete", MemoryWrite, Write;
    MemoryRestore = "memory.restore", MemoryWrite, Write;
    MemoryReply = "memory.reply", MemoryWrite, Write;
    /// Restore an earlier version of an own memory.
    MemoryVersionRestore = "memory.version_restore", MemoryWrite, Write;
    MemoryPurge = "memory.purge", MemoryWrite, Write;
    PersonaList = "persona.list", MemoryRead, Read;
    PersonaCreate = "persona.create", MemoryWrite, Write;
    PersonaUpdate = "persona.update", MemoryWrite, Write;
    /// The persona's memories are kept.
    PersonaDelete = "persona.delete", MemoryWrite, Write;
    MemoryViewList = "memory_view.list", MemoryRead, Read;
    /// Save a search query and filters under a name.
    MemoryViewCreate = "memory_view.create", MemoryRead, Write;
    MemoryViewRename = "memory_view.rename", MemoryRead, Write;
    MemoryViewDelete = "memory_view.delete", MemoryRead, Write;
    /// Share an own memory, or change its audience.
    MemoryShare = "memory.share", MemoryShare, Write;
    /// Make an own memory private again.
    MemoryUnshare = "memory.unshare", MemoryShare, Write;
    /// List the caller's own proposals and those that the caller can decide.
    ProposalList = "memory_proposal.list", MemoryShare, Read;
    ProposalGet = "memory_proposal.get", MemoryShare, Read;
    ProposalCreate = "memory_proposal.create", MemoryShare, Write;
    /// Accept somebody else's proposal.
    ProposalAccept = "memory_proposal.accept", MemoryShare, Write;
    /// Decline somebody else's proposal.
    ProposalDecline = "memory_proposal.decline", MemoryShare, Write;
    ProposalWithdraw = "memory_proposal.withdraw", MemoryShare, Write;
    /// Upload a file of memories.
    ImportStart = "import.start", MemoryImport, Write;
    ImportApply = "import.apply", MemoryImport, Write;
    /// Start an uploaded import after its preview.
    ImportConfirm = "import.confirm", MemoryImport, Write;
    /// Delete an uploaded import instead of starting it.
    ImportDiscard = "import.discard", MemoryImport, Write;
    ImportGet = "import.get", MemoryImport, Read;
    ImportCancel = "import.cancel", MemoryImport, Write;
    /// Resume a failed import from where it stopped.
    ImportRetry = "import.retry", MemoryImport, Write;
    AuditList = "audit.list", AuditRead, Read;
    /// Attempt to access other tenants' rows, then roll back.
    IsolationProbe = "isolation.probe", IsolationProbe, Read;
    GroupMappingList = "group_mapping.list", GroupMappingManage, Read;
    /// Preview a rule change on the current members.
    GroupMappingSimulate = "group_mapping.simulate", GroupMappingManage, Read;
    GroupMappingCreate = "group_mapping.create", GroupMappingManage, Write;
    GroupMappingUpdate = "group_mapping.update", GroupMappingManage, Write;
    GroupMappingDelete = "group_mapping.delete", GroupMappingManage, Write;
    /// Own keys only.
    ApiKeyList = "api_key.list", ApiKeyOwn, Read;
    /// Own keys only.
    ApiKeyCreate = "api_key.create", ApiKeyOwn, Write;
    /// Own keys only.
    ApiKeyRevoke = "api_key.revoke", ApiKeyOwn, Write;
    /// Lists the keys of all members, and the agent and service accounts.
    ApiKeyListAll = "api_key.list_all", ApiKeyManage, Read;
    /// For an agent or a service account.
    ApiKeyCreateFor = "api_key.create_for", ApiKeyManage, Write;
    ApiKeyRevokeAny = "api_key.revoke_any", ApiKeyManage, Write;
    ServiceAccountCreate = "service_account.create", ApiKeyManage, Write;
    SettingsGet = "settings.get", SettingsManage, Read;
    SettingsUpdate = "settings.update", SettingsManage, Write;
    EmbeddingModelList = "embedding_model.list", SettingsManage, Read;
    /// Start building vectors with another model.
    EmbeddingModelStart = "embedding_model.start", SettingsManage, Write;
    EmbeddingModelPause = "embedding_model.pause", SettingsManage, Write;
    EmbeddingModelResume = "embedding_model.resume", SettingsManage, Write;
    EmbeddingModelCancel = "embedding_model.cancel", SettingsManage, Write;
    ProfileGet = "profile.get", ProfileManage, Read;
    PreferencesUpdate = "preferences.update", ProfileManage, Write;
    SessionRevoke = "session.revoke", ProfileManage, Write;
    MemberList = "member.list", MemberRead, Read;
    MemberGet = "member.get", MemberRead, Read;
    MemberSuspend = "member.suspend", MemberManage, Write;
    MemberDeactivate = "member.deactivate", MemberManage, Write;
    MemberReactivate = "member.reactivate", MemberManage, Write;
    /// Preview what offboarding would end and transfer.
    MemberOffboardPreview = "member.offboard_preview", MemberManage, Read;
    MemberOffboard = "member.offboard", MemberManage, Write;
    MemberSessionRevoke = "member.session_revoke", MemberManage, Write;
    InviteList = "invite.list", MemberInvite, Read;
    InviteCreate = "invite.create", MemberInvite, Write;
    /// Replaces the invite's link; the old one stops working.
    InviteRenew = "invite.renew", MemberInvite, Write;
    InviteRevoke = "invite.revoke", MemberInvite, Write;
    RoleList = "role.list", MemberRead, Read;
    RoleGet = "role.get", MemberRead, Read;
    /// Custom roles only.
    RoleCreate = "role.create", RoleManage, Write;
    /// Custom roles only.
    RoleUpdate = "role.update", RoleManage, Write;
    /// Custom roles only.
    RoleDelete = "role.delete", RoleManage, Write;
    TeamList = "team.list", MemberRead, Read;
    TeamGet = "team.get", MemberRead, Read;
    TeamCreate = "team.create", TeamManage, Write;
    TeamRename = "team.rename", TeamLead, Write;
    /// Add, remove, or change the team role of a member.
    TeamMemberChange = "team.member_change", TeamLead, Write;
    TeamDelete = "team.delete", TeamManage, Write;
    BreakGlassOpen = "break_glass.open", MemoryBreakGlass, Write;
    /// Close a grant before it expires.
    BreakGlassClose = "break_glass.close", MemoryBreakGlass, Write;
    /// List the private memories opened by a grant.
    BreakGlassList = "break_glass.list", MemoryBreakGlass, Reveal;
    BreakGlassRead = "break_glass.read", MemoryBreakGlass, Reveal;
    NotificationList = "notification.list", ProfileManage, Read;
    NotificationRead = "notification.read", ProfileManage, Write;
    RoleGrant = "role.grant", RoleGrant, Write;
    RoleRevoke = "role.revoke", RoleGrant, Write;
    /// Includes usage counts, no content.
    TenantList = "tenant.list", PlatformOperate, Read;
    /// Also creates the owner's invite.
    TenantCreate = "tenant.create", PlatformOperate, Write;
    TenantSuspend = "tenant.suspend", PlatformOperate, Write;
    /// Also for a deleted organisation within its grace period.
    TenantResume = "tenant.resume", PlatformOperate, Write;
    /// Deletes the organisation once its grace period is over.
    TenantDelete = "tenant.delete", PlatformOperate, Write;
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

    /// A new action or a changed role shows in review as a changed line.
    #[test]
    fn role_action_matrix_matches_golden_file() {
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
        insta::assert_snapshot!("role_action_matrix", matrix);
    }
}
