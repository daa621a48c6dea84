//! Entries and filters of the audit log.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    AppError, Timestamp, UserId,
    keyed_enum::keyed_enum,
    memory::{INVALID_DAY, parse_day},
    paging::{Sort, Sorts},
    validate::FieldErrors,
};

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
    /// The kind of what was acted on, such as `memory`; empty lists all.
    pub target_kind: String,
    /// The id of what was acted on; empty lists all.
    pub target: String,
    /// The first day, as YYYY-MM-DD in UTC; empty has no limit.
    pub from: String,
    /// The last day, as YYYY-MM-DD in UTC; empty has no limit.
    pub to: String,
    /// `at`, oldest first, or `-at`; empty is `-at`.
    pub sort: String,
    /// `next` or `prev` of another page.
    pub after: Option<String>,
}

/// Columns that the audit log can be sorted by.
pub const AUDIT_SORTS: Sorts = Sorts {
    columns: &["at"],
    default: Sort {
        column: "at",
        is_descending: true,
    },
};

/// The period of an [`AuditListInput`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditDays {
    pub from: Option<Timestamp>,
    /// Exclusive.
    pub until: Option<Timestamp>,
}

impl AuditListInput {
    /// Parses the first and the last day.
    ///
    /// # Errors
    /// [`AppError::Invalid`] that names each field that is no date.
    pub fn days(&self) -> Result<AuditDays, AppError> {
        let mut errors = FieldErrors::default();
        let mut day = |name, text: &str| match text.trim() {
            "" => None,
            text => errors.check(name, parse_day(text).ok_or(INVALID_DAY)),
        };
        let (from, to) = (day("from", &self.from), day("to", &self.to));
        errors.finish(|| {
            Some(AuditDays {
                from: from.map(|day| day.midnight().assume_utc()),
                until: to
                    .and_then(time::Date::next_day)
                    .map(|day| day.midnight().assume_utc()),
            })
        })
    }
}
