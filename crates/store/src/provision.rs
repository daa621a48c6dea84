//! Creates the database and the logins on a self-managed server, before any
//! migration.

use std::{fmt::Write as _, str::FromStr};

use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, postgres::PgConnectOptions};

use crate::PerLogin;

/// The settings that each login starts its sessions with. Transactions set the
/// same values themselves; these also bound statements outside of one.
pub const LOGIN_SETTINGS: [(&str, &str); 3] = [
    ("idle_in_transaction_session_timeout", "60s"),
    ("lock_timeout", "10s"),
    ("statement_timeout", "30s"),
];

#[derive(Clone, Copy, Debug)]
pub struct Credentials<'a> {
    pub login: &'a str,
    pub password: &'a str,
}

/// Creates the database `database` and the logins if they are missing. Sets
/// each login's password and [`LOGIN_SETTINGS`], and resets all its other
/// settings. Safe to run concurrently.
pub async fn provision(
    superuser_url: &str,
    database: &str,
    logins: &PerLogin<Credentials<'_>>,
) -> Result<(), sqlx::Error> {
    let mut conn = PgConnectOptions::from_str(superuser_url)?.connect().await?;
    // CREATE DATABASE can't run in a transaction, so the lock belongs to the
    // connection and ends with it.
    sqlx::query("SELECT pg_advisory_lock(hashtextextended('atrium.provision', 0))")
        .execute(&mut conn)
        .await?;
    for (_, credentials) in logins.each() {
        login_ensure(&mut conn, credentials).await?;
    }
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(database)
            .fetch_one(&mut conn)
            .await?;
    if !exists {
        let create = format!("CREATE DATABASE {}", quoted(database));
        sqlx::raw_sql(AssertSqlSafe(create))
            .execute(&mut conn)
            .await?;
    }
    Ok(())
}

pub(crate) async fn login_ensure(
    conn: &mut PgConnection,
    credentials: &Credentials<'_>,
) -> Result<(), sqlx::Error> {
    // A DO block takes no parameters; format() quotes on the server.
    let (exists, create, alter): (bool, String, String) = sqlx::query_as(
        "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1),
                format('CREATE ROLE %I LOGIN PASSWORD %L', $1, $2),
                format('ALTER ROLE %I LOGIN PASSWORD %L', $1, $2)",
    )
    .bind(credentials.login)
    .bind(credentials.password)
    .fetch_one(&mut *conn)
    .await?;
    sqlx::raw_sql(AssertSqlSafe(if exists { alter } else { create }))
        .execute(&mut *conn)
        .await?;
    // A login may change its own settings, so they are reset.
    let login = quoted(credentials.login);
    let mut settings = format!("ALTER ROLE {login} RESET ALL;");
    for (name, value) in LOGIN_SETTINGS {
        let _ = write!(settings, " ALTER ROLE {login} SET {name} = '{value}';");
    }
    sqlx::raw_sql(AssertSqlSafe(settings)).execute(conn).await?;
    Ok(())
}

/// Quotes `name` as an SQL identifier.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
