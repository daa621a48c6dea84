//! Entries and filters of the audit log.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// Position in the organisation's gapless chain, from 1.
    pub seq: i64,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub at: Timestamp,
    /// `None` for a visitor who is not a member.
    pub actor_user_id: Option<UserId>,
    /// Readable after the member is gone.
    pub actor_label: String,
    /// `human`, `agent`, `sub_agent`, `service` or `system`.
    pub actor_kind: String,
    /// Noun first: `memory.create`, `session.sign_in`.
    pub action: String,
    pub resource_type: Option<String>,
    pub resource_id: Option<String>,
    pub outcome: Outcome,
    pub ip: Option<String>,
    pub request_id: Option<String>,
    /// Redacted values before and after; `None` when nothing changed.
    pub changes: Option<Value>,
    /// Other details, such as why the action was denied.
    pub metadata: Option<Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct AuditListInput {
    /// An action or the beginning of one (`memory` or `memory.create`); empty
    /// lists all.
    pub action: String,
    /// `success`, `denied` or `failure`; empty lists all.
    pub outcome: String,
    /// A member's id; empty lists all.
    pub actor: String,
    /// A request's id; empty lists all.
    pub request: String,
    /// `next` of the previous page.
    pub after: Option<String>,
}
