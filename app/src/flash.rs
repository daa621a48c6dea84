//! The message about the operation that led to a page. It travels in the URL as
//! `?done=CODE` with a closed set of codes, so that it works without JavaScript
//! and a link cannot inject text.

use domain::MemoryId;

use crate::ui::{Query, with_fields};

/// A completed operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flash {
    MemoryCreated,
    MemoryUpdated,
    /// Holds the id, so that the page can offer to restore the memory.
    MemoryDeleted(MemoryId),
    MemoryRestored,
    MemoryViewCreated,
    MemoryViewRenamed,
    MemoryViewDeleted,
    /// Also used when the audience of a shared memory changed.
    MemoryShared,
    /// Sharing waits for a review.
    MemoryProposed,
    /// Others see the previous version until the change is accepted.
    MemoryChangeProposed,
    MemoryUnshared,
    ProposalAccepted,
    ProposalDeclined,
    ProposalWithdrawn,
    MemoryReplied,
    MemoryPurged,
    TrashEmptied,
    MemoryVersionRestored,
    /// Created or changed.
    PersonaSaved,
    PersonaDeleted,
    /// The same file was imported before; that import is shown instead.
    ImportDuplicate,
    /// The previewed file is being imported.
    ImportStarted,
    /// The previewed file was discarded without importing it.
    ImportDiscarded,
    ImportCancelled,
    ImportRetried,
    /// One of the viewer's own sessions.
    SessionEnded,
    /// All of the viewer's other sessions.
    SessionsEnded,
    MemberSuspended,
    MemberDeactivated,
    MemberReactivated,
    MemberOffboarded,
    /// All sessions of another member.
    MemberSessionsEnded,
    RoleGranted,
    InviteRevoked,
    /// The viewer joined by an invite.
    InviteAccepted,
    SettingsSaved,
    /// Another embedding model is being prepared.
    EmbeddingModelStarted,
    EmbeddingModelPaused,
    EmbeddingModelResumed,
    EmbeddingModelCancelled,
    PreferencesSaved,
    /// A rule from an identity provider's group to a role or team.
    GroupMappingSaved,
    GroupMappingDeleted,
    RoleRevoked,
    TeamCreated,
    TeamRenamed,
    TeamDeleted,
    /// Added to a team, or given another role in it.
    TeamMemberSet,
    TeamMemberRemoved,
    RoleCreated,
    RoleUpdated,
    RoleDeleted,
    KeyRevoked,
    /// An agent or a service.
    ServiceAccountCreated,
    BreakGlassOpened,
    BreakGlassClosed,
    NotificationRead,
    NotificationsRead,
    TenantSuspended,
    TenantResumed,
    TenantDeleted,
    TenantTierSet,
}

impl Flash {
    const fn code(self) -> &'static str {
        match self {
            Self::MemoryCreated => "memory_created",
            Self::MemoryUpdated => "memory_updated",
            Self::MemoryDeleted(_) => "memory_deleted",
            Self::MemoryRestored => "memory_restored",
            Self::MemoryShared => "memory_shared",
            Self::MemoryProposed => "memory_proposed",
            Self::MemoryChangeProposed => "memory_change_proposed",
            Self::MemoryUnshared => "memory_unshared",
            Self::ProposalAccepted => "proposal_accepted",
            Self::ProposalDeclined => "proposal_declined",
            Self::ProposalWithdrawn => "proposal_withdrawn",
            Self::MemoryReplied => "memory_replied",
            Self::MemoryPurged => "memory_purged",
            Self::TrashEmptied => "trash_emptied",
            Self::MemoryVersionRestored => "memory_version_restored",
            Self::PersonaSaved => "persona_saved",
            Self::PersonaDeleted => "persona_deleted",
            Self::ImportDuplicate => "import_duplicate",
            Self::ImportStarted => "import_started",
            Self::ImportDiscarded => "import_discarded",
            Self::ImportCancelled => "import_cancelled",
            Self::ImportRetried => "import_retried",
            Self::SessionEnded => "session_ended",
            Self::SessionsEnded => "sessions_ended",
            Self::MemberSuspended => "member_suspended",
            Self::MemberDeactivated => "member_deactivated",
            Self::MemberReactivated => "member_reactivated",
            Self::MemberOffboarded => "member_offboarded",
            Self::MemberSessionsEnded => "member_sessions_ended",
            Self::RoleGranted => "role_given",
            Self::RoleRevoked => "role_taken",
            Self::TeamCreated => "team_created",
            Self::MemoryViewCreated => "memory_view_created",
            Self::MemoryViewRenamed => "memory_view_renamed",
            Self::MemoryViewDeleted => "memory_view_deleted",
            Self::TeamRenamed => "team_renamed",
            Self::TeamDeleted => "team_deleted",
            Self::TeamMemberSet => "team_member_set",
            Self::TeamMemberRemoved => "team_member_removed",
            Self::InviteRevoked => "invite_revoked",
            Self::InviteAccepted => "invite_accepted",
            Self::SettingsSaved => "settings_saved",
            Self::EmbeddingModelStarted => "embedding_model_started",
            Self::EmbeddingModelPaused => "embedding_model_paused",
            Self::EmbeddingModelResumed => "embedding_model_resumed",
            Self::EmbeddingModelCancelled => "embedding_model_cancelled",
            Self::PreferencesSaved => "preferences_saved",
            Self::GroupMappingSaved => "group_mapping_saved",
            Self::GroupMappingDeleted => "group_mapping_deleted",
            Self::RoleCreated => "role_created",
            Self::RoleUpdated => "role_updated",
            Self::RoleDeleted => "role_deleted",
            Self::KeyRevoked => "key_revoked",
            Self::ServiceAccountCreated => "service_account_created",
            Self::BreakGlassOpened => "break_glass_opened",
            Self::BreakGlassClosed => "break_glass_closed",
            Self::NotificationRead => "notification_read",
            Self::NotificationsRead => "notifications_read",
            Self::TenantSuspended => "tenant_suspended",
            Self::TenantResumed => "tenant_resumed",
            Self::TenantDeleted => "tenant_deleted",
            Self::TenantTierSet => "tenant_tier_set",
        }
    }

    /// The sentence shown to people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::MemoryCreated => "Memory created.",
            Self::MemoryUpdated => "Changes saved.",
            Self::MemoryDeleted(_) => "Memory moved to the trash.",
            Self::MemoryRestored => "Memory restored.",
            Self::MemoryShared => "Memory shared.",
            Self::MemoryProposed => "Proposed. You are told what comes of it.",
            Self::MemoryChangeProposed => {
                "Saved as a proposal. The others see the version before until it is reviewed."
            }
            Self::MemoryUnshared => "Taken back. Only you see it now.",
            Self::ProposalAccepted => "Accepted. The memory is shared.",
            Self::ProposalDeclined => "Declined. The memory stays as it is.",
            Self::ProposalWithdrawn => "Proposal withdrawn.",
            Self::MemoryReplied => "Reply added.",
            Self::MemoryPurged => "Memory deleted for good.",
            Self::TrashEmptied => "Trash emptied.",
            Self::MemoryVersionRestored => {
                "Earlier version restored. What was there is kept as a version."
            }
            Self::PersonaSaved => "Persona saved.",
            Self::PersonaDeleted => "Persona deleted. Its memories stay.",
            Self::ImportDuplicate => "This file was given before. This is its import.",
            Self::ImportStarted => "Import started.",
            Self::ImportDiscarded => "The file was let go of. Nothing was imported.",
            Self::ImportCancelled => "Import cancelled. What was imported before stays.",
            Self::ImportRetried => "Import started again.",
            Self::SessionEnded => "Session ended.",
            Self::SessionsEnded => "All other sessions ended.",
            Self::MemberSuspended => {
                "Member suspended. Their sessions have ended. Their API keys are refused until they are reactivated."
            }
            Self::MemberDeactivated => "Member deactivated. Their sessions have ended.",
            Self::MemberReactivated => "Member reactivated.",
            Self::MemberOffboarded => {
                "Member offboarded. Their sessions, roles and teams have ended."
            }
            Self::MemberSessionsEnded => "All of the member's sessions ended.",
            Self::RoleGranted => "Role given.",
            Self::RoleRevoked => "Role taken.",
            Self::TeamCreated => "Team created. Add its members.",
            Self::MemoryViewCreated => "View saved.",
            Self::MemoryViewRenamed => "View renamed.",
            Self::MemoryViewDeleted => "View deleted.",
            Self::TeamRenamed => "Team renamed.",
            Self::TeamDeleted => "Team deleted. What was shared with it stays with its owners.",
            Self::TeamMemberSet => "Team changed.",
            Self::TeamMemberRemoved => "Taken out of the team.",
            Self::InviteRevoked => "Invite revoked. Its link opens nothing any more.",
            Self::InviteAccepted => "Welcome. You have joined.",
            Self::SettingsSaved => "Settings saved.",
            Self::EmbeddingModelStarted => {
                "The new model is being prepared. Searches stay on the present one until it is whole."
            }
            Self::EmbeddingModelPaused => "Paused.",
            Self::EmbeddingModelResumed => "Going on.",
            Self::EmbeddingModelCancelled => "Given up. Its vectors are let go.",
            Self::PreferencesSaved => "Preferences saved.",
            Self::GroupMappingSaved => "Rule saved. It counts from each member's next sign-in on.",
            Self::GroupMappingDeleted => {
                "Rule removed. What it granted goes with each member's next sign-in."
            }
            Self::RoleCreated => "Role created. Give it on a member's page.",
            Self::RoleUpdated => "Role saved. It counts from the next request on.",
            Self::RoleDeleted => "Role deleted.",
            Self::KeyRevoked => "Key revoked.",
            Self::ServiceAccountCreated => "Created. Give it roles, then a key.",
            Self::BreakGlassOpened => "Private memories opened. The member was told.",
            Self::BreakGlassClosed => "Private memories closed.",
            Self::NotificationRead => "Marked as read.",
            Self::NotificationsRead => "All marked as read.",
            Self::TenantSuspended => "Organisation suspended. Everybody of it is out.",
            Self::TenantResumed => "Organisation resumed. All that it had is there.",
            Self::TenantDeleted => "Organisation deleted. For 30 days it can be resumed.",
            Self::TenantTierSet => "Tier changed.",
        }
    }

    /// Returns `path` with this flash in its query.
    pub fn at(self, path: &str) -> String {
        let memory = match self {
            Self::MemoryDeleted(id) => id.to_string(),
            _ => String::new(),
        };
        with_fields(path, &[("done", self.code()), ("memory", &memory)])
    }

    /// Reads the flash from a page's query; `None` for unknown codes and ids.
    pub(crate) fn from_query(query: &Query) -> Option<Self> {
        let simple = [
            Self::MemoryCreated,
            Self::MemoryUpdated,
            Self::MemoryRestored,
            Self::MemoryShared,
            Self::MemoryProposed,
            Self::MemoryChangeProposed,
            Self::MemoryUnshared,
            Self::ProposalAccepted,
            Self::ProposalDeclined,
            Self::ProposalWithdrawn,
            Self::MemoryReplied,
            Self::MemoryPurged,
            Self::TrashEmptied,
            Self::MemoryVersionRestored,
            Self::PersonaSaved,
            Self::PersonaDeleted,
            Self::ImportDuplicate,
            Self::ImportStarted,
            Self::ImportDiscarded,
            Self::ImportCancelled,
            Self::ImportRetried,
            Self::SessionEnded,
            Self::SessionsEnded,
            Self::MemberSuspended,
            Self::MemberDeactivated,
            Self::MemberReactivated,
            Self::MemberOffboarded,
            Self::MemberSessionsEnded,
            Self::RoleGranted,
            Self::RoleRevoked,
            Self::TeamCreated,
            Self::MemoryViewCreated,
            Self::MemoryViewRenamed,
            Self::MemoryViewDeleted,
            Self::TeamRenamed,
            Self::TeamDeleted,
            Self::TeamMemberSet,
            Self::TeamMemberRemoved,
            Self::InviteRevoked,
            Self::InviteAccepted,
            Self::SettingsSaved,
            Self::EmbeddingModelStarted,
            Self::EmbeddingModelPaused,
            Self::EmbeddingModelResumed,
            Self::EmbeddingModelCancelled,
            Self::PreferencesSaved,
            Self::GroupMappingSaved,
            Self::GroupMappingDeleted,
            Self::RoleCreated,
            Self::RoleUpdated,
            Self::RoleDeleted,
            Self::KeyRevoked,
            Self::ServiceAccountCreated,
            Self::BreakGlassOpened,
            Self::BreakGlassClosed,
            Self::NotificationRead,
            Self::NotificationsRead,
            Self::TenantSuspended,
            Self::TenantResumed,
            Self::TenantDeleted,
            Self::TenantTierSet,
        ];
        let code = query.get("done");
        if code == "memory_deleted" {
            return query.get("memory").parse().ok().map(Self::MemoryDeleted);
        }
        simple.into_iter().find(|flash| flash.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Option<Flash> {
        let (_, query) = url.split_once('?')?;
        Flash::from_query(&Query::parse(query))
    }

    #[test]
    fn flash_round_trips_through_its_url() {
        let id: MemoryId = "0198f000-0000-7000-8000-000000000001".parse().unwrap();
        for flash in [
            Flash::MemoryDeleted(id),
            Flash::SessionsEnded,
            Flash::ImportDuplicate,
            Flash::ImportStarted,
            Flash::ImportDiscarded,
        ] {
            assert_eq!(read(&flash.at("/memories")), Some(flash));
        }
    }

    #[test]
    fn unknown_codes_and_ids_are_ignored() {
        assert_eq!(read("/memories?done=you_won"), None);
        assert_eq!(read("/memories?done=memory_deleted&memory=x"), None);
        assert_eq!(read("/memories?query=done"), None);
    }
}
