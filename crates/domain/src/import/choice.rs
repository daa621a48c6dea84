//! Import options that the member chooses, and the preview of the first
//! records.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ImportFormat, ImportProblem};
use crate::{Timestamp, keyed_enum::keyed_enum, memory::MemoryKind};

/// Columns beyond this number can't be mapped and are reported as unmapped.
pub const MAX_COLUMNS: usize = 100;

keyed_enum! {
    /// A memory field that a column or key can be mapped to.
    Field {
        Content = "content", "Text";
        Title = "title", "Title";
        Kind = "kind", "Kind";
        /// A list, or text separated by commas.
        Tags = "tags", "Tags";
        /// By name.
        Persona = "persona", "Persona";
        Importance = "importance", "Importance (0 to 1)";
        ExpiresAt = "expires_at", "Expires";
        AllowedVendors = "allowed_vendors", "Allowed vendors";
        SourceUrl = "source_url", "Source URL";
        Origin = "origin", "Source";
        /// The id of the source conversation.
        SourceSession = "source_session_id", "Conversation";
        CreatedAt = "created_at", "Created";
        UpdatedAt = "updated_at", "Updated";
        /// The record's unique key within the file.
        Key = "id", "ID in the file";
    }
}

impl Field {
    /// True for the fields of
    /// [`AttributesInput`](crate::memory::AttributesInput), under the same name.
    pub const fn is_attribute(self) -> bool {
        matches!(
            self,
            Self::ExpiresAt | Self::Importance | Self::AllowedVendors | Self::SourceUrl
        )
    }

    /// Column names recognised as this field, best match first.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Content => &["content", "text", "memory", "note", "body"],
            Self::Title => &["title", "name", "subject", "heading"],
            Self::Kind => &["kind", "type", "memory_type"],
            Self::Tags => &["tags", "tag", "categories", "category", "labels"],
            Self::Persona => &["persona"],
            Self::Importance => &["importance"],
            Self::ExpiresAt => &["expires_at", "expires", "expiration_date"],
            Self::AllowedVendors => &["allowed_vendors"],
            Self::SourceUrl => &["source_url", "url"],
            Self::Origin => &["origin"],
            Self::SourceSession => &[
                "source_session_id",
                "session_id",
                "conversation_id",
                "run_id",
            ],
            Self::CreatedAt => &["created_at", "created", "date", "timestamp"],
            Self::UpdatedAt => &["updated_at", "updated", "modified_at", "modified"],
            Self::Key => &["id", "uuid"],
        }
    }
}

/// Import options. Empty strings keep the detected values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ImportOptions {
    pub format: String,
    /// The kind of records without one: `fact`, `preference`, `event`,
    /// `skill_note` or `context`.
    pub kind: String,
    /// Extra tags for every record, separated by commas.
    pub tags: String,
    /// The persona for records without one.
    pub persona: String,
    /// Column names by field, e.g. `content` or `tags`. If empty, the mapping is guessed;
    /// otherwise a field that is missing or empty is not imported.
    pub columns: BTreeMap<String, String>,
}

impl ImportOptions {
    /// The name in `columns` mapped to `field`, chosen or guessed.
    pub fn column<'a>(&'a self, field: Field, columns: &'a [String]) -> Option<&'a str> {
        if self.columns.is_empty() {
            let find_column = |name: &&str| {
                columns
                    .iter()
                    .find(|column| column.trim().eq_ignore_ascii_case(name))
            };
            return field
                .names()
                .iter()
                .find_map(find_column)
                .map(String::as_str);
        }
        self.columns
            .get(field.key())
            .map(String::as_str)
            .filter(|column| !column.is_empty())
    }

    /// The kind for records without one.
    pub fn default_kind(&self) -> MemoryKind {
        MemoryKind::from_key(&self.kind).unwrap_or(MemoryKind::Fact)
    }
}

/// Splits tags at commas.
pub fn parse_tags(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A record as it would be imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PreviewRecord {
    pub title: String,
    /// The first 280 characters of the content.
    pub excerpt: String,
    pub kind: MemoryKind,
    pub tags: Vec<String>,
    pub persona: Option<String>,
    /// A reply to another record of the file.
    pub is_reply: bool,
    /// The number of earlier versions in the file.
    pub earlier: usize,
    /// `None` if the file does not say.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub created_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImportPreview {
    pub format: ImportFormat,
    /// The formats that the file can be read as.
    pub formats: Vec<ImportFormat>,
    /// The first records of the file.
    pub records: Vec<PreviewRecord>,
    /// Valid records among those read for the preview.
    pub good: u64,
    /// Rejected records among those read for the preview.
    pub failed: u64,
    pub problems: Vec<ImportProblem>,
    /// Valid records that will lack something that the file has.
    pub changes: Vec<ImportProblem>,
    /// True if the preview read the whole file.
    pub is_whole: bool,
    /// Columns or keys found so far; empty if the format has no mapping.
    pub columns: Vec<String>,
    pub mapping: Vec<(Field, String)>,
    pub unmapped: Vec<String>,
    /// The reason why the file can't be imported in this format.
    pub refusal: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_guessed_unless_mapped() {
        let columns = ["Text".to_owned(), "Labels ".to_owned(), "x".to_owned()];
        let mut choice = ImportOptions::default();
        assert_eq!(choice.column(Field::Content, &columns), Some("Text"));
        assert_eq!(choice.column(Field::Tags, &columns), Some("Labels "));
        assert_eq!(choice.column(Field::Title, &columns), None);
        choice.columns.insert("content".into(), "x".into());
        choice.columns.insert("tags".into(), String::new());
        assert_eq!(choice.column(Field::Content, &columns), Some("x"));
        assert_eq!(choice.column(Field::Tags, &columns), None);
    }

    #[test]
    fn field_keys_round_trip() {
        for field in Field::ALL {
            assert_eq!(Field::from_key(field.key()), Some(*field));
            assert_eq!(field.names()[0], field.key());
        }
    }
}
