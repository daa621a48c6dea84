//! Every SQL statement of Atrium, and the only way to a connection.
//!
//! [`Store`] keeps its pools to itself, one for each [`Login`]. What it gives out are transactions that
//! have already taken a local database role and the tenant's settings:
//! [`TenantTx`] for an organisation's data under row security, [`AuthTx`]
//! for what happens before somebody is known, [`WorkerTx`] to claim jobs,
//! [`OperatorTx`] for the command line. A transaction that is dropped rolls
//! back, and its settings end with it.
//!
//! Functions are named noun first (`user_create`), take one of these
//! transactions, and know neither clock nor randomness: times and ids are
//! given to them.

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
pub mod persona;
pub mod preferences;
pub mod proposal;
pub mod provision;
pub mod role;
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
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

pub use changes::{Changes, Subscription};
pub use check::{CheckError, ServerFacts};
pub use error::StoreError;
pub use login::{Login, PerLogin};
pub use tx::{AuthTx, OperatorTx, TenantTx, WorkerTx};

/// How the pools behave.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// The most connections of each login at a time.
    pub max_connections: PerLogin<u32>,
    /// How long a transaction may wait for a connection before the caller is
    /// told that the database is away.
    pub acquire_timeout: Duration,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            max_connections: PerLogin::shares_of(20),
            acquire_timeout: Duration::from_secs(3),
        }
    }
}

/// A login that the database does not let in.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct ConnectError {
    /// Which one.
    pub login: Login,
    /// Why.
    #[source]
    pub source: StoreError,
}

/// The way to the database, a pool for each login. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pools: PerLogin<PgPool>,
    changes: Changes,
}

impl Store {
    /// Connects as each of the logins that `urls` name.
    ///
    /// # Errors
    /// [`ConnectError`] of [`StoreError::Unavailable`] when nobody answers, of
    /// [`StoreError::Other`] when a URL or a login is not accepted.
    pub async fn connect(
        urls: &PerLogin<impl AsRef<str>>,
        options: ConnectOptions,
    ) -> Result<Self, ConnectError> {
        let pools = PerLogin::try_from_fn(|login| {
            let url = PgConnectOptions::from_str(urls.get(login).as_ref());
            Ok(PgPoolOptions::new()
                .max_connections(*options.max_connections.get(login))
                .acquire_timeout(options.acquire_timeout)
                .connect_lazy_with(url.map_err(|error| ConnectError {
                    login,
                    source: error.into(),
                })?))
        })?;
        for (login, pool) in pools.each() {
            // Tells at once whether the login is let in.
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

    /// Passes when the database answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it doesn't.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query!("SELECT 1 AS one")
            .fetch_one(&self.pools.app)
            .await?;
        Ok(())
    }

    /// Passes when requests may be served: see [`CheckError`] for all that
    /// may stand in the way.
    ///
    /// # Errors
    /// A [`CheckError`] that says what to do.
    pub async fn check(&self) -> Result<(), CheckError> {
        check::check(&self.pools).await
    }

    /// What in the catalogue row security does not survive: all of it, where
    /// [`Store::check`] names the first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database is away.
    pub async fn findings(&self) -> Result<Vec<catalogue::Finding>, StoreError> {
        check::rules_check(&self.pools.app).await
    }

    /// What the server says of itself.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it doesn't answer.
    pub async fn facts(&self) -> Result<ServerFacts, StoreError> {
        check::facts(&self.pools.app).await
    }

    /// Waits for running transactions and closes the pools. A command that
    /// changed something still tells the server so.
    pub async fn close(&self) {
        if let Err(error) = self.changes_flush(Uuid::nil()).await {
            tracing::debug!(%error, "the server could not be told of changes");
        }
        for (_, pool) in self.pools.each() {
            pool.close().await;
        }
    }
}
