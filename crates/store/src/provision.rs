//! The database and the runtime login on a server of one's own, before any
//! migration.

use std::str::FromStr;

use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, postgres::PgConnectOptions};

/// Creates the database `database` and the login `runtime_login` where they
/// are missing, and gives the login this password. Other processes may do the
/// same at the same time.
///
/// # Errors
/// What the server said.
pub async fn provision(
    superuser_url: &str,
    database: &str,
    runtime_login: &str,
    password: &str,
) -> Result<(), sqlx::Error> {
    let mut conn = PgConnectOptions::from_str(superuser_url)?.connect().await?;
    // CREATE DATABASE refuses transactions, so the lock belongs to the
    // connection and ends with it.
    sqlx::query("SELECT pg_advisory_lock(hashtextextended('atrium.provision', 0))")
        .execute(&mut conn)
        .await?;
    login_ensure(&mut conn, runtime_login, password).await?;
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
    login: &str,
    password: &str,
) -> Result<(), sqlx::Error> {
    // A DO block takes no parameters; format() quotes on the server's side.
    let (exists, create, alter): (bool, String, String) = sqlx::query_as(
        "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1),
                format('CREATE ROLE %I LOGIN PASSWORD %L', $1, $2),
                format('ALTER ROLE %I LOGIN PASSWORD %L', $1, $2)",
    )
    .bind(login)
    .bind(password)
    .fetch_one(&mut *conn)
    .await?;
    sqlx::raw_sql(AssertSqlSafe(if exists { alter } else { create }))
        .execute(conn)
        .await?;
    Ok(())
}

/// `name` as an identifier in SQL.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
