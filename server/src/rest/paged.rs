//! Lists a page at a time.

use domain::Page;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Paged<T> {
    /// The rows, in the list's order.
    items: Vec<T>,
    /// Where the next page begins, to be sent as `after`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl<T> Paged<T> {
    /// A list that has one page only.
    pub(super) fn whole<U: Into<T>>(items: Vec<U>) -> Self {
        Self::of(Page { items, next: None })
    }

    pub(super) fn of<U: Into<T>>(page: Page<U>) -> Self {
        Self {
            items: page.items.into_iter().map(Into::into).collect(),
            next: page.next,
        }
    }
}

/// Where in a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct After {
    /// `next` of the page before; without it, the first page.
    #[serde(default)]
    pub(super) after: Option<String>,
}
