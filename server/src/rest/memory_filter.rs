//! What lists and searches of memories are narrowed to: the same over REST, as
//! query and as body, and over MCP.

use std::{fmt, marker::PhantomData, sync::LazyLock};

use domain::memory::MemoryFilter;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, MapAccess, Visitor},
};
use serde_json::{Map, Value};
use utoipa::{IntoParams, PartialSchema as _, ToSchema};

/// What a list or a search is narrowed to.
#[derive(Debug, Default, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct MemoryFilterParams {
    /// `fact`, `preference`, `event`, `skill_note` or `context`.
    kind: String,
    /// Tags, separated by commas: all of them, exactly.
    tag: String,
    /// The id of one of the member's own personas.
    persona: String,
    /// `mine`, `shared` (those of others) or a member's id.
    owner: String,
    /// The id of a team: what is shared with it.
    team: String,
    /// Their origin, e.g. `dashboard`, `import`, `api` or `mcp`.
    origin: String,
    /// `short` or `long`.
    term: String,
    /// `private`, `team` or `org`.
    visibility: String,
    /// Changed on this day (`YYYY-MM-DD`) or later.
    from: String,
    /// Changed on this day or earlier.
    to: String,
    /// `trash`: the member's own deleted ones instead.
    state: String,
}

impl From<MemoryFilterParams> for MemoryFilter {
    fn from(memory_filter: MemoryFilterParams) -> Self {
        Self {
            kind: memory_filter.kind,
            tag: memory_filter.tag,
            persona: memory_filter.persona,
            owner: memory_filter.owner,
            team: memory_filter.team,
            origin: memory_filter.origin,
            term: memory_filter.term,
            visibility: memory_filter.visibility,
            from: memory_filter.from,
            to: memory_filter.to,
            state: memory_filter.state,
        }
    }
}

/// The fields of [`MemoryFilterParams`] as JSON Schema.
pub(crate) static FIELDS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let schema = serde_json::to_value(MemoryFilterParams::schema()).unwrap_or_default();
    let fields = schema["properties"].as_object();
    fields.cloned().unwrap_or_default()
});

/// What is asked of a list or a search: what it is narrowed to, and `T` beside
/// that. What neither knows is refused by its name.
#[derive(Debug)]
pub(crate) struct WithFilter<T> {
    pub(crate) filter: MemoryFilter,
    pub(crate) asked: T,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for WithFilter<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: DeserializeOwned> Visitor<'de> for Reader<T> {
            type Value = WithFilter<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("named values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut given: A) -> Result<WithFilter<T>, A::Error> {
                let (mut filter, mut asked) = (Map::new(), Map::new());
                while let Some((name, value)) = given.next_entry::<String, Value>()? {
                    let side = if FIELDS.contains_key(&name) {
                        &mut filter
                    } else {
                        &mut asked
                    };
                    // Which of two values counts would be a guess.
                    if side.contains_key(&name) {
                        return Err(A::Error::custom(format!("`{name}` is given twice")));
                    }
                    side.insert(name, value);
                }
                let filter: MemoryFilterParams = read(filter)?;
                Ok(WithFilter {
                    filter: filter.into(),
                    asked: read(asked)?,
                })
            }
        }
        from.deserialize_map(Reader(PhantomData))
    }
}

fn read<T: DeserializeOwned, E: serde::de::Error>(fields: Map<String, Value>) -> Result<T, E> {
    serde_json::from_value(Value::Object(fields)).map_err(E::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct After {
        after: Option<String>,
    }

    fn read(text: &str) -> Result<WithFilter<After>, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// Each field of the filter that pages have.
    #[test]
    fn it_narrows_by_all_that_the_filter_knows() {
        let known = serde_json::to_value(MemoryFilter::default()).unwrap();
        let known: Vec<_> = known.as_object().unwrap().keys().collect();
        let mut fields: Vec<_> = FIELDS.keys().collect();
        fields.sort();
        let mut sorted = known.clone();
        sorted.sort();
        assert_eq!(fields, sorted);
        for name in known {
            let among = read(&format!(r#"{{"{name}": "x", "after": "y"}}"#)).unwrap();
            let filter = serde_json::to_value(&among.filter).unwrap();
            assert_eq!(filter[name], "x", "{name}");
            assert_eq!(among.asked.after.as_deref(), Some("y"));
            let set = filter.as_object().unwrap().values();
            assert_eq!(set.filter(|value| **value != "").count(), 1, "{name}");
        }
    }

    #[test]
    fn what_it_does_not_know_is_named() {
        for (text, named) in [
            (r#"{"colour": "green"}"#, "`colour`"),
            (r#"{"kind": "fact", "kind": "event"}"#, "`kind`"),
            (r#"{"after": "x", "after": "y"}"#, "`after`"),
            (r#"{"kind": 7}"#, "7"),
            ("[]", "named values"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(named), "{text}: {said}");
        }
    }
}
