//! What the member says about a file before it is imported, and how its first
//! records would land.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ImportFormat, ImportProblem};
use crate::{Timestamp, memory::MemoryKind};

/// Columns of a file that can be mapped; a file with more has the rest named
/// as not taken.
pub const MAX_COLUMNS: usize = 100;

/// What of a memory a column or key can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The text.
    Content,
    /// The title.
    Title,
    /// The kind.
    Kind,
    /// The tags: a list, or a text with commas.
    Tags,
    /// The persona's name.
    Persona,
    /// 0 to 1.
    Importance,
    /// When it is forgotten.
    ExpiresAt,
    /// Vendors that may read it.
    AllowedVendors,
    /// Where it came from.
    Origin,
    /// The conversation it came from.
    SourceSession,
    /// When it was created.
    CreatedAt,
    /// When it was last changed.
    UpdatedAt,
    /// What tells it from the file's other records.
    Key,
}

impl Field {
    /// All of them, as the form offers them.
    pub const ALL: &[Self] = &[
        Self::Content,
        Self::Title,
        Self::Kind,
        Self::Tags,
        Self::Persona,
        Self::Importance,
        Self::ExpiresAt,
        Self::AllowedVendors,
        Self::Origin,
        Self::SourceSession,
        Self::CreatedAt,
        Self::UpdatedAt,
        Self::Key,
    ];

    /// As the form's value, and the column's name in our own exports.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Title => "title",
            Self::Kind => "kind",
            Self::Tags => "tags",
            Self::Persona => "persona",
            Self::Importance => "importance",
            Self::ExpiresAt => "expires_at",
            Self::AllowedVendors => "allowed_vendors",
            Self::Origin => "origin",
            Self::SourceSession => "source_session_id",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::Key => "id",
        }
    }

    /// The name on pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Content => "Text",
            Self::Title => "Title",
            Self::Kind => "Kind",
            Self::Tags => "Tags",
            Self::Persona => "Persona",
            Self::Importance => "Importance (0 to 1)",
            Self::ExpiresAt => "Expires",
            Self::AllowedVendors => "Allowed vendors",
            Self::Origin => "Origin",
            Self::SourceSession => "Conversation",
            Self::CreatedAt => "Created",
            Self::UpdatedAt => "Changed",
            Self::Key => "Id in the file",
        }
    }

    /// Column names that mean this field, best first.
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

    /// The reverse of [`Field::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.key() == key)
    }
}

/// How the member wants a file to be read. Empty texts leave the guess.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportChoice {
    /// An [`ImportFormat`] key.
    pub format: String,
    /// The [`crate::memory::MemoryKind`] key for records that name none.
    pub kind: String,
    /// Tags that each record gets in addition, separated by commas.
    pub tags: String,
    /// The persona for records that name none.
    pub persona: String,
    /// Which column holds which [`Field`]: without any, the guess; with some,
    /// an absent or empty one is not taken from the file.
    pub columns: BTreeMap<String, String>,
}

impl ImportChoice {
    /// The column for `field` among `columns`.
    pub fn column<'a>(&'a self, field: Field, columns: &'a [String]) -> Option<&'a str> {
        if self.columns.is_empty() {
            let named = |name: &&str| {
                columns
                    .iter()
                    .find(|column| column.trim().eq_ignore_ascii_case(name))
            };
            return field.names().iter().find_map(named).map(String::as_str);
        }
        self.columns
            .get(field.key())
            .map(String::as_str)
            .filter(|column| !column.is_empty())
    }

    /// The kind for records that name none.
    pub fn default_kind(&self) -> MemoryKind {
        MemoryKind::from_key(&self.kind).unwrap_or(MemoryKind::Fact)
    }
}

/// Tags out of one text with commas.
pub fn tags_of(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect()
}

/// One record as it would land.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewRecord {
    /// May be empty.
    pub title: String,
    /// The first 280 characters of the text.
    pub excerpt: String,
    /// Its kind.
    pub kind: MemoryKind,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its persona.
    pub persona: Option<String>,
    /// It answers another record of the file.
    pub is_reply: bool,
    /// How many earlier versions come with it.
    pub earlier: usize,
    /// When it was created, where the file says so.
    #[serde(with = "time::serde::rfc3339::option")]
    pub created_at: Option<Timestamp>,
}

/// What an import would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportPreview {
    /// How the file is read.
    pub format: ImportFormat,
    /// The formats in which it can be read.
    pub formats: Vec<ImportFormat>,
    /// The first records.
    pub records: Vec<PreviewRecord>,
    /// Records that were read for the preview, good ones.
    pub good: u64,
    /// Records that were read for the preview, bad ones.
    pub failed: u64,
    /// The first problems.
    pub problems: Vec<ImportProblem>,
    /// The whole file was read; else the job counts the rest.
    pub is_whole: bool,
    /// Columns or keys that the records read have, where they can be mapped.
    pub columns: Vec<String>,
    /// Which of them is taken for which field.
    pub mapping: Vec<(Field, String)>,
    /// Those that are not taken.
    pub unmapped: Vec<String>,
    /// Why nothing of the file can be taken in this format.
    pub refusal: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_guessed_until_they_are_chosen() {
        let columns = ["Text".to_owned(), "Labels ".to_owned(), "x".to_owned()];
        let mut choice = ImportChoice::default();
        assert_eq!(choice.column(Field::Content, &columns), Some("Text"));
        assert_eq!(choice.column(Field::Tags, &columns), Some("Labels "));
        assert_eq!(choice.column(Field::Title, &columns), None);
        choice.columns.insert("content".into(), "x".into());
        choice.columns.insert("tags".into(), String::new());
        assert_eq!(choice.column(Field::Content, &columns), Some("x"));
        assert_eq!(choice.column(Field::Tags, &columns), None);
    }

    #[test]
    fn every_field_has_its_own_key() {
        for field in Field::ALL {
            assert_eq!(Field::from_key(field.key()), Some(*field));
            assert_eq!(field.names()[0], field.key());
        }
    }
}
