//! An issuer's signing keys, and the issuers whose tokens each may sign
//! (SEC-A3, A7).

use openidconnect::core::CoreJsonWebKeySet;
use serde::Deserialize;
use uuid::Uuid;

use super::settings::DIRECTORY;

/// A published key set.
#[derive(Debug)]
pub(super) struct KeySet {
    pub keys: CoreJsonWebKeySet,
    key_issuers: Vec<KeyIssuer>,
}

/// The issuer of one key's tokens. Entra publishes one set for all directories
/// and names it for each key; `openidconnect` doesn't parse that field.
#[derive(Debug, Deserialize)]
struct KeyIssuer {
    kid: Option<String>,
    issuer: Option<String>,
}

impl KeySet {
    /// Parses a JSON Web Key Set, skipping keys of unknown types.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct KeyIssuers {
            keys: Vec<KeyIssuer>,
        }
        let KeyIssuers { keys: key_issuers } = serde_json::from_slice(bytes)?;
        Ok(Self {
            keys: serde_json::from_slice(bytes)?,
            key_issuers,
        })
    }

    /// True if the key `kid` may sign tokens of `issuer`. Without a `kid`, all
    /// keys must.
    pub(super) fn may_sign_for(
        &self,
        kid: Option<&str>,
        issuer: &str,
        directory: Option<Uuid>,
    ) -> bool {
        let directory = directory.map(|id| id.to_string()).unwrap_or_default();
        self.key_issuers
            .iter()
            .filter(|key| kid.is_none() || key.kid.as_deref() == kid)
            .filter_map(|key| key.issuer.as_ref())
            .all(|allowed| allowed.replace(DIRECTORY, &directory) == issuer)
    }
}
