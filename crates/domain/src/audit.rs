//! Entries and filters of the audit log.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, UserId, keyed_enum::keyed_enum};

keyed_enum! {
    Outcome {
        Success = "success";
        /// The action was not allowed.
        Denied = "denied";
        /// The action was allowed and failed.
        Failure = "failure";
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditEntry {
    /// Position in the tenant's gapless chain, from 1.
    pub seq: i64,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub at: Timestamp,
    /// `None` for a visitor who is not a member.
    pub actor_user_id: Option<UserId>,
    /// Readable after the member is gone.
    pub actor_label: String,
    /// An [`ActorKind`](crate::ActorKind) key.
    pub actor_kind: String,
    /// Noun first: `memory.create`, `session.sign_in`.
    pub action: String,
    pub resource_type: Option<String>,
    pub resource_id: Option<String>,
    pub outcome: Outcome,
    pub ip: Option<String>,
    pub request_id: Option<String>,
    /// Redacted values before and after, as JSON text; `None` when nothing
    /// changed.
    pub changes: Option<String>,
    /// Other details as JSON text, such as why the action was denied.
    pub metadata: Option<String>,
}

/// Filters of the audit page. An empty string means no restriction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditFilter {
    /// An action or its prefix (`memory` or `memory.create`).
    pub action: String,
    /// An [`Outcome`] key.
    pub outcome: String,
    /// A member's id.
    pub actor: String,
    /// A request's id.
    pub request: String,
}
