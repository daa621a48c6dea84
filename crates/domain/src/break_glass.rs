//! Break-glass: reading a member's private memories for a stated reason, for a
//! limited time. The member is notified, and every read is audited.

use serde::{Deserialize, Serialize};

use crate::{
    AppError, MemoryId, Timestamp, UserId, id::typed_id, memory::MemoryKind, validate::FieldErrors,
};

typed_id!(
    /// A grant to read a member's private memories.
    BreakGlassId,
    "break_glass_grant"
);

/// In characters; rules out single-word reasons.
pub const MIN_REASON_CHARS: usize = 10;
/// In characters.
pub const MAX_REASON_CHARS: usize = 500;
/// The durations that can be chosen, in minutes.
pub const DURATIONS_MINUTES: [u16; 3] = [15, 60, 240];

/// Form input for opening a member's private memories.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BreakGlassDraft {
    pub reason: String,
    /// One of [`DURATIONS_MINUTES`].
    pub minutes: String,
}

/// A validated [`BreakGlassDraft`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakGlassRequest {
    pub reason: String,
    pub term: time::Duration,
}

impl BreakGlassRequest {
    pub fn parse(draft: &BreakGlassDraft) -> Result<Self, AppError> {
        let mut errors = FieldErrors::default();
        let reason = draft.reason.trim();
        if !(MIN_REASON_CHARS..=MAX_REASON_CHARS).contains(&reason.chars().count()) {
            let message =
                format!("Enter a reason of {MIN_REASON_CHARS} to {MAX_REASON_CHARS} characters.");
            errors.reject("reason", message);
        } else if reason.contains('\0') {
            errors.reject("reason", "A reason can't contain a NUL character.");
        }
        let minutes: Option<u16> = draft.minutes.trim().parse().ok();
        let minutes = minutes.filter(|minutes| DURATIONS_MINUTES.contains(minutes));
        let minutes = minutes.ok_or("Choose 15 minutes, 1 hour or 4 hours.");
        let minutes = errors.check("minutes", minutes);
        errors.finish(|| {
            Some(Self {
                reason: reason.to_owned(),
                term: time::Duration::minutes(minutes?.into()),
            })
        })
    }
}

/// A reader's access to the private memories of one member, the subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BreakGlassGrant {
    pub id: BreakGlassId,
    pub reader_id: UserId,
    pub reader_name: String,
    pub subject_id: UserId,
    pub reason: String,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub opened_at: Timestamp,
    /// The end unless `closed_at` is earlier.
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub expires_at: Timestamp,
    /// When it was closed before it expired.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub closed_at: Option<Timestamp>,
}

impl BreakGlassGrant {
    /// True if the grant is neither closed nor expired at `now`.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.closed_at.is_none() && now < self.expires_at
    }

    /// `closed_at` or `expires_at`, whichever is earlier.
    pub fn ends_at(&self) -> Timestamp {
        self.closed_at
            .map_or(self.expires_at, |at| at.min(self.expires_at))
    }
}

/// A private memory in the reader's list. It has no text: reading that is a
/// separate, audited action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivateMemory {
    pub id: MemoryId,
    /// May be empty.
    pub title: String,
    pub kind: MemoryKind,
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: Timestamp,
}

/// A reader's view of a subject's private memories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlassView<T> {
    pub subject_id: UserId,
    pub subject_name: String,
    /// The open grant and the content; `None` if the reader has no open grant.
    pub open: Option<(BreakGlassGrant, T)>,
}

/// The viewer's access to a member's private memories, on the member's page.
/// Only for viewers with `memory.break_glass`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum BreakGlassStatus {
    /// The viewer can open them.
    Closed,
    /// The viewer has opened them.
    Open(BreakGlassGrant),
}

/// A past or open grant, as reported to its subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BreakGlassReport {
    pub grant: BreakGlassGrant,
    /// Each memory once, the last read first.
    pub read: Vec<ReadMemory>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReadMemory {
    pub id: MemoryId,
    /// The title or, if empty, the beginning of the text.
    pub title: String,
    /// The time of the last read.
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
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
    fn reason_and_offered_duration_are_required() {
        let request =
            BreakGlassRequest::parse(&draft("  Customer 41 asks for it. ", "15")).unwrap();
        assert_eq!(request.reason, "Customer 41 asks for it.");
        assert_eq!(request.term, Duration::minutes(15));
        let longest = "é".repeat(MAX_REASON_CHARS);
        assert!(BreakGlassRequest::parse(&draft(&longest, "240")).is_ok());

        let invalid_fields = |reason: &str, minutes: &str| {
            let error = BreakGlassRequest::parse(&draft(reason, minutes)).unwrap_err();
            ["reason", "minutes"].map(|field| error.for_field(field).is_some())
        };
        assert_eq!(invalid_fields("", ""), [true, true]);
        assert_eq!(invalid_fields("Because.  ", "60"), [true, false]);
        assert_eq!(invalid_fields(&format!("{longest}é"), "60"), [true, false]);
        assert_eq!(invalid_fields("A NUL \0 is in here", "60"), [true, false]);
        for minutes in ["0", "14", "-15", "1440", "15.0", "sixty"] {
            assert_eq!(
                invalid_fields("Long enough a reason", minutes),
                [false, true]
            );
        }
    }

    #[test]
    fn grant_ends_when_expired_or_closed() {
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
