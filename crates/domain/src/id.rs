//! Typed ids. All are UUIDs (version 7 where Atrium makes them), so that an
//! id of one kind can't be passed where another is meant.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
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
    /// An organisation.
    TenantId
    /// A member of one organisation: a person, an agent or a service.
    UserId
    /// A named set of permissions in one organisation.
    RoleId
    /// A group of members.
    TeamId
    /// A rule from a group of the issuer to a role or a team.
    GroupMappingId
    /// One memory.
    MemoryId
    /// A saved question with its filters.
    MemoryViewId
    /// A model by which memories are found.
    EmbeddingModelId
    /// A context of a member that memories may belong to.
    PersonaId
    /// What an owner proposes to share.
    ProposalId
    /// A piece of background work.
    JobId
    /// A file that was given for import.
    ImportId
    /// A browser session, by a public id that reveals nothing of its cookie.
    SessionId
    /// A key with which a program acts as a member.
    ApiKeyId
    /// An opening of a member's private memories to somebody.
    BreakGlassId
    /// Something that a member was told.
    NotificationId
    /// A link by which somebody joins.
    InviteId
    /// One request, as it appears in logs, audit rows and error pages.
    RequestId
}
