//! Importing memories from a file: uploaded in chunks, previewed, then applied
//! by a job that can be cancelled and resumes where it stopped.

mod apply;
mod land;
mod preview;
mod source;
mod upload;

use domain::{
    Action, Actor, AppError, ImportId, JobId, NoInput, Page,
    import::{Import, ImportChoiceInput, ImportFormat, ImportOptions, ImportPath},
    paging::PAGE_SIZE,
};
use serde_json::json;
use store::{StoreError, TenantTx, job::NewJob};

pub(crate) use self::{
    apply::{ImportJob, import_apply},
    upload::imports_sweep,
};
pub use self::{
    preview::ImportPreviewGet,
    upload::{Upload, UploadError},
};
use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    job::MAX_ATTEMPTS,
    operation::{Done, Endpoint, Group, Operation, Route, operations},
};

operations! {
    ImportList,
    ImportGet,
    ImportPreviewGet,
    ImportConfirm,
    ImportDiscard,
    ImportCancel,
    ImportRetry,
}

pub(crate) const IMPORT_JOB: &str = "memory.import";

pub struct ImportList;

impl Operation for ImportList {
    const ACTION: Action = Action::ImportGet;
    const ROUTE: Route = Route::get("/imports");
    const GROUP: Group = Group::Imports;
    const TITLE: &'static str = "List imports";
    const DESCRIPTION: &'static str = "The caller's own, newest first: the last 50.";
    type Input = NoInput;
    type Output = Page<Import>;

    async fn run(tx: &mut AuthorizedTx<'_>, _: NoInput) -> Result<Done<Page<Import>>, AppError> {
        let items = store::import::import_list(tx, PAGE_SIZE).await?;
        Ok(Done::read(Page::whole(items)))
    }
}

pub struct ImportGet;

impl Operation for ImportGet {
    const ACTION: Action = Action::ImportGet;
    const ROUTE: Route = Route::get("/imports/{id}");
    const GROUP: Group = Group::Imports;
    const TITLE: &'static str = "Get an import";
    const DESCRIPTION: &'static str = "With its progress and report.";
    type Input = ImportPath;
    type Output = Import;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        ImportPath { id }: ImportPath,
    ) -> Result<Done<Import>, AppError> {
        Ok(Done::read(store::import::import_get(tx, id).await?))
    }
}

/// Not an [`Operation`]: no transaction is open while the file is read.
pub struct ImportConfirm;

impl Endpoint for ImportConfirm {
    const ACTION: Action = Action::ImportConfirm;
    const ROUTE: Route = Route::act("/imports/{id}/confirm");
    const GROUP: Group = Group::Imports;
    const TITLE: &'static str = "Start an import";
    const DESCRIPTION: &'static str = "Imports an uploaded file that is waiting for review, read as `choice` says. Runs in the background.";
    type Input = ImportChoiceInput;
    type Output = ();

    async fn call(
        ctx: &Ctx,
        actor: &Actor,
        ImportChoiceInput { id, choice }: ImportChoiceInput,
    ) -> Result<(), AppError> {
        let mut tx = AuthorizedTx::begin(ctx, actor, Action::ImportConfirm).await?;
        let import = store::import::import_get(&mut tx, id).await?;
        drop(tx);
        let (format, choice) = preview::settled(ctx, actor, &import, &choice).await?;
        let mut tx = AuthorizedTx::begin(ctx, actor, Action::ImportConfirm).await?;
        let job_id = store::import::import_confirm(&mut tx, id, format, &choice).await?;
        let now = ctx.clock.now();
        let job = NewJob {
            id: job_id,
            kind: IMPORT_JOB,
            payload: json!({ "import_id": id }),
            dedupe_key: None,
            run_at: now,
            max_attempts: MAX_ATTEMPTS,
            // Before embedding jobs, because a user waits for it.
            priority: 1,
            progress_total: 0,
        };
        store::job::job_enqueue(&mut tx, &job, now).await?;
        tx.wake_workers();
        // The number of columns, not their content.
        let changes = json!({ "format": format.key(), "mapped": choice.columns.len() });
        tx.commit(AuditTarget::of(id).with_changes(changes)).await
    }
}

pub struct ImportDiscard;

impl Operation for ImportDiscard {
    const ACTION: Action = Action::ImportDiscard;
    const ROUTE: Route = Route::delete("/imports/{id}");
    const GROUP: Group = Group::Imports;
    const TITLE: &'static str = "Discard an import";
    const DESCRIPTION: &'static str = "Deletes an uploaded file that is waiting for review. If the import was started, the answer is 409.";
    type Input = ImportPath;
    type Output = ();

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        ImportPath { id }: ImportPath,
    ) -> Result<Done<()>, AppError> {
        store::import::import_discard(tx, id).await?;
        Ok(Done::audited((), AuditTarget::of(id)))
    }
}

pub struct ImportCancel;

impl Operation for ImportCancel {
    const ACTION: Action = Action::ImportCancel;
    const ROUTE: Route = Route::act("/imports/{id}/cancel");
    const GROUP: Group = Group::Imports;
    const TITLE: &'static str = "Cancel an import";
    const DESCRIPTION: &'static str =
        "Memories imported so far are kept. If the import has ended, the answer is 409.";
    type Input = ImportPath;
    type Output = ();

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        ImportPath { id }: ImportPath,
    ) -> Result<Done<()>, AppError> {
        let job = job_of(tx, id).await?;
        let now = tx.now();
        store::job::job_cancel(tx, job, now).await?;
        Ok(Done::audited((), AuditTarget::of(id)))
    }
}

pub struct ImportRetry;

impl Operation for ImportRetry {
    const ACTION: Action = Action::ImportRetry;
    const ROUTE: Route = Route::act("/imports/{id}/retry");
    const GROUP: Group = Group::Imports;
    const TITLE: &'static str = "Retry an import";
    const DESCRIPTION: &'static str =
        "Continues from where it stopped. If it hasn't stopped, the answer is 409.";
    type Input = ImportPath;
    type Output = ();

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        ImportPath { id }: ImportPath,
    ) -> Result<Done<()>, AppError> {
        let job = job_of(tx, id).await?;
        let now = tx.now();
        store::job::job_retry(tx, job, now).await?;
        tx.wake_workers();
        Ok(Done::audited((), AuditTarget::of(id)))
    }
}

/// The job of a started import.
async fn job_of(tx: &mut TenantTx, id: ImportId) -> Result<JobId, AppError> {
    let import = store::import::import_get(tx, id).await?;
    Ok(import.job.ok_or(StoreError::Conflict)?.id)
}

/// The format chosen in a form or URL.
fn chosen(choice: &ImportOptions) -> Option<ImportFormat> {
    ImportFormat::from_key(&choice.format)
}
