//! Keyset paging: a page of rows and where the next one begins.

use serde::{Deserialize, Serialize};

/// Rows that a list page shows at once.
pub const PAGE_SIZE: u16 = 50;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows, in the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last one. Opaque to clients.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Cuts `items`, fetched with one row more than `size`, to a page;
    /// `cursor` names the position after a row.
    pub fn cut(mut items: Vec<T>, size: usize, cursor: impl Fn(&T) -> String) -> Self {
        let more = items.len() > size;
        items.truncate(size);
        let next = if more { items.last().map(cursor) } else { None };
        Self { items, next }
    }
}

#[cfg(test)]
mod tests {
    use super::Page;

    #[test]
    fn next_is_set_only_when_a_row_is_left_over() {
        let cursor = |n: &i32| n.to_string();
        assert_eq!(Page::cut(vec![1, 2, 3], 2, cursor).next, Some("2".into()));
        assert_eq!(Page::cut(vec![1, 2], 2, cursor).next, None);
        assert_eq!(Page::cut(Vec::new(), 2, cursor).next, None);
    }
}
