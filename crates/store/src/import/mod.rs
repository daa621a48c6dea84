//! Uploaded files of memories, and the results of their import.

mod chunk;
mod constraint;
mod land;

use domain::{
    ImportId, JobId, TenantId, Timestamp, UserId,
    import::{Import, ImportFormat, ImportOptions, ImportReport, ImportState},
    job::{Job, JobStatus},
};

use crate::{StoreError, TenantTx, WorkerTx};

pub use chunk::{CHUNK_BYTES, import_chunk, import_chunk_put, import_chunks_clear};
pub(crate) use constraint::CONSTRAINTS;
pub use land::{
    EarlierVersion, ImportedMemory, ParentMemory, import_parents, memory_insert_imported,
    persona_ensure,
};

/// A file whose upload begins.
#[derive(Clone, Copy, Debug)]
pub struct NewImport<'a> {
    pub id: ImportId,
    pub job_id: JobId,
    /// The original name, 1 to 255 characters.
    pub file_name: &'a str,
    /// The format as far as it is known before the upload.
    pub format: ImportFormat,
}

struct ImportRow {
    id: ImportId,
    file_name: String,
    format: ImportFormat,
    size: i64,
    state: ImportState,
    created_at: Timestamp,
    report: serde_json::Value,
    job_id: JobId,
    job_kind: Option<String>,
    job_status: Option<JobStatus>,
    progress_done: Option<i64>,
    progress_total: Option<i64>,
    attempts: Option<i32>,
    error: Option<String>,
    job_created_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
}

impl TryFrom<ImportRow> for Import {
    type Error = StoreError;

    fn try_from(row: ImportRow) -> Result<Self, StoreError> {
        let job = match (row.job_kind, row.job_status, row.job_created_at) {
            (Some(kind), Some(status), Some(created_at)) => Some(Job {
                id: row.job_id,
                kind,
                status,
                progress_done: row.progress_done.unwrap_or_default(),
                progress_total: row.progress_total.unwrap_or_default(),
                attempts: row.attempts.unwrap_or_default(),
                error: row.error,
                created_at,
                finished_at: row.finished_at,
            }),
            _ => None,
        };
        Ok(Self {
            id: row.id,
            file_name: row.file_name,
            format: row.format,
            size: row.size,
            state: row.state,
            created_at: row.created_at,
            job,
            report: json_of(row.report)?,
        })
    }
}

fn json_of<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<T, StoreError> {
    serde_json::from_value(value).map_err(|error| StoreError::Other(error.into()))
}

fn as_json(value: &impl serde::Serialize) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(value).map_err(|error| StoreError::Other(error.into()))
}

/// Records a file of the member; its chunks follow.
///
/// # Errors
/// [`StoreError::Constraint`] for an invalid name.
pub async fn import_create(
    tx: &mut TenantTx,
    import: &NewImport<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO imports (
             tenant_id, id, user_id, file_name, format, size, state, choice, job_id, report, created_at
         )
         VALUES ($1, $2, $3, $4, $5, 0, 'uploading', '{}', $6, $7, $8)",
        tx.tenant_id() as _,
        import.id as _,
        tx.member_id()? as _,
        import.file_name,
        import.format as _,
        import.job_id as _,
        as_json(&ImportReport::default())?,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Marks a file as uploaded, waiting for its owner's confirmation.
///
/// # Errors
/// [`StoreError::NotFound`] if the member has no such upload;
/// [`StoreError::Constraint`] for an invalid size.
pub async fn import_upload_complete(
    tx: &mut TenantTx,
    id: ImportId,
    size: u64,
    sha256: [u8; 32],
    format: ImportFormat,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE imports SET state = 'preview', size = $3, sha256 = $4, format = $5
          WHERE tenant_id = $1 AND id = $2 AND state = 'uploading'",
        tx.tenant_id() as _,
        id as _,
        i64::try_from(size).unwrap_or(i64::MAX),
        &sha256,
        format as _,
    )
    .execute(tx.conn())
    .await?;
    not_found_if_zero(done.rows_affected())
}

/// The member's import of the same bytes that waits for confirmation or is
/// being read.
pub async fn import_find_duplicate(
    tx: &mut TenantTx,
    sha256: [u8; 32],
) -> Result<Option<ImportId>, StoreError> {
    Ok(sqlx::query_scalar!(
        "SELECT imports.id FROM imports
           LEFT JOIN jobs ON jobs.tenant_id = imports.tenant_id AND jobs.id = job_id
          WHERE imports.tenant_id = $1 AND user_id = $2 AND sha256 = $3
            AND (state = 'preview' OR jobs.status IN ('pending', 'running', 'failed'))
          ORDER BY imports.created_at DESC
          LIMIT 1",
        tx.tenant_id() as _,
        tx.member_id()? as _,
        &sha256,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Sets how a file that waits for confirmation is read. Returns the id of its
/// job.
///
/// # Errors
/// [`StoreError::Conflict`] if it doesn't wait for confirmation.
pub async fn import_confirm(
    tx: &mut TenantTx,
    id: ImportId,
    format: ImportFormat,
    choice: &ImportOptions,
) -> Result<JobId, StoreError> {
    let job_id = sqlx::query_scalar!(
        "UPDATE imports SET state = 'started', format = $3, choice = $4
          WHERE tenant_id = $1 AND id = $2 AND state = 'preview'
         RETURNING job_id",
        tx.tenant_id() as _,
        id as _,
        format as _,
        as_json(choice)?,
    )
    .fetch_optional(tx.conn())
    .await?;
    if let Some(job_id) = job_id {
        return Ok(job_id);
    }
    import_get(tx, id).await?;
    Err(StoreError::Conflict)
}

/// Deletes a file whose import was not started.
///
/// # Errors
/// [`StoreError::Conflict`] if it was started.
pub async fn import_discard(tx: &mut TenantTx, id: ImportId) -> Result<(), StoreError> {
    if import_get(tx, id).await?.state == ImportState::Started {
        return Err(StoreError::Conflict);
    }
    import_chunks_clear(tx, id).await?;
    let done = sqlx::query!(
        "DELETE FROM imports WHERE tenant_id = $1 AND id = $2 AND state <> 'started'",
        tx.tenant_id() as _,
        id as _,
    )
    .execute(tx.conn())
    .await?;
    not_found_if_zero(done.rows_affected())
}

/// Abandoned files of all active tenants, oldest first: uploads that began
/// before `uploads` and are incomplete, and previews that began before
/// `previews` and were not confirmed.
pub async fn import_list_abandoned(
    tx: &mut WorkerTx,
    uploads: Timestamp,
    previews: Timestamp,
    limit: u16,
) -> Result<Vec<(TenantId, UserId, ImportId)>, StoreError> {
    let rows = sqlx::query!(
        "SELECT tenant_id, user_id, id FROM imports
          WHERE state <> 'started'
            AND (state = 'uploading' AND created_at < $1 OR state = 'preview' AND created_at < $2)
            AND tenant_id IN (SELECT id FROM tenants WHERE status = 'active')
          ORDER BY created_at LIMIT $3",
        uploads,
        previews,
        i64::from(limit),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.tenant_id, row.user_id, row.id))
        .collect())
}

/// Number and total bytes of an organisation's files that are not started,
/// including incomplete uploads.
pub async fn import_pending_size(
    tx: &mut WorkerTx,
    tenant_id: TenantId,
) -> Result<(u64, u64), StoreError> {
    let waiting = sqlx::query!(
        r#"SELECT count(*) AS "files!", coalesce(sum(size), 0)::bigint AS "bytes!" FROM imports
            WHERE tenant_id = $1 AND state <> 'started'"#,
        tenant_id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((waiting.files.unsigned_abs(), waiting.bytes.unsigned_abs()))
}

/// One of the member's imports, with its job.
pub async fn import_get(tx: &mut TenantTx, id: ImportId) -> Result<Import, StoreError> {
    sqlx::query_as!(
        ImportRow,
        r#"SELECT imports.id, file_name, format, size, state, imports.created_at, report, job_id,
                  jobs.kind AS "job_kind?", jobs.status AS "job_status?", progress_done AS "progress_done?",
                  progress_total AS "progress_total?", attempts AS "attempts?", error,
                  jobs.created_at AS "job_created_at?", finished_at
             FROM imports
             LEFT JOIN jobs ON jobs.tenant_id = imports.tenant_id AND jobs.id = job_id
            WHERE imports.tenant_id = $1 AND imports.id = $2"#,
        tx.tenant_id() as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?
    .try_into()
}

/// The member's completed uploads, newest first.
pub async fn import_list(tx: &mut TenantTx, limit: u16) -> Result<Vec<Import>, StoreError> {
    let rows = sqlx::query_as!(
        ImportRow,
        r#"SELECT imports.id, file_name, format, size, state, imports.created_at, report, job_id,
                  jobs.kind AS "job_kind?", jobs.status AS "job_status?", progress_done AS "progress_done?",
                  progress_total AS "progress_total?", attempts AS "attempts?", error,
                  jobs.created_at AS "job_created_at?", finished_at
             FROM imports
             LEFT JOIN jobs ON jobs.tenant_id = imports.tenant_id AND jobs.id = job_id
            WHERE imports.tenant_id = $1 AND user_id = $2 AND state <> 'uploading'
            ORDER BY imports.created_at DESC, imports.id DESC
            LIMIT $3"#,
        tx.tenant_id() as _,
        tx.member_id()? as _,
        i64::from(limit),
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Import::try_from).collect()
}

/// The import options that the owner chose.
pub async fn import_options(tx: &mut TenantTx, id: ImportId) -> Result<ImportOptions, StoreError> {
    let choice = sqlx::query_scalar!(
        "SELECT choice FROM imports WHERE tenant_id = $1 AND id = $2",
        tx.tenant_id() as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    json_of(choice)
}

/// Stores the results for the records so far.
pub async fn import_set_report(
    tx: &mut TenantTx,
    id: ImportId,
    report: &ImportReport,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE imports SET report = $3 WHERE tenant_id = $1 AND id = $2",
        tx.tenant_id() as _,
        id as _,
        as_json(report)?,
    )
    .execute(tx.conn())
    .await?;
    not_found_if_zero(done.rows_affected())
}

fn not_found_if_zero(rows: u64) -> Result<(), StoreError> {
    if rows == 0 {
        return Err(StoreError::NotFound);
    }
    Ok(())
}
