//! Live events sent to open pages and programs. They say that something
//! changed, never its content.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use time::Duration;

use crate::{AppError, JobId, MemoryId, Timestamp, job::JobStatus};

/// Limit for the memory ids that one stream can watch.
pub const MAX_WATCHED: usize = 100;

/// A position in a stream of events: everything up to this instant has been
/// delivered. Microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamCursor(i64);

impl StreamCursor {
    pub fn at(at: Timestamp) -> Self {
        let since = at - Timestamp::UNIX_EPOCH;
        Self(i64::try_from(since.whole_microseconds()).unwrap_or(i64::MAX))
    }

    /// `None` if out of the range of [`Timestamp`].
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
        let cursor = text.parse().ok().map(Self);
        cursor
            .filter(|cursor| cursor.time().is_some())
            .ok_or_else(|| {
                AppError::field("after", "This is not a valid position in the event stream.")
            })
    }
}

/// A change as seen by the owner of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryChangeKind {
    /// Created, changed, or newly visible.
    Changed,
    /// An own memory was moved to the trash.
    Trashed,
    /// A watched memory is not visible, or no longer visible.
    Gone,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryEvent {
    pub id: MemoryId,
    pub change: MemoryChangeKind,
    /// The current version; `None` if gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<MemoryId>,
}

/// Progress of one of the caller's own jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobEvent {
    pub id: JobId,
    /// Noun first: `memory.import`.
    pub kind: String,
    pub status: JobStatus,
    pub done: i64,
    /// 0 while unknown.
    pub total: i64,
}

/// The reason why a stream ended and must not be reopened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The session ended.
    SignedOut,
    /// The API key was revoked or has expired.
    Key,
    /// The member or the organisation is no longer active.
    Inactive,
    /// The permission was removed.
    Forbidden,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveEvent {
    /// The stream is open; later changes will be delivered.
    Ready,
    Memory(MemoryEvent),
    Job(JobEvent),
    /// Too many changes to send one by one, or a change of access: the client
    /// must reload what it shows.
    Reset,
    /// The stream ended and must not be reopened.
    End(EndReason),
}

impl LiveEvent {
    /// The event name in the stream.
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
    fn cursor_round_trips_and_invalid_text_is_rejected() {
        let at = datetime!(2026-03-02 09:00:00.123_456 UTC);
        let cursor = StreamCursor::at(at);
        assert_eq!(cursor.time(), Some(at));
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
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
    fn absent_fields_are_not_serialized() {
        let id = MemoryId(Uuid::nil());
        let event = MemoryEvent {
            id,
            change: MemoryChangeKind::Gone,
            version: None,
            parent_id: None,
        };
        let text = serde_json::to_value(&event).unwrap();
        assert_eq!(text, json!({ "id": id, "change": "gone" }));
        assert_eq!(serde_json::from_value::<MemoryEvent>(text).unwrap(), event);
    }
}
