//! Applies the migrations and schema files that are embedded in the binary. Only the schema's
//! owner can do that, so these functions take the owner's URL and not a
//! [`crate::Store`].

use std::str::FromStr;

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, PgConnection,
    migrate::{MigrateError as SqlxMigrateError, Migrator},
    postgres::PgConnectOptions,
};

use crate::{Login, PerLogin, check::OLDEST_SERVER, provision::quoted, schema};

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationStatus {
    pub version: i64,
    pub name: String,
    pub is_applied: bool,
}

/// An error of changing the schema. Each message says how to fix it.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error(
        "the database server is PostgreSQL {found}, and Atrium needs 16 or newer: upgrade the server"
    )]
    ServerTooOld { found: String },
    #[error(
        "the database server does not offer the extension “vector”: install pgvector on the server"
    )]
    VectorMissing,
    /// A login that the process needs doesn't exist.
    #[error(
        "there is no login “{name}”, which {variable} names: create it (`CREATE ROLE … LOGIN PASSWORD …`), \
         then run this again"
    )]
    LoginMissing {
        name: String,
        variable: &'static str,
    },
    /// Two kinds of work would share a login.
    #[error(
        "{0} and {1} name the same login, which could then take the roles of both: \
         create one for each (`CREATE ROLE … LOGIN PASSWORD …`)"
    )]
    LoginShared(&'static str, &'static str),
    /// A newer version of Atrium migrated the database.
    #[error(
        "the database's schema is newer than this version of Atrium (it has migration {found:04}): \
         start the newer version, or restore a backup from before the upgrade"
    )]
    SchemaNewer {
        /// A migration that this version doesn't know.
        found: i64,
    },
    /// An applied migration differs from the one in this binary.
    #[error(
        "migration {0:04} was applied with other contents than this version of Atrium has: restore a backup"
    )]
    Changed(i64),
    /// A migration failed and was rolled back.
    #[error("migration {version:04} failed and was rolled back: {cause}")]
    Failed {
        version: i64,
        /// The server's message.
        cause: String,
    },
    /// A file of `schema/` failed, and the transaction was rolled back.
    #[error("schema/{path} failed, and functions, policies and grants are as before: {cause}")]
    SchemaFile {
        path: &'static str,
        /// The server's message.
        cause: String,
    },
    /// The database could not be reached or rejected something else.
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
}

impl From<SqlxMigrateError> for MigrateError {
    fn from(error: SqlxMigrateError) -> Self {
        match error {
            SqlxMigrateError::VersionMissing(found) => Self::SchemaNewer { found },
            SqlxMigrateError::VersionMismatch(version) => Self::Changed(version),
            SqlxMigrateError::ExecuteMigration(cause, version) => Self::Failed {
                version,
                cause: cause.to_string(),
            },
            SqlxMigrateError::Execute(cause) => Self::Database(cause),
            other => Self::Database(sqlx::Error::Migrate(Box::new(other))),
        }
    }
}

/// Connects as the owner. The search path is pinned, because a schema with the
/// owner's name would come first otherwise.
async fn connect(admin_url: &str) -> Result<PgConnection, sqlx::Error> {
    PgConnectOptions::from_str(admin_url)?
        .options([("search_path", "public")])
        .connect()
        .await
}

/// Applies the missing migrations and the schema files, grants each login its
/// local roles and revokes any others. Processes that call this at the same time wait for each
/// other.
pub async fn up(admin_url: &str, logins: &PerLogin<impl AsRef<str>>) -> Result<(), MigrateError> {
    for (login, name) in logins.each() {
        for (other, same) in logins.each() {
            if login != other && name.as_ref() == same.as_ref() {
                return Err(MigrateError::LoginShared(
                    login.variable(),
                    other.variable(),
                ));
            }
        }
    }
    let mut conn = connect(admin_url).await?;
    let server = sqlx::query!(
        r#"SELECT current_setting('server_version_num')::int AS "version!",
                  current_setting('server_version') AS "version_text!",
                  EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') AS "offers_vector!""#
    )
    .fetch_one(&mut conn)
    .await?;
    if server.version < OLDEST_SERVER {
        return Err(MigrateError::ServerTooOld {
            found: server.version_text,
        });
    }
    if !server.offers_vector {
        return Err(MigrateError::VectorMissing);
    }
    for (login, name) in logins.each() {
        let exists = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1 AND rolcanlogin) AS "exists!""#,
            name.as_ref(),
        )
        .fetch_one(&mut conn)
        .await?;
        if !exists {
            return Err(MigrateError::LoginMissing {
                name: name.as_ref().to_owned(),
                variable: login.variable(),
            });
        }
    }

    // The migrator has its own lock, but the grants need one as well. It ends
    // with the connection.
    sqlx::query!("SELECT pg_advisory_lock(hashtextextended('atrium.migrate', 0))")
        .execute(&mut conn)
        .await?;
    MIGRATOR.run_direct(None, &mut conn, false).await?;
    schema::apply(&mut conn, schema::FILES).await?;
    for (login, name) in logins.each() {
        grant(&mut conn, login, name.as_ref()).await?;
    }
    // The boot check reads the migrations with the auth role.
    sqlx::raw_sql("GRANT SELECT ON _sqlx_migrations TO atrium_auth")
        .execute(&mut conn)
        .await?;
    sqlx::query!("SELECT audit_partitions_ensure(now(), 2) AS made")
        .fetch_one(&mut conn)
        .await?;
    Ok(())
}

/// Grants membership without inheritance: the login has no privileges until a
/// transaction takes a role.
async fn grant(conn: &mut PgConnection, login: Login, name: &str) -> Result<(), sqlx::Error> {
    for role in Login::ALL.map(|login| login.roles()[0]) {
        let membership = sqlx::query!(
            r#"SELECT count(*) > 0 AS "exists!",
                      coalesce(bool_and(m.set_option AND NOT m.inherit_option), false) AS "is_exact!"
                 FROM pg_auth_members m
                WHERE m.roleid = $1::text::regrole AND m.member = (SELECT oid FROM pg_roles WHERE rolname = $2)"#,
            role,
            name,
        )
        .fetch_one(&mut *conn)
        .await?;
        let login_name = quoted(name);
        let statement = match (login.roles().contains(&role), membership.exists) {
            (true, _) if membership.is_exact => continue,
            (true, _) => format!("GRANT {role} TO {login_name} WITH INHERIT FALSE, SET TRUE"),
            (false, true) => format!("REVOKE {role} FROM {login_name}"),
            (false, false) => continue,
        };
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Reverts the newest `steps` migrations. Data in their tables and columns is
/// lost, and functions, policies and grants are missing until [`up`] is called
/// by a version that has the remaining migrations.
pub async fn down(admin_url: &str, steps: u32) -> Result<(), MigrateError> {
    let mut conn = connect(admin_url).await?;
    sqlx::query!("SELECT pg_advisory_lock(hashtextextended('atrium.migrate', 0))")
        .execute(&mut conn)
        .await?;
    let applied = applied_versions(&mut conn).await?;
    let known = known_versions();
    if let Some(&found) = applied.iter().rfind(|version| !known.contains(version)) {
        return Err(MigrateError::SchemaNewer { found });
    }
    let steps = usize::try_from(steps).unwrap_or(usize::MAX);
    let target = applied.iter().rev().nth(steps).copied().unwrap_or(0);
    if applied.contains(&schema::FIRST_MIGRATION) {
        schema::clear(&mut conn).await?;
        MIGRATOR
            .undo(&mut conn, target.max(schema::FIRST_MIGRATION))
            .await?;
        // Functions that the tables needed until now.
        schema::clear(&mut conn).await?;
    }
    MIGRATOR.undo(&mut conn, target).await?;
    Ok(())
}

/// All migrations that this version knows, in order.
pub async fn status(admin_url: &str) -> Result<Vec<MigrationStatus>, MigrateError> {
    let mut conn = connect(admin_url).await?;
    let applied = applied_versions(&mut conn).await?;
    Ok(MIGRATOR
        .iter()
        .filter(|migration| migration.migration_type.is_up_migration())
        .map(|migration| MigrationStatus {
            version: migration.version,
            name: migration.description.to_string(),
            is_applied: applied.contains(&migration.version),
        })
        .collect())
}

/// True if the database has the schema files of this binary.
pub async fn has_schema_files(admin_url: &str) -> Result<bool, MigrateError> {
    let mut conn = connect(admin_url).await?;
    let applied = applied_versions(&mut conn).await?;
    Ok(applied.contains(&schema::FIRST_MIGRATION)
        && schema::applied_digest(&mut conn).await?.as_deref()
            == Some(&schema::digest(schema::FILES)))
}

/// The migrations in this binary, in order.
pub(crate) fn known_versions() -> Vec<i64> {
    MIGRATOR
        .iter()
        .filter(|m| m.migration_type.is_up_migration())
        .map(|m| m.version)
        .collect()
}

/// Checksums of the migrations in this binary, in order, and of the schema files.
#[cfg(feature = "testing")]
pub(crate) fn checksums() -> Vec<Vec<u8>> {
    MIGRATOR
        .iter()
        .map(|migration| migration.checksum.to_vec())
        .chain([schema::digest(schema::FILES).to_vec()])
        .collect()
}

/// The migrations in the database, in order; empty without a schema.
pub(crate) async fn applied_versions(conn: &mut PgConnection) -> Result<Vec<i64>, sqlx::Error> {
    // Not checked at compile time, because the table belongs to the migrator.
    let exists: bool =
        sqlx::query_scalar("SELECT to_regclass('public._sqlx_migrations') IS NOT NULL")
            .fetch_one(&mut *conn)
            .await?;
    if !exists {
        return Ok(Vec::new());
    }
    sqlx::query_scalar("SELECT version FROM public._sqlx_migrations WHERE success ORDER BY version")
        .fetch_all(conn)
        .await
}
