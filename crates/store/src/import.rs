//! Files of memories, given for import, and what came of them.

use domain::{
    ImportId, JobId, Timestamp,
    import::{Import, ImportFormat, ImportReport, ImportStarted},
    job::Job,
};
use uuid::Uuid;

use crate::{StoreError, TenantTx, job::status_of};

/// A file to be imported.
#[derive(Clone, Copy, Debug)]
pub struct NewImport<'a> {
    /// Its id.
    pub id: ImportId,
    /// The job that will read it.
    pub job_id: JobId,
    /// The name as given, 1 to 255 characters.
    pub file_name: &'a str,
    /// How to read it.
    pub format: ImportFormat,
    /// The digest of the bytes.
    pub sha256: [u8; 32],
    /// The bytes.
    pub content: &'a [u8],
}

struct ImportRow {
    id: Uuid,
    file_name: String,
    format: String,
    size: i64,
    report: serde_json::Value,
    job_id: Uuid,
    job_kind: String,
    job_status: String,
    progress_done: i64,
    progress_total: i64,
    attempts: i32,
    error: Option<String>,
    job_created_at: Timestamp,
    finished_at: Option<Timestamp>,
}

impl TryFrom<ImportRow> for Import {
    type Error = StoreError;

    fn try_from(row: ImportRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.into(),
            file_name: row.file_name,
            format: format_of(&row.format)?,
            size: row.size,
            job: Job {
                id: row.job_id.into(),
                kind: row.job_kind,
                status: status_of(&row.job_status)?,
                progress_done: row.progress_done,
                progress_total: row.progress_total,
                attempts: row.attempts,
                error: row.error,
                created_at: row.job_created_at,
                finished_at: row.finished_at,
            },
            report: serde_json::from_value(row.report)
                .map_err(|error| StoreError::Other(error.into()))?,
        })
    }
}

fn format_of(key: &str) -> Result<ImportFormat, StoreError> {
    ImportFormat::from_key(key)
        .ok_or_else(|| StoreError::other(format!("an import has the unknown format “{key}”")))
}

/// Keeps a file of the member for import. Where the same bytes were given
/// before, to be read in the same format, it answers with that import and
/// keeps nothing: then there is no job to be queued.
///
/// # Errors
/// [`StoreError::Constraint`] for a name or size that is not acceptable.
pub async fn import_create(
    tx: &mut TenantTx,
    import: &NewImport<'_>,
    now: Timestamp,
) -> Result<ImportStarted, StoreError> {
    let (tenant_id, user_id) = (tx.tenant_id().0, tx.member_id()?.0);
    let report = report_json(&ImportReport::default())?;
    let created = sqlx::query!(
        "INSERT INTO imports (
             tenant_id, id, user_id, file_name, format, size, sha256, content, job_id, report, created_at
         )
         VALUES ($1, $2, $3, $4, $5, octet_length($7::bytea), $6, $7, $8, $9, $10)
         ON CONFLICT (tenant_id, user_id, sha256, format) DO NOTHING",
        tenant_id,
        import.id.0,
        user_id,
        import.file_name,
        import.format.key(),
        &import.sha256,
        import.content,
        import.job_id.0,
        report,
        now,
    )
    .execute(tx.conn())
    .await?;
    if created.rows_affected() > 0 {
        return Ok(ImportStarted {
            id: import.id,
            already_given: false,
        });
    }
    let id = sqlx::query_scalar!(
        "SELECT id FROM imports WHERE tenant_id = $1 AND user_id = $2 AND sha256 = $3 AND format = $4",
        tenant_id,
        user_id,
        &import.sha256,
        import.format.key(),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(ImportStarted {
        id: id.into(),
        already_given: true,
    })
}

/// One of the member's imports, with the work behind it.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn import_get(tx: &mut TenantTx, id: ImportId) -> Result<Import, StoreError> {
    sqlx::query_as!(
        ImportRow,
        "SELECT imports.id, file_name, format, size, report, job_id, jobs.kind AS job_kind, jobs.status AS job_status,
                progress_done, progress_total, attempts, error, jobs.created_at AS job_created_at, finished_at
           FROM imports
           JOIN jobs ON jobs.tenant_id = imports.tenant_id AND jobs.id = job_id
          WHERE imports.tenant_id = $1 AND imports.id = $2",
        tx.tenant_id().0,
        id.0,
    )
    .fetch_one(tx.conn())
    .await?
    .try_into()
}

/// The member's imports, newest first.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn import_list(tx: &mut TenantTx, limit: u16) -> Result<Vec<Import>, StoreError> {
    let rows = sqlx::query_as!(
        ImportRow,
        "SELECT imports.id, file_name, format, size, report, job_id, jobs.kind AS job_kind, jobs.status AS job_status,
                progress_done, progress_total, attempts, error, jobs.created_at AS job_created_at, finished_at
           FROM imports
           JOIN jobs ON jobs.tenant_id = imports.tenant_id AND jobs.id = job_id
          WHERE imports.tenant_id = $1 AND user_id = $2
          ORDER BY imports.created_at DESC, imports.id DESC
          LIMIT $3",
        tx.tenant_id().0,
        tx.member_id()?.0,
        i64::from(limit),
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Import::try_from).collect()
}

/// The bytes of an import and how to read them.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such import or its bytes are gone.
pub async fn import_content(
    tx: &mut TenantTx,
    id: ImportId,
) -> Result<(ImportFormat, Vec<u8>), StoreError> {
    let row = sqlx::query!(
        r#"SELECT format, content AS "content!" FROM imports
            WHERE tenant_id = $1 AND id = $2 AND content IS NOT NULL"#,
        tx.tenant_id().0,
        id.0,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((format_of(&row.format)?, row.content))
}

/// Notes what has become of the records so far.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn import_set_report(
    tx: &mut TenantTx,
    id: ImportId,
    report: &ImportReport,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE imports SET report = $3 WHERE tenant_id = $1 AND id = $2",
        tx.tenant_id().0,
        id.0,
        report_json(report)?,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    Ok(())
}

/// Lets go of the bytes once every record was read. Their digest stays.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn import_clear_content(tx: &mut TenantTx, id: ImportId) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE imports SET content = NULL WHERE tenant_id = $1 AND id = $2",
        tx.tenant_id().0,
        id.0,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    Ok(())
}

fn report_json(report: &ImportReport) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(report).map_err(|error| StoreError::Other(error.into()))
}
