//! Checkpoints of the audit log.

use std::path::PathBuf;

use serde::Deserialize;

use super::value::number;

/// Schedule of the checkpoints, and their folder outside the database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// New rows after which an organisation's log gets a checkpoint.
    #[serde(deserialize_with = "number")]
    pub checkpoint_rows: u32,
    /// Minutes after which a log with any new row gets a checkpoint.
    #[serde(deserialize_with = "number")]
    pub checkpoint_minutes: u32,
    /// Folder of the checkpoints; `audit-checkpoints` in `data_dir` by default.
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
