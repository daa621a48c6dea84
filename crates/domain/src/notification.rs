//! What a member is told of on a page of their own.

use serde::{Deserialize, Serialize};

use crate::{BreakGlassId, MemoryId, NotificationId, ProposalId, Timestamp};

/// What is told. Stored as its kind and its particulars; a new kind is a new
/// variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum Notice {
    /// Somebody opened the member's private memories.
    BreakGlassOpened(BreakGlassOpened),
    /// Somebody proposes to share a memory, and the member can decide it.
    MemoryProposed(MemoryProposed),
    /// Somebody decided what the member proposed.
    MemoryProposalDecided(MemoryProposalDecided),
}

/// Somebody proposes to share a memory. Of its words it tells nothing: those
/// are to be read while the proposal waits, and not in a list of old news.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryProposed {
    /// What is to be decided.
    pub proposal: ProposalId,
    /// Who proposes it, by the name of that time.
    pub proposer: String,
    /// The name of the team that would see it; `None` for everyone.
    pub team: Option<String>,
    /// They see it already, and it is to be changed.
    #[serde(default)]
    pub is_change: bool,
}

/// Somebody decided what the member proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryProposalDecided {
    /// What was decided.
    pub proposal: ProposalId,
    /// The memory that it was about.
    pub memory: MemoryId,
    /// It is shared now.
    pub accepted: bool,
    /// Who decided, by the name of that time.
    pub reviewer: String,
    /// The name of the team that was to see it; `None` for everyone.
    pub team: Option<String>,
    /// What they said; may be empty.
    pub comment: String,
}

/// Somebody opened the member's private memories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakGlassOpened {
    /// Under which grant.
    pub grant: BreakGlassId,
    /// Who, by the name of that time.
    pub reader: String,
    /// Why.
    pub reason: String,
    /// Until when at the latest.
    #[serde(with = "time::serde::rfc3339")]
    pub until: Timestamp,
}

/// One notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Its id.
    pub id: NotificationId,
    /// What is told; `None` where another version of Atrium told it.
    pub notice: Option<Notice>,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    /// When the member noted it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub read_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_notice_is_a_kind_and_its_particulars_and_nothing_else() {
        let notice = Notice::BreakGlassOpened(BreakGlassOpened {
            grant: uuid::Uuid::nil().into(),
            reader: "Rita".into(),
            reason: "Customer 41 asks for it.".into(),
            until: datetime!(2026-03-02 09:15 UTC),
        });
        let stored = serde_json::to_value(&notice).unwrap();
        assert_eq!(stored["kind"], "break_glass_opened");
        assert_eq!(stored["data"]["until"], "2026-03-02T09:15:00Z");
        assert_eq!(
            serde_json::from_value::<Notice>(stored.clone()).unwrap(),
            notice
        );

        let mut more = stored.clone();
        more["data"]["content"] = json!("Words of the memory");
        let mut less = stored.clone();
        less["data"].as_object_mut().unwrap().remove("reason");
        let mut other = stored;
        other["kind"] = json!("party");
        for broken in [more, less, other] {
            assert!(serde_json::from_value::<Notice>(broken).is_err());
        }
    }
}
