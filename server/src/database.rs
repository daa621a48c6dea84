//! The process's database: the embedded Postgres in the data folder, or an
//! external one.

use std::path::PathBuf;

use embedded_postgres::{Binaries, Cluster, Connection, Settings, State, default_cache};
use secrecy::{ExposeSecret, SecretString};
use service::{
    Ids,
    database::{
        Login, PerLogin,
        provision::{Credentials, provision},
    },
};
use tokio::{sync::watch, task::spawn_blocking};

use crate::{config::Config, failure::Failure, secret_file};

/// Name of the database in the embedded Postgres.
const DATABASE: &str = "atrium";
/// Names of the running process's logins, which have no privileges of their
/// own, and the files in the data folder with their passwords.
const LOGINS: PerLogin<(&str, &str)> = PerLogin {
    app: ("atrium_runtime", "runtime.password"),
    auth: ("atrium_runtime_auth", "runtime-auth.password"),
    operator: ("atrium_runtime_operator", "runtime-operator.password"),
    worker: ("atrium_runtime_worker", "runtime-worker.password"),
};

/// URLs of the database, and the embedded server if this process runs it.
#[derive(Debug)]
pub struct Database {
    /// URL for each login of the running process.
    pub urls: PerLogin<SecretString>,
    /// URL for the owner of the schema; `None` if the operator migrates.
    pub admin_url: Option<SecretString>,
    /// True for the embedded Postgres.
    pub is_embedded: bool,
    cluster: Option<Cluster>,
}

impl Database {
    /// Starts the embedded Postgres, or connects to the one that another
    /// process of this deployment runs. With `database_url`, starts nothing.
    ///
    /// # Errors
    /// A sentence that says what is missing or which process is in the way.
    pub async fn open(config: &Config, ids: &Ids, if_running: IfRunning) -> Result<Self, Failure> {
        let urls = external_urls(config);
        secret_file::restrict_folder(&config.data_dir, urls.is_none())?;
        if let Some(urls) = urls {
            return Ok(Self {
                urls,
                admin_url: config.database_admin_url.clone(),
                is_embedded: false,
                cluster: None,
            });
        }
        let passwords = PerLogin::try_from_fn(|login| {
            let (_, file) = LOGINS.get(login);
            secret_file::read_or_create(&config.data_dir.join(file), ids)
        })?;
        let (connection, cluster) = start(config.data_dir.clone(), if_running).await?;
        let credentials = PerLogin::from_fn(|login| Credentials {
            login: LOGINS.get(login).0,
            password: passwords.get(login).expose_secret(),
        });
        if cluster.is_some() {
            let superuser = connection.url("postgres");
            provision(&superuser, DATABASE, &credentials)
                .await
                .map_err(|error| {
                    Failure::Failed(format!("The embedded Postgres can't be set up: {error}."))
                })?;
        }
        Ok(Self {
            urls: PerLogin::from_fn(|login| {
                let Credentials { login, password } = *credentials.get(login);
                connection.url_as(login, password, DATABASE).into()
            }),
            admin_url: Some(connection.url(DATABASE).into()),
            is_embedded: true,
            cluster,
        })
    }

    /// Watches the embedded server's availability; `None` if this process does
    /// not run it.
    pub fn state(&self) -> Option<watch::Receiver<State>> {
        self.cluster.as_ref().map(Cluster::state)
    }

    /// Stops the embedded server if this process runs it.
    pub async fn stop(self) {
        if let Some(cluster) = self.cluster {
            let _ = spawn_blocking(move || cluster.stop()).await;
        }
    }
}

/// URLs of an external database; `None` unless all are configured.
fn external_urls(config: &Config) -> Option<PerLogin<SecretString>> {
    let url = |login| match login {
        Login::App => config.database_url.clone(),
        Login::Auth => config.database_auth_url.clone(),
        Login::Operator => config.database_operator_url.clone(),
        Login::Worker => config.database_worker_url.clone(),
    };
    PerLogin::try_from_fn(|login| url(login).ok_or(())).ok()
}

/// The reaction to another process that already runs the embedded Postgres.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfRunning {
    /// Connect to it: for commands that run beside the server.
    Connect,
    /// Fail: for the server, because two would use the same files.
    Fail,
}

async fn start(
    data_dir: PathBuf,
    if_running: IfRunning,
) -> Result<(Connection, Option<Cluster>), Failure> {
    let blocking = spawn_blocking(move || {
        let directory = data_dir.join("postgres");
        if if_running == IfRunning::Connect
            && let Some(connection) = Connection::to_running(&directory)?
        {
            return Ok((connection, None));
        }
        let binaries = Binaries::ensure(&data_dir, &default_cache()?)?;
        let cluster = Cluster::start(Settings::new(binaries, directory))?;
        Ok((cluster.connection().clone(), Some(cluster)))
    });
    match blocking.await {
        Ok(Ok(started)) => Ok(started),
        Ok(Err(error)) => Err(to_failure(&error)),
        Err(panic) => Err(Failure::Failed(format!(
            "Starting the embedded Postgres failed: {panic}."
        ))),
    }
}

fn to_failure(error: &embedded_postgres::Error) -> Failure {
    Failure::Failed(format!("The embedded Postgres can't be used: {error}."))
}
