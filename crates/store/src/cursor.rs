//! Pagination cursors: the time or name of a page's last row and a tie-breaker,
//! encoded as text that is opaque to clients.
//!
//! The text includes a tag of the list and the tenant. Row security already
//! hides other tenants' rows; the tag prevents a position of another list from
//! starting at an arbitrary row and silently skipping rows.

use std::{fmt::Display, str::FromStr};

use domain::{TenantId, Timestamp};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::StoreError;

/// A list that is paginated with cursors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    ApiKey,
    Audit,
    /// A member's private memories, read under a break-glass grant.
    BreakGlass,
    Invite,
    Member,
    Memory,
    /// Memories in the order of their creation.
    MemoryByCreation,
    /// Earlier versions of a memory.
    MemoryVersion,
    Notification,
    /// Proposals to share a memory.
    Proposal,
    Team,
}

impl List {
    const fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Audit => "audit",
            Self::BreakGlass => "break_glass",
            Self::Invite => "invite",
            Self::Member => "member",
            Self::Memory => "memory",
            Self::MemoryByCreation => "memory_by_creation",
            Self::MemoryVersion => "memory_version",
            Self::Notification => "notification",
            Self::Proposal => "proposal",
            Self::Team => "team",
        }
    }

    /// The prefix of this list's cursors in `tenant_id`. It prevents mistakes
    /// and is no secret.
    fn tag(self, tenant_id: TenantId) -> String {
        let mut hash = Sha256::new();
        hash.update(tenant_id.0.as_bytes());
        hash.update(self.name().as_bytes());
        let digest = hash.finalize();
        Uuid::from_slice(&digest[..16])
            .unwrap_or_default()
            .simple()
            .to_string()[..12]
            .to_owned()
    }

    fn encode(self, tenant_id: TenantId, position: &str) -> String {
        format!("{}~{position}", self.tag(tenant_id))
    }

    fn decode(self, tenant_id: TenantId, text: &str) -> Result<&str, StoreError> {
        match text.split_once('~') {
            Some((tag, position)) if tag == self.tag(tenant_id) => Ok(position),
            _ => Err(StoreError::Cursor),
        }
    }
}

/// The position after a row in a list sorted by time and a tie-breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor<T> {
    pub at: Timestamp,
    /// The row's id or sequence number.
    pub key: T,
}

impl<T: Display> Cursor<T> {
    /// Encodes the cursor, for [`domain::Page::next`].
    pub fn to_text(&self, list: List, tenant_id: TenantId) -> String {
        let micros = self.at.unix_timestamp_nanos() / 1_000;
        list.encode(tenant_id, &format!("{micros}~{}", self.key))
    }
}

impl<T: FromStr> Cursor<T> {
    /// Decodes the text of [`Cursor::to_text`].
    ///
    /// # Errors
    /// [`StoreError::Cursor`] for malformed text, or a cursor of another list
    /// or tenant.
    pub fn parse(text: &str, list: List, tenant_id: TenantId) -> Result<Self, StoreError> {
        let (at, key) = list
            .decode(tenant_id, text)?
            .split_once('~')
            .ok_or(StoreError::Cursor)?;
        let micros: i64 = at.parse().map_err(|_| StoreError::Cursor)?;
        Ok(Self {
            at: Timestamp::from_unix_timestamp_nanos(i128::from(micros) * 1_000)
                .map_err(|_| StoreError::Cursor)?,
            key: key.parse().map_err(|_| StoreError::Cursor)?,
        })
    }
}

/// The position after a row in a list sorted by name and id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameCursor {
    pub name: String,
    pub id: Uuid,
}

impl NameCursor {
    /// Sorts before every row, so the first page starts here.
    pub const START: Self = Self {
        name: String::new(),
        id: Uuid::nil(),
    };

    /// Encodes the cursor, for [`domain::Page::next`].
    pub fn to_text(&self, list: List, tenant_id: TenantId) -> String {
        list.encode(tenant_id, &format!("{}~{}", self.id, self.name))
    }

    /// Decodes the text of [`NameCursor::to_text`].
    ///
    /// # Errors
    /// [`StoreError::Cursor`] for malformed text, or a cursor of another list
    /// or tenant.
    pub fn parse(text: &str, list: List, tenant_id: TenantId) -> Result<Self, StoreError> {
        let (id, name) = list
            .decode(tenant_id, text)?
            .split_once('~')
            .ok_or(StoreError::Cursor)?;
        Ok(Self {
            name: name.to_owned(),
            id: id.parse().map_err(|_| StoreError::Cursor)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACME: TenantId = TenantId(Uuid::from_u128(1));
    const OTHER: TenantId = TenantId(Uuid::from_u128(2));

    #[test]
    fn name_cursor_round_trips() {
        for name in ["mia", "a~b", "", "ö 1~"] {
            let cursor = NameCursor {
                name: name.into(),
                id: Uuid::max(),
            };
            let text = cursor.to_text(List::Team, ACME);
            assert_eq!(NameCursor::parse(&text, List::Team, ACME).unwrap(), cursor);
        }
        for position in ["", "~", "mia", "mia~1"] {
            let text = List::Team.encode(ACME, position);
            assert!(
                matches!(
                    NameCursor::parse(&text, List::Team, ACME),
                    Err(StoreError::Cursor)
                ),
                "{text}"
            );
        }
    }

    #[test]
    fn time_cursor_round_trips() {
        let cursor = Cursor {
            at: Timestamp::from_unix_timestamp_nanos(1_789_000_000_123_456_000).unwrap(),
            key: 7_i64,
        };
        let text = cursor.to_text(List::Audit, ACME);
        assert_eq!(Cursor::parse(&text, List::Audit, ACME).unwrap(), cursor);
    }

    #[test]
    fn malformed_cursor_is_rejected() {
        for position in [
            "",
            "~",
            "1~",
            "~1",
            "x~1",
            "1~x",
            "1~1~1",
            "9223372036854775807~1",
            "99999999999999999999~1",
        ] {
            for text in [position, &List::Audit.encode(ACME, position)] {
                assert!(
                    matches!(
                        Cursor::<i64>::parse(text, List::Audit, ACME),
                        Err(StoreError::Cursor)
                    ),
                    "{text}"
                );
            }
        }
    }

    // SEC-C6: a position in another tenant's list, or in another list.
    #[test]
    fn cursor_of_another_list_or_tenant_is_rejected() {
        let key = Cursor {
            at: Timestamp::UNIX_EPOCH,
            key: Uuid::nil(),
        };
        let name = NameCursor::START;
        for (list, tenant_id) in [(List::Memory, OTHER), (List::ApiKey, ACME)] {
            let text = key.to_text(List::Memory, ACME);
            assert!(matches!(
                Cursor::<Uuid>::parse(&text, list, tenant_id),
                Err(StoreError::Cursor)
            ));
            let text = name.to_text(List::Memory, ACME);
            assert!(matches!(
                NameCursor::parse(&text, list, tenant_id),
                Err(StoreError::Cursor)
            ));
        }
    }
}
