//! How one version of a memory differs from the next.

use serde::{Deserialize, Serialize};

use crate::{
    MemoryId, Timestamp,
    memory::{Memory, MemoryKind, MemoryVersion, Visibility},
};

/// What became of a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffKind {
    /// It stayed.
    Same,
    /// It went.
    Deleted,
    /// It came.
    Inserted,
}

/// A piece of text in a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffSpan {
    /// What became of it.
    pub kind: DiffKind,
    /// The piece.
    pub text: String,
}

/// What a version was besides its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionSide {
    /// Its number.
    pub version: i32,
    /// May be empty.
    pub title: String,
    /// Its kind.
    pub kind: MemoryKind,
    /// Its tags.
    pub tags: Vec<String>,
    /// Who could see it.
    pub visibility: Visibility,
}

impl From<&MemoryVersion> for VersionSide {
    fn from(version: &MemoryVersion) -> Self {
        Self {
            version: version.version,
            title: version.title.clone(),
            kind: version.kind,
            tags: version.tags.clone(),
            visibility: version.visibility,
        }
    }
}

impl From<&Memory> for VersionSide {
    fn from(memory: &Memory) -> Self {
        Self {
            version: memory.version,
            title: memory.title.clone(),
            kind: memory.kind,
            tags: memory.tags.clone(),
            visibility: memory.visibility,
        }
    }
}

/// A version beside the one after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionDiff {
    /// Whose versions they are.
    pub memory_id: MemoryId,
    /// The memory's current version.
    pub memory_version: i32,
    /// The one who asks may make the memory again what it was.
    pub may_restore: bool,
    /// Others see it, so that this is proposed to those who decide it.
    pub needs_review: bool,
    /// The earlier one.
    pub before: VersionSide,
    /// The one that took its place.
    pub after: VersionSide,
    /// Who changed it.
    pub changed_by_name: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub changed_at: Timestamp,
    /// Why, where somebody said so.
    pub reason: Option<String>,
    /// The titles compared.
    pub title: Vec<DiffSpan>,
    /// The texts compared.
    pub content: Vec<DiffSpan>,
}
