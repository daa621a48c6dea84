//! All SQL statements of Atrium, and the only access to database connections.
//!
//! [`Store`] keeps its pools private, one for each [`Login`]. It hands out
//! transactions that have already taken a local database role and the tenant's
//! settings: [`TenantTx`] for an organisation's data under row security,
//! [`AuthTx`] for authentication, before the user is known, [`WorkerTx`] to
//! claim jobs, [`OperatorTx`] for the command line. A dropped transaction rolls
//! back, and its settings end with it.
//!
//! Functions are named noun first (`user_create`) and take one of these
//! transactions. They use neither a clock nor randomness: the caller passes
//! times and ids.

pub mod actor;
pub mod api_key;
pub mod audit;
pub mod break_glass;
pub mod catalogue;
pub mod changes;
pub mod check;
pub mod cursor;
pub mod embedding_model;
pub mod error;
pub mod group_mapping;
pub mod group_simulation;
pub mod idempotency;
pub mod identity;
pub mod import;
pub mod invite;
pub mod isolation;
pub mod job;
pub mod login;
pub mod login_attempt;
pub mod logout_token;
pub mod member;
pub mod memory;
pub mod migrate;
pub mod notification;
pub mod offboard;
pub mod operator;
pub mod overview;
pub mod persona;
pub mod preferences;
pub mod proposal;
pub mod provision;
pub mod role;
pub mod schema;
pub mod session;
pub mod settings;
pub mod team;
pub mod tenant;
pub mod tenant_lifecycle;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tx;
pub mod user;

use std::{str::FromStr, time::Duration};

use sqlx::{
    Connection as _, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

pub use changes::{Changes, Subscription};
pub use check::{CheckError, ServerInfo};
pub use error::StoreError;
pub use login::{Login, PerLogin};
pub use tx::{AuthTx, OperatorTx, TenantTx, WorkerTx};

/// The sentences of each feature for its constraints.
const CONSTRAINTS: &[error::ConstraintErrors] = &[
    api_key::CONSTRAINTS,
    break_glass::CONSTRAINTS,
    group_mapping::CONSTRAINTS,
    identity::CONSTRAINTS,
    import::CONSTRAINTS,
    memory::CONSTRAINTS,
    persona::CONSTRAINTS,
    proposal::CONSTRAINTS,
    role::CONSTRAINTS,
    team::CONSTRAINTS,
    tenant::CONSTRAINTS,
    user::CONSTRAINTS,
];

/// A connection that was idle for longer is tested before it is used: a firewall
/// may have dropped it, and a statement on it would only end with a time-out.
const UNTESTED: Duration = Duration::from_secs(10);

/// Settings of the connection pools.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// The maximum number of connections of each login.
    pub max_connections: PerLogin<u32>,
    /// A transaction that gets no connection in this time fails with
    /// [`StoreError::Unavailable`].
    pub acquire_timeout: Duration,
    /// A commit waits until it is on disk. Without it the last ones can be lost
    /// when the machine fails.
    pub synchronous_commit: bool,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            max_connections: PerLogin::shares_of(20),
            acquire_timeout: Duration::from_secs(3),
            synchronous_commit: true,
        }
    }
}

/// A login that could not connect.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct ConnectError {
    pub login: Login,
    #[source]
    pub source: StoreError,
}

/// The connection pools, one for each login. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pools: PerLogin<PgPool>,
    changes: Changes,
}

impl Store {
    /// Connects with every login of `urls`.
    ///
    /// # Errors
    /// A [`ConnectError`] with [`StoreError::Unavailable`] if the server
    /// doesn't answer, or with [`StoreError::Other`] if a URL or a login is
    /// rejected.
    pub async fn connect(
        urls: &PerLogin<impl AsRef<str>>,
        options: ConnectOptions,
    ) -> Result<Self, ConnectError> {
        let pools = PerLogin::try_from_fn(|login| {
            let url = PgConnectOptions::from_str(urls.get(login).as_ref());
            let mut url = url.map_err(|error| ConnectError {
                login,
                source: error.into(),
            })?;
            if !options.synchronous_commit {
                url = url.options([("synchronous_commit", "off")]);
            }
            Ok(PgPoolOptions::new()
                .max_connections(*options.max_connections.get(login))
                .acquire_timeout(options.acquire_timeout)
                // A transaction's beginning finds a closed connection itself.
                .test_before_acquire(false)
                .before_acquire(|conn, meta| {
                    Box::pin(async move {
                        if meta.idle_for > UNTESTED {
                            conn.ping().await?;
                        }
                        Ok(true)
                    })
                })
                .connect_lazy_with(url))
        })?;
        for (login, pool) in pools.each() {
            // Connects now, so that a rejected login fails here.
            pool.acquire().await.map_err(|error| ConnectError {
                login,
                source: error.into(),
            })?;
        }
        Ok(Self {
            pools,
            changes: Changes::default(),
        })
    }

    /// Fails unless the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query!("SELECT 1 AS one")
            .fetch_one(&self.pools.app)
            .await?;
        Ok(())
    }

    /// Fails unless requests may be served; see [`CheckError`] for the possible
    /// reasons.
    pub async fn check(&self) -> Result<(), CheckError> {
        check::check(&self.pools).await
    }

    /// All violations of the catalogue rules that row security depends on,
    /// where [`Store::check`] reports only the first.
    pub async fn findings(&self) -> Result<Vec<catalogue::Finding>, StoreError> {
        check::rules_check(&self.pools.app).await
    }

    pub async fn facts(&self) -> Result<ServerInfo, StoreError> {
        check::facts(&self.pools.app).await
    }

    /// Waits for running transactions and closes the pools. Publishes pending
    /// change notifications first, so that a command's changes reach the
    /// server.
    pub async fn close(&self) {
        if let Err(error) = self.changes_flush(Uuid::nil()).await {
            tracing::debug!(%error, "the server could not be notified of changes");
        }
        for (_, pool) in self.pools.each() {
            pool.close().await;
        }
    }
}
