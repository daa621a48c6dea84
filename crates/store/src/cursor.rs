//! Pagination cursors: the time or name of a page's last row and a tie-breaker,
//! encoded as text that is opaque to clients.
//!
//! The text includes a tag of the list and the tenant. Row security already
//! hides other tenants' rows; the tag prevents a position of another list from
//! starting at an arbitrary row and silently skipping rows.

use std::{fmt::Display, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    Page, TenantId, Timestamp,
    paging::{Sort, Sorts},
};
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

/// The place of a page in a list that can be sorted and read in both directions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    list: List,
    tenant_id: TenantId,
    sort: Sort,
    /// The row next to the page, by its sort key and id; `None` for the first
    /// page.
    row: Option<(String, Uuid)>,
    /// The page ends before this row.
    is_backward: bool,
}

impl Place {
    /// `sort` and `after` are those of the list's input.
    ///
    /// # Errors
    /// [`StoreError::Filter`] for an unknown column, otherwise as [`Place::new`].
    pub fn parse(
        list: List,
        tenant_id: TenantId,
        sorts: &Sorts,
        sort: &str,
        after: Option<&str>,
    ) -> Result<Self, StoreError> {
        let sort = sorts.parse(sort).ok_or(StoreError::Filter("sort"))?;
        Self::new(list, tenant_id, sort, after)
    }

    /// # Errors
    /// [`StoreError::Cursor`] for malformed text, or a cursor of another list,
    /// order or tenant.
    pub fn new(
        list: List,
        tenant_id: TenantId,
        sort: Sort,
        after: Option<&str>,
    ) -> Result<Self, StoreError> {
        let mut place = Self {
            list,
            tenant_id,
            sort,
            row: None,
            is_backward: false,
        };
        let Some(text) = after.filter(|after| !after.is_empty()) else {
            return Ok(place);
        };
        let position = URL_SAFE_NO_PAD
            .decode(list.decode(tenant_id, text)?)
            .map_err(|_| StoreError::Cursor)?;
        let position = String::from_utf8(position).map_err(|_| StoreError::Cursor)?;
        let mut parts = position.splitn(4, '~');
        let mut part = || parts.next().ok_or(StoreError::Cursor);
        if part()? != place.sort_text() {
            return Err(StoreError::Cursor);
        }
        place.is_backward = match part()? {
            ">" => false,
            "<" => true,
            _ => return Err(StoreError::Cursor),
        };
        let id = part()?.parse().map_err(|_| StoreError::Cursor)?;
        place.row = Some((part()?.to_owned(), id));
        Ok(place)
    }

    pub const fn column(&self) -> &'static str {
        self.sort.column
    }

    /// True if the rows are read in descending order.
    pub const fn is_descending(&self) -> bool {
        self.sort.is_descending != self.is_backward
    }

    /// Sort key of the row next to the page.
    pub fn key(&self) -> Option<&str> {
        self.row.as_ref().map(|(key, _)| key.as_str())
    }

    /// Id of the row next to the page.
    pub fn id(&self) -> Uuid {
        self.row.as_ref().map_or(Uuid::nil(), |(_, id)| *id)
    }

    /// The sort key of [`Place::key`] as a time, in lists sorted by one.
    ///
    /// # Errors
    /// [`StoreError::Cursor`] if it is none.
    pub fn time(&self) -> Result<Option<Timestamp>, StoreError> {
        self.key().map(parse_time_key).transpose()
    }

    /// Builds the page from `rows`, of which the query asked one more than
    /// `size`. `row` returns a row's sort key and id.
    pub fn page<R>(
        &self,
        mut rows: Vec<R>,
        size: u16,
        total: i64,
        row: impl Fn(&R) -> (String, Uuid),
    ) -> Page<R> {
        let has_more = rows.len() > usize::from(size);
        rows.truncate(size.into());
        let (has_prev, has_next) = if self.is_backward {
            rows.reverse();
            (has_more, true)
        } else {
            (self.row.is_some(), has_more)
        };
        let cursor = |neighbour: Option<&R>, direction: char| {
            let (key, id) = row(neighbour?);
            // The key can be any text; clients may put it into a URL as it is.
            let position = format!("{}~{direction}~{id}~{key}", self.sort_text());
            let position = URL_SAFE_NO_PAD.encode(position);
            Some(self.list.encode(self.tenant_id, &position))
        };
        Page {
            next: cursor(rows.last().filter(|_| has_next), '>'),
            prev: cursor(rows.first().filter(|_| has_prev), '<'),
            total: Some(total),
            items: rows,
        }
    }

    fn sort_text(&self) -> String {
        let minus = if self.sort.is_descending { "-" } else { "" };
        format!("{minus}{}", self.sort.column)
    }
}

/// Reads the text of [`time_key`].
///
/// # Errors
/// [`StoreError::Cursor`] for any other text.
pub fn parse_time_key(key: &str) -> Result<Timestamp, StoreError> {
    let micros: i64 = key.parse().map_err(|_| StoreError::Cursor)?;
    Timestamp::from_unix_timestamp_nanos(i128::from(micros) * 1_000).map_err(|_| StoreError::Cursor)
}

/// The sort key of a time, as the SQL function `sort_time` writes it.
pub fn time_key(at: Timestamp) -> String {
    format!("{:020}", at.unix_timestamp_nanos() / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACME: TenantId = TenantId(Uuid::from_u128(1));
    const OTHER: TenantId = TenantId(Uuid::from_u128(2));

    const SORTS: Sorts = Sorts {
        columns: &["name", "at"],
        default: Sort {
            column: "name",
            is_descending: false,
        },
    };

    fn place(sort: &str, after: Option<&str>) -> Result<Place, StoreError> {
        Place::parse(List::Team, ACME, &SORTS, sort, after)
    }

    fn page(place: &Place, names: &[&str]) -> Page<String> {
        let rows = names.iter().map(|name| (*name).to_owned()).collect();
        place.page(rows, 2, 9, |name| (name.clone(), Uuid::max()))
    }

    #[test]
    fn pages_are_read_forward_and_back() {
        let first = page(&place("", None).unwrap(), &["a", "b~x", "c"]);
        assert_eq!((first.prev.is_some(), first.total), (false, Some(9)));
        let second = place("", first.next.as_deref()).unwrap();
        assert_eq!((second.key(), second.is_descending()), (Some("b~x"), false));
        let second = page(&second, &["c", "d"]);
        assert_eq!(second.next, None);
        let back = place("", second.prev.as_deref()).unwrap();
        assert_eq!((back.key(), back.is_descending()), (Some("c"), true));
        let back = page(&back, &["b~x", "a"]);
        assert_eq!(back.items, ["a", "b~x"]);
        assert_eq!((back.prev, back.next), (None, first.next));
    }

    #[test]
    fn descending_order_is_read_back_in_ascending_order() {
        let first = page(&place("-name", None).unwrap(), &["c", "b", "a"]);
        let second = place("-name", first.next.as_deref()).unwrap();
        assert!(second.is_descending());
        let second = page(&second, &["a"]);
        let back = place("-name", second.prev.as_deref()).unwrap();
        assert!(!back.is_descending());
    }

    #[test]
    fn place_of_another_order_or_malformed_text_is_rejected() {
        let next = page(&place("name", None).unwrap(), &["a", "b", "c"]).next;
        for sort in ["-name", "at"] {
            let parsed = place(sort, next.as_deref());
            assert!(matches!(parsed, Err(StoreError::Cursor)), "{sort}");
        }
        assert!(matches!(
            place("size", None),
            Err(StoreError::Filter("sort"))
        ));
        for position in ["", "~", "name~>", "name~>~1~a", "name~=~1~a"] {
            for position in [position.to_owned(), URL_SAFE_NO_PAD.encode(position)] {
                let text = List::Team.encode(ACME, &position);
                assert!(
                    matches!(place("", Some(&text)), Err(StoreError::Cursor)),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn time_key_is_read_as_its_time() {
        let at = Timestamp::from_unix_timestamp_nanos(1_789_000_000_123_456_000).unwrap();
        let place = Place {
            row: Some((time_key(at), Uuid::nil())),
            ..place("at", None).unwrap()
        };
        assert_eq!(place.time().unwrap(), Some(at));
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
        let next = page(&place("", None).unwrap(), &["a", "b", "c"]).next;
        for (list, tenant_id) in [(List::Memory, OTHER), (List::ApiKey, ACME)] {
            let text = key.to_text(List::Memory, ACME);
            assert!(matches!(
                Cursor::<Uuid>::parse(&text, list, tenant_id),
                Err(StoreError::Cursor)
            ));
            let parsed = Place::parse(list, tenant_id, &SORTS, "", next.as_deref());
            assert!(matches!(parsed, Err(StoreError::Cursor)));
        }
    }
}
