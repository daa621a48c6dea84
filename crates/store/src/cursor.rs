//! Where a page of a list ended: the time or name of its last row and a
//! tie-breaker, as text that is opaque to clients.

use std::{fmt::Display, str::FromStr};

use domain::Timestamp;
use uuid::Uuid;

use crate::StoreError;

/// The position after a row that is sorted by time and a tie-breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor<T> {
    /// The row's time.
    pub at: Timestamp,
    /// The row's tie-breaker: its id or sequence number.
    pub key: T,
}

impl<T: Display> Cursor<T> {
    /// As text, for [`domain::Page::next`].
    pub fn to_text(&self) -> String {
        format!("{}~{}", self.at.unix_timestamp_nanos() / 1_000, self.key)
    }
}

impl<T: FromStr> Cursor<T> {
    /// The reverse of [`Cursor::to_text`].
    ///
    /// # Errors
    /// [`StoreError::Cursor`] for text that no list gave out.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let (at, key) = text.split_once('~').ok_or(StoreError::Cursor)?;
        let micros: i64 = at.parse().map_err(|_| StoreError::Cursor)?;
        Ok(Self {
            at: Timestamp::from_unix_timestamp_nanos(i128::from(micros) * 1_000)
                .map_err(|_| StoreError::Cursor)?,
            key: key.parse().map_err(|_| StoreError::Cursor)?,
        })
    }
}

/// The position after a row that is sorted by name and id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameCursor {
    /// The row's name.
    pub name: String,
    /// The row's id.
    pub id: Uuid,
}

impl NameCursor {
    /// Before any row: where the first page begins.
    pub const START: Self = Self {
        name: String::new(),
        id: Uuid::nil(),
    };

    /// As text, for [`domain::Page::next`].
    pub fn to_text(&self) -> String {
        format!("{}~{}", self.id, self.name)
    }

    /// The reverse of [`NameCursor::to_text`].
    ///
    /// # Errors
    /// [`StoreError::Cursor`] for text that no list gave out.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let (id, name) = text.split_once('~').ok_or(StoreError::Cursor)?;
        Ok(Self {
            name: name.to_owned(),
            id: id.parse().map_err(|_| StoreError::Cursor)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_back_as_it_was() {
        for name in ["mia", "a~b", "", "ö 1~"] {
            let cursor = NameCursor {
                name: name.into(),
                id: Uuid::max(),
            };
            assert_eq!(NameCursor::parse(&cursor.to_text()).unwrap(), cursor);
        }
        for text in ["", "~", "mia", "mia~1"] {
            assert!(
                matches!(NameCursor::parse(text), Err(StoreError::Cursor)),
                "{text}"
            );
        }
    }

    #[test]
    fn comes_back_as_it_was() {
        let cursor = Cursor {
            at: Timestamp::from_unix_timestamp_nanos(1_789_000_000_123_456_000).unwrap(),
            key: 7_i64,
        };
        assert_eq!(Cursor::parse(&cursor.to_text()).unwrap(), cursor);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
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
            assert!(
                matches!(Cursor::<i64>::parse(text), Err(StoreError::Cursor)),
                "{text}"
            );
        }
    }
}
