//! Differences between two versions of a memory.

use serde::{Deserialize, Serialize};

use crate::{
    MemoryId, Timestamp,
    memory::{Memory, MemoryKind, MemoryVersion, Visibility},
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct VersionListInput {
    /// The memory's id.
    pub id: MemoryId,
    /// `next` of the previous page.
    #[serde(default)]
    pub after: Option<String>,
}

/// An earlier version of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct VersionPath {
    /// The memory's id.
    pub id: MemoryId,
    pub version: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct VersionRestoreInput {
    /// The memory's id.
    pub id: MemoryId,
    pub version: i32,
    /// The memory's current version, as the caller has read it.
    pub current: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DiffKind {
    Same,
    Deleted,
    Inserted,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DiffSpan {
    pub kind: DiffKind,
    pub text: String,
}

/// The attributes of one version, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VersionSide {
    pub version: i32,
    pub title: String,
    pub kind: MemoryKind,
    pub tags: Vec<String>,
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

/// The differences between a version and the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VersionDiff {
    pub memory_id: MemoryId,
    pub memory_version: i32,
    /// The viewer may restore the earlier version.
    pub may_restore: bool,
    /// Others see the memory, so restoring creates a proposal.
    pub needs_review: bool,
    pub before: VersionSide,
    pub after: VersionSide,
    pub changed_by_name: String,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub changed_at: Timestamp,
    pub reason: Option<String>,
    pub title: Vec<DiffSpan>,
    pub content: Vec<DiffSpan>,
}
