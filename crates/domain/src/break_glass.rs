//! Break-glass: reading a member's private memories for a stated reason, for a
//! limited time. The member is told, and each reading is audited.

use serde::{Deserialize, Serialize};

use crate::{AppError, BreakGlassId, FieldError, MemoryId, Timestamp, UserId, memory::MemoryKind};

/// The shortest reason, in characters: a word alone is none.
pub const MIN_REASON_CHARS: usize = 10;
/// The longest reason, in characters.
pub const MAX_REASON_CHARS: usize = 500;
/// For how many minutes they can be opened.
pub const TERMS: [u16; 3] = [15, 60, 240];

/// What is typed to open somebody's private memories.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BreakGlassDraft {
    /// Why.
    pub reason: String,
    /// For how many minutes, one of [`TERMS`].
    pub minutes: String,
}

/// A reason and a time that the database takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakGlassRequest {
    /// Why.
    pub reason: String,
    /// For how long.
    pub term: time::Duration,
}

impl BreakGlassRequest {
    /// Reads a draft.
    ///
    /// # Errors
    /// [`AppError::Invalid`] naming every field at fault.
    pub fn parse(draft: &BreakGlassDraft) -> Result<Self, AppError> {
        let mut fields = Vec::new();
        let mut fault = |field: &str, message: String| {
            fields.push(FieldError {
                field: field.to_owned(),
                message,
            });
        };
        let reason = draft.reason.trim();
        if !(MIN_REASON_CHARS..=MAX_REASON_CHARS).contains(&reason.chars().count()) {
            fault(
                "reason",
                format!("Say why, in {MIN_REASON_CHARS} to {MAX_REASON_CHARS} characters."),
            );
        } else if reason.contains('\0') {
            fault("reason", "A reason can't contain a NUL character.".into());
        }
        let minutes = draft.minutes.trim().parse().ok();
        let minutes = minutes.filter(|minutes| TERMS.contains(minutes));
        if minutes.is_none() {
            fault("minutes", "Choose 15 minutes, 1 hour or 4 hours.".into());
        }
        match minutes {
            Some(minutes) if fields.is_empty() => Ok(Self {
                reason: reason.to_owned(),
                term: time::Duration::minutes(minutes.into()),
            }),
            _ => Err(AppError::Invalid { fields }),
        }
    }
}

/// Somebody's private memories, opened to somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlassGrant {
    /// Its id.
    pub id: BreakGlassId,
    /// Who reads.
    pub reader_id: UserId,
    /// The reader's name.
    pub reader_name: String,
    /// Whose memories.
    pub subject_id: UserId,
    /// Why.
    pub reason: String,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub opened_at: Timestamp,
    /// Until when at the latest.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: Timestamp,
    /// When it was closed before its time.
    #[serde(with = "time::serde::rfc3339::option")]
    pub closed_at: Option<Timestamp>,
}

impl BreakGlassGrant {
    /// Whether it opens anything at `now`.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.closed_at.is_none() && now < self.expires_at
    }

    /// When it ended or ends.
    pub fn ends_at(&self) -> Timestamp {
        self.closed_at
            .map_or(self.expires_at, |at| at.min(self.expires_at))
    }
}

/// A private memory in the list of its reader. Nothing of its text: reading
/// that is an act of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivateMemory {
    /// Its id.
    pub id: MemoryId,
    /// Its title; may be empty.
    pub title: String,
    /// What kind of thing it is.
    pub kind: MemoryKind,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: Timestamp,
}

/// What a reader sees of a member's private memories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlassView<T> {
    /// Whose they are.
    pub subject_id: UserId,
    /// The member's name.
    pub subject_name: String,
    /// By which grant, and what it shows; `None` when the reader has none that
    /// is open.
    pub open: Option<(BreakGlassGrant, T)>,
}

/// Whether and how the one who looks at a member's page may read the member's
/// private memories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BreakGlassStanding {
    /// They can be opened.
    Closed,
    /// They are open to the one who looks.
    Open(BreakGlassGrant),
}

/// What a member learns of somebody who could read their private memories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlassReport {
    /// Who, why and how long.
    pub grant: BreakGlassGrant,
    /// What was read, each once, the latest first.
    pub read: Vec<ReadMemory>,
}

/// A memory that somebody read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMemory {
    /// The memory.
    pub id: MemoryId,
    /// Its title or, without one, the beginning of its text.
    pub title: String,
    /// When it was last read.
    #[serde(with = "time::serde::rfc3339")]
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;

    fn draft(reason: &str, minutes: &str) -> BreakGlassDraft {
        BreakGlassDraft {
            reason: reason.into(),
            minutes: minutes.into(),
        }
    }

    #[test]
    fn a_reason_and_one_of_three_terms_are_needed() {
        let order = BreakGlassRequest::parse(&draft("  Customer 41 asks for it. ", "15")).unwrap();
        assert_eq!(order.reason, "Customer 41 asks for it.");
        assert_eq!(order.term, Duration::minutes(15));
        let longest = "é".repeat(MAX_REASON_CHARS);
        assert!(BreakGlassRequest::parse(&draft(&longest, "240")).is_ok());

        let faults = |reason: &str, minutes: &str| {
            let error = BreakGlassRequest::parse(&draft(reason, minutes)).unwrap_err();
            ["reason", "minutes"].map(|field| error.for_field(field).is_some())
        };
        assert_eq!(faults("", ""), [true, true]);
        assert_eq!(faults("Because.  ", "60"), [true, false]);
        assert_eq!(faults(&format!("{longest}é"), "60"), [true, false]);
        assert_eq!(faults("A NUL \0 is in here", "60"), [true, false]);
        for minutes in ["0", "14", "-15", "1440", "15.0", "sixty"] {
            assert_eq!(faults("Long enough a reason", minutes), [false, true]);
        }
    }

    #[test]
    fn a_grant_ends_with_its_time_or_before() {
        let at = datetime!(2026-03-02 09:00 UTC);
        let grant = BreakGlassGrant {
            id: uuid::Uuid::nil().into(),
            reader_id: uuid::Uuid::nil().into(),
            reader_name: "Rita".into(),
            subject_id: uuid::Uuid::max().into(),
            reason: "Customer 41 asks for it.".into(),
            opened_at: at,
            expires_at: at + Duration::HOUR,
            closed_at: None,
        };
        assert!(grant.is_open(at) && grant.is_open(at + Duration::minutes(59)));
        assert!(!grant.is_open(at + Duration::HOUR));
        let closed = BreakGlassGrant {
            closed_at: Some(at + Duration::MINUTE),
            ..grant
        };
        assert!(!closed.is_open(at));
        assert_eq!(closed.ends_at(), at + Duration::MINUTE);
    }
}
