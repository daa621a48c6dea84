//! Typed ids, so that the id of one kind can't be passed for another. All are
//! UUIDs, version 7 where Atrium creates them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(transparent))]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline, with = "Uuid"))]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )*};
}

ids! {
    TenantId
    /// A member of one organisation: a person, an agent or a service.
    UserId
    RoleId
    TeamId
    /// A rule that maps an identity provider's group to a role or a team.
    GroupMappingId
    MemoryId
    /// A saved search query with its filters.
    MemoryViewId
    EmbeddingModelId
    /// A context of a member that memories may belong to.
    PersonaId
    ProposalId
    JobId
    ImportId
    /// A public id, from which the session cookie can't be derived.
    SessionId
    ApiKeyId
    /// A grant to read a member's private memories.
    BreakGlassId
    NotificationId
    InviteId
    /// Shown in logs, audit rows and error pages.
    RequestId
}
