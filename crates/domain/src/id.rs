//! Typed ids, so that the id of one kind can't be passed for another. All are
//! UUIDs, version 7 where Atrium creates them. Ids that belong to no feature are
//! declared here, the others in their feature.

use std::fmt;

/// An id, with the kind of resource that it names.
pub trait ResourceId: Copy + fmt::Display {
    /// As in the audit log.
    const KIND: &'static str;
}

/// Declares the id of a kind of resource, beside its feature.
macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        #[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(transparent))]
        #[cfg_attr(
            feature = "schema",
            derive(schemars::JsonSchema),
            schemars(inline, with = "uuid::Uuid")
        )]
        pub struct $name(pub uuid::Uuid);

        impl $crate::id::ResourceId for $name {
            const KIND: &'static str = $kind;
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}
pub(crate) use typed_id;

typed_id!(TenantId, "tenant");
typed_id!(
    /// A member of one organisation: a person, an agent or a service.
    UserId,
    "user"
);
typed_id!(
    /// A public id, from which the session cookie can't be derived.
    SessionId,
    "session"
);
typed_id!(
    /// Shown in logs, audit rows and error pages.
    RequestId,
    "request"
);
