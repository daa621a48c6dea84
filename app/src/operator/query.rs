//! The query of the list of organisations, stored in its URL.

use domain::tenant::TenantFilter;

use crate::ui::{Query, query_string};

/// Filter and cursor of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TenantQuery {
    pub(crate) filter: TenantFilter,
    /// Cursor; empty for the first page.
    pub(crate) after: String,
}

impl TenantQuery {
    pub(crate) fn from_params(params: &Query) -> Self {
        Self {
            filter: TenantFilter {
                query: params.get("query").trim().to_owned(),
                status: params.get("status").to_owned(),
            },
            after: params.get("after").to_owned(),
        }
    }

    /// URL of the list page with this query.
    pub(crate) fn path(&self) -> String {
        let query = query_string(&[
            ("query", &self.filter.query),
            ("status", &self.filter.status),
            ("after", &self.after),
        ]);
        format!("/operator{query}")
    }

    /// A copy that starts after the cursor `after`.
    pub(crate) fn starting_after(&self, after: String) -> Self {
        Self {
            after,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_round_trips_and_empty_fields_are_omitted() {
        let query = TenantQuery::from_params(&Query::parse("query=+acme+&status=&after=b"));
        assert_eq!(query.path(), "/operator?query=acme&after=b");
        assert_eq!(
            query.starting_after(String::new()).path(),
            "/operator?query=acme"
        );
    }
}
