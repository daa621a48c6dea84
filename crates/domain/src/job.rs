//! Background work as people see it.

use serde::{Deserialize, Serialize};

use crate::{JobId, Timestamp};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Waits for a worker or for its next attempt.
    Pending,
    /// A worker holds it.
    Running,
    /// Done.
    Completed,
    /// The last attempt failed; another is due.
    Failed,
    /// All attempts failed; only a person's retry starts it again.
    Dead,
    /// Ended by a person.
    Cancelled,
}

impl JobStatus {
    /// All states.
    pub const ALL: &[Self] = &[
        Self::Pending,
        Self::Running,
        Self::Completed,
        Self::Failed,
        Self::Dead,
        Self::Cancelled,
    ];

    /// As stored.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// The reverse of [`JobStatus::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|s| s.key() == key)
    }

    /// No worker will touch it any more by itself.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Dead | Self::Cancelled)
    }
}

/// One job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What it does, noun first: `memory.import`.
    pub kind: String,
    /// Where it stands.
    pub status: JobStatus,
    /// Units done so far.
    pub progress_done: i64,
    /// Units in all; 0 while unknown.
    pub progress_total: i64,
    /// Attempts so far.
    pub attempts: i32,
    /// Why the last attempt failed, for people.
    pub error: Option<String>,
    /// When it was asked for.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished_at: Option<Timestamp>,
}
