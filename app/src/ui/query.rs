//! The query of the page's URL, decoded once. The router's own map decodes it
//! twice, which turns a typed `%25` into `%`.

use std::str::FromStr;

use domain::AppError;
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};

/// Decoded names and values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Parses the part after the question mark.
    pub(crate) fn parse(raw: &str) -> Self {
        let raw = raw.trim_start_matches('?');
        Self(
            form_urlencoded::parse(raw.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// Names and values, in order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of `name`, or an empty string.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(field, _)| field == name)
            .map_or("", |(_, value)| value)
    }

    /// All values of `name`, in order.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The query of the current page.
pub(crate) fn use_query() -> Query {
    let search = use_location().search;
    search.with_untracked(|raw| Query::parse(raw))
}

/// The parameter `name` of the page's path; empty if its route has none.
pub(crate) fn path_text(name: &str) -> String {
    let params = use_params_map();
    params.with_untracked(|params| params.get_str(name).unwrap_or_default().to_owned())
}

/// The parameter `name` of the page's path, an id or a number.
///
/// # Errors
/// `NotFound` if it is none, like an id that does not exist.
pub(crate) fn path_id<Id: FromStr>(name: &str) -> Result<Id, AppError> {
    path_text(name).parse().map_err(|_| AppError::NotFound)
}

/// `fields` as a query with its question mark, without the empty ones.
pub(crate) fn query_string(fields: &[(&str, &str)]) -> String {
    let fields = fields.iter().filter(|(_, value)| !value.is_empty());
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    if query.is_empty() {
        query
    } else {
        format!("?{query}")
    }
}

/// `url`, which may have a query, with `fields` at the end of it.
pub(crate) fn with_fields(url: &str, fields: &[(&str, &str)]) -> String {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let query = Query::parse(query);
    let fields: Vec<_> = query.fields().chain(fields.iter().copied()).collect();
    format!("{path}{}", query_string(&fields))
}

/// URL of the sign-in page, which returns to the current page.
pub(crate) fn return_to_here() -> String {
    let location = use_location();
    let path = location.pathname.get_untracked();
    let search = location.search.get_untracked();
    let current_url = if search.is_empty() {
        path
    } else {
        format!("{path}?{}", search.trim_start_matches('?'))
    };
    format!("/sign-in{}", query_string(&[("return_to", &current_url)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_omits_empty_fields_and_is_encoded() {
        let query = query_string(&[("query", "a & b"), ("kind", ""), ("tag", "ö")]);
        assert_eq!(query, "?query=a+%26+b&tag=%C3%B6");
        assert_eq!(query_string(&[("query", "")]), "");
    }

    #[test]
    fn fields_are_added_behind_those_of_a_url() {
        assert_eq!(with_fields("/a", &[("b", "c d")]), "/a?b=c+d");
        assert_eq!(with_fields("/a?x=1&y=", &[("b", "2")]), "/a?x=1&b=2");
        assert_eq!(with_fields("/a?x=%26", &[("b", "")]), "/a?x=%26");
    }

    #[test]
    fn typed_text_round_trips_through_the_query() {
        for text in ["100%25 & a+b=c", "%", "50%", "ö ?#/", "%zz%2", "=&="] {
            let query = Query::parse(&query_string(&[("x", "1"), ("query", text)]));
            assert_eq!(query.get("query"), text);
        }
        assert_eq!(Query::parse("?query=a+b%2").get("query"), "a b%2");
        assert_eq!(Query::parse("query&x=1").get("query"), "");
        assert_eq!(Query::parse("query=%FF").get("query"), "\u{fffd}");
        assert_eq!(Query::parse("").get("query"), "");
        let several = Query::parse("id=a&x=1&id=b");
        assert_eq!(several.all("id").collect::<Vec<_>>(), ["a", "b"]);
    }
}
