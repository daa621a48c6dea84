//! The message about the operation that led to a page. It travels in the URL as
//! `?done=CODE` with a closed set of codes, so that it works without JavaScript
//! and a link cannot inject text.

use domain::MemoryId;

use crate::ui::{Query, with_fields};

/// Declares the flashes, each with its code and the sentence shown to people.
/// One that has more than a code is written out.
macro_rules! flashes {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $sentence:literal;)*) => {
        /// A completed operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Flash {
            /// Holds the id, so that the page can offer to restore the memory.
            MemoryDeleted(MemoryId),
            $($(#[$meta])* $name,)*
        }

        impl Flash {
            const fn code(self) -> &'static str {
                match self {
                    Self::MemoryDeleted(_) => MEMORY_DELETED,
                    $(Self::$name => $code,)*
                }
            }

            /// The sentence shown to people.
            pub const fn sentence(self) -> &'static str {
                match self {
                    Self::MemoryDeleted(_) => "Memory moved to the trash.",
                    $(Self::$name => $sentence,)*
                }
            }

            /// Reads the flash from a page's query; `None` for unknown codes and ids.
            pub(crate) fn from_query(query: &Query) -> Option<Self> {
                match query.get("done") {
                    MEMORY_DELETED => query.get("memory").parse().ok().map(Self::MemoryDeleted),
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

const MEMORY_DELETED: &str = "memory_deleted";

flashes! {
    MemoryCreated = "memory_created", "Memory created.";
    MemoryUpdated = "memory_updated", "Changes saved.";
    MemoryRestored = "memory_restored", "Memory restored.";
    MemoryViewCreated = "memory_view_created", "View saved.";
    MemoryViewRenamed = "memory_view_renamed", "View renamed.";
    MemoryViewDeleted = "memory_view_deleted", "View deleted.";
    /// Also used when the audience of a shared memory changed.
    MemoryShared = "memory_shared", "Memory shared.";
    /// Sharing waits for a review.
    MemoryProposed = "memory_proposed", "Proposed. You are told what comes of it.";
    /// Others see the previous version until the change is accepted.
    MemoryChangeProposed = "memory_change_proposed", "Saved as a proposal. The others see the version before until it is reviewed.";
    MemoryUnshared = "memory_unshared", "Taken back. Only you see it now.";
    ProposalAccepted = "proposal_accepted", "Accepted. The memory is shared.";
    ProposalDeclined = "proposal_declined", "Declined. The memory stays as it is.";
    ProposalWithdrawn = "proposal_withdrawn", "Proposal withdrawn.";
    MemoryReplied = "memory_replied", "Reply added.";
    MemoryPurged = "memory_purged", "Memory deleted for good.";
    TrashEmptied = "trash_emptied", "Trash emptied.";
    MemoryVersionRestored = "memory_version_restored", "Earlier version restored. What was there is kept as a version.";
    /// Created or changed.
    PersonaSaved = "persona_saved", "Persona saved.";
    PersonaDeleted = "persona_deleted", "Persona deleted. Its memories stay.";
    /// The same file was imported before; that import is shown instead.
    ImportDuplicate = "import_duplicate", "This file was given before. This is its import.";
    /// The previewed file is being imported.
    ImportStarted = "import_started", "Import started.";
    /// The previewed file was discarded without importing it.
    ImportDiscarded = "import_discarded", "The file was let go of. Nothing was imported.";
    ImportCancelled = "import_cancelled", "Import cancelled. What was imported before stays.";
    ImportRetried = "import_retried", "Import started again.";
    /// One of the viewer's own sessions.
    SessionEnded = "session_ended", "Session ended.";
    /// All of the viewer's other sessions.
    SessionsEnded = "sessions_ended", "All other sessions ended.";
    MemberSuspended = "member_suspended", "Member suspended. Their sessions have ended. Their API keys are refused until they are reactivated.";
    MemberDeactivated = "member_deactivated", "Member deactivated. Their sessions have ended.";
    MemberReactivated = "member_reactivated", "Member reactivated.";
    MemberOffboarded = "member_offboarded", "Member offboarded. Their sessions, roles and teams have ended.";
    /// All sessions of another member.
    MemberSessionsEnded = "member_sessions_ended", "All of the member's sessions ended.";
    RoleGranted = "role_given", "Role given.";
    InviteRevoked = "invite_revoked", "Invite revoked. Its link opens nothing any more.";
    /// The viewer joined by an invite.
    InviteAccepted = "invite_accepted", "Welcome. You have joined.";
    SettingsSaved = "settings_saved", "Settings saved.";
    /// Another embedding model is being prepared.
    EmbeddingModelStarted = "embedding_model_started", "The new model is being prepared. Searches stay on the present one until it is whole.";
    EmbeddingModelPaused = "embedding_model_paused", "Paused.";
    EmbeddingModelResumed = "embedding_model_resumed", "Going on.";
    EmbeddingModelCancelled = "embedding_model_cancelled", "Given up. Its vectors are let go.";
    PreferencesSaved = "preferences_saved", "Preferences saved.";
    /// A rule from an identity provider's group to a role or team.
    GroupMappingSaved = "group_mapping_saved", "Rule saved. It counts from each member's next sign-in on.";
    GroupMappingDeleted = "group_mapping_deleted", "Rule removed. What it granted goes with each member's next sign-in.";
    RoleRevoked = "role_taken", "Role taken.";
    TeamCreated = "team_created", "Team created. Add its members.";
    TeamRenamed = "team_renamed", "Team renamed.";
    TeamDeleted = "team_deleted", "Team deleted. What was shared with it stays with its owners.";
    /// Added to a team, or given another role in it.
    TeamMemberSet = "team_member_set", "Team changed.";
    TeamMemberRemoved = "team_member_removed", "Taken out of the team.";
    RoleCreated = "role_created", "Role created. Give it on a member's page.";
    RoleUpdated = "role_updated", "Role saved. It counts from the next request on.";
    RoleDeleted = "role_deleted", "Role deleted.";
    KeyRevoked = "key_revoked", "Key revoked.";
    /// An agent or a service.
    ServiceAccountCreated = "service_account_created", "Created. Give it roles, then a key.";
    BreakGlassOpened = "break_glass_opened", "Private memories opened. The member was told.";
    BreakGlassClosed = "break_glass_closed", "Private memories closed.";
    NotificationRead = "notification_read", "Marked as read.";
    NotificationsRead = "notifications_read", "All marked as read.";
    TenantSuspended = "tenant_suspended", "Organisation suspended. Everybody of it is out.";
    TenantResumed = "tenant_resumed", "Organisation resumed. All that it had is there.";
    TenantDeleted = "tenant_deleted", "Organisation deleted. For 30 days it can be resumed.";
    TenantTierSet = "tenant_tier_set", "Tier changed.";
}

impl Flash {
    /// Returns `path` with this flash in its query.
    pub fn at(self, path: &str) -> String {
        let memory = match self {
            Self::MemoryDeleted(id) => id.to_string(),
            _ => String::new(),
        };
        with_fields(path, &[("done", self.code()), ("memory", &memory)])
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
