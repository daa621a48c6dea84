//! The query of the members list, stored in its URL.

use domain::member::MemberFilter;
use serde::{Deserialize, Serialize};

use crate::ui::{Query, query_string};

/// Filter and cursor of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MemberQuery {
    pub(crate) filter: MemberFilter,
    /// Cursor; empty for the first page.
    pub(crate) after: String,
}

impl MemberQuery {
    pub(crate) fn from_params(params: &Query) -> Self {
        let get = |name: &str| params.get(name).to_owned();
        Self {
            filter: MemberFilter {
                query: get("query").trim().to_owned(),
                status: get("status"),
                role: get("role"),
                team: get("team"),
                kind: get("kind"),
            },
            after: get("after"),
        }
    }

    /// URL of the list page with this query.
    pub(crate) fn path(&self) -> String {
        let query = query_string(&[
            ("query", &self.filter.query),
            ("status", &self.filter.status),
            ("role", &self.filter.role),
            ("team", &self.filter.team),
            ("kind", &self.filter.kind),
            ("after", &self.after),
        ]);
        format!("/members{query}")
    }

    /// A copy that starts after the cursor `after`.
    pub(crate) fn starting_after(&self, after: String) -> Self {
        Self {
            after,
            ..self.clone()
        }
    }

    pub(crate) fn is_filtered(&self) -> bool {
        self.filter != MemberFilter::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_round_trips_and_empty_fields_are_omitted() {
        let params = Query::parse("query=+mia+&status=active&role=&team=x&kind=agent&after=y");
        let query = MemberQuery::from_params(&params);
        assert_eq!(
            query.path(),
            "/members?query=mia&status=active&team=x&kind=agent&after=y"
        );
        assert!(query.is_filtered() && !MemberQuery::default().is_filtered());
        assert_eq!(
            query.starting_after(String::new()).path(),
            "/members?query=mia&status=active&team=x&kind=agent"
        );
    }
}
