//! Changes of memories in a batch.

use serde::Serialize;

use crate::{
    Action, AppError, FieldError, MemoryId, ProposalId,
    error::cut_fields,
    keyed_enum::keyed_enum,
    memory::{MemoryInput, MemoryPatch, MemoryPath},
};

/// In rows.
pub const MAX_BATCH: usize = 1_000;

/// One row of a batch.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(
        tag = "op",
        rename_all = "snake_case",
        extend("discriminator" = { "propertyName": "op" })
    )
)]
pub enum MemoryCommand {
    Create(MemoryInput),
    Update(MemoryPatch),
    /// Moves it to the trash.
    Delete(MemoryPath),
    /// Takes it out of the trash.
    Restore(MemoryPath),
}

impl MemoryCommand {
    /// The action to authorise and audit.
    pub const fn action(&self) -> Action {
        match self {
            Self::Create(MemoryInput {
                parent_id: None, ..
            }) => Action::MemoryCreate,
            Self::Create(_) => Action::MemoryReply,
            Self::Update(_) => Action::MemoryUpdate,
            Self::Delete(_) => Action::MemoryDelete,
            Self::Restore(_) => Action::MemoryRestore,
        }
    }

    /// The affected memory; for a reply, the parent.
    pub const fn target(&self) -> Option<MemoryId> {
        match self {
            Self::Create(input) => input.parent_id,
            Self::Update(patch) => Some(patch.id),
            Self::Delete(path) | Self::Restore(path) => Some(path.id),
        }
    }

    /// The result to report on success.
    pub const fn outcome(&self) -> BatchOutcome {
        match self {
            Self::Create(_) => BatchOutcome::Created,
            Self::Update(_) => BatchOutcome::Updated,
            Self::Delete(_) => BatchOutcome::Deleted,
            Self::Restore(_) => BatchOutcome::Restored,
        }
    }

    /// True if it writes text that needs an embedding.
    pub const fn writes_text(&self) -> bool {
        matches!(self, Self::Create(_) | Self::Update(_))
    }
}

keyed_enum! {
    BatchOutcome {
        Created = "created";
        Updated = "updated";
        /// The change waits for a review.
        Proposed = "proposed";
        Deleted = "deleted";
        Restored = "restored";
        /// The row was not done; `problem` says why.
        Failed = "failed";
    }
}

/// The result of one row of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchRow {
    /// Its place in the batch, from 0.
    pub row: usize,
    pub outcome: BatchOutcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<MemoryId>,
    /// The new version, if it changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal_id: Option<ProposalId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<RowProblem>,
}

/// Why a row failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RowProblem {
    /// As of a refused request, e.g. `conflict`.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub detail: String,
    /// The permission that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission: Option<&'static str>,
    /// The invalid fields.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "cut_fields")]
    pub errors: Vec<FieldError>,
}

impl From<AppError> for RowProblem {
    fn from(error: AppError) -> Self {
        Self {
            code: error.code(),
            detail: error.to_string(),
            permission: match &error {
                AppError::Forbidden { permission } => Some(permission.key()),
                _ => None,
            },
            errors: match error {
                AppError::Invalid { fields } => fields,
                _ => Vec::new(),
            },
        }
    }
}

/// The results of a batch: the number of rows with each outcome, and the rows
/// in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchResults {
    pub created: usize,
    pub updated: usize,
    pub proposed: usize,
    pub deleted: usize,
    pub restored: usize,
    pub failed: usize,
    pub rows: Vec<BatchRow>,
}

impl BatchResults {
    /// Adds the next row.
    pub fn add(&mut self, result: Result<BatchRow, AppError>) {
        let row = result.unwrap_or_else(|error| BatchRow {
            row: 0,
            outcome: BatchOutcome::Failed,
            id: None,
            version: None,
            proposal_id: None,
            problem: Some(error.into()),
        });
        *match row.outcome {
            BatchOutcome::Created => &mut self.created,
            BatchOutcome::Updated => &mut self.updated,
            BatchOutcome::Proposed => &mut self.proposed,
            BatchOutcome::Deleted => &mut self.deleted,
            BatchOutcome::Restored => &mut self.restored,
            BatchOutcome::Failed => &mut self.failed,
        } += 1;
        self.rows.push(BatchRow {
            row: self.rows.len(),
            ..row
        });
    }
}
