//! The member's own profile, organisations and sessions.

use serde::{Deserialize, Serialize};

use crate::{ActorKind, ApiKeyId, Permission, SessionId, Timestamp, UserId};

/// The member behind a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Profile {
    pub user_id: UserId,
    pub display_name: String,
    pub kind: ActorKind,
    /// From the identity provider; never used as an identifier.
    pub email: Option<String>,
    pub tenant_name: String,
    pub tenant_slug: String,
    /// Names of the roles.
    pub roles: Vec<String>,
    /// Names of the teams.
    pub teams: Vec<String>,
    /// Those of this request: a key's are limited by its scopes.
    pub permissions: Vec<Permission>,
    /// The key of this request, if it has one.
    pub api_key_id: Option<ApiKeyId>,
}

/// An organisation that the signed-in person belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    pub slug: String,
    pub name: String,
    /// The organisation of the current session.
    pub is_current: bool,
    pub is_active: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Session {
    /// A public id, from which the cookie can't be derived.
    pub id: SessionId,
    /// The session of this request.
    pub is_current: bool,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub created_at: Timestamp,
    /// With a precision of one minute.
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub last_seen_at: Timestamp,
    /// The session ends here, even if in use.
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub absolute_expires_at: Timestamp,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
}
