//! What the list page is asked for. It lives in the URL.

use domain::memory::{MemoryFilter, SearchMode};
use serde::{Deserialize, Serialize};

use crate::ui::{Query, query_string};

/// Question, filters and place in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MemoryQuery {
    /// The question; empty lists all.
    pub(crate) q: String,
    /// How the question compares.
    pub(crate) mode: SearchMode,
    /// What it is narrowed to.
    pub(crate) filter: MemoryFilter,
    /// Where this page of the list begins.
    pub(crate) after: String,
}

impl MemoryQuery {
    /// From the page's query.
    pub(crate) fn from_params(params: &Query) -> Self {
        let get = |name: &str| params.get(name).to_owned();
        Self {
            q: get("q"),
            mode: SearchMode::from_key(&get("mode")),
            filter: MemoryFilter {
                kind: get("kind"),
                tag: get("tag").trim().to_owned(),
                owner: get("owner"),
                origin: get("origin"),
                state: get("state"),
            },
            after: get("after"),
        }
    }

    /// The page that shows this.
    pub(crate) fn path(&self) -> String {
        let mode = if self.mode == SearchMode::default() {
            ""
        } else {
            self.mode.key()
        };
        let query = query_string(&[
            ("q", &self.q),
            ("mode", mode),
            ("kind", &self.filter.kind),
            ("tag", &self.filter.tag),
            ("owner", &self.filter.owner),
            ("origin", &self.filter.origin),
            ("state", &self.filter.state),
            ("after", &self.after),
        ]);
        format!("/memories{query}")
    }

    /// The same from row `after` on.
    pub(crate) fn starting_after(&self, after: String) -> Self {
        Self {
            after,
            ..self.clone()
        }
    }

    /// Shows the trash.
    pub(crate) fn is_trash(&self) -> bool {
        self.filter.state == "trash"
    }

    /// Neither question nor filter: what shows is all there is.
    pub(crate) fn is_everything(&self) -> bool {
        self.q.trim().is_empty() && self.filter == MemoryFilter::default() && self.after.is_empty()
    }

    /// A filter other than the trash is set.
    pub(crate) fn is_filtered(&self) -> bool {
        let filter = MemoryFilter {
            state: String::new(),
            ..self.filter.clone()
        };
        filter != MemoryFilter::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_holds_the_whole_query_and_nothing_empty() {
        let query = MemoryQuery {
            q: "tea & cake".into(),
            mode: SearchMode::Words,
            filter: MemoryFilter {
                tag: "home".into(),
                ..MemoryFilter::default()
            },
            after: String::new(),
        };
        assert_eq!(
            query.path(),
            "/memories?q=tea%20%26%20cake&mode=words&tag=home"
        );
        assert_eq!(MemoryQuery::default().path(), "/memories");

        let params = Query::parse("q=tea+%26+cake&mode=words&kind=&tag=+home+");
        assert_eq!(MemoryQuery::from_params(&params), query);
        assert!(query.is_filtered() && !query.is_everything());
    }
}
