//! Functions, policies and grants: the files of `schema/`, embedded in the
//! binary and applied after the migrations.

use sha2::{Digest, Sha256};
use sqlx::{Connection as _, PgConnection};

use crate::migrate::MigrateError;

/// The migration from which on the files are applied.
pub(crate) const FIRST_MIGRATION: i64 = 42;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaFile {
    /// Below `schema/`.
    pub path: &'static str,
    pub sql: &'static str,
}

/// The files of this binary in the order of their paths, in which they are
/// applied.
pub const FILES: &[SchemaFile] = include!(concat!(env!("OUT_DIR"), "/schema_files.rs"));

/// SHA-256 of the paths and contents.
pub(crate) fn digest(files: &[SchemaFile]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for file in files {
        for part in [file.path, file.sql] {
            hasher.update(part.len().to_be_bytes());
            hasher.update(part);
        }
    }
    hasher.finalize().into()
}

/// Applies the files in one transaction, which drops what none of them creates.
/// Does nothing and returns false if the database has the same files. Calls at
/// the same time wait for each other.
pub async fn apply(conn: &mut PgConnection, files: &[SchemaFile]) -> Result<bool, MigrateError> {
    let mut tx = conn.begin().await?;
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('atrium.migrate', 0))")
        .execute(&mut *tx)
        .await?;
    let digest = digest(files);
    if applied_digest(&mut tx).await?.as_deref() == Some(&digest) {
        return Ok(false);
    }
    for file in files {
        sqlx::raw_sql(file.sql)
            .execute(&mut *tx)
            .await
            .map_err(|cause| MigrateError::SchemaFile {
                path: file.path,
                cause: cause.to_string(),
            })?;
    }
    sqlx::query!("UPDATE _schema_files SET digest = $1", &digest)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(true)
}

/// Drops what the files created, so that nothing stands in the way of reverting
/// migrations. Nobody can use the database until the files are applied again.
pub(crate) async fn clear(conn: &mut PgConnection) -> Result<(), MigrateError> {
    let mut tx = conn.begin().await?;
    sqlx::raw_sql(include_str!("../../../schema/clear.sql"))
        .execute(&mut *tx)
        .await?;
    sqlx::query!("UPDATE _schema_files SET digest = NULL")
        .execute(&mut *tx)
        .await?;
    // The boot check can still say what is missing.
    sqlx::raw_sql("GRANT USAGE ON SCHEMA public TO atrium_auth")
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// The digest of the files that the database has; `None` if it has none.
pub(crate) async fn applied_digest(
    conn: &mut PgConnection,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    let digest = sqlx::query_scalar!("SELECT digest FROM public._schema_files")
        .fetch_optional(conn)
        .await?;
    Ok(digest.flatten())
}
