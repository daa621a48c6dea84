//! Notifications: messages shown to a member on a page of their own.

use serde::{Deserialize, Serialize};

use crate::{BreakGlassId, MemoryId, ProposalId, Timestamp, id::typed_id};

typed_id!(NotificationId, "notification");

/// Stored as a kind and its data; a new kind is a new variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum NotificationData {
    BreakGlassOpened(BreakGlassOpened),
    MemoryProposed(MemoryProposed),
    MemoryProposalDecided(MemoryProposalDecided),
}

/// Somebody proposes to share a memory, and the member can decide it. Has no
/// text of the memory: that is readable only while the proposal waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MemoryProposed {
    pub proposal: ProposalId,
    /// The name at that time.
    pub proposer: String,
    /// The team that would see it; `None` for everyone.
    pub team: Option<String>,
    /// The proposal changes a memory that is already shared.
    #[serde(default)]
    pub is_change: bool,
}

/// A reviewer decided a proposal of the member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MemoryProposalDecided {
    pub proposal: ProposalId,
    pub memory: MemoryId,
    pub accepted: bool,
    /// The name at that time.
    pub reviewer: String,
    /// The team that would see it; `None` for everyone.
    pub team: Option<String>,
    /// The reviewer's comment; may be empty.
    pub comment: String,
}

/// The member's private memories were opened with break-glass access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BreakGlassOpened {
    pub grant: BreakGlassId,
    /// The name at that time.
    pub reader: String,
    pub reason: String,
    /// When the grant expires.
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub until: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Notification {
    pub id: NotificationId,
    /// `None` if the stored kind is unknown to this version of Atrium.
    pub notice: Option<NotificationData>,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub created_at: Timestamp,
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub read_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NotificationPage {
    pub items: Vec<Notification>,
    /// Send it as `after` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Of all pages.
    pub unread_count: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct NotificationListInput {
    /// `next` of the previous page.
    pub after: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NotificationPath {
    pub id: NotificationId,
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn notice_round_trips_and_other_shapes_are_rejected() {
        let notice = NotificationData::BreakGlassOpened(BreakGlassOpened {
            grant: uuid::Uuid::nil().into(),
            reader: "Rita".into(),
            reason: "Customer 41 asks for it.".into(),
            until: datetime!(2026-03-02 09:15 UTC),
        });
        let stored = serde_json::to_value(&notice).unwrap();
        assert_eq!(stored["kind"], "break_glass_opened");
        assert_eq!(stored["data"]["until"], "2026-03-02T09:15:00Z");
        assert_eq!(
            serde_json::from_value::<NotificationData>(stored.clone()).unwrap(),
            notice
        );

        let mut more = stored.clone();
        more["data"]["content"] = json!("Words of the memory");
        let mut less = stored.clone();
        less["data"].as_object_mut().unwrap().remove("reason");
        let mut other = stored;
        other["kind"] = json!("party");
        for broken in [more, less, other] {
            assert!(serde_json::from_value::<NotificationData>(broken).is_err());
        }
    }
}
