//! Keyset paging: a page of rows, cursors for the pages next to it, and the order
//! of the rows.

use serde::{Deserialize, Serialize};

/// The default page size, in rows.
pub const PAGE_SIZE: u16 = 50;

/// Rows are counted up to this number.
pub const MAX_TOTAL: i64 = 1_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "{T}Page")
)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Send it as `after` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Send it as `after` for the page before; absent on the first one, and in
    /// lists that can't be read backwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev: Option<String>,
    /// The number of rows on all pages, 1,001 for more than 1,000; absent in
    /// lists that are not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
}

impl<T> Page<T> {
    /// All of a list that has one page.
    pub fn whole(items: Vec<T>) -> Self {
        Self {
            items,
            next: None,
            prev: None,
            total: None,
        }
    }

    /// Builds a page from `items`, for which the query asked one row more than
    /// `size`. `cursor` encodes the position after a row.
    pub fn cut(mut items: Vec<T>, size: usize, cursor: impl Fn(&T) -> String) -> Self {
        let has_more = items.len() > size;
        items.truncate(size);
        let next = if has_more {
            items.last().map(cursor)
        } else {
            None
        };
        Self {
            next,
            ..Self::whole(items)
        }
    }

    /// Replaces each item.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(convert).collect(),
            next: self.next,
            prev: self.prev,
            total: self.total,
        }
    }
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub column: &'static str,
    pub is_descending: bool,
}

/// The columns that a list can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sorts {
    pub columns: &'static [&'static str],
    pub default: Sort,
}

impl Sorts {
    /// Parses a column, with `-` before it for the descending order; an empty
    /// text is the default.
    pub fn parse(&self, text: &str) -> Option<Sort> {
        if text.is_empty() {
            return Some(self.default);
        }
        let (name, is_descending) = match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (text, false),
        };
        let mut columns = self.columns.iter();
        let column = columns.find(|column| **column == name)?;
        Some(Sort {
            column,
            is_descending,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sort_is_a_known_column_in_either_direction() {
        let sorts = Sorts {
            columns: &["name", "created_at"],
            default: Sort {
                column: "created_at",
                is_descending: true,
            },
        };
        let parse = |text| {
            let sort = sorts.parse(text)?;
            Some((sort.column, sort.is_descending))
        };
        assert_eq!(parse(""), Some(("created_at", true)));
        assert_eq!(parse("name"), Some(("name", false)));
        assert_eq!(parse("-name"), Some(("name", true)));
        for text in ["-", "--name", "size", "Name", "name "] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn next_is_set_only_if_there_are_more_rows() {
        let cursor = |n: &i32| n.to_string();
        assert_eq!(Page::cut(vec![1, 2, 3], 2, cursor).next, Some("2".into()));
        assert_eq!(Page::cut(vec![1, 2], 2, cursor).next, None);
        assert_eq!(Page::cut(Vec::new(), 2, cursor).next, None);
    }
}
