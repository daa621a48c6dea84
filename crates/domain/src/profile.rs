//! One's own account and sessions.

use serde::{Deserialize, Serialize};

use crate::{SessionId, Timestamp, UserId};

/// The signed-in member and organisation, as the shell shows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The member.
    pub user_id: UserId,
    /// The name on pages.
    pub display_name: String,
    /// As the issuer tells it; never used to identify.
    pub email: Option<String>,
    /// The organisation's name.
    pub tenant_name: String,
    /// The organisation's slug.
    pub tenant_slug: String,
    /// Names of the member's roles.
    pub roles: Vec<String>,
    /// Names of the member's teams.
    pub teams: Vec<String>,
    /// Keys of what the member may do.
    pub permissions: Vec<crate::Permission>,
}

/// An organisation that the person behind a session belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Its short name.
    pub slug: String,
    /// Its name on pages.
    pub name: String,
    /// The one that the session is in.
    pub is_current: bool,
    /// It can be used.
    pub is_active: bool,
}

/// One signed-in browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// A public id; the cookie can't be derived from it.
    pub id: SessionId,
    /// The session that asks.
    pub is_current: bool,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    #[serde(with = "time::serde::rfc3339")]
    pub last_seen_at: Timestamp,
    /// When it ends whatever happens.
    #[serde(with = "time::serde::rfc3339")]
    pub absolute_expires_at: Timestamp,
    /// From which address.
    pub ip: Option<String>,
    /// With which browser, as it calls itself.
    pub user_agent: Option<String>,
}
