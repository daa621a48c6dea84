//! What an open page or program is told while it looks: that something
//! changed, never what.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use time::Duration;

use crate::{AppError, JobId, MemoryId, Timestamp, job::JobStatus};

/// Ids that one stream can watch.
pub const MAX_WATCHED: usize = 100;

/// How far what somebody knows reaches: the moment up to which they have been
/// told everything. Microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamCursor(i64);

impl StreamCursor {
    /// Everything up to `at` is known.
    pub fn at(at: Timestamp) -> Self {
        let since = at - Timestamp::UNIX_EPOCH;
        Self(i64::try_from(since.whole_microseconds()).unwrap_or(i64::MAX))
    }

    /// The moment; `None` where it is no moment at all.
    pub fn time(self) -> Option<Timestamp> {
        Timestamp::UNIX_EPOCH.checked_add(Duration::microseconds(self.0))
    }
}

impl fmt::Display for StreamCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for StreamCursor {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        let mark = text.parse().ok().map(Self);
        mark.filter(|mark| mark.time().is_some())
            .ok_or_else(|| AppError::field("after", "This is no place in a stream of events."))
    }
}

/// What happened to a memory, as the one who is told sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryChangeKind {
    /// It is new to them, or other than it was.
    Changed,
    /// Their own one went into the trash.
    Trashed,
    /// One that they watch is out of their sight, or never was in it.
    Gone,
}

/// That a memory changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryEvent {
    /// Which one.
    pub id: MemoryId,
    /// What happened.
    pub change: MemoryChangeKind,
    /// The version that it is at; not known of one that is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// What it replies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<MemoryId>,
}

/// How far an own job is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobEvent {
    /// Which one.
    pub id: JobId,
    /// What it does, noun first: `memory.import`.
    pub kind: String,
    /// Where it stands.
    pub status: JobStatus,
    /// Units done so far.
    pub done: i64,
    /// Units in all; 0 while unknown.
    pub total: i64,
}

/// Why a stream ended for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The session is over.
    SignedOut,
    /// The API key was revoked or has expired.
    Key,
    /// The member or the organisation is not active any more.
    Inactive,
    /// The role that allowed it is gone.
    Forbidden,
}

/// One event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveEvent {
    /// The stream is open; what changes from now on is told.
    Ready,
    /// A memory changed.
    Memory(MemoryEvent),
    /// A job of one's own moved.
    Job(JobEvent),
    /// More changed than is told one by one, or what one may see: whatever is
    /// shown is to be read again.
    Reset,
    /// It is over and will not be opened again.
    End(EndReason),
}

impl LiveEvent {
    /// As it is called in the stream.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Memory(_) => "memory",
            Self::Job(_) => "job",
            Self::Reset => "reset",
            Self::End(_) => "end",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_nothing_else_is_one() {
        let at = datetime!(2026-03-02 09:00:00.123_456 UTC);
        let mark = StreamCursor::at(at);
        assert_eq!(mark.time(), Some(at));
        assert_eq!(mark.to_string().parse(), Ok(mark));
        for text in [
            "",
            "now",
            "1.5",
            "99999999999999999999",
            "9223372036854775807",
        ] {
            assert!(text.parse::<StreamCursor>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let id = MemoryId(Uuid::nil());
        let gone = MemoryEvent {
            id,
            change: MemoryChangeKind::Gone,
            version: None,
            parent_id: None,
        };
        let text = serde_json::to_value(&gone).unwrap();
        assert_eq!(text, json!({ "id": id, "change": "gone" }));
        assert_eq!(serde_json::from_value::<MemoryEvent>(text).unwrap(), gone);
    }
}
