//! New memories and changes to existing ones: as entered, and validated.

use serde::{Deserialize, Serialize};

use super::{
    AttributesInput, MAX_CONTENT_BYTES, MAX_REASON_CHARS, MAX_SESSION_CHARS, MAX_TAG_CHARS,
    MAX_TAGS, MAX_TITLE_CHARS, Memory, MemoryAttributes, MemoryKind, Origin,
    attributes::value_or_null,
};
use crate::{
    AppError, MemoryId, PersonaId, Timestamp, validate::FieldErrors, vocabulary::parse_memory_type,
};

/// A memory to create. It is private to the member, unless it is a reply.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MemoryInput {
    /// At most 200 characters; may be empty.
    #[serde(default)]
    pub title: String,
    /// The text: 1 to 100,000 bytes.
    pub content: String,
    /// Without it, `fact`.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<MemoryKind>"))]
    pub kind: Option<String>,
    /// At most 20, each of at most 50 characters and without a comma.
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(flatten)]
    pub attributes: AttributesInput,
    /// One of the member's personas.
    #[serde(default)]
    pub persona_id: Option<PersonaId>,
    /// The conversation that it comes from, in at most 200 characters.
    #[serde(default)]
    pub source_session_id: Option<String>,
    /// The visible memory that this replies to, which is no reply itself. The
    /// reply has its audience, expiry, persona and allowed vendors, so
    /// `expires_at`, `persona_id` and `allowed_vendors` are left out.
    #[serde(default)]
    pub parent_id: Option<MemoryId>,
}

impl MemoryInput {
    /// Validates all fields.
    pub fn parse(&self, origin: Origin, now: Timestamp) -> Result<NewMemory, AppError> {
        let mut errors = FieldErrors::default();
        let kind = self.kind.as_deref().unwrap_or(MemoryKind::Fact.key());
        let text = MemoryText::new(&self.title, self.content.clone(), kind, &self.tags);
        let text = errors.merge(text)?;
        let attributes = self.attributes.apply_to(MemoryAttributes::default(), now);
        let attributes = errors.merge(attributes)?;
        let session = self.source_session_id.as_deref();
        if session.is_some_and(|session| {
            session.is_empty()
                || session.chars().count() > MAX_SESSION_CHARS
                || session.chars().any(char::is_control)
        }) {
            let message = format!(
                "The name of a conversation has 1 to {MAX_SESSION_CHARS} characters and no control character."
            );
            errors.reject("source_session_id", message);
        }
        self.check_inherited(&mut errors);
        errors.finish(|| {
            Some(NewMemory {
                text: text?,
                attributes: attributes?,
                persona_id: self.persona_id,
                origin,
                source_session_id: self.source_session_id.clone(),
            })
        })
    }

    /// Rejects fields that a reply inherits from its parent.
    fn check_inherited(&self, errors: &mut FieldErrors) {
        let attributes = &self.attributes;
        let inherited = [
            ("expires_at", attributes.expires_at.flatten().is_some()),
            ("persona_id", self.persona_id.is_some()),
            ("allowed_vendors", attributes.allowed_vendors.is_some()),
        ];
        for (field, is_given) in inherited {
            if self.parent_id.is_some() && is_given {
                errors.reject(
                    field,
                    "Leave this out. A reply inherits it from its parent memory.",
                );
            }
        }
    }
}

/// Changes to a memory; fields that are absent stay as they are.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MemoryPatch {
    pub id: MemoryId,
    /// The version that the change is based on.
    pub version: i32,
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub content: Option<String>,
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<MemoryKind>"))]
    pub kind: Option<String>,
    /// Replaces all tags.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    #[serde(flatten)]
    pub attributes: AttributesInput,
    /// Null removes it.
    #[serde(default, deserialize_with = "value_or_null")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<PersonaId>"))]
    pub persona_id: Option<Option<PersonaId>>,
    /// Stored with the earlier version: at most 500 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

impl MemoryPatch {
    /// A patch that changes nothing.
    pub fn new(id: MemoryId, version: i32) -> Self {
        Self {
            id,
            version,
            title: None,
            content: None,
            kind: None,
            tags: None,
            attributes: AttributesInput::default(),
            persona_id: None,
            reason: None,
        }
    }

    /// Applies the patch to `memory` and validates the result.
    pub fn apply_to(self, memory: Memory, now: Timestamp) -> Result<MemoryChange, AppError> {
        let mut errors = FieldErrors::default();
        let text = MemoryText::new(
            &self.title.unwrap_or(memory.title),
            self.content.unwrap_or(memory.content),
            self.kind.as_deref().unwrap_or(memory.kind.key()),
            &self.tags.unwrap_or(memory.tags),
        );
        let text = errors.merge(text)?;
        let attributes = self.attributes.apply_to(memory.attributes, now);
        let attributes = errors.merge(attributes)?;
        let reason = parse_reason(self.reason.as_deref().unwrap_or_default());
        let reason = errors.merge(reason)?;
        errors.finish(|| {
            Some(MemoryChange {
                text: text?,
                attributes: attributes.filter(|_| !self.attributes.is_empty()),
                persona_id: self.persona_id,
                reason: reason?,
            })
        })
    }
}

/// Parses the optional reason of a change.
pub fn parse_reason(typed: &str) -> Result<Option<String>, AppError> {
    let reason = typed.trim();
    if reason.chars().count() > MAX_REASON_CHARS {
        let message = format!("A reason has at most {MAX_REASON_CHARS} characters.");
        return Err(AppError::field("reason", message));
    }
    if reason.contains('\0') {
        return Err(AppError::field(
            "reason",
            "A reason can't contain a NUL character.",
        ));
    }
    Ok((!reason.is_empty()).then(|| reason.to_owned()))
}

/// Which memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MemoryPath {
    pub id: MemoryId,
}

/// The validated text, kind and tags of a memory. Title and tags are trimmed,
/// the content is stored exactly as entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
    /// Validates the parts of a memory. `kind` may also be a word of another
    /// system, as in imported records.
    pub fn new(
        title: &str,
        content: String,
        kind: &str,
        tags: &[String],
    ) -> Result<Self, AppError> {
        let mut errors = FieldErrors::default();

        let title = title.trim();
        if title.chars().count() > MAX_TITLE_CHARS {
            let message = format!("A title has at most {MAX_TITLE_CHARS} characters.");
            errors.reject("title", message);
        } else if title.contains('\0') {
            errors.reject("title", "A title can't contain a NUL character.");
        }

        if content.trim().is_empty() {
            errors.reject("content", "Content is required.");
        } else if content.len() > MAX_CONTENT_BYTES {
            let length = content.len();
            let message =
                format!("A memory has at most 100 kB of text; this one has {length} bytes.");
            errors.reject("content", message);
        } else if content.contains('\0') {
            errors.reject("content", "A memory can't contain a NUL character.");
        }

        let kind = parse_memory_type(kind)
            .map(|word| word.kind)
            .ok_or("Choose fact, preference, event, skill note or context.");
        let kind = errors.check("kind", kind);

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
            errors.reject("tags", format!("A memory has at most {MAX_TAGS} tags."));
        } else if unique.iter().any(|tag| tag.chars().count() > MAX_TAG_CHARS) {
            let message = format!("A tag has at most {MAX_TAG_CHARS} characters.");
            errors.reject("tags", message);
        } else if unique
            .iter()
            .any(|tag| tag.chars().any(|c| c == ',' || c.is_control()))
        {
            let message = "A tag can't contain a comma or a control character.";
            errors.reject("tags", message);
        }

        errors.finish(|| {
            Some(Self {
                title: title.to_owned(),
                content,
                kind: kind?,
                tags: unique,
            })
        })
    }
}

/// A validated new memory.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NewMemory {
    #[serde(flatten)]
    pub text: MemoryText,
    #[serde(flatten)]
    pub attributes: MemoryAttributes,
    /// A persona of the owner.
    pub persona_id: Option<PersonaId>,
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
            persona_id: None,
            origin,
            source_session_id: None,
        }
    }
}

/// The new text and attributes of a changed memory.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryChange {
    pub text: MemoryText,
    /// `None`: unchanged.
    pub attributes: Option<MemoryAttributes>,
    /// `None`: unchanged; `Some(None)`: no persona.
    pub persona_id: Option<Option<PersonaId>>,
    /// Stored with the earlier version; at most
    /// [`MAX_REASON_CHARS`] characters.
    pub reason: Option<String>,
}

impl MemoryChange {
    /// A change of the text only.
    pub fn of(text: MemoryText) -> Self {
        Self {
            text,
            attributes: None,
            persona_id: None,
            reason: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(content: &str, tags: &[&str]) -> Result<MemoryText, AppError> {
        let tags: Vec<_> = tags.iter().map(ToString::to_string).collect();
        MemoryText::new("", content.into(), "fact", &tags)
    }

    #[test]
    fn content_is_stored_unchanged() {
        let text = text("  two spaces\r\n\u{202e}👩‍🚀 ", &["a", " b", "", "a "]).unwrap();
        assert_eq!(text.content, "  two spaces\r\n\u{202e}👩‍🚀 ");
        assert_eq!(text.tags, ["a", "b"]);
        assert_eq!(text.kind, MemoryKind::Fact);
    }

    #[test]
    fn all_invalid_fields_are_reported() {
        let error = MemoryInput {
            title: "t".repeat(MAX_TITLE_CHARS + 1),
            content: "nul\0".into(),
            kind: Some("song".into()),
            tags: vec!["x".repeat(MAX_TAG_CHARS + 1)],
            attributes: AttributesInput {
                allowed_vendors: Some(vec!["hal".into()]),
                ..AttributesInput::default()
            },
            ..MemoryInput::default()
        }
        .parse(Origin::Api, Timestamp::UNIX_EPOCH)
        .unwrap_err();
        for field in ["title", "content", "kind", "tags", "allowed_vendors"] {
            assert!(
                error.for_field(field).is_some(),
                "{field} is not named in {error:?}"
            );
        }
    }

    #[test]
    fn past_expiry_and_invalid_importance_are_rejected() {
        let now = Timestamp::UNIX_EPOCH;
        let attributes = |importance, expires_at| AttributesInput {
            expires_at: Some(Some(expires_at)),
            importance: Some(importance),
            ..AttributesInput::default()
        };
        let apply = |attributes: AttributesInput| {
            let input = MemoryInput {
                attributes,
                ..input()
            };
            input.parse(Origin::Api, now)
        };
        let later = now + time::Duration::seconds(1);
        assert!(apply(attributes(1.0, later)).is_ok());
        for importance in [-0.1, 1.1, f32::NAN] {
            let error = apply(attributes(importance, now)).unwrap_err();
            assert!(error.for_field("importance").is_some(), "{error}");
            assert!(error.for_field("expires_at").is_some(), "{error}");
        }
        // What is not given is not checked.
        let expired = MemoryAttributes {
            expires_at: Some(now),
            ..MemoryAttributes::default()
        };
        let unchanged = AttributesInput::default().apply_to(expired.clone(), now);
        assert_eq!(unchanged, Ok(expired));
    }

    #[test]
    fn content_limit_is_inclusive() {
        assert!(text(&"x".repeat(MAX_CONTENT_BYTES), &[]).is_ok());
        assert!(text(&"x".repeat(MAX_CONTENT_BYTES + 1), &[]).is_err());
        assert!(text(" \n ", &[]).is_err());
    }

    fn input() -> MemoryInput {
        MemoryInput {
            content: "Tea at four".into(),
            ..MemoryInput::default()
        }
    }

    #[test]
    fn missing_fields_get_defaults() {
        let memory = input().parse(Origin::Api, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(memory.text.kind, MemoryKind::Fact);
        assert_eq!(memory.attributes, MemoryAttributes::default());
        assert_eq!(memory.origin, Origin::Api);
    }

    #[test]
    fn reply_rejects_inherited_fields() {
        let reply = MemoryInput {
            parent_id: Some(MemoryId(uuid::Uuid::from_u128(7))),
            ..input()
        };
        assert!(reply.parse(Origin::Api, Timestamp::UNIX_EPOCH).is_ok());
        let error = MemoryInput {
            content: " ".into(),
            attributes: AttributesInput {
                expires_at: Some(Some(Timestamp::UNIX_EPOCH)),
                allowed_vendors: Some(vec!["*".into()]),
                ..AttributesInput::default()
            },
            persona_id: Some(PersonaId(uuid::Uuid::nil())),
            ..reply
        }
        .parse(Origin::Api, Timestamp::UNIX_EPOCH)
        .unwrap_err();
        for field in ["content", "expires_at", "persona_id", "allowed_vendors"] {
            assert!(error.for_field(field).is_some(), "{field}: {error:?}");
        }
    }

    #[test]
    fn patch_tells_null_from_absent() {
        let id = uuid::Uuid::nil();
        let patch = |fields: &str| {
            let text = format!(r#"{{"id":"{id}","version":1{fields}}}"#);
            serde_json::from_str::<MemoryPatch>(&text).unwrap()
        };
        assert_eq!(patch(""), MemoryPatch::new(MemoryId(id), 1));
        let removed = patch(r#","expires_at":null,"persona_id":null"#);
        assert_eq!(
            (removed.attributes.expires_at, removed.persona_id),
            (Some(None), Some(None))
        );
        let set = patch(r#","expires_at":"1970-01-01T00:00:00Z""#);
        assert_eq!(set.attributes.expires_at, Some(Some(Timestamp::UNIX_EPOCH)));
    }
}
