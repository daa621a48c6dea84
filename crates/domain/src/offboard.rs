//! Letting a member go: what will end, shown before it does.

use serde::{Deserialize, Serialize};

use crate::{
    UserId,
    member::{BlockedReason, Member},
};

/// What ends when a member is let go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffboardPreview {
    /// The member, with the roles and teams that go.
    pub member: Member,
    /// Why it can't be done.
    pub blocked_reason: Option<BlockedReason>,
    /// Browsers in which the member is signed in.
    pub sessions: i64,
    /// Keys that act as the member.
    pub keys: i64,
    /// Memories that others see and somebody else takes over.
    pub shared_memories: i64,
    /// Memories that nobody else sees, which stay where nobody sees them.
    pub private_memories: i64,
    /// Teams that nobody leads afterwards, by name.
    pub left_without_lead: Vec<String>,
}

/// How a member is let go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffboardRequest {
    /// The member's name, typed to confirm.
    pub confirm: String,
    /// Who takes over what the member shared.
    pub heir: Option<UserId>,
}
