//! Data of the first page after signing in.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, import::Import, keyed_enum::keyed_enum, memory::MemorySummary};

/// Days that the overview's charts cover, today included.
pub const OVERVIEW_DAYS: u8 = 30;

/// A key that expires within this many days needs attention.
pub const KEY_EXPIRY_DAYS: i64 = 14;

/// From this number of active people on, an organisation is no longer new.
const SETTLED_PEOPLE: i64 = 5;

/// The availability of semantic search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum SemanticSearch {
    On,
    /// Only keyword search works.
    Off {
        /// Why, and how to turn it on.
        reason: String,
    },
}

/// The caller's overview. Parts that need a permission which the caller lacks
/// are absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Overview {
    pub semantic_search: SemanticSearch,
    /// Needs `memory.read`.
    pub memories: Option<MemoryOverview>,
    /// The caller's running and recent imports, at most three.
    pub imports: Vec<Import>,
    /// Needs `memory.share`.
    pub proposals: Option<ProposalFigures>,
    /// The caller's own keys; needs `api_key.own`.
    pub keys: Option<KeyFigures>,
    /// Needs `member.read`.
    pub members: Option<MemberFigures>,
    /// Needs `member.invite`.
    pub invites: Option<InviteFigures>,
    /// All keys of the organisation; needs `api_key.manage`.
    pub organisation_keys: Option<KeyFigures>,
    /// Needs `group_mapping.manage`.
    pub groups: Option<GroupFigures>,
    /// Needs `audit.read`.
    pub audit: Option<AuditFigures>,
    /// Steps to set up a new organisation, for those who can take them; empty
    /// once all are done or five people are active.
    pub setup: Vec<SetupTask>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemoryOverview {
    /// The caller's own, without the trash.
    pub own: i64,
    /// Those of others that the caller can see.
    pub shared: i64,
    /// Own memories without an embedding yet.
    pub waiting_for_embedding: i64,
    /// Created on each of the last 30 days, the oldest first.
    pub daily: Vec<DailyMemories>,
    /// The last changed that the caller can see, at most five.
    pub recent: Vec<MemorySummary>,
}

/// Memories created on one day that the caller can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DailyMemories {
    /// Start of the day in UTC.
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub day: Timestamp,
    pub own: i64,
    pub shared: i64,
}

/// Pending proposals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProposalFigures {
    /// Of others, which the caller can decide.
    pub to_review: i64,
    /// The caller's own.
    pub sent: i64,
}

/// Keys that are neither revoked nor expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyFigures {
    pub active: i64,
    /// Of these, the ones that expire within 14 days.
    pub expiring: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemberFigures {
    /// Active people.
    pub people: i64,
    /// Suspended members of any kind.
    pub suspended: i64,
    /// Active services.
    pub services: i64,
    /// Active AI agents.
    pub agents: i64,
    pub teams: i64,
}

/// Invites that were neither accepted nor revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InviteFigures {
    pub pending: i64,
    pub expired: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupFigures {
    pub rules: i64,
    /// Active people with directory groups but without any role: no rule
    /// matches their groups.
    pub unmatched_people: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditFigures {
    pub entries: i64,
    /// When the newest signed checkpoint was written, for which the log was
    /// verified against the one before it.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub checkpoint_at: Option<Timestamp>,
}

keyed_enum! {
    /// Steps to set up an organisation.
    SetupStep {
        InvitePeople = "invite_people", "Invite people";
        DirectoryGroups = "directory_groups", "Map directory groups to roles";
        FirstMemory = "first_memory", "Add the first memories";
        ConnectClient = "connect_client", "Connect an AI client";
        SemanticSearch = "semantic_search", "Turn on semantic search";
        Mail = "mail", "Configure mail";
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SetupTask {
    pub step: SetupStep,
    pub is_done: bool,
}

impl Overview {
    /// The set-up steps of an organisation that is still new, as far as these
    /// figures tell; `sends_mail` if a mail server is configured.
    pub fn setup_tasks(&self, sends_mail: bool) -> Vec<SetupTask> {
        let is_new = self
            .members
            .is_some_and(|members| members.people < SETTLED_PEOPLE);
        if !is_new {
            return Vec::new();
        }
        let people = self.members.map_or(0, |members| members.people);
        let is_done = |step| match step {
            SetupStep::InvitePeople => self
                .invites
                .map(|invites| people > 1 || invites.pending > 0),
            SetupStep::DirectoryGroups => self.groups.map(|groups| groups.rules > 0),
            SetupStep::FirstMemory => {
                let memories = self.memories.as_ref();
                memories.map(|memories| memories.own + memories.shared > 0)
            }
            SetupStep::ConnectClient => self.organisation_keys.map(|keys| keys.active > 0),
            SetupStep::SemanticSearch => Some(self.semantic_search == SemanticSearch::On),
            SetupStep::Mail => Some(sends_mail),
        };
        let tasks: Vec<_> = SetupStep::ALL
            .iter()
            .filter_map(|&step| is_done(step).map(|is_done| SetupTask { step, is_done }))
            .collect();
        if tasks.iter().all(|task| task.is_done) {
            return Vec::new();
        }
        tasks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_organisation() -> Overview {
        Overview {
            semantic_search: SemanticSearch::On,
            memories: Some(MemoryOverview {
                own: 0,
                shared: 0,
                waiting_for_embedding: 0,
                daily: Vec::new(),
                recent: Vec::new(),
            }),
            imports: Vec::new(),
            proposals: None,
            keys: None,
            members: Some(MemberFigures {
                people: 1,
                suspended: 0,
                services: 0,
                agents: 0,
                teams: 0,
            }),
            invites: Some(InviteFigures {
                pending: 0,
                expired: 0,
            }),
            organisation_keys: Some(KeyFigures {
                active: 0,
                expiring: 0,
            }),
            groups: Some(GroupFigures {
                rules: 0,
                unmatched_people: 0,
            }),
            audit: None,
            setup: Vec::new(),
        }
    }

    fn open_steps(overview: &Overview, sends_mail: bool) -> Vec<SetupStep> {
        let tasks = overview.setup_tasks(sends_mail).into_iter();
        tasks
            .filter(|task| !task.is_done)
            .map(|task| task.step)
            .collect()
    }

    #[test]
    fn new_organisation_has_its_open_steps() {
        let new = new_organisation();
        assert_eq!(new.setup_tasks(false).len(), SetupStep::ALL.len());
        assert_eq!(
            open_steps(&new, false),
            [
                SetupStep::InvitePeople,
                SetupStep::DirectoryGroups,
                SetupStep::FirstMemory,
                SetupStep::ConnectClient,
                SetupStep::Mail
            ]
        );
        let invited = Overview {
            invites: Some(InviteFigures {
                pending: 1,
                expired: 0,
            }),
            ..new
        };
        assert!(!open_steps(&invited, true).contains(&SetupStep::InvitePeople));
        assert!(!open_steps(&invited, true).contains(&SetupStep::Mail));
    }

    #[test]
    fn steps_that_cannot_be_determined_are_left_out() {
        let partial = Overview {
            groups: None,
            memories: None,
            ..new_organisation()
        };
        let steps = partial.setup_tasks(true).into_iter().map(|task| task.step);
        assert_eq!(
            steps.collect::<Vec<_>>(),
            [
                SetupStep::InvitePeople,
                SetupStep::ConnectClient,
                SetupStep::SemanticSearch,
                SetupStep::Mail
            ]
        );
    }

    #[test]
    fn settled_or_complete_organisation_has_no_steps() {
        let new = new_organisation();
        let members = |people| {
            new.members
                .map(|members| MemberFigures { people, ..members })
        };
        let settled = Overview {
            members: members(SETTLED_PEOPLE),
            ..new.clone()
        };
        assert_eq!(settled.setup_tasks(false), []);
        let complete = Overview {
            members: members(2),
            memories: new
                .memories
                .clone()
                .map(|memories| MemoryOverview { own: 1, ..memories }),
            organisation_keys: Some(KeyFigures {
                active: 1,
                expiring: 0,
            }),
            groups: Some(GroupFigures {
                rules: 1,
                unmatched_people: 0,
            }),
            ..new
        };
        assert_eq!(complete.setup_tasks(true), []);
        assert_eq!(open_steps(&complete, false), [SetupStep::Mail]);
    }
}
