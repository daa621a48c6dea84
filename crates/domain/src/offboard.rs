//! Offboarding a member, and the preview of its effects.

use serde::{Deserialize, Serialize};

use crate::{
    UserId,
    member::{BlockedReason, Member},
};

/// The effects of offboarding a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OffboardPreview {
    /// With the roles and teams that will be removed.
    pub member: Member,
    /// The reason why the member can't be offboarded.
    pub blocked_reason: Option<BlockedReason>,
    /// The number of sessions that will end.
    pub sessions: i64,
    /// The number of API keys that will be revoked.
    pub keys: i64,
    /// The number of shared memories, which the heir takes over.
    pub shared_memories: i64,
    /// The number of private memories. They are kept, but nobody can see them.
    pub private_memories: i64,
    /// Names of the teams left without a lead.
    pub left_without_lead: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OffboardInput {
    pub id: UserId,
    /// The member's name, to confirm.
    pub confirm: String,
    /// The active member who takes over the shared memories; needed if there
    /// are any.
    #[serde(default)]
    pub heir: Option<UserId>,
}
