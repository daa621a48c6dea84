//! Reading the audit log, checkpointing it and verifying its integrity.

mod checkpoint;
mod folder;
mod verify;

use domain::{
    Action, Actor, AppError, Page,
    audit::{AuditEntry, AuditFilter},
    paging::PAGE_SIZE,
};

pub use checkpoint::{CheckpointKey, CheckpointSettings, CheckpointWriter};
pub use folder::CheckpointFolder;
pub use verify::{AuditReport, CheckpointProblem, NoteProblem, StoredNotes, audit_verify};

use crate::{Ctx, authorized_tx::AuthorizedTx};

/// One page of the organisation's audit log, newest first.
pub async fn audit_list(
    ctx: &Ctx,
    actor: &Actor,
    filter: &AuditFilter,
    cursor: Option<&str>,
) -> Result<Page<AuditEntry>, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::AuditList).await?;
    Ok(store::audit::audit_list(&mut act.tx, filter, cursor, PAGE_SIZE).await?)
}
