//! The query of the list page, stored in its URL.

use domain::{
    memory::{MemoryFilter, SearchMode},
    memory_view::MemoryViewQuery,
};

use crate::ui::{ListUrl, Query};

/// Search text, filter and cursor as in the URL, not validated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MemoryQuery {
    /// The search text; empty lists all memories.
    pub(crate) query: String,
    /// A [`SearchMode`] key; empty for the default.
    pub(crate) mode: String,
    pub(crate) filter: MemoryFilter,
    /// A [`MemorySort`](domain::memory::MemorySort) key; empty for the default.
    pub(crate) sort: String,
    /// Cursor; empty for the first page.
    pub(crate) after: String,
    /// Id of the memory to which results are similar; replaces the search text.
    pub(crate) like: String,
}

impl MemoryQuery {
    pub(crate) fn from_params(params: &Query) -> Self {
        let get = |name: &str| params.get(name).to_owned();
        let mut query = Self {
            query: get("query"),
            mode: get("mode"),
            sort: get("sort"),
            after: get("after"),
            like: get("like"),
            ..Self::default()
        };
        for (name, field) in query.filter.fields_mut() {
            params.get(name).trim().clone_into(field);
        }
        // The default mode stays out of the URL.
        if query.mode == SearchMode::default().key() {
            query.mode.clear();
        }
        query
    }

    /// The query of a saved view.
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

    /// URL of the list page with this query.
    pub(crate) fn url(&self) -> ListUrl {
        let mut filter = self.filter.clone();
        let filter_fields = filter.fields_mut();
        let mut fields = vec![("query", self.query.as_str()), ("mode", self.mode.as_str())];
        fields.extend(
            filter_fields
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        );
        fields.extend([
            ("like", self.like.as_str()),
            ("sort", &self.sort),
            ("after", &self.after),
        ]);
        ListUrl::new("/memories", fields)
    }

    /// URL of the list page with this query, as text.
    pub(crate) fn path(&self) -> String {
        self.url().to_string()
    }

    /// The URL query with its question mark, or an empty string.
    pub(crate) fn to_query_string(&self) -> String {
        self.url().query()
    }

    /// URL of the export page with this filter.
    pub(crate) fn export_path(&self) -> String {
        let list_query = Self {
            filter: self.filter.clone(),
            ..Self::default()
        };
        list_query
            .path()
            .replacen("/memories", "/memories/export", 1)
    }

    /// A copy that starts after the cursor `after`.
    pub(crate) fn starting_after(&self, after: String) -> Self {
        Self {
            after,
            ..self.clone()
        }
    }

    /// A copy on the first page with one filter field, by its name in the URL,
    /// set to `value`.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut copy = self.starting_after(String::new());
        for (field, text) in copy.filter.fields_mut() {
            if field == name {
                value.clone_into(text);
            }
        }
        copy
    }

    /// A copy on the first page without filter.
    pub(crate) fn unfiltered(&self) -> Self {
        Self {
            filter: MemoryFilter::default(),
            after: String::new(),
            ..self.clone()
        }
    }

    /// True for the list of the trash.
    pub(crate) fn is_trash(&self) -> bool {
        self.filter.state == "trash"
    }

    /// True without search text, filter and cursor, so that all memories are
    /// listed.
    pub(crate) fn is_everything(&self) -> bool {
        self.query.trim().is_empty()
            && self.filter == MemoryFilter::default()
            && self.after.is_empty()
            && self.like.is_empty()
    }

    /// True if a filter other than the trash is set.
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
    fn query_round_trips_and_empty_fields_are_omitted() {
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
            "/memories?query=tea+%26+cake&mode=words&tag=home&from=2026-03-02"
        );
        assert_eq!(MemoryQuery::default().path(), "/memories");

        let params =
            Query::parse("query=tea+%26+cake&mode=words&kind=&tag=+home+&from=2026-03-02&done=x");
        assert_eq!(MemoryQuery::from_params(&params), query);
        assert!(query.is_filtered() && !query.is_everything());
    }

    #[test]
    fn every_filter_field_round_trips_through_the_url() {
        let mut query = MemoryQuery::default();
        let fields = query.filter.fields_mut();
        let names: Vec<_> = fields.into_iter().map(|(name, _)| name).collect();
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
    fn saved_view_is_opened_with_its_query() {
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
