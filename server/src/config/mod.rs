//! Configuration: `atrium.toml`, overridden by the environment and by
//! arguments.
//!
//! An unknown key or an invalid value is an error that names the key.
//! Environment variables are `ATRIUM_` and the key in capitals, with `__`
//! between levels. Secrets may also be in a file, named by the variable with
//! the suffix `_FILE`.

mod audit;
mod environment;
mod mail;
mod oidc;
#[cfg(test)]
mod tests;
mod value;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Format, Toml},
};
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use environment::{Environment, describe};
use value::{list, number};

use crate::auth::is_multi_tenant;

pub use audit::Audit;
pub use mail::{Mail, MailTls};
pub use oidc::{Directory, Oidc};

/// All settings of an operator. The field names are the keys.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address to listen on.
    pub addr: SocketAddr,
    /// URL at which browsers reach the server; `http://` and `addr` by default.
    pub public_url: Option<Url>,
    /// Folder of the embedded Postgres, the master key and other data.
    pub data_dir: PathBuf,
    /// The browser bundle; by default the folder `site` beside the program.
    pub site_dir: Option<PathBuf>,
    /// The embedding model's files; by default `all-MiniLM-L6-v2` in the cache
    /// folder.
    pub model_dir: Option<PathBuf>,
    /// URL of an external Postgres with the login for members' requests; by
    /// default the embedded Postgres is used.
    pub database_url: Option<SecretString>,
    /// The same database with the login for sessions, API keys and signing in.
    pub database_auth_url: Option<SecretString>,
    /// The same database with the login for operators and the command line.
    pub database_operator_url: Option<SecretString>,
    /// The same database with the login for background jobs.
    pub database_worker_url: Option<SecretString>,
    /// The same database with its owner's login, for migrations.
    pub database_admin_url: Option<SecretString>,
    /// Maximum connections to the database, all logins together; at least 4.
    #[serde(deserialize_with = "number")]
    pub database_max_connections: u32,
    /// 32 bytes in base64 from which all sealing keys are derived. By default
    /// created at the first start and stored in `data_dir`.
    pub master_key: Option<SecretString>,
    /// The primary identity provider.
    pub oidc: Option<Oidc>,
    /// Further identity providers by name, each for its own organisations.
    pub issuers: BTreeMap<String, Oidc>,
    /// Networks whose `X-Forwarded-For` header is trusted.
    #[serde(deserialize_with = "list")]
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Maximum open connections.
    #[serde(deserialize_with = "number")]
    pub max_connections: u32,
    /// Maximum open connections of one IP address on which nobody has signed
    /// in. Trusted proxies are exempt.
    #[serde(deserialize_with = "number")]
    pub max_connections_per_address: u32,
    /// Seconds in which a request's headers must arrive, also counted from the
    /// end of the previous response.
    #[serde(deserialize_with = "number")]
    pub header_timeout_seconds: u32,
    /// Seconds without progress after which a request's body or a response is
    /// aborted.
    #[serde(deserialize_with = "number")]
    pub body_timeout_seconds: u32,
    /// Maximum files of an organisation that wait to be imported.
    #[serde(deserialize_with = "number")]
    pub waiting_import_files: u32,
    /// Maximum size of these files together in megabytes.
    #[serde(deserialize_with = "number")]
    pub waiting_import_megabytes: u32,
    /// Maximum sign-ins started by one IP address in a minute.
    #[serde(deserialize_with = "number")]
    pub sign_in_starts_per_minute: u32,
    /// Maximum failed sign-ins of one IP address in a minute.
    #[serde(deserialize_with = "number")]
    pub sign_in_failures_per_minute: u32,
    /// Maximum failed sign-ins to one account in a minute, from all addresses.
    #[serde(deserialize_with = "number")]
    pub account_sign_in_failures_per_minute: u32,
    /// Maximum calls with one API key in a minute.
    #[serde(deserialize_with = "number")]
    pub api_calls_per_minute: u32,
    /// Maximum requests of one member to pages and server functions in a
    /// minute.
    #[serde(deserialize_with = "number")]
    pub page_calls_per_minute: u32,
    /// The mail server for invites; without one, members pass on links
    /// themselves.
    pub mail: Option<Mail>,
    /// Embedding services, by the name under which organisations select them.
    pub embedding_endpoints: BTreeMap<String, EmbeddingEndpoint>,
    /// Hosts that URLs set by organisations may use although they are not
    /// public, such as a model server in the same network.
    #[serde(deserialize_with = "list")]
    pub outbound_hosts: Vec<String>,
    /// Checkpoints of the audit log.
    pub audit: Audit,
    /// Lifetimes of sessions.
    pub session: Session,
    /// The log.
    pub log: Log,
}

/// An embedding service with OpenAI's `/embeddings` API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingEndpoint {
    /// Base URL to which `/embeddings` is appended.
    pub url: Url,
    /// API key, if required; sent only to this URL.
    pub key: Option<SecretString>,
}

/// Lifetimes of sessions.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Session {
    /// Hours without a request after which a session expires.
    #[serde(deserialize_with = "number")]
    pub idle_hours: u32,
    /// Hours after sign-in after which a session expires in any case.
    #[serde(deserialize_with = "number")]
    pub absolute_hours: u32,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            idle_hours: 12,
            absolute_hours: 7 * 24,
        }
    }
}

/// Filter and format of the log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// A `tracing` filter, e.g. `info` or `warn,server=debug`.
    pub filter: String,
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            filter: "info".to_owned(),
            format: LogFormat::Text,
        }
    }
}

/// Format of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text for a terminal.
    Text,
    /// One JSON object per line, for a log collector.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)),
            public_url: None,
            data_dir: default_data_dir(),
            site_dir: None,
            model_dir: None,
            database_url: None,
            database_auth_url: None,
            database_operator_url: None,
            database_worker_url: None,
            database_admin_url: None,
            database_max_connections: 20,
            master_key: None,
            oidc: None,
            issuers: BTreeMap::new(),
            trusted_proxies: Vec::new(),
            max_connections: 4_000,
            max_connections_per_address: 500,
            header_timeout_seconds: 30,
            body_timeout_seconds: 30,
            waiting_import_files: 100,
            waiting_import_megabytes: 2_048,
            sign_in_starts_per_minute: 600,
            sign_in_failures_per_minute: 30,
            account_sign_in_failures_per_minute: 10,
            api_calls_per_minute: 600,
            page_calls_per_minute: 600,
            mail: None,
            embedding_endpoints: BTreeMap::new(),
            outbound_hosts: Vec::new(),
            audit: Audit::default(),
            session: Session::default(),
            log: Log::default(),
        }
    }
}

/// An invalid configuration; the message names the key and the reason.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    /// An error with the message `sentence`.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl Config {
    /// Reads `file`, or `atrium.toml` in the working folder if it exists, and
    /// the environment.
    ///
    /// # Errors
    /// Names the key, its source and the problem.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let path = file.unwrap_or(Path::new("atrium.toml"));
        if file.is_some() && !path.is_file() {
            return Err(ConfigError(format!(
                "The configuration file {} does not exist.",
                path.display()
            )));
        }
        let environment = Environment::read(environment)?;
        let mut figment = Figment::new();
        if path.is_file() {
            figment = figment.merge(Toml::file_exact(path));
        }
        let config: Self = figment
            .merge(environment)
            .extract()
            .map_err(|error| ConfigError(describe(&error)))?;
        config.validate()?;
        Ok(config)
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let invalid = |text: &str| Err(ConfigError(text.to_owned()));
        if self.database_max_connections < 4 {
            return invalid("database_max_connections: at least 4 are needed, one for each login.");
        }
        if self.session.idle_hours == 0 || self.session.absolute_hours == 0 {
            return invalid("session: idle_hours and absolute_hours are at least 1.");
        }
        self.validate_database()?;
        for (key, value) in [
            ("max_connections", self.max_connections),
            (
                "max_connections_per_address",
                self.max_connections_per_address,
            ),
            ("header_timeout_seconds", self.header_timeout_seconds),
            ("body_timeout_seconds", self.body_timeout_seconds),
        ] {
            if value == 0 {
                return invalid(&format!("{key}: at least 1 is needed."));
            }
        }
        if self.audit.checkpoint_rows == 0 || self.audit.checkpoint_minutes == 0 {
            return invalid("audit: checkpoint_rows and checkpoint_minutes are at least 1.");
        }
        if let Some(url) = &self.public_url
            && (!matches!(url.scheme(), "http" | "https")
                || url.path() != "/"
                || url.query().is_some())
        {
            return invalid(
                "public_url: give http:// or https://, a host and a port, and no path.",
            );
        }
        let primary = self.oidc.iter().map(|oidc| ("oidc".to_owned(), oidc));
        let further = self.issuers.iter();
        let further = further.map(|(name, oidc)| (format!("issuers.{name}"), oidc));
        for (key, oidc) in primary.chain(further) {
            if oidc.client_id.trim().is_empty() {
                return invalid(&format!("{key}.client_id: it is empty."));
            }
        }
        for (name, oidc) in &self.issuers {
            let is_valid_name = name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
            if !is_valid_name || name.is_empty() || name.len() > 63 || name == "oidc" {
                return invalid(&format!(
                    "issuers.{name}: a name has 1 to 63 lower-case letters, digits and hyphens, and is not oidc."
                ));
            }
            // Otherwise its people would join the only organisation.
            if oidc.tenants.is_empty() && !is_multi_tenant(oidc.kind(), &oidc.issuer) {
                return invalid(&format!(
                    "issuers.{name}.tenants: name the organisations whose people sign in there."
                ));
            }
        }
        for (name, endpoint) in &self.embedding_endpoints {
            let url = &endpoint.url;
            if !matches!(url.scheme(), "http" | "https")
                || url.query().is_some()
                || url.fragment().is_some()
                || !url.username().is_empty()
            {
                return invalid(&format!(
                    "embedding_endpoints.{name}.url: give http:// or https://, a host and a path; the key has a place of its own."
                ));
            }
        }
        Ok(())
    }

    /// An external database needs all logins; an embedded one must have none.
    fn validate_database(&self) -> Result<(), ConfigError> {
        let other_urls = [
            ("database_auth_url", &self.database_auth_url),
            ("database_operator_url", &self.database_operator_url),
            ("database_worker_url", &self.database_worker_url),
        ];
        if self.database_url.is_some() {
            let missing = other_urls.iter().filter(|(_, url)| url.is_none());
            let missing: Vec<_> = missing.map(|(key, _)| *key).collect();
            if !missing.is_empty() {
                return Err(ConfigError(format!(
                    "{}: with database_url, each kind of work has a login of its own. Create it and name it \
                     here; the README shows how under “Your own Postgres”.",
                    missing.join(", ")
                )));
            }
            return Ok(());
        }
        let stray = other_urls
            .into_iter()
            .chain([("database_admin_url", &self.database_admin_url)])
            .find(|(_, url)| url.is_some());
        match stray {
            Some((key, _)) => Err(ConfigError(format!(
                "{key}: it needs database_url beside it."
            ))),
            None => Ok(()),
        }
    }

    /// The URL at which browsers reach the server.
    ///
    /// # Panics
    /// Never: a socket address makes a valid URL.
    pub fn public_url(&self) -> Url {
        self.public_url.clone().unwrap_or_else(|| {
            Url::parse(&format!("http://{}", self.addr)).expect("an address makes a URL")
        })
    }

    /// The folder with checkpoints of the audit log.
    pub fn checkpoint_dir(&self) -> PathBuf {
        let folder = self.audit.checkpoint_dir.clone();
        folder.unwrap_or_else(|| self.data_dir.join("audit-checkpoints"))
    }

    /// True if only this machine can reach the server.
    pub fn is_loopback(&self) -> bool {
        let is_local = match self.public_url().host() {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        };
        self.addr.ip().is_loopback() && is_local
    }

    /// True if `ip` is a trusted proxy.
    pub fn trusts_proxy(&self, ip: IpAddr) -> bool {
        self.trusted_proxies
            .iter()
            .any(|network| network.contains(&ip))
    }
}

fn default_data_dir() -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match home {
        // Postgres does not run as root, and its user can't access root's home.
        _ if rustix::process::geteuid().is_root() => PathBuf::from("/var/lib/atrium"),
        Some(home) => std::env::var_os("XDG_DATA_HOME")
            .map_or_else(|| home.join(".local/share"), PathBuf::from)
            .join("atrium"),
        None => PathBuf::from("data"),
    }
}
