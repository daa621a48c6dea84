//! Every SQL statement of Atrium, and the only way to a connection.
//!
//! [`Store`] keeps its pool to itself. What it gives out are transactions that
//! have already taken a local database role and the tenant's settings:
//! [`TenantTx`] for an organisation's data under row security, [`FrontDoorTx`]
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

use std::time::Duration;

use sqlx::{PgPool, postgres::PgPoolOptions};
use uuid::Uuid;

pub use changes::{Changes, Waiting};
pub use check::{CheckError, ServerFacts};
pub use error::StoreError;
pub use tx::{FrontDoorTx, OperatorTx, TenantTx, WorkerTx};

/// How the pool behaves.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// The most connections at a time.
    pub max_connections: u32,
    /// How long a transaction may wait for a connection before the caller is
    /// told that the database is away.
    pub acquire_timeout: Duration,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            max_connections: 20,
            acquire_timeout: Duration::from_secs(3),
        }
    }
}

/// The way to the database, as the runtime login. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pool: PgPool,
    changes: Changes,
}

impl Store {
    /// Connects as the runtime login that `url` names.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nobody answers, [`StoreError::Other`]
    /// when the URL or the login is not accepted.
    pub async fn connect(url: &str, options: ConnectOptions) -> Result<Self, StoreError> {
        let pool = PgPoolOptions::new()
            .max_connections(options.max_connections)
            .acquire_timeout(options.acquire_timeout)
            .connect(url)
            .await?;
        Ok(Self {
            pool,
            changes: Changes::default(),
        })
    }

    /// Passes when the database answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it doesn't.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query!("SELECT 1 AS one")
            .fetch_one(&self.pool)
            .await?;
        Ok(())
    }

    /// Passes when requests may be served: see [`CheckError`] for all that
    /// may stand in the way.
    ///
    /// # Errors
    /// A [`CheckError`] that says what to do.
    pub async fn check(&self) -> Result<(), CheckError> {
        check::check(&self.pool).await
    }

    /// What the server says of itself.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it doesn't answer.
    pub async fn facts(&self) -> Result<ServerFacts, StoreError> {
        check::facts(&self.pool).await
    }

    /// Waits for running transactions and closes the pool. A command that
    /// changed something still tells the server so.
    pub async fn close(&self) {
        if let Err(error) = self.changes_flush(Uuid::nil()).await {
            tracing::debug!(%error, "the server could not be told of changes");
        }
        self.pool.close().await;
    }
}
