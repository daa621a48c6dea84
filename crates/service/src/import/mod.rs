//! Importing memories from a file: taken in pieces, looked at before anything
//! happens, worked off as a job that can be watched, left, cancelled and
//! started again where it stopped.

mod apply;
mod land;
mod preview;
mod source;
mod upload;

use domain::{
    Action, Actor, AppError, ImportId,
    import::{Import, ImportChoice, ImportFormat},
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

/// The kind of the job that applies an import.
pub(crate) const IMPORT_JOB: &str = "memory.import";

/// Has a file imported in the background that waits for its giver's look, as
/// `choice` says.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Conflict`] when it was started already;
/// [`AppError::Invalid`] for a choice that can't be.
pub async fn import_confirm(
    ctx: &Ctx,
    actor: &Actor,
    id: ImportId,
    choice: &ImportChoice,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ImportConfirm).await?;
    let import = store::import::import_get(&mut act.tx, id).await?;
    // No transaction is open while the file is looked at.
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
        // Somebody waits for it, unlike for vectors.
        priority: 1,
        progress_total: 0,
    };
    store::job::job_enqueue(&mut act.tx, &job, now).await?;
    // Which columns, not what is in them.
    let changes = json!({ "format": format.key(), "mapped": choice.columns.len() });
    act.commit(AuditTarget::import(id).changed(changes)).await?;
    ctx.jobs_wake.notify_one();
    Ok(())
}

/// Lets go of an own file that waits for a look.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Conflict`] when it was started already.
pub async fn import_discard(ctx: &Ctx, actor: &Actor, id: ImportId) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ImportDiscard).await?;
    store::import::import_discard(&mut act.tx, id).await?;
    act.commit(AuditTarget::import(id)).await
}

/// One own import with its progress and report.
///
/// # Errors
/// [`AppError::NotFound`] when it isn't an own one.
pub async fn import_get(ctx: &Ctx, actor: &Actor, id: ImportId) -> Result<Import, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ImportGet).await?;
    Ok(store::import::import_get(&mut act.tx, id).await?)
}

/// The own imports, newest first.
///
/// # Errors
/// [`AppError::Forbidden`].
pub async fn import_list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Import>, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ImportGet).await?;
    Ok(store::import::import_list(&mut act.tx, PAGE_SIZE).await?)
}

/// Stops an own import; what landed stays.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Conflict`] when it has ended already.
pub async fn import_cancel(ctx: &Ctx, actor: &Actor, id: ImportId) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ImportCancel).await?;
    let import = store::import::import_get(&mut act.tx, id).await?;
    let job = import.job.ok_or(store::StoreError::Conflict)?;
    store::job::job_cancel(&mut act.tx, job.id, ctx.clock.now()).await?;
    act.commit(AuditTarget::import(id)).await
}

/// Starts an own import again where it stopped.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Conflict`] when it isn't stopped.
pub async fn import_retry(ctx: &Ctx, actor: &Actor, id: ImportId) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ImportRetry).await?;
    let import = store::import::import_get(&mut act.tx, id).await?;
    let job = import.job.ok_or(store::StoreError::Conflict)?;
    store::job::job_retry(&mut act.tx, job.id, ctx.clock.now()).await?;
    act.commit(AuditTarget::import(id)).await?;
    ctx.jobs_wake.notify_one();
    Ok(())
}

/// The format that a form or an address names.
fn chosen(choice: &ImportChoice) -> Option<ImportFormat> {
    ImportFormat::from_key(&choice.format)
}
