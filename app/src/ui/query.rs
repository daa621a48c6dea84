//! The query of the page's URL, decoded once. The router's own map decodes it
//! twice, which turns a typed `%25` into `%`.

use std::fmt::Write as _;

use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// Decoded names and values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Parses the part after the question mark.
    pub(crate) fn parse(raw: &str) -> Self {
        let raw = raw.trim_start_matches('?');
        let pairs = raw.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(name), decode(value))
                })
                .collect(),
        )
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
pub(crate) fn use_query() -> Memo<Query> {
    let search = use_location().search;
    Memo::new(move |_| search.with(|raw| Query::parse(raw)))
}

/// `fields` as a query with its question mark, without the empty ones.
pub(crate) fn query_string(fields: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = write!(out, "{}{name}=", if out.is_empty() { '?' } else { '&' });
        encode(value, &mut out);
    }
    out
}

fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

/// Decodes form data: `+` is a space, `%` and two hexadecimal digits are a
/// byte; anything else stays as it is.
fn decode(text: &str) -> String {
    let hex = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = match (bytes[at], hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        let plain = if bytes[at] == b'+' { b' ' } else { bytes[at] };
        out.push(escaped.unwrap_or(plain));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_omits_empty_fields_and_is_encoded() {
        let query = query_string(&[("query", "a & b"), ("kind", ""), ("tag", "ö")]);
        assert_eq!(query, "?query=a%20%26%20b&tag=%C3%B6");
        assert_eq!(query_string(&[("query", "")]), "");
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
