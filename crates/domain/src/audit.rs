//! The audit log: who did what, when, from where, with what outcome.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, UserId};

/// How an act ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was refused.
    Denied,
    /// It was tried and failed.
    Failure,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: &[Self] = &[Self::Success, Self::Denied, Self::Failure];

    /// As stored.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Denied => "denied",
            Self::Failure => "failure",
        }
    }

    /// The reverse of [`Outcome::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|o| o.key() == key)
    }
}

/// One row of the audit page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// The row's place in the tenant's gapless chain, from 1.
    pub seq: i64,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: Timestamp,
    /// Who, if a member; `None` for a visitor.
    pub actor_user_id: Option<UserId>,
    /// Who, in words.
    pub actor_label: String,
    /// human, agent, service or system.
    pub actor_kind: String,
    /// What, noun first: `memory.create`, `session.sign_in`.
    pub action: String,
    /// On what kind of thing.
    pub resource_type: Option<String>,
    /// On which one.
    pub resource_id: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// From which address.
    pub ip: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// Redacted before and after, as JSON text; `None` when nothing changed.
    pub changes: Option<String>,
    /// Anything else, such as why it was refused, as JSON text.
    pub metadata: Option<String>,
}

/// What the audit page shows. Empty text means no restriction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditFilter {
    /// An action or its beginning (`memory` or `memory.create`).
    pub action: String,
    /// `success`, `denied`, `failure` or empty.
    pub outcome: String,
    /// A member's id, or empty.
    pub actor: String,
    /// A request's id, or empty: all that one request did.
    pub request: String,
}
