//! The benchmark's database server and its connections.

use super::SearchArguments;
use anyhow::{Context, Result};
use embedded_postgres::{Binaries, Cluster, Settings, default_cache};
use sqlx::{PgPool, postgres::PgPoolOptions};
use store::{
    ConnectOptions, PerLogin, Store, migrate,
    provision::{Credentials, provision},
};
use tokio::task::spawn_blocking;

const LOGIN: &str = "atrium_bench";

pub(crate) struct Server {
    cluster: Cluster,
    /// Connects as the schema's owner, bypassing row-level security.
    pub(crate) owner: PgPool,
    /// Connects as the product does.
    pub(crate) store: Store,
}

impl Server {
    pub(crate) async fn start(arguments: &SearchArguments) -> Result<Self> {
        let folder = arguments.folder.clone();
        let cluster = spawn_blocking(move || {
            std::fs::create_dir_all(&folder)?;
            let binaries = Binaries::ensure(&folder, &default_cache()?)?;
            let settings = Settings::new(binaries, folder.join("search"))
                .throwaway()
                .option("shared_buffers", "1GB")
                .option("maintenance_work_mem", "1GB")
                .option("max_parallel_maintenance_workers", "2")
                .option("max_wal_size", "8GB")
                .option("autovacuum", "off");
            Ok::<_, anyhow::Error>(Cluster::start(settings)?)
        })
        .await??;
        let database = format!("bench_{}", arguments.rows);
        let url = cluster.connection().url("postgres");
        if arguments.fresh {
            let pool = PgPool::connect(&url).await?;
            let drop = format!("DROP DATABASE IF EXISTS {database}");
            sqlx::raw_sql(sqlx::AssertSqlSafe(drop))
                .execute(&pool)
                .await?;
        }
        let logins = PerLogin::from_fn(|login| format!("{LOGIN}_{login:?}").to_lowercase());
        let credentials = PerLogin::from_fn(|login| Credentials {
            login: logins.get(login),
            password: "bench",
        });
        provision(&url, &database, &credentials).await?;
        let owner_url = cluster.connection().url(&database);
        migrate::up(&owner_url, &logins).await?;
        let owner = PgPoolOptions::new()
            .max_connections(2)
            .connect(&owner_url)
            .await?;
        let (_, address) = owner_url.split_once('@').context("a URL with a user")?;
        let urls =
            PerLogin::from_fn(|login| format!("postgres://{}:bench@{address}", logins.get(login)));
        Ok(Self {
            store: Store::connect(&urls, ConnectOptions::default()).await?,
            cluster,
            owner,
        })
    }

    pub(crate) async fn stop(self) {
        self.owner.close().await;
        self.store.close().await;
        self.cluster.stop();
    }
}
