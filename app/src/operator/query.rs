//! What the list of organisations is asked for. It lives in the URL.

use domain::tenant::TenantFilter;
use serde::{Deserialize, Serialize};

use crate::ui::{Query, query_string};

/// Filters and place in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TenantQuery {
    /// What it is narrowed to.
    pub(crate) filter: TenantFilter,
    /// Where this page of the list begins.
    pub(crate) after: String,
}

impl TenantQuery {
    /// From the page's query.
    pub(crate) fn from_params(params: &Query) -> Self {
        Self {
            filter: TenantFilter {
                query: params.get("query").trim().to_owned(),
                status: params.get("status").to_owned(),
            },
            after: params.get("after").to_owned(),
        }
    }

    /// The page that shows this.
    pub(crate) fn path(&self) -> String {
        let query = query_string(&[
            ("query", &self.filter.query),
            ("status", &self.filter.status),
            ("after", &self.after),
        ]);
        format!("/operator{query}")
    }

    /// The same from row `after` on.
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
    fn the_url_holds_the_whole_query_and_nothing_empty() {
        let query = TenantQuery::from_params(&Query::parse("query=+acme+&status=&after=b"));
        assert_eq!(query.path(), "/operator?query=acme&after=b");
        assert_eq!(
            query.starting_after(String::new()).path(),
            "/operator?query=acme"
        );
    }
}
