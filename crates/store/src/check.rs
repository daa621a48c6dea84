//! What must hold before requests are served (SEC-C1, SEC-F3).

use domain::Timestamp;
use sqlx::{PgConnection, PgPool};

use crate::{StoreError, migrate};

/// The oldest server that is supported, as in `server_version_num`.
pub(crate) const OLDEST_SERVER: i32 = 160_000;

/// Why the database can't be served from. Each sentence says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The server is older than supported.
    #[error(
        "the database server is PostgreSQL {found}, and Atrium needs 16 or newer: upgrade the server"
    )]
    ServerTooOld {
        /// Its version.
        found: String,
    },
    /// The extension `vector` is not in the database.
    #[error(
        "the extension “vector” is not in the database: install pgvector on the server, then run `atrium migrate up`"
    )]
    VectorMissing,
    /// The runtime login could pass row security.
    #[error(
        "the runtime login “{login}” {how}, so row security would not hold: \
         use a login of its own that has no privileges, and name it in ATRIUM_DATABASE_URL"
    )]
    LoginTooPowerful {
        /// The login.
        login: String,
        /// In which way.
        how: String,
    },
    /// The runtime login can't take the local roles.
    #[error(
        "the runtime login “{login}” can't take the role “{role}”: run `atrium migrate up`, which allows it to"
    )]
    RoleNotGranted {
        /// The login.
        login: String,
        /// The role.
        role: String,
    },
    /// There is no schema yet.
    #[error("the database has no Atrium schema: run `atrium migrate up`")]
    SchemaMissing,
    /// Migrations are missing.
    #[error(
        "the database's schema is older than this version of Atrium (migration {missing:04} is not applied): run `atrium migrate up`"
    )]
    SchemaOlder {
        /// The first missing migration.
        missing: i64,
    },
    /// A newer Atrium migrated it.
    #[error(
        "the database's schema is newer than this version of Atrium (it has migration {found:04}, and this version \
         knows up to {ours:04}): start the newer version, or restore a backup from before the upgrade"
    )]
    SchemaNewer {
        /// The newest applied migration.
        found: i64,
        /// The newest that this version knows.
        ours: i64,
    },
    /// It could not be looked at.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for CheckError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What the server says of itself, for `atrium doctor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFacts {
    /// The server's version.
    pub version: String,
    /// pgvector's version; `None` when the extension isn't in the database.
    pub pgvector: Option<String>,
    /// Whether the database's character type knows letters beyond ASCII;
    /// without, word search takes “É” and “é” for different ones.
    pub knows_letters: bool,
    /// The server's time.
    pub now: Timestamp,
}

pub(crate) async fn facts(pool: &PgPool) -> Result<ServerFacts, StoreError> {
    let facts = sqlx::query_as!(
        ServerFacts,
        r#"SELECT current_setting('server_version') AS "version!",
                  (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS pgvector,
                  lower('É') = 'é' AS "knows_letters!",
                  clock_timestamp() AS "now!""#
    )
    .fetch_one(pool)
    .await?;
    Ok(facts)
}

/// Roles that transactions take; see [`crate::tx`].
pub(crate) const LOCAL_ROLES: [&str; 4] = [
    "atrium_app",
    "atrium_auth",
    "atrium_worker",
    "atrium_operator",
];

/// The runtime login, and in which way it could pass row security, if any.
pub(crate) struct LoginPower {
    pub(crate) login: String,
    pub(crate) problem: Option<String>,
}

pub(crate) async fn login_power(pool: &PgPool) -> Result<LoginPower, StoreError> {
    let mut tx = pool.begin().await?;
    let login = sqlx::query_scalar!(r#"SELECT session_user::text AS "login!""#)
        .fetch_one(&mut *tx)
        .await?;
    let problem = power(&mut tx).await?;
    Ok(LoginPower { login, problem })
}

async fn power(conn: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    // Membership counts whether it is inherited or not: SET ROLE takes it.
    let power = sqlx::query!(
        r#"SELECT (SELECT string_agg(rolname, ', ') FROM pg_roles
                    WHERE rolsuper AND pg_has_role(session_user, oid, 'MEMBER')) AS superusers,
                  (SELECT string_agg(rolname, ', ') FROM pg_roles
                    WHERE rolbypassrls AND pg_has_role(session_user, oid, 'MEMBER')) AS bypassing,
                  (SELECT string_agg(DISTINCT owner::regrole::text, ', ')
                     FROM (SELECT relowner AS owner FROM pg_class WHERE relnamespace = 'public'::regnamespace
                           UNION SELECT proowner FROM pg_proc WHERE pronamespace = 'public'::regnamespace
                           UNION SELECT nspowner FROM pg_namespace WHERE nspname = 'public'
                           UNION SELECT datdba FROM pg_database WHERE datname = current_database()) owners
                    WHERE pg_has_role(session_user, owner, 'MEMBER')) AS owners"#
    )
    .fetch_one(conn)
    .await?;
    let powers = [
        ("is a superuser, or may become", power.superusers),
        ("has BYPASSRLS, or may become", power.bypassing),
        ("owns objects of the schema, or may become", power.owners),
    ];
    let found = powers
        .into_iter()
        .find_map(|(what, roles)| Some((what, roles?)));
    Ok(found.map(|(what, roles)| format!("{what} {roles}")))
}

pub(crate) async fn check(pool: &PgPool) -> Result<(), CheckError> {
    let mut tx = pool.begin().await?;
    let server = sqlx::query!(
        r#"SELECT session_user::text AS "login!",
                  current_setting('server_version_num')::int AS "version!",
                  current_setting('server_version') AS "version_text!",
                  EXISTS (SELECT FROM pg_extension WHERE extname = 'vector') AS "has_vector!""#
    )
    .fetch_one(&mut *tx)
    .await?;
    let login = server.login;
    if server.version < OLDEST_SERVER {
        return Err(CheckError::ServerTooOld {
            found: server.version_text,
        });
    }

    if let Some(how) = power(&mut tx).await? {
        return Err(CheckError::LoginTooPowerful { login, how });
    }

    let exists = sqlx::query_scalar!(
        r#"SELECT to_regclass('public._sqlx_migrations') IS NOT NULL AS "exists!""#
    )
    .fetch_one(&mut *tx)
    .await?;
    if !exists {
        return Err(CheckError::SchemaMissing);
    }
    if !server.has_vector {
        return Err(CheckError::VectorMissing);
    }
    for role in LOCAL_ROLES {
        let may_take = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1 AND pg_has_role(session_user, oid, 'SET'))
                   AS "may!""#,
            role,
        )
        .fetch_one(&mut *tx)
        .await?;
        if !may_take {
            return Err(CheckError::RoleNotGranted {
                login,
                role: role.to_owned(),
            });
        }
    }

    sqlx::query!("SELECT set_config('role', 'atrium_auth', true)")
        .fetch_one(&mut *tx)
        .await?;
    let applied = migrate::applied_versions(&mut tx).await?;
    let known = migrate::known_versions();
    let ours = known.last().copied().unwrap_or(0);
    if let Some(&found) = applied.iter().rfind(|version| !known.contains(version)) {
        return Err(CheckError::SchemaNewer { found, ours });
    }
    match known.into_iter().find(|version| !applied.contains(version)) {
        Some(missing) => Err(CheckError::SchemaOlder { missing }),
        None => Ok(()),
    }
}
