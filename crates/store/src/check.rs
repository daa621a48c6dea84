//! Checks on the database before requests are served (SEC-C1, SEC-F3).

use domain::Timestamp;
use sqlx::{PgConnection, PgPool};

use crate::{
    Login, PerLogin, StoreError,
    catalogue::{self, EXCEPTIONS, Finding, RULES},
    migrate, schema,
};

/// The oldest supported server, as in `server_version_num`.
pub(crate) const OLDEST_SERVER: i32 = 160_000;

/// An obstacle to serving requests from the database. Each message says how to fix
/// it.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error(
        "the database server is PostgreSQL {found}, and Atrium needs 16 or newer: upgrade the server"
    )]
    ServerTooOld { found: String },
    #[error(
        "the extension “vector” is not in the database: install pgvector on the server, then run `atrium migrate up`"
    )]
    VectorMissing,
    /// A login could bypass row security.
    #[error(
        "the login “{login}” {how}, so row security would not hold: \
         use a login of its own that has no privileges, and name it in {variable}"
    )]
    LoginTooPowerful {
        login: String,
        /// The power that it has.
        how: String,
        variable: &'static str,
    },
    /// A login can't take one of its local roles.
    #[error(
        "the login “{login}” can't take the role “{role}”: run `atrium migrate up`, which allows it to"
    )]
    RoleNotGranted { login: String, role: String },
    /// A login can take a role that is not meant for it.
    #[error(
        "the login “{login}” in {variable} can take {roles}, which is not for it: run `atrium migrate up`, \
         or REVOKE {roles} FROM “{login}” as who granted it"
    )]
    RoleNotForLogin {
        login: String,
        roles: String,
        variable: &'static str,
    },
    /// A login starts its sessions with a setting that changes how transactions
    /// behave.
    #[error(
        "the login “{login}” starts its sessions with {setting}, which no version of Atrium sets: \
         run `ALTER ROLE \"{login}\" RESET ALL`, and find out who set it"
    )]
    LoginSetting {
        login: String,
        /// The setting and its value.
        setting: String,
    },
    /// Something that row security depends on was changed by hand.
    #[error(
        "row security would not hold: {}: {} ({}). Do this: {}",
        .0.object, .0.problem, .0.rule, .0.remedy
    )]
    RuleBroken(Finding),
    #[error("the database has no Atrium schema: run `atrium migrate up`")]
    SchemaMissing,
    #[error(
        "the database's schema is older than this version of Atrium (migration {missing:04} is not applied): run `atrium migrate up`"
    )]
    SchemaOlder {
        /// The first missing migration.
        missing: i64,
    },
    /// A newer version of Atrium migrated the database.
    #[error(
        "the database's schema is newer than this version of Atrium (it has migration {found:04}, and this version \
         knows up to {ours:04}): start the newer version, or restore a backup from before the upgrade"
    )]
    SchemaNewer {
        /// The newest applied migration.
        found: i64,
        /// The newest migration that this version knows.
        ours: i64,
    },
    /// Functions, policies and grants are those of another version.
    #[error(
        "the database's functions, policies and grants are not those of this version of Atrium: run `atrium migrate up`"
    )]
    SchemaFilesDiffer,
    /// The check itself failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for CheckError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Facts about the server, for `atrium doctor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    pub version: String,
    /// pgvector's version; `None` if the extension is not in the database.
    pub pgvector: Option<String>,
    /// True if the database's character type handles letters beyond ASCII. If
    /// not, word search treats “É” and “é” as different letters.
    pub knows_letters: bool,
    /// The server's clock.
    pub now: Timestamp,
}

pub(crate) async fn facts(pool: &PgPool) -> Result<ServerInfo, StoreError> {
    let facts = sqlx::query_as!(
        ServerInfo,
        r#"SELECT current_setting('server_version') AS "version!",
                  (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS pgvector,
                  lower('É') = 'é' AS "knows_letters!",
                  clock_timestamp() AS "now!""#
    )
    .fetch_one(pool)
    .await?;
    Ok(facts)
}

/// A login, and the way in which it could bypass row security, if any.
pub(crate) struct LoginCheck {
    pub(crate) login: String,
    pub(crate) problem: Option<String>,
}

pub(crate) async fn login_check(pool: &PgPool) -> Result<LoginCheck, StoreError> {
    let mut tx = pool.begin().await?;
    let login = sqlx::query_scalar!(r#"SELECT session_user::text AS "login!""#)
        .fetch_one(&mut *tx)
        .await?;
    let problem = power_problem(&mut tx).await?;
    Ok(LoginCheck { login, problem })
}

async fn power_problem(conn: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    // SET ROLE works with any membership, inherited or not.
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
        .find_map(|(power, roles)| Some((power, roles?)));
    Ok(found.map(|(power, roles)| format!("{power} {roles}")))
}

pub(crate) async fn check(pools: &PerLogin<PgPool>) -> Result<(), CheckError> {
    let server = sqlx::query!(
        r#"SELECT current_setting('server_version_num')::int AS "version!",
                  current_setting('server_version') AS "version_text!",
                  EXISTS (SELECT FROM pg_extension WHERE extname = 'vector') AS "has_vector!",
                  to_regclass('public._sqlx_migrations') IS NOT NULL AS "has_schema!""#
    )
    .fetch_one(&pools.app)
    .await?;
    if server.version < OLDEST_SERVER {
        return Err(CheckError::ServerTooOld {
            found: server.version_text,
        });
    }
    for (login, pool) in pools.each() {
        let LoginCheck {
            login: name,
            problem,
        } = login_check(pool).await?;
        if let Some(how) = problem {
            return Err(CheckError::LoginTooPowerful {
                login: name,
                how,
                variable: login.variable(),
            });
        }
    }
    if !server.has_schema {
        return Err(CheckError::SchemaMissing);
    }
    if !server.has_vector {
        return Err(CheckError::VectorMissing);
    }
    for (login, pool) in pools.each() {
        roles_check(login, pool).await?;
    }
    versions_check(&pools.auth).await?;
    match rules_check(&pools.app).await?.into_iter().next() {
        Some(finding) => Err(CheckError::RuleBroken(finding)),
        None => Ok(()),
    }
}

/// All violations of the catalogue rules.
pub(crate) async fn rules_check(pool: &PgPool) -> Result<Vec<Finding>, StoreError> {
    let mut tx = pool.begin().await?;
    // The meaning of a name in a rule must not depend on the login.
    sqlx::query!("SELECT set_config('search_path', 'public, pg_temp', true)")
        .fetch_one(&mut *tx)
        .await?;
    Ok(catalogue::findings(&mut tx, RULES, EXCEPTIONS).await?)
}

/// Settings that would change or stop what transactions do. Postgres lets every
/// login set them for itself. Settings that each transaction sets anyway are
/// not included.
const FORBIDDEN_LOGIN_SETTINGS: [&str; 6] = [
    "role",
    "row_security",
    "local_preload_libraries",
    "default_transaction_read_only",
    "default_transaction_isolation",
    "check_function_bodies",
];

/// Fails unless the login can take exactly its own local roles and has no
/// forbidden setting.
async fn roles_check(login: Login, pool: &PgPool) -> Result<(), CheckError> {
    let roles: Vec<String> = login.roles().iter().map(|&role| role.to_owned()).collect();
    // SET ROLE works with any membership, inherited or not.
    let found = sqlx::query!(
        r#"SELECT session_user::text AS "login!",
                  (SELECT role FROM unnest($1::text[]) AS own (role)
                    WHERE NOT EXISTS (SELECT FROM pg_roles
                                       WHERE rolname = role AND pg_has_role(session_user, oid, 'SET'))
                    LIMIT 1) AS missing,
                  (SELECT string_agg(rolname, ', ' ORDER BY rolname) FROM pg_roles
                    WHERE rolname <> session_user AND rolname <> ALL ($1::text[])
                      AND pg_has_role(session_user, oid, 'MEMBER')) AS further,
                  (SELECT setting FROM pg_db_role_setting, unnest(setconfig) AS setting
                    WHERE setrole = (SELECT oid FROM pg_roles WHERE rolname = session_user)
                      AND (split_part(setting, '=', 1) = ANY ($2::text[]) OR starts_with(setting, 'app.'))
                    LIMIT 1) AS setting"#,
        &roles,
        &FORBIDDEN_LOGIN_SETTINGS.map(str::to_owned),
    )
    .fetch_one(pool)
    .await?;
    if let Some(roles) = found.further {
        return Err(CheckError::RoleNotForLogin {
            login: found.login,
            roles,
            variable: login.variable(),
        });
    }
    if let Some(setting) = found.setting {
        return Err(CheckError::LoginSetting {
            login: found.login,
            setting,
        });
    }
    match found.missing {
        Some(role) => Err(CheckError::RoleNotGranted {
            login: found.login,
            role,
        }),
        None => Ok(()),
    }
}

/// Fails unless the database has exactly the migrations and schema files of this
/// binary.
async fn versions_check(auth: &PgPool) -> Result<(), CheckError> {
    let mut tx = auth.begin().await?;
    sqlx::query!("SELECT set_config('role', 'atrium_auth', true)")
        .fetch_one(&mut *tx)
        .await?;
    let applied = migrate::applied_versions(&mut tx).await?;
    let known = migrate::known_versions();
    let ours = known.last().copied().unwrap_or(0);
    if let Some(&found) = applied.iter().rfind(|version| !known.contains(version)) {
        return Err(CheckError::SchemaNewer { found, ours });
    }
    if let Some(missing) = known.into_iter().find(|version| !applied.contains(version)) {
        return Err(CheckError::SchemaOlder { missing });
    }
    let digest = schema::applied_digest(&mut tx).await?;
    if digest.as_deref() != Some(&schema::digest(schema::FILES)) {
        return Err(CheckError::SchemaFilesDiffer);
    }
    Ok(())
}
