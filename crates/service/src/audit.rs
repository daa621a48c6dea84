//! Reading the audit log, checkpointing it and verifying its integrity.

mod checkpoint;
mod folder;
mod verify;

use domain::{
    Action, AppError, Page,
    audit::{AuditEntry, AuditListInput},
    paging::PAGE_SIZE,
};

pub use checkpoint::{CheckpointKey, CheckpointSettings, CheckpointWriter};
pub use folder::CheckpointFolder;
pub use verify::{
    AuditReport, AuditVerdict, CheckpointProblem, NoteProblem, StoredNotes, audit_verify,
};

use crate::{
    authorized_tx::AuthorizedTx,
    operation::{Done, Group, Operation, Route, operations},
};

operations! {
    AuditList,
}

pub struct AuditList;

impl Operation for AuditList {
    const ACTION: Action = Action::AuditList;
    const ROUTE: Route = Route::get("/audit");
    const GROUP: Group = Group::Audit;
    const TITLE: &'static str = "List the audit log";
    const DESCRIPTION: &'static str = "Activity in the organisation, including denied requests.";
    type Input = AuditListInput;
    type Output = Page<AuditEntry>;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: AuditListInput,
    ) -> Result<Done<Page<AuditEntry>>, AppError> {
        input.days()?;
        let page = store::audit::audit_list(tx, &input, PAGE_SIZE).await?;
        Ok(Done::read(page))
    }
}
