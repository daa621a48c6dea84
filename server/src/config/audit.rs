//! Checkpoints of the audit log.

use std::path::PathBuf;

use serde::Deserialize;

use super::value::number;

/// When checkpoints are made and where they are kept outside the database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// An organisation's log gets a checkpoint after so many rows.
    #[serde(deserialize_with = "number")]
    pub checkpoint_rows: u32,
    /// And after so many minutes, if there is any new row.
    #[serde(deserialize_with = "number")]
    pub checkpoint_minutes: u32,
    /// The folder; unset: `audit-checkpoints` in `data_dir`.
    pub checkpoint_dir: Option<PathBuf>,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            checkpoint_rows: 1_000,
            checkpoint_minutes: 10,
            checkpoint_dir: None,
        }
    }
}
