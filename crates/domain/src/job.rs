//! Background jobs as shown to users.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, id::typed_id, keyed_enum::keyed_enum};

typed_id!(JobId, "job");

keyed_enum! {
    JobStatus {
        /// Waits for a worker or for its next attempt.
        Pending = "pending";
        Running = "running";
        Completed = "completed";
        /// The last attempt failed; another one is due.
        Failed = "failed";
        /// All attempts failed; runs again only if a person retries it.
        Dead = "dead";
        Cancelled = "cancelled";
    }
}

impl JobStatus {
    /// True if no worker will run it again by itself.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Dead | Self::Cancelled)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Job {
    pub id: JobId,
    /// Noun first: `memory.import`.
    pub kind: String,
    pub status: JobStatus,
    /// In units that depend on the kind.
    pub progress_done: i64,
    /// 0 while unknown.
    pub progress_total: i64,
    pub attempts: i32,
    /// The message of the last failed attempt, for users.
    pub error: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub created_at: Timestamp,
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub finished_at: Option<Timestamp>,
}
