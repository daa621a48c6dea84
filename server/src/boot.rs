//! Startup of a deployment: database, schema, checks, embedding model.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use mail::Mailer;
use secrecy::{ExposeSecret, SecretString};
use service::{
    CheckpointFolder, CheckpointKey, Clock, Ctx, Embedder, Entropy, Ids, Quotas,
    database::{ConnectOptions, Login, PerLogin, Store, migrate},
    identity::{Directory, SessionLifetimes, SessionSettings, TokenSealer},
};

use crate::{
    auth::{AuthSettings, MasterKey, OidcSettings, PRIMARY, SignInLimits, demo::DemoIssuer},
    config::{self, Config, Oidc},
    database::{Database, IfRunning},
    failure::Failure,
    http::Site,
    listener::ConnectionLimits,
    secret_file,
};

/// A deployment that is ready for use, by commands and by the server.
#[derive(Debug)]
pub struct Deployment {
    /// Context of the use cases.
    pub ctx: Ctx,
    pub database: Database,
}

/// Generates ids from the system's clock and randomness.
pub fn ids() -> Ids {
    Ids::new(Clock::system(), Entropy::system())
}

impl Deployment {
    /// Opens the database, applies missing migrations if this process may, and
    /// checks that requests may be served (SEC-C1, SEC-F3).
    ///
    /// # Errors
    /// The first problem, and what to do.
    pub async fn open(
        config: &Config,
        if_running: IfRunning,
        model: Model,
    ) -> Result<Self, Failure> {
        let database = Database::open(config, &ids(), if_running).await?;
        match Self::create_context(config, &database, model).await {
            Ok(ctx) => Ok(Self { ctx, database }),
            Err(failure) => {
                database.stop().await;
                Err(failure)
            }
        }
    }

    async fn create_context(
        config: &Config,
        database: &Database,
        model: Model,
    ) -> Result<Ctx, Failure> {
        if database.admin_url.is_some() {
            migrate_up(database).await?;
        }
        let store = connect(config, database).await?;
        store.check().await.map_err(Failure::failed)?;
        let embedder = match model {
            Model::Needed => Embedder::open(&model_dir(config)?).await,
            Model::NotNeeded => Embedder::off("This command doesn't load the model."),
        };
        let embedder = embedder
            .with_services(&config.outbound_hosts, endpoints(config))
            .map_err(Failure::failed)?;
        let mailer = mailer(config)?;
        Ok(
            Ctx::new(store, Clock::system(), Entropy::system(), embedder)
                .with_mailer(mailer)
                .with_public_url(&config.public_url().origin().ascii_serialization())
                .with_quotas(quotas(config))
                .with_checkpoints(checkpoint_folder(config)),
        )
    }

    /// Closes the connections and stops the embedded database.
    pub async fn close(self) {
        self.ctx.store.close().await;
        self.database.stop().await;
    }
}

/// The choice to load the embedding model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Load it, for the server.
    Needed,
    /// Don't load it, for commands that don't search.
    NotNeeded,
}

/// Connects with the logins of the running process.
pub(crate) async fn connect(config: &Config, database: &Database) -> Result<Store, Failure> {
    let options = ConnectOptions {
        max_connections: PerLogin::shares_of(config.database_max_connections),
        ..ConnectOptions::default()
    };
    connect_with(database, options).await
}

/// Connects for the demo's history, whose many commits would take twice as long
/// if each waited for the disk. A pooler in front of an external database may
/// refuse the option.
pub(crate) async fn connect_for_history(
    config: &Config,
    database: &Database,
) -> Result<Store, Failure> {
    let options = ConnectOptions {
        max_connections: PerLogin::shares_of(config.database_max_connections.min(8)),
        synchronous_commit: !database.is_embedded,
        ..ConnectOptions::default()
    };
    connect_with(database, options).await
}

async fn connect_with(database: &Database, options: ConnectOptions) -> Result<Store, Failure> {
    let urls = PerLogin::from_fn(|login| database.urls.get(login).expose_secret());
    Store::connect(&urls, options).await.map_err(|error| {
        let cause = std::error::Error::source(&error.source)
            .map_or_else(String::new, |c| format!(" ({c})"));
        let what = if database.is_embedded {
            "embedded database".to_owned()
        } else {
            format!("database at {}", error.login.variable())
        };
        Failure::Failed(format!(
            "The {what} can't be reached: {error}{cause}. Check that it runs and that the address, \
             the login and its password are right."
        ))
    })
}

/// Applies missing migrations and grants each login its roles. Does nothing
/// without an admin URL.
pub(crate) async fn migrate_up(database: &Database) -> Result<(), Failure> {
    let Some(admin) = &database.admin_url else {
        return Ok(());
    };
    let logins =
        PerLogin::try_from_fn(|login| login_name(login, database.urls.get(login).expose_secret()))?;
    migrate::up(admin.expose_secret(), &logins)
        .await
        .map_err(Failure::failed)
}

fn login_name(login: Login, url: &str) -> Result<String, Failure> {
    let variable = login.variable();
    let url = url::Url::parse(url).map_err(|_| {
        Failure::Usage(format!(
            "{variable}: expected postgres://login:password@host/database."
        ))
    })?;
    let login = percent_encoding::percent_decode_str(url.username()).decode_utf8_lossy();
    if login.is_empty() {
        return Err(Failure::Usage(format!("{variable}: it names no login.")));
    }
    Ok(login.into_owned())
}

/// The mailer, if the operator configured a mail server.
pub(crate) fn mailer(config: &Config) -> Result<Mailer, Failure> {
    config.mail.as_ref().map_or_else(
        || Ok(Mailer::off()),
        |mail| Mailer::new(&mail.settings()).map_err(|error| Failure::Usage(error.to_string())),
    )
}

/// URL and key of each configured embedding service, by name.
fn endpoints(config: &Config) -> BTreeMap<String, (String, Option<SecretString>)> {
    let endpoints = config.embedding_endpoints.iter();
    endpoints
        .map(|(name, endpoint)| {
            (
                name.clone(),
                (endpoint.url.to_string(), endpoint.key.clone()),
            )
        })
        .collect()
}

/// The public URL.
pub(crate) fn site(config: &Config) -> Result<Site, Failure> {
    Site::new(config.public_url()).map_err(|error| Failure::Usage(error.to_string()))
}

/// The key from which sealing keys are derived: from the configuration, or from
/// `master.key` in the data folder, which is created if missing.
pub(crate) fn master_key(config: &Config, ids: &Ids) -> Result<MasterKey, Failure> {
    let text = match &config.master_key {
        Some(key) => key.clone(),
        None => secret_file::read_or_create(&config.data_dir.join("master.key"), ids)?,
    };
    MasterKey::from_base64(&text).map_err(|error| Failure::Usage(error.to_string()))
}

/// Limits for one organisation.
fn quotas(config: &Config) -> Quotas {
    Quotas {
        waiting_files: config.waiting_import_files,
        waiting_bytes: u64::from(config.waiting_import_megabytes) * 1024 * 1024,
        ..Quotas::default()
    }
}

/// Limits of the listener.
pub(crate) fn connection_limits(config: &Config) -> ConnectionLimits {
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    ConnectionLimits {
        // The maximum of a semaphore.
        connections: count(config.max_connections).min(tokio::sync::Semaphore::MAX_PERMITS),
        connections_per_address: count(config.max_connections_per_address),
        trusted_proxies: config.trusted_proxies.clone().into(),
        header_timeout: Duration::from_secs(config.header_timeout_seconds.into()),
        write_timeout: Duration::from_secs(config.body_timeout_seconds.into()),
    }
}

/// Derivation label of the key for the audit log's checkpoints.
const CHECKPOINTS: &[u8] = b"atrium audit checkpoints v1";

/// Derives the key that signs checkpoints of the audit log.
pub(crate) fn checkpoint_key(config: &Config, ids: &Ids) -> Result<CheckpointKey, Failure> {
    let seed = master_key(config, ids)?.derive(CHECKPOINTS);
    let url = config.public_url();
    CheckpointKey::new(seed, url.host_str().unwrap_or_default()).map_err(|_| {
        Failure::Usage("public_url: its host can't name the audit log's checkpoints.".to_owned())
    })
}

/// Folder of the audit log's checkpoints, outside the database.
pub(crate) fn checkpoint_folder(config: &Config) -> CheckpointFolder {
    CheckpointFolder::new(config.checkpoint_dir())
}

/// Settings of authentication; a demo's issuer replaces the configured one.
pub(crate) fn auth_settings(
    config: &Config,
    ids: &Ids,
    demo: Option<&DemoIssuer>,
) -> Result<AuthSettings, Failure> {
    let configured = config
        .oidc
        .as_ref()
        .map(|oidc| oidc_settings(PRIMARY, oidc));
    let further = config.issuers.iter();
    Ok(AuthSettings {
        site: site(config)?,
        oidc: demo.map(DemoIssuer::oidc_settings).or(configured),
        further: further
            .map(|(name, oidc)| oidc_settings(name, oidc))
            .collect(),
        lifetimes: session_lifetimes(config),
        master_key: master_key(config, ids)?,
        limits: SignInLimits {
            starts: config.sign_in_starts_per_minute,
            failures: config.sign_in_failures_per_minute,
            account_failures: config.account_sign_in_failures_per_minute,
        },
    })
}

fn session_lifetimes(config: &Config) -> SessionLifetimes {
    SessionLifetimes {
        idle: time::Duration::hours(config.session.idle_hours.into()),
        absolute: time::Duration::hours(config.session.absolute_hours.into()),
    }
}

/// Settings with which the demo's members sign in before the server starts.
pub(crate) fn session_settings(config: &Config, ids: &Ids) -> Result<SessionSettings, Failure> {
    let key = master_key(config, ids)?.derive(TokenSealer::PURPOSE);
    Ok(SessionSettings {
        lifetimes: session_lifetimes(config),
        sealer: TokenSealer::new(&key),
    })
}

fn oidc_settings(name: &str, oidc: &Oidc) -> OidcSettings {
    let default_graph = || OidcSettings::default_graph_url(&oidc.issuer);
    let graph_url = oidc.graph_url.clone().or_else(default_graph);
    let default_scopes = || OidcSettings::default_scopes(graph_url.as_ref());
    let default_label = || match name {
        PRIMARY => "Sign in".to_owned(),
        name => format!("Sign in with {name}"),
    };
    let directory = |(slug, directory): (&String, &config::Directory)| Directory {
        tid: directory.tenant_id,
        owner: directory.owner,
        slug: slug.clone(),
        name: directory.name.clone().unwrap_or_else(|| slug.clone()),
    };
    OidcSettings {
        name: name.to_owned(),
        label: oidc.label.clone().unwrap_or_else(default_label),
        directories: oidc.directories.iter().map(directory).collect(),
        issuer: oidc.issuer.clone(),
        kind: oidc.kind(),
        client_id: oidc.client_id.clone(),
        client_secret: oidc.client_secret.clone(),
        scopes: oidc.scopes.clone().unwrap_or_else(default_scopes),
        default_role: oidc.default_role,
        tenants: oidc.tenants.clone(),
        graph_url,
    }
}

/// Folder of the embedding model's files.
pub(crate) fn model_dir(config: &Config) -> Result<PathBuf, Failure> {
    if let Some(folder) = &config.model_dir {
        return Ok(folder.clone());
    }
    let cache = embedded_postgres::default_cache().map_err(Failure::failed)?;
    Ok(cache.join(embed::MODEL_ID))
}

/// Folder of the browser bundle.
pub(crate) fn site_dir(config: &Config) -> PathBuf {
    config.site_dir.clone().unwrap_or_else(|| {
        let program = std::env::current_exe().unwrap_or_default();
        program.parent().unwrap_or(Path::new(".")).join("site")
    })
}
