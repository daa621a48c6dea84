//! Configuration from environment variables, and error messages for any source.

use std::collections::BTreeMap;

use figment::{
    Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};

use super::ConfigError;

/// Keys whose value may be in a file named by `…_FILE`.
const SECRETS: &[&str] = &[
    "database_url",
    "database_auth_url",
    "database_operator_url",
    "database_worker_url",
    "database_admin_url",
    "master_key",
    "oidc.client_secret",
    "mail.password",
];

/// True if the key's value may be in a file.
fn is_secret(key: &str) -> bool {
    let is_issuer_secret = || key.starts_with("issuers.") && key.ends_with(".client_secret");
    let is_endpoint_key = || {
        let parts: Vec<_> = key.split('.').collect();
        matches!(parts[..], ["embedding_endpoints", _, "key"])
    };
    SECRETS.contains(&key) || is_issuer_secret() || is_endpoint_key()
}

/// The `ATRIUM_*` variables as text. No type is guessed, so a secret of digits
/// remains text.
pub(super) struct Environment(BTreeMap<String, String>);

impl Environment {
    pub(super) fn read(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut values = BTreeMap::new();
        for (name, value) in variables {
            let Some(rest) = name.strip_prefix("ATRIUM_") else {
                continue;
            };
            // Only for test helpers.
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

/// One sentence with the key, its source and the problem. Never the value,
/// which may be a secret.
pub(super) fn describe(error: &figment::Error) -> String {
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
