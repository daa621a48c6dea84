//! Importing memories from a file: uploaded in chunks, previewed, then applied
//! by a job that can be cancelled and resumes where it stopped.

mod apply;
mod land;
mod preview;
mod source;
mod upload;

use domain::{
    Action, Actor, AppError, ImportId,
    import::{Import, ImportFormat, ImportOptions},
    paging::PAGE_SIZE,
};
use serde_json::json;
use store::job::NewJob;

pub(crate) use self::{
    apply::{ImportJob, import_apply},
    upload::imports_sweep,
};
pub use self::{
    preview::import_preview,
    upload::{Upload, UploadError},
};
use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    job::MAX_ATTEMPTS,
};

pub(crate) const IMPORT_JOB: &str = "memory.import";

/// Starts the import of an uploaded file in the background, as `choice` says.
///
/// # Errors
/// [`AppError::Conflict`] if it was already started.
pub async fn import_confirm(
    ctx: &Ctx,
    actor: &Actor,
    id: ImportId,
    choice: &ImportOptions,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ImportConfirm).await?;
    let import = store::import::import_get(&mut act.tx, id).await?;
    // No transaction is open while the file is read.
    drop(act);
    let (format, choice) = preview::settled(ctx, actor, &import, choice).await?;
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ImportConfirm).await?;
    let job_id = store::import::import_confirm(&mut act.tx, id, format, &choice).await?;
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
    store::job::job_enqueue(&mut act.tx, &job, now).await?;
    // The number of columns, not their content.
    let changes = json!({ "format": format.key(), "mapped": choice.columns.len() });
    act.commit(AuditTarget::import(id).with_changes(changes))
        .await?;
    ctx.jobs_wake.notify_one();
    Ok(())
}

/// Deletes one of the actor's files that waits for confirmation.
///
/// # Errors
/// [`AppError::Conflict`] if it was already started.
pub async fn import_discard(ctx: &Ctx, actor: &Actor, id: ImportId) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ImportDiscard).await?;
    store::import::import_discard(&mut act.tx, id).await?;
    act.commit(AuditTarget::import(id)).await
}

/// One of the actor's imports with its progress and report.
pub async fn import_get(ctx: &Ctx, actor: &Actor, id: ImportId) -> Result<Import, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ImportGet).await?;
    Ok(store::import::import_get(&mut act.tx, id).await?)
}

/// The actor's imports, newest first.
pub async fn import_list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Import>, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ImportGet).await?;
    Ok(store::import::import_list(&mut act.tx, PAGE_SIZE).await?)
}

/// Stops an import; the memories written so far stay.
///
/// # Errors
/// [`AppError::Conflict`] if it has ended.
pub async fn import_cancel(ctx: &Ctx, actor: &Actor, id: ImportId) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ImportCancel).await?;
    let import = store::import::import_get(&mut act.tx, id).await?;
    let job = import.job.ok_or(store::StoreError::Conflict)?;
    store::job::job_cancel(&mut act.tx, job.id, ctx.clock.now()).await?;
    act.commit(AuditTarget::import(id)).await
}

/// Restarts an import where it stopped.
///
/// # Errors
/// [`AppError::Conflict`] if it isn't stopped.
pub async fn import_retry(ctx: &Ctx, actor: &Actor, id: ImportId) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ImportRetry).await?;
    let import = store::import::import_get(&mut act.tx, id).await?;
    let job = import.job.ok_or(store::StoreError::Conflict)?;
    store::job::job_retry(&mut act.tx, job.id, ctx.clock.now()).await?;
    act.commit(AuditTarget::import(id)).await?;
    ctx.jobs_wake.notify_one();
    Ok(())
}

/// The format chosen in a form or URL.
fn chosen(choice: &ImportOptions) -> Option<ImportFormat> {
    ImportFormat::from_key(&choice.format)
}
