//! Configuration: `atrium.toml`, then the environment, then flags.
//!
//! An unknown key or a bad value is refused with its name. Environment
//! variables are `ATRIUM_` and the key in capitals, `__` between levels;
//! secrets may also stand in a file named by the variable with `_FILE` behind.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
};

use domain::access::SystemRole;
use figment::{
    Figment, Metadata, Profile, Provider,
    providers::{Format, Toml},
    value::{Dict, Map, Value},
};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de};
use url::Url;

use crate::auth::{IssuerKind, is_for_directories};

/// Keys that may come from a file named by `…_FILE`.
const SECRETS: &[&str] = &[
    "database_url",
    "database_admin_url",
    "master_key",
    "oidc.client_secret",
];

/// Everything that an operator can set. Keys are the field names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen.
    pub addr: SocketAddr,
    /// The address in people's browsers; unset: `http://` and `addr`.
    pub public_url: Option<Url>,
    /// Where the embedded Postgres, the master key and the like live.
    pub data_dir: PathBuf,
    /// The built browser bundle; unset: the folder `site` beside the program.
    pub site_dir: Option<PathBuf>,
    /// The embedding model's files; unset: `all-MiniLM-L6-v2` in the cache folder.
    pub model_dir: Option<PathBuf>,
    /// An external Postgres, as the runtime role; unset: the embedded one.
    pub database_url: Option<SecretString>,
    /// The same database as its owner, for migrations.
    pub database_admin_url: Option<SecretString>,
    /// Connections to the database at most.
    #[serde(deserialize_with = "number")]
    pub database_max_connections: u32,
    /// 32 bytes in base64 from which all sealing keys are derived; unset:
    /// made at the first start and kept in `data_dir`.
    pub master_key: Option<SecretString>,
    /// The identity provider.
    pub oidc: Option<Oidc>,
    /// Further ones by name, each for organisations of its own.
    pub issuers: BTreeMap<String, Oidc>,
    /// Networks whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "list")]
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// How often one address may begin, and how often finish, signing in.
    #[serde(deserialize_with = "number")]
    pub sign_ins_per_minute: u32,
    /// How often one API key may call in a minute.
    #[serde(deserialize_with = "number")]
    pub api_calls_per_minute: u32,
    /// How long sessions live.
    pub session: Session,
    /// The log.
    pub log: Log,
}

/// How people sign in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// What its button on the sign-in page says; unset: `Sign in`, and with
    /// several issuers its name.
    pub label: Option<String>,
    /// The issuer exactly as its discovery document names it: a trailing
    /// slash counts.
    pub issuer: String,
    /// What identifies its people; unset: by the host, `entra` for Microsoft's
    /// clouds and `generic` for all others.
    pub kind: Option<IssuerKind>,
    /// This deployment's client id there.
    pub client_id: String,
    /// The client's secret there.
    pub client_secret: Option<SecretString>,
    /// Scopes asked for besides `openid`; unset: `profile` and `email`, and
    /// with Entra Graph's `User.Read`, by which it tells more than 200 groups.
    #[serde(default, deserialize_with = "some_list")]
    pub scopes: Option<Vec<String>>,
    /// The role of a person who signs in for the first time; unset: none, so
    /// that an admin decides.
    pub default_role: Option<SystemRole>,
    /// Slugs of the organisations whose members sign in here; a new person
    /// joins the first. Unset: the only one there is.
    #[serde(default, deserialize_with = "list")]
    pub tenants: Vec<String>,
    /// Microsoft Graph; unset: the one of the issuer's cloud, and none for
    /// an issuer that is not Microsoft's.
    pub graph_url: Option<Url>,
    /// Entra's directories that become organisations when their first person
    /// signs in, by the organisation's slug. For an issuer that speaks for all
    /// directories (`https://login.microsoftonline.com/organizations/v2.0`).
    #[serde(default)]
    pub directories: BTreeMap<String, Directory>,
}

impl Oidc {
    /// What identifies its people.
    pub fn kind(&self) -> IssuerKind {
        self.kind.unwrap_or_else(|| IssuerKind::of(&self.issuer))
    }
}

/// A directory that may become an organisation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// Its id in Entra.
    pub tenant_id: uuid::Uuid,
    /// The object id of the one who owns the organisation then: nobody does by
    /// coming first.
    pub owner: uuid::Uuid,
    /// The organisation's name; unset: its slug.
    pub name: Option<String>,
}

/// Lifetimes of sessions.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Session {
    /// Hours without a request after which a session ends.
    #[serde(deserialize_with = "number")]
    pub idle_hours: u32,
    /// Hours after which a session ends whatever happens.
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

/// What the log holds and how it looks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// A `tracing` filter, e.g. `info` or `warn,server=debug`.
    pub filter: String,
    /// How a line looks.
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

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For a person at a terminal.
    Text,
    /// One JSON object a line, for a collector.
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
            database_admin_url: None,
            database_max_connections: 20,
            master_key: None,
            oidc: None,
            issuers: BTreeMap::new(),
            trusted_proxies: Vec::new(),
            sign_ins_per_minute: 30,
            api_calls_per_minute: 600,
            session: Session::default(),
            log: Log::default(),
        }
    }
}

/// A configuration that can't be used; says which key and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    /// An error that reads `sentence`.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl Config {
    /// Reads `file` (`atrium.toml` in the working folder when unset, if it is
    /// there) and the environment.
    ///
    /// # Errors
    /// Names the key, where it came from and what is wrong with it.
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
        let refuse = |text: &str| Err(ConfigError(text.to_owned()));
        if self.database_max_connections < 2 {
            return refuse("database_max_connections: at least 2 are needed.");
        }
        if self.session.idle_hours == 0 || self.session.absolute_hours == 0 {
            return refuse("session: idle_hours and absolute_hours are at least 1.");
        }
        if self.database_admin_url.is_some() && self.database_url.is_none() {
            return refuse("database_admin_url: it needs database_url beside it.");
        }
        if let Some(url) = &self.public_url
            && (!matches!(url.scheme(), "http" | "https")
                || url.path() != "/"
                || url.query().is_some())
        {
            return refuse("public_url: give http:// or https://, a host and a port, and no path.");
        }
        let primary = self.oidc.iter().map(|oidc| ("oidc".to_owned(), oidc));
        let further = self.issuers.iter();
        let further = further.map(|(name, oidc)| (format!("issuers.{name}"), oidc));
        for (key, oidc) in primary.chain(further) {
            if oidc.client_id.trim().is_empty() {
                return refuse(&format!("{key}.client_id: it is empty."));
            }
        }
        for (name, oidc) in &self.issuers {
            let is_name = name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
            if !is_name || name.is_empty() || name.len() > 63 || name == "oidc" {
                return refuse(&format!(
                    "issuers.{name}: a name has 1 to 63 lower-case letters, digits and hyphens, and is not oidc."
                ));
            }
            // Everybody there would be a stranger in the only organisation.
            if oidc.tenants.is_empty() && !is_for_directories(oidc.kind(), &oidc.issuer) {
                return refuse(&format!(
                    "issuers.{name}.tenants: name the organisations whose people sign in there."
                ));
            }
        }
        Ok(())
    }

    /// The address in people's browsers.
    ///
    /// # Panics
    /// Never: a socket address makes a valid URL.
    pub fn public_url(&self) -> Url {
        self.public_url.clone().unwrap_or_else(|| {
            Url::parse(&format!("http://{}", self.addr)).expect("an address makes a URL")
        })
    }

    /// Whether only this machine can reach the server.
    pub fn is_loopback(&self) -> bool {
        let is_local = match self.public_url().host() {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        };
        self.addr.ip().is_loopback() && is_local
    }

    /// Whether `ip` is a proxy whose word counts.
    pub fn trusts_proxy(&self, ip: IpAddr) -> bool {
        self.trusted_proxies
            .iter()
            .any(|network| network.contains(&ip))
    }
}

fn default_data_dir() -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match home {
        // Postgres never runs as root, and root's own home is closed to others.
        _ if rustix::process::geteuid().is_root() => PathBuf::from("/var/lib/atrium"),
        Some(home) => std::env::var_os("XDG_DATA_HOME")
            .map_or_else(|| home.join(".local/share"), PathBuf::from)
            .join("atrium"),
        None => PathBuf::from("data"),
    }
}

/// Whether a key may come from a file.
fn is_secret(key: &str) -> bool {
    let is_issuers = || key.starts_with("issuers.") && key.ends_with(".client_secret");
    SECRETS.contains(&key) || is_issuers()
}

/// The `ATRIUM_*` variables as text: nothing is guessed to be a number, so a
/// secret of digits stays what it is.
struct Environment(BTreeMap<String, String>);

impl Environment {
    fn read(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let mut values = BTreeMap::new();
        for (name, value) in variables {
            let Some(rest) = name.strip_prefix("ATRIUM_") else {
                continue;
            };
            // Read by the test helpers, never by the product.
            if rest.starts_with("TEST_") {
                continue;
            }
            let key = rest.to_ascii_lowercase().replace("__", ".");
            let secret = key.strip_suffix("_file").filter(|base| is_secret(base));
            let (key, value) = if let Some(base) = secret {
                let text = std::fs::read_to_string(&value).map_err(|error| {
                    ConfigError(format!("{name}: {value} can't be read: {error}."))
                })?;
                (
                    base.to_owned(),
                    text.trim_end_matches(['\r', '\n']).to_owned(),
                )
            } else {
                (key, value)
            };
            if values.insert(key.clone(), value).is_some() {
                return Err(ConfigError(format!(
                    "{name}: {key} is set twice in the environment."
                )));
            }
        }
        Ok(Self(values))
    }
}

impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        Metadata::named("the environment")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut root = Dict::new();
        for (key, value) in &self.0 {
            let nested = figment::util::nest(key, Value::from(value.as_str()));
            if let Some(nested) = nested.into_dict() {
                merge(&mut root, nested);
            }
        }
        Ok(Profile::Default.collect(root))
    }
}

fn merge(into: &mut Dict, from: Dict) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Dict(_, into)), Value::Dict(_, from)) => merge(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// One sentence: the key, where it stands, what is wrong. Never the value,
/// which may be a secret.
fn describe(error: &figment::Error) -> String {
    use figment::error::Kind;
    let from = error
        .metadata
        .as_ref()
        .map_or("the configuration", |m| m.name.as_ref());
    let path = error.path.join(".");
    match &error.kind {
        Kind::UnknownField(name, known) => {
            let key = error.path.iter().map(String::as_str);
            let mut key: Vec<_> = key.filter(|part| part != name).collect();
            key.push(name);
            format!(
                "{}: there is no such key ({from}). Known are {}.",
                key.join("."),
                known.join(", ")
            )
        }
        Kind::MissingField(name) => {
            let key = if path.is_empty() {
                name.to_string()
            } else {
                format!("{path}.{name}")
            };
            format!("{key}: it is needed and not set.")
        }
        Kind::Message(text) => format!("{path}: {text} ({from})."),
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => {
            format!("{path}: expected {expected} ({from}).")
        }
        Kind::UnknownVariant(_, known) => {
            format!("{path}: it is one of {} ({from}).", known.join(", "))
        }
        _ => format!("{error}."),
    }
}

/// A number, or text that says one.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u32),
        Text(String),
    }
    match Either::deserialize(deserializer) {
        Ok(Either::Number(number)) => Ok(number),
        Ok(Either::Text(text)) => text
            .trim()
            .parse()
            .map_err(|_| de::Error::custom("expected a whole number")),
        Err(_) => Err(de::Error::custom("expected a whole number")),
    }
}

/// As [`list`], where an absent one is not an empty one.
fn some_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    list(deserializer).map(Some)
}

/// A list, or text with commas.
fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: std::fmt::Display>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        List(Vec<String>),
        Text(String),
    }
    let items = match Either::deserialize(deserializer) {
        Ok(Either::List(items)) => items,
        Ok(Either::Text(text)) => text.split(',').map(str::to_owned).collect(),
        Err(_) => return Err(de::Error::custom("expected a list")),
    };
    items
        .iter()
        .map(|item| item.trim())
        .filter(|item| !item.is_empty())
        .map(|item| item.parse().map_err(de::Error::custom))
        .collect()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<Config, String> {
        let variables = variables
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Config::load(None, variables).map_err(|error| error.to_string())
    }

    #[test]
    fn the_environment_sets_nested_keys_and_keeps_digits_as_text() {
        let config = load(&[
            ("ATRIUM_ADDR", "127.0.0.1:4000"),
            ("ATRIUM_OIDC__ISSUER", "https://id.example/realm"),
            ("ATRIUM_OIDC__CLIENT_ID", "0042"),
            ("ATRIUM_OIDC__CLIENT_SECRET", "007"),
            ("ATRIUM_OIDC__DEFAULT_ROLE", "member"),
            ("ATRIUM_DATABASE_MAX_CONNECTIONS", "7"),
            ("ATRIUM_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1/32"),
            ("ATRIUM_TEST_DATABASE_URL", "ignored"),
            ("PATH", "ignored"),
        ])
        .unwrap();
        let oidc = config.oidc.as_ref().unwrap();
        assert_eq!(config.addr.port(), 4000);
        assert_eq!(oidc.client_id, "0042");
        assert_eq!(oidc.client_secret.as_ref().unwrap().expose_secret(), "007");
        assert_eq!(oidc.default_role, Some(SystemRole::Member));
        assert_eq!(config.database_max_connections, 7);
        assert!(config.trusts_proxy([10, 1, 2, 3].into()));
        assert!(!config.trusts_proxy([192, 0, 2, 2].into()));
    }

    #[test]
    fn mistakes_are_refused_by_name_and_never_show_a_secret() {
        for (name, value, expected) in [
            ("ATRIUM_ADRR", "x", "adrr"),
            ("ATRIUM_ADDR", "nowhere", "addr"),
            ("ATRIUM_OIDC__ISSUR", "https://id.example", "oidc"),
            (
                "ATRIUM_DATABASE_MAX_CONNECTIONS",
                "many",
                "database_max_connections",
            ),
            (
                "ATRIUM_DATABASE_MAX_CONNECTIONS",
                "1",
                "database_max_connections",
            ),
            ("ATRIUM_TRUSTED_PROXIES", "10.0.0.0/99", "trusted_proxies"),
            (
                "ATRIUM_PUBLIC_URL",
                "https://atrium.example/sub",
                "public_url",
            ),
            ("ATRIUM_SESSION__IDLE_HOURS", "0", "session"),
            ("ATRIUM_LOG__FORMAT", "xml", "log.format"),
            (
                "ATRIUM_MASTER_KEY_FILE",
                "/does/not/exist",
                "ATRIUM_MASTER_KEY_FILE",
            ),
        ] {
            let error = load(&[(name, value)]).unwrap_err();
            assert!(error.contains(expected), "{name}: {error}");
        }
        let error = load(&[
            ("ATRIUM_MASTER_KEY", "s3cret"),
            ("ATRIUM_OIDC__CLIENT_SECRET", "s3cret"),
        ])
        .unwrap_err();
        assert!(!error.contains("s3cret"), "{error}");
    }

    #[test]
    fn a_secret_can_stand_in_a_file() {
        let file = std::env::temp_dir().join(format!("atrium-secret-{}", std::process::id()));
        std::fs::write(&file, "from the file\n").unwrap();
        let config = load(&[("ATRIUM_MASTER_KEY_FILE", file.to_str().unwrap())]).unwrap();
        assert_eq!(config.master_key.unwrap().expose_secret(), "from the file");
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn further_issuers_have_names_and_organisations() {
        let file = std::env::temp_dir().join(format!("atrium-issuer-{}", std::process::id()));
        std::fs::write(&file, "from the file\n").unwrap();
        let issuer = [
            (
                "ATRIUM_ISSUERS__CONTOSO__ISSUER",
                "https://id.contoso.example",
            ),
            ("ATRIUM_ISSUERS__CONTOSO__CLIENT_ID", "atrium"),
            (
                "ATRIUM_ISSUERS__CONTOSO__CLIENT_SECRET_FILE",
                file.to_str().unwrap(),
            ),
            ("ATRIUM_ISSUERS__CONTOSO__LABEL", "Sign in with Contoso"),
        ];
        let error = load(&issuer).unwrap_err();
        assert!(error.starts_with("issuers.contoso.tenants"), "{error}");
        let bound = [
            &issuer[..],
            &[("ATRIUM_ISSUERS__CONTOSO__TENANTS", "contoso,fabrikam")],
        ]
        .concat();
        let config = load(&bound).unwrap();
        let oidc = &config.issuers["contoso"];
        assert_eq!(oidc.tenants, ["contoso", "fabrikam"]);
        assert_eq!(
            oidc.client_secret.as_ref().unwrap().expose_secret(),
            "from the file"
        );
        std::fs::remove_file(&file).unwrap();

        let organizations = "https://login.microsoftonline.com/organizations/v2.0";
        let (tid, owner) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
        let config = load(&[
            ("ATRIUM_ISSUERS__ENTRA__ISSUER", organizations),
            ("ATRIUM_ISSUERS__ENTRA__CLIENT_ID", "atrium"),
            (
                "ATRIUM_ISSUERS__ENTRA__DIRECTORIES__CONTOSO__TENANT_ID",
                &tid.to_string(),
            ),
            (
                "ATRIUM_ISSUERS__ENTRA__DIRECTORIES__CONTOSO__OWNER",
                &owner.to_string(),
            ),
        ])
        .unwrap();
        let directory = &config.issuers["entra"].directories["contoso"];
        assert_eq!((directory.tenant_id, directory.owner), (tid, owner));

        let reserved = issuer.map(|(name, value)| (name.replace("CONTOSO", "OIDC"), value));
        let reserved: Vec<_> = reserved.iter().map(|(n, v)| (n.as_str(), *v)).collect();
        std::fs::write(&file, "again").unwrap();
        assert!(load(&reserved).unwrap_err().starts_with("issuers.oidc"));
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn secrets_are_redacted_in_debug() {
        let config = load(&[("ATRIUM_MASTER_KEY", "s3cret")]).unwrap();
        assert!(!format!("{config:?}").contains("s3cret"));
    }

    #[test]
    fn loopback_needs_both_the_listener_and_the_public_url() {
        assert!(load(&[]).unwrap().is_loopback());
        assert!(
            !load(&[("ATRIUM_ADDR", "0.0.0.0:3000")])
                .unwrap()
                .is_loopback()
        );
        assert!(
            !load(&[("ATRIUM_PUBLIC_URL", "https://atrium.example")])
                .unwrap()
                .is_loopback()
        );
    }
}
