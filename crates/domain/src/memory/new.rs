//! New memories and changes to existing ones: as entered, and validated.

use serde::{Deserialize, Serialize};

use super::{
    AllowedVendors, DEFAULT_IMPORTANCE, MAX_CONTENT_BYTES, MAX_SESSION_CHARS, MAX_TAG_CHARS,
    MAX_TAGS, MAX_TITLE_CHARS, MemoryKind, Origin,
};
use crate::{AppError, FieldError, PersonaId, Timestamp, vocabulary::parse_memory_type};

/// Form input, not validated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemoryDraft {
    /// Optional; without a title, pages show the beginning of the content.
    pub title: String,
    pub content: String,
    /// A [`MemoryKind`] key; empty means fact.
    pub kind: String,
    /// Separated by commas.
    pub tags: String,
}

/// The validated text, kind and tags of a memory. Title and tags are trimmed,
/// the content is stored exactly as entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryText {
    /// At most [`MAX_TITLE_CHARS`] characters; may be empty.
    pub title: String,
    /// At most [`MAX_CONTENT_BYTES`] bytes, no NUL, not blank.
    pub content: String,
    pub kind: MemoryKind,
    /// Unique, in the order entered, without commas.
    pub tags: Vec<String>,
}

impl MemoryText {
    pub fn parse(draft: &MemoryDraft) -> Result<Self, AppError> {
        let tags: Vec<_> = draft.tags.split(',').map(str::to_owned).collect();
        let kind = if draft.kind.is_empty() {
            MemoryKind::Fact.key()
        } else {
            &draft.kind
        };
        Self::new(&draft.title, draft.content.clone(), kind, &tags)
    }

    /// Validates the parts of a memory. `kind` may also be a word of another
    /// system, as in imported records.
    pub fn new(
        title: &str,
        content: String,
        kind: &str,
        tags: &[String],
    ) -> Result<Self, AppError> {
        let mut fields = Vec::new();
        let mut reject = |field: &str, message: String| {
            fields.push(FieldError {
                field: field.to_owned(),
                message,
            });
        };

        let title = title.trim();
        if title.chars().count() > MAX_TITLE_CHARS {
            reject(
                "title",
                format!("A title has at most {MAX_TITLE_CHARS} characters."),
            );
        } else if title.contains('\0') {
            reject("title", "A title can't contain a NUL character.".into());
        }

        if content.trim().is_empty() {
            reject("content", "Write what should be remembered.".into());
        } else if content.len() > MAX_CONTENT_BYTES {
            reject(
                "content",
                format!(
                    "A memory has at most 100 kB of text; this one has {} bytes.",
                    content.len()
                ),
            );
        } else if content.contains('\0') {
            reject("content", "A memory can't contain a NUL character.".into());
        }

        let kind = parse_memory_type(kind).map(|word| word.kind);
        if kind.is_none() {
            reject(
                "kind",
                "Choose fact, preference, event, skill note or context.".into(),
            );
        }

        let mut unique: Vec<String> = Vec::new();
        for tag in tags
            .iter()
            .map(|tag| tag.trim())
            .filter(|tag| !tag.is_empty())
        {
            if !unique.iter().any(|seen| seen == tag) {
                unique.push(tag.to_owned());
            }
        }
        if unique.len() > MAX_TAGS {
            reject("tags", format!("A memory has at most {MAX_TAGS} tags."));
        } else if unique.iter().any(|tag| tag.chars().count() > MAX_TAG_CHARS) {
            reject(
                "tags",
                format!("A tag has at most {MAX_TAG_CHARS} characters."),
            );
        } else if unique
            .iter()
            .any(|tag| tag.chars().any(|c| c == ',' || c.is_control()))
        {
            reject(
                "tags",
                "A tag can't contain a comma or a control character.".into(),
            );
        }

        match kind {
            Some(kind) if fields.is_empty() => Ok(Self {
                title: title.to_owned(),
                content,
                kind,
                tags: unique,
            }),
            _ => Err(AppError::Invalid { fields }),
        }
    }
}

/// The attributes of a memory besides its text. They are not versioned.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryAttributes {
    /// `None`: never.
    pub expires_at: Option<Timestamp>,
    /// A persona of the owner.
    pub persona_id: Option<PersonaId>,
    /// 0 to 1.
    pub importance: f32,
    pub allowed_vendors: AllowedVendors,
}

impl Default for MemoryAttributes {
    fn default() -> Self {
        Self {
            expires_at: None,
            persona_id: None,
            importance: DEFAULT_IMPORTANCE,
            allowed_vendors: AllowedVendors::All,
        }
    }
}

impl MemoryAttributes {
    /// Validates ranges: the expiry must be after `now`.
    pub fn check(&self, now: Timestamp) -> Result<(), AppError> {
        let mut fields = Vec::new();
        if self.expires_at.is_some_and(|at| at <= now) {
            fields.push(FieldError {
                field: "expires_at".into(),
                message: "Choose a time to come.".into(),
            });
        }
        // Written so that NaN fails.
        if !(0.0..=1.0).contains(&self.importance) {
            fields.push(FieldError {
                field: "importance".into(),
                message: "Importance is a number from 0 to 1.".into(),
            });
        }
        if fields.is_empty() {
            Ok(())
        } else {
            Err(AppError::Invalid { fields })
        }
    }
}

/// A validated new memory.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMemory {
    pub text: MemoryText,
    pub attributes: MemoryAttributes,
    pub origin: Origin,
    /// The source conversation, as named by the program: 1 to
    /// [`MAX_SESSION_CHARS`] characters.
    pub source_session_id: Option<String>,
}

impl NewMemory {
    /// A memory with default attributes.
    pub fn of(text: MemoryText, origin: Origin) -> Self {
        Self {
            text,
            attributes: MemoryAttributes::default(),
            origin,
            source_session_id: None,
        }
    }

    /// Validates attributes and the conversation's name.
    pub fn check(&self, now: Timestamp) -> Result<(), AppError> {
        if self.source_session_id.as_ref().is_some_and(|session| {
            session.is_empty()
                || session.chars().count() > MAX_SESSION_CHARS
                || session.chars().any(char::is_control)
        }) {
            return Err(AppError::field(
                "source_session_id",
                format!(
                    "The name of a conversation has 1 to {MAX_SESSION_CHARS} characters and no control character."
                ),
            ));
        }
        self.attributes.check(now)
    }
}

/// The new text and attributes of a changed memory.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryChange {
    pub text: MemoryText,
    /// `None`: unchanged.
    pub attributes: Option<MemoryAttributes>,
    /// Stored with the earlier version; at most
    /// [`MAX_REASON_CHARS`](super::MAX_REASON_CHARS) characters.
    pub reason: Option<String>,
}

impl MemoryChange {
    /// A change of the text only.
    pub fn of(text: MemoryText) -> Self {
        Self {
            text,
            attributes: None,
            reason: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(content: &str, tags: &str) -> MemoryDraft {
        MemoryDraft {
            content: content.into(),
            tags: tags.into(),
            ..MemoryDraft::default()
        }
    }

    #[test]
    fn content_is_stored_unchanged() {
        let text = MemoryText::parse(&draft("  two spaces\r\n\u{202e}👩‍🚀 ", "a, b,,a ")).unwrap();
        assert_eq!(text.content, "  two spaces\r\n\u{202e}👩‍🚀 ");
        assert_eq!(text.tags, ["a", "b"]);
        assert_eq!(text.kind, MemoryKind::Fact);
    }

    #[test]
    fn all_invalid_fields_are_reported() {
        let bad = MemoryDraft {
            title: "t".repeat(MAX_TITLE_CHARS + 1),
            content: "nul\0".into(),
            kind: "song".into(),
            tags: "x".repeat(MAX_TAG_CHARS + 1),
        };
        let error = MemoryText::parse(&bad).unwrap_err();
        for field in ["title", "content", "kind", "tags"] {
            assert!(
                error.for_field(field).is_some(),
                "{field} is not named in {error:?}"
            );
        }
    }

    #[test]
    fn past_expiry_and_invalid_importance_are_rejected() {
        let now = Timestamp::UNIX_EPOCH;
        let attributes = |importance, expires_at| MemoryAttributes {
            expires_at,
            importance,
            ..MemoryAttributes::default()
        };
        let later = now + time::Duration::seconds(1);
        assert_eq!(attributes(1.0, Some(later)).check(now), Ok(()));
        for importance in [-0.1, 1.1, f32::NAN] {
            let error = attributes(importance, Some(now)).check(now).unwrap_err();
            assert!(error.for_field("importance").is_some(), "{error}");
            assert!(error.for_field("expires_at").is_some(), "{error}");
        }
    }

    #[test]
    fn content_limit_is_inclusive() {
        assert!(MemoryText::parse(&draft(&"x".repeat(MAX_CONTENT_BYTES), "")).is_ok());
        assert!(MemoryText::parse(&draft(&"x".repeat(MAX_CONTENT_BYTES + 1), "")).is_err());
        assert!(MemoryText::parse(&draft(" \n ", "")).is_err());
    }
}
