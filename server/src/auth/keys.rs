//! An issuer's signing keys, and for whom each may speak (SEC-A3, A7).

use openidconnect::core::CoreJsonWebKeySet;
use serde::Deserialize;
use uuid::Uuid;

use super::settings::DIRECTORY;

/// Keys as the issuer publishes them.
#[derive(Debug)]
pub(super) struct KeySet {
    pub keys: CoreJsonWebKeySet,
    limits: Vec<Limit>,
}

/// Entra publishes one set for all directories, and says of each key whose
/// tokens it signs: `openidconnect` doesn't know that member.
#[derive(Debug, Deserialize)]
struct Limit {
    kid: Option<String>,
    issuer: Option<String>,
}

impl KeySet {
    /// Reads a JSON Web Key Set. Keys of unknown kinds are left out.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Limits {
            keys: Vec<Limit>,
        }
        let Limits { keys: limits } = serde_json::from_slice(bytes)?;
        Ok(Self {
            keys: serde_json::from_slice(bytes)?,
            limits,
        })
    }

    /// Whether the key with this name signs for `issuer`. Without a name there
    /// is one key only.
    pub(super) fn speak_for(
        &self,
        kid: Option<&str>,
        issuer: &str,
        directory: Option<Uuid>,
    ) -> bool {
        let directory = directory.map(|id| id.to_string()).unwrap_or_default();
        self.limits
            .iter()
            .filter(|limit| kid.is_none() || limit.kid.as_deref() == kid)
            .filter_map(|limit| limit.issuer.as_ref())
            .all(|allowed| allowed.replace(DIRECTORY, &directory) == issuer)
    }
}
