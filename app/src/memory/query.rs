//! What the list page is asked for. It lives in the URL.

use domain::{
    memory::{MemoryFilter, SearchMode},
    memory_view::MemoryViewQuery,
};
use serde::{Deserialize, Serialize};

use crate::ui::{Query, query_string};

/// Question, filters and place in the list, as they stand in the URL: nothing
/// is checked yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MemoryQuery {
    /// The question; empty lists all.
    pub(crate) query: String,
    /// How the question compares, as a [`SearchMode`] key; empty is both ways.
    pub(crate) mode: String,
    /// What it is narrowed to.
    pub(crate) filter: MemoryFilter,
    /// Where this page of the list begins.
    pub(crate) after: String,
    /// The memory that others are to be like; it takes the question's place.
    pub(crate) like: String,
}

impl MemoryQuery {
    /// From the page's query.
    pub(crate) fn from_params(params: &Query) -> Self {
        let get = |name: &str| params.get(name).to_owned();
        let mut query = Self {
            query: get("query"),
            mode: get("mode"),
            after: get("after"),
            like: get("like"),
            ..Self::default()
        };
        for (name, field) in fields_mut(&mut query.filter) {
            params.get(name).trim().clone_into(field);
        }
        // The default stays out of the URL.
        if query.mode == SearchMode::default().key() {
            query.mode.clear();
        }
        query
    }

    /// What a saved view shows.
    pub(crate) fn from_view(view: &MemoryViewQuery) -> Self {
        let mode = if view.mode == SearchMode::default() {
            ""
        } else {
            view.mode.key()
        };
        Self {
            query: view.query.clone(),
            mode: mode.to_owned(),
            filter: view.filter.clone(),
            ..Self::default()
        }
    }

    /// As the query of a URL, with its question mark unless it is empty.
    pub(crate) fn to_query_string(&self) -> String {
        let mut filter = self.filter.clone();
        let narrowed = fields_mut(&mut filter);
        let mut fields = vec![("query", self.query.as_str()), ("mode", self.mode.as_str())];
        fields.extend(narrowed.iter().map(|(name, value)| (*name, value.as_str())));
        fields.push(("like", &self.like));
        fields.push(("after", &self.after));
        query_string(&fields)
    }

    /// The page that shows this.
    pub(crate) fn path(&self) -> String {
        format!("/memories{}", self.to_query_string())
    }

    /// The page that exports what this shows, whatever its page of the list.
    pub(crate) fn export_path(&self) -> String {
        let shown = Self {
            filter: self.filter.clone(),
            ..Self::default()
        };
        shown.path().replacen("/memories", "/memories/export", 1)
    }

    /// The same from row `after` on.
    pub(crate) fn starting_after(&self, after: String) -> Self {
        Self {
            after,
            ..self.clone()
        }
    }

    /// The same with one field of the filter, by its name in the URL, changed.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut changed = self.starting_after(String::new());
        for (field, text) in fields_mut(&mut changed.filter) {
            if field == name {
                value.clone_into(text);
            }
        }
        changed
    }

    /// The same question and mode without any filter.
    pub(crate) fn unfiltered(&self) -> Self {
        Self {
            filter: MemoryFilter::default(),
            after: String::new(),
            ..self.clone()
        }
    }

    /// Shows the trash.
    pub(crate) fn is_trash(&self) -> bool {
        self.filter.state == "trash"
    }

    /// Neither question nor filter: what shows is all there is.
    pub(crate) fn is_everything(&self) -> bool {
        self.query.trim().is_empty()
            && self.filter == MemoryFilter::default()
            && self.after.is_empty()
            && self.like.is_empty()
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

/// The fields of a filter with their names in the URL.
fn fields_mut(filter: &mut MemoryFilter) -> [(&'static str, &mut String); 11] {
    let MemoryFilter {
        kind,
        tag,
        persona,
        owner,
        team,
        origin,
        term,
        visibility,
        from,
        to,
        state,
    } = filter;
    [
        ("kind", kind),
        ("tag", tag),
        ("persona", persona),
        ("owner", owner),
        ("team", team),
        ("origin", origin),
        ("term", term),
        ("visibility", visibility),
        ("from", from),
        ("to", to),
        ("state", state),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_holds_the_whole_query_and_nothing_empty() {
        let query = MemoryQuery {
            query: "tea & cake".into(),
            mode: "words".into(),
            filter: MemoryFilter {
                tag: "home".into(),
                from: "2026-03-02".into(),
                ..MemoryFilter::default()
            },
            ..MemoryQuery::default()
        };
        assert_eq!(
            query.path(),
            "/memories?query=tea%20%26%20cake&mode=words&tag=home&from=2026-03-02"
        );
        assert_eq!(MemoryQuery::default().path(), "/memories");

        let params =
            Query::parse("query=tea+%26+cake&mode=words&kind=&tag=+home+&from=2026-03-02&done=x");
        assert_eq!(MemoryQuery::from_params(&params), query);
        assert!(query.is_filtered() && !query.is_everything());
    }

    #[test]
    fn every_field_of_the_filter_has_its_place_in_the_url() {
        let mut query = MemoryQuery::default();
        let names: Vec<_> = fields_mut(&mut query.filter).map(|(name, _)| name).into();
        for name in &names {
            query = query.with(name, name);
        }
        let params = Query::parse(&query.to_query_string());
        assert_eq!(MemoryQuery::from_params(&params), query);
        for name in names {
            query = query.with(name, "");
        }
        assert_eq!(query, MemoryQuery::default());
    }

    #[test]
    fn a_view_is_shown_as_it_was_saved() {
        let view = MemoryViewQuery {
            query: "tea".into(),
            mode: SearchMode::Words,
            ..MemoryViewQuery::default()
        };
        assert_eq!(
            MemoryQuery::from_view(&view).path(),
            "/memories?query=tea&mode=words"
        );
        let params = Query::parse("query=tea&mode=both");
        assert_eq!(
            MemoryQuery::from_params(&params).path(),
            "/memories?query=tea"
        );
    }
}
