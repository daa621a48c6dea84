//! New memories and changes to existing ones: as entered, and validated.
#![expect(
    clippy::option_option,
    reason = "a patch tells an absent field from null"
)]

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    AllowedVendors, DEFAULT_IMPORTANCE, MAX_CONTENT_BYTES, MAX_SESSION_CHARS, MAX_TAG_CHARS,
    MAX_TAGS, MAX_TITLE_CHARS, Memory, MemoryKind, Origin,
};
use crate::{
    AppError, FieldError, MemoryId, PersonaId, Timestamp,
    memory_form::{both, parse_reason},
    vocabulary::parse_memory_type,
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
    /// When it moves to the trash by itself; without it, never.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub expires_at: Option<Timestamp>,
    /// One of the member's personas.
    #[serde(default)]
    pub persona_id: Option<PersonaId>,
    /// 0 to 1; without it, 0.5.
    #[serde(default)]
    pub importance: Option<f32>,
    /// AI products that may read it; without it or with `*`, all.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<AllowedVendors>"))]
    pub allowed_vendors: Option<Vec<String>>,
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
    /// Validates everything that does not depend on the current time.
    pub fn parse(&self, origin: Origin) -> Result<NewMemory, AppError> {
        let kind = self.kind.as_deref().unwrap_or(MemoryKind::Fact.key());
        let text = MemoryText::new(&self.title, self.content.clone(), kind, &self.tags);
        let vendors = self.allowed_vendors.as_deref();
        let vendors = vendors.map_or(Ok(AllowedVendors::All), AllowedVendors::from_keys);
        let (parsed, ()) = both(both(text, vendors), self.check_inherited())?;
        let (text, allowed_vendors) = parsed;
        Ok(NewMemory {
            text,
            attributes: MemoryAttributes {
                expires_at: self.expires_at,
                persona_id: self.persona_id,
                importance: self.importance.unwrap_or(DEFAULT_IMPORTANCE),
                allowed_vendors,
            },
            origin,
            source_session_id: self.source_session_id.clone(),
        })
    }

    /// Rejects fields that a reply inherits from its parent.
    fn check_inherited(&self) -> Result<(), AppError> {
        let inherited = [
            ("expires_at", self.expires_at.is_some()),
            ("persona_id", self.persona_id.is_some()),
            ("allowed_vendors", self.allowed_vendors.is_some()),
        ];
        let fields: Vec<_> = inherited
            .into_iter()
            .filter(|(_, is_set)| self.parent_id.is_some() && *is_set)
            .map(|(field, _)| FieldError {
                field: field.to_owned(),
                message: "Leave this out: a reply has it from the memory that it replies to."
                    .to_owned(),
            })
            .collect();
        if fields.is_empty() {
            Ok(())
        } else {
            Err(AppError::Invalid { fields })
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
    /// Null removes it.
    #[serde(default, deserialize_with = "time_or_null")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub expires_at: Option<Option<Timestamp>>,
    /// Null removes it.
    #[serde(default, deserialize_with = "value_or_null")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<PersonaId>"))]
    pub persona_id: Option<Option<PersonaId>>,
    /// 0 to 1.
    #[serde(default)]
    pub importance: Option<f32>,
    /// Replaces all of them.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<AllowedVendors>"))]
    pub allowed_vendors: Option<Vec<String>>,
    /// Stored with the earlier version: at most 500 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Absent is `None`, null is `Some(None)`.
fn value_or_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

fn time_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Timestamp>>, D::Error> {
    time::serde::rfc3339::option::deserialize(from).map(Some)
}

impl MemoryPatch {
    /// A patch that changes nothing.
    pub const fn new(id: MemoryId, version: i32) -> Self {
        Self {
            id,
            version,
            title: None,
            content: None,
            kind: None,
            tags: None,
            expires_at: None,
            persona_id: None,
            importance: None,
            allowed_vendors: None,
            reason: None,
        }
    }

    /// Applies the patch to `memory` and validates the result.
    pub fn apply_to(self, memory: Memory) -> Result<MemoryChange, AppError> {
        let changes_attributes = self.expires_at.is_some()
            || self.persona_id.is_some()
            || self.importance.is_some()
            || self.allowed_vendors.is_some();
        let text = MemoryText::new(
            &self.title.unwrap_or(memory.title),
            self.content.unwrap_or(memory.content),
            self.kind.as_deref().unwrap_or(memory.kind.key()),
            &self.tags.unwrap_or(memory.tags),
        );
        let vendors = self.allowed_vendors.as_deref();
        let vendors = vendors.map_or(Ok(memory.allowed_vendors), AllowedVendors::from_keys);
        let reason = parse_reason(self.reason.as_deref().unwrap_or_default());
        let ((text, allowed_vendors), reason) = both(both(text, vendors), reason)?;
        let attributes = MemoryAttributes {
            expires_at: self.expires_at.unwrap_or(memory.expires_at),
            persona_id: self.persona_id.unwrap_or(memory.persona_id),
            importance: self.importance.unwrap_or(memory.importance),
            allowed_vendors,
        };
        Ok(MemoryChange {
            text,
            attributes: changes_attributes.then_some(attributes),
            reason,
        })
    }
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
            allowed_vendors: Some(vec!["hal".into()]),
            ..MemoryInput::default()
        }
        .parse(Origin::Api)
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
        let memory = input().parse(Origin::Api).unwrap();
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
        assert!(reply.parse(Origin::Api).is_ok());
        let error = MemoryInput {
            content: " ".into(),
            expires_at: Some(Timestamp::UNIX_EPOCH),
            persona_id: Some(PersonaId(uuid::Uuid::nil())),
            allowed_vendors: Some(vec!["*".into()]),
            ..reply
        }
        .parse(Origin::Api)
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
            (removed.expires_at, removed.persona_id),
            (Some(None), Some(None))
        );
        let set = patch(r#","expires_at":"1970-01-01T00:00:00Z""#);
        assert_eq!(set.expires_at, Some(Some(Timestamp::UNIX_EPOCH)));
    }
}
