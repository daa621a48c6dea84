//! Importing memories from a file: taken at once, worked off as a job that
//! can be watched, left, cancelled and started again where it stopped.

mod apply;
mod parse;

use domain::{
    Action, Actor, AppError, ImportId, JobId,
    import::{Import, ImportFormat, ImportStarted, MAX_FILE_BYTES, UploadProblem},
    paging::PAGE_SIZE,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::{import::NewImport, job::NewJob};

pub(crate) use self::apply::{ImportJob, import_apply};
use crate::{
    Ctx,
    act::{Act, Target},
    job::MAX_ATTEMPTS,
};

/// The kind of the job that applies an import.
pub(crate) const IMPORT_JOB: &str = "memory.import";

/// A file that can be imported: text, of a known format, not too large.
#[derive(Clone, Debug)]
pub struct ImportFile {
    name: String,
    format: ImportFormat,
    content: Vec<u8>,
}

impl ImportFile {
    /// Takes a file as it was given; `format` unset: by its name.
    ///
    /// # Errors
    /// Why it can't be imported, for the one who gave it.
    pub fn parse(
        name: &str,
        format: Option<ImportFormat>,
        content: Vec<u8>,
    ) -> Result<Self, UploadProblem> {
        if content.len() > MAX_FILE_BYTES {
            return Err(UploadProblem::TooLarge);
        }
        let format = format.or_else(|| ImportFormat::from_file_name(name));
        let format = format.ok_or(UploadProblem::UnknownFormat)?;
        parse::text_of(format, &content)?;
        Ok(Self {
            name: display_name(name),
            format,
            content,
        })
    }
}

/// Keeps a file and imports it in the background. The same bytes given again
/// lead to the import that they made the first time.
///
/// # Errors
/// [`AppError::Forbidden`].
pub async fn import_start(
    ctx: &Ctx,
    actor: &Actor,
    file: &ImportFile,
) -> Result<ImportStarted, AppError> {
    let mut act = Act::begin(ctx, actor, Action::ImportStart).await?;
    let digest: [u8; 32] = Sha256::digest(&file.content).into();
    let id: ImportId = ctx.ids.id();
    let job_id: JobId = ctx.ids.id();
    let now = ctx.clock.now();
    let import = NewImport {
        id,
        job_id,
        file_name: &file.name,
        format: file.format,
        sha256: digest,
        content: &file.content,
    };
    let started = store::import::import_create(&mut act.tx, &import, now).await?;
    if started.already_given {
        return Ok(started);
    }
    let job = NewJob {
        id: job_id,
        kind: IMPORT_JOB,
        payload: json!({ "import_id": id }),
        dedupe_key: None,
        run_at: now,
        max_attempts: MAX_ATTEMPTS,
        // Somebody waits for it, unlike for vectors.
        priority: 1,
        progress_total: i64::try_from(file.content.len()).unwrap_or(i64::MAX),
    };
    store::job::job_enqueue(&mut act.tx, &job, now).await?;
    let changes = json!({ "format": file.format.key(), "bytes": file.content.len() });
    act.commit(Target::import(id).changed(changes)).await?;
    ctx.jobs_wake.notify_one();
    Ok(started)
}

/// One own import with its progress and report.
///
/// # Errors
/// [`AppError::NotFound`] when it isn't an own one.
pub async fn import_get(ctx: &Ctx, actor: &Actor, id: ImportId) -> Result<Import, AppError> {
    let mut act = Act::begin(ctx, actor, Action::ImportGet).await?;
    Ok(store::import::import_get(&mut act.tx, id).await?)
}

/// The own imports, newest first.
///
/// # Errors
/// [`AppError::Forbidden`].
pub async fn import_list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Import>, AppError> {
    let mut act = Act::begin(ctx, actor, Action::ImportGet).await?;
    Ok(store::import::import_list(&mut act.tx, PAGE_SIZE).await?)
}

/// Stops an own import; what landed stays.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Conflict`] when it has ended already.
pub async fn import_cancel(ctx: &Ctx, actor: &Actor, id: ImportId) -> Result<(), AppError> {
    let mut act = Act::begin(ctx, actor, Action::ImportCancel).await?;
    let import = store::import::import_get(&mut act.tx, id).await?;
    store::job::job_cancel(&mut act.tx, import.job.id, ctx.clock.now()).await?;
    act.commit(Target::import(id)).await
}

/// Starts an own import again where it stopped.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Conflict`] when it isn't stopped.
pub async fn import_retry(ctx: &Ctx, actor: &Actor, id: ImportId) -> Result<(), AppError> {
    let mut act = Act::begin(ctx, actor, Action::ImportRetry).await?;
    let import = store::import::import_get(&mut act.tx, id).await?;
    store::job::job_retry(&mut act.tx, import.job.id, ctx.clock.now()).await?;
    act.commit(Target::import(id)).await?;
    ctx.jobs_wake.notify_one();
    Ok(())
}

/// The file's name without folders and control characters, at most 200
/// characters, for showing.
fn display_name(given: &str) -> String {
    let base = given.rsplit(['/', '\\']).next().unwrap_or(given);
    let name: String = base.chars().filter(|c| !c.is_control()).take(200).collect();
    if name.trim().is_empty() {
        "file".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::display_name;

    #[test]
    fn a_file_name_is_shown_without_its_folders() {
        assert_eq!(display_name("C:\\notes\\a.md"), "a.md");
        assert_eq!(display_name("../../etc/passwd"), "passwd");
        assert_eq!(display_name("a\0\u{7}b"), "ab");
        assert_eq!(display_name(""), "file");
    }
}
