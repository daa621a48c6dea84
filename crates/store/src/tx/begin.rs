//! Takes a connection and begins a transaction on it, in one round trip.

use sqlx::PgPool;

use super::Tx;
use crate::{Login, Store, StoreError};

/// Begins a transaction of a role. Sends, as one message, what is the same for
/// all transactions of the role, so that it costs no round trip of its own:
///
/// - every setting that row security compares with, empty, whatever the login's
///   sessions start with;
/// - the search path, which puts temporary objects last;
/// - time-outs, which bound how long a stuck statement or a forgotten
///   transaction holds locks;
/// - no parallel workers and no compiled expressions, because both take longer
///   to start than a request's statements run.
macro_rules! begin_sql {
    ($begin:literal, $role:literal) => {
        concat!(
            $begin,
            "; SET LOCAL ROLE ",
            $role,
            "; SET LOCAL app.current_tenant_id = ''; SET LOCAL app.current_user_id = ''",
            "; SET LOCAL app.current_team_ids = ''; SET LOCAL app.led_team_ids = ''",
            "; SET LOCAL app.permissions = ''; SET LOCAL app.vendor = ''",
            "; SET LOCAL app.break_glass_user_id = ''",
            "; SET LOCAL search_path = public, pg_temp",
            "; SET LOCAL statement_timeout = '30s'; SET LOCAL lock_timeout = '10s'",
            "; SET LOCAL idle_in_transaction_session_timeout = '60s'",
            "; SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off"
        )
    };
}

pub(super) use begin_sql;

/// The state of a connection on which no transaction could begin.
enum Fault {
    /// The server closed it while it was idle.
    Lost,
    /// It is inside a transaction that nobody ended.
    InTransaction,
    /// A setting or the role was rejected, which aborts the transaction.
    Rejected,
}

impl Fault {
    fn of(error: &sqlx::Error) -> Option<Self> {
        match error {
            sqlx::Error::Io(_) => Some(Self::Lost),
            sqlx::Error::BeginFailed => Some(Self::InTransaction),
            sqlx::Error::Database(error) => Some(match error.code().as_deref() {
                // active_sql_transaction, in_failed_sql_transaction
                Some("25001" | "25P02") => Self::InTransaction,
                // admin_shutdown, crash_shutdown, cannot_connect_now
                Some(code) if code.starts_with("57P") => Self::Lost,
                _ => Self::Rejected,
            }),
            _ => None,
        }
    }
}

/// Begins a transaction with this statement on a connection of the pool.
///
/// That a connection was closed while it was idle is found here and not by a
/// ping before each transaction. Then another one is taken.
async fn begin_on(pool: &PgPool, statement: &'static str) -> Result<Tx, sqlx::Error> {
    let mut faults = 0;
    loop {
        let error = match pool.begin_with(statement).await {
            Ok(tx) => return Ok(tx),
            Err(error) => error,
        };
        let fault = Fault::of(&error);
        // sqlx returns the connection to the pool as it is.
        if matches!(fault, Some(Fault::InTransaction | Fault::Rejected)) {
            roll_back_idle(pool).await?;
        }
        faults += 1;
        if faults > pool.size() || !matches!(fault, Some(Fault::Lost | Fault::InTransaction)) {
            return Err(error);
        }
    }
}

/// Ends whatever transactions the idle connections are in. Waits for one, which
/// may be on its way back to the pool.
async fn roll_back_idle(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut idle = vec![pool.acquire().await?];
    while let Some(conn) = pool.try_acquire() {
        idle.push(conn);
    }
    for conn in &mut idle {
        sqlx::raw_sql("ROLLBACK").execute(&mut **conn).await?;
    }
    Ok(())
}

impl Store {
    /// Begins a transaction in which every setting of row security is empty.
    pub(super) async fn begin_with(
        &self,
        login: Login,
        statement: &'static str,
    ) -> Result<Tx, StoreError> {
        tracing::debug!(?login, "a transaction begins");
        // sqlx (0.9) forgets a BEGIN whose response nobody awaits, and the
        // connection would return to the pool inside a transaction. A separate
        // task always awaits it, even if the caller is cancelled.
        let pool = self.pools.get(login).clone();
        let begin_task = tokio::spawn(async move { begin_on(&pool, statement).await });
        Ok(begin_task
            .await
            .map_err(|error| StoreError::other(error.to_string()))??)
    }
}
