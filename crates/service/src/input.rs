//! Reads the input of an operation from named values, as a door receives them.

use std::{collections::BTreeSet, fmt};

use domain::{AppError, error::cut};
use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeOwned, IntoDeserializer, MapAccess, Visitor,
        value::{MapDeserializer, StringDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::value::RawValue;

/// A value of a request.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// From a path or a query; numbers and booleans are read from it.
    Text(&'a str),
    Json(&'a RawValue),
}

/// A JSON object whose values are not parsed yet. Keeps duplicate fields, so that
/// [`read_input`] can reject them.
#[derive(Debug, Default)]
pub struct JsonObject<'a>(Vec<(String, &'a RawValue)>);

impl<'a> JsonObject<'a> {
    pub fn into_parts(self) -> impl Iterator<Item = (String, Part<'a>)> {
        self.0
            .into_iter()
            .map(|(name, value)| (name, Part::Json(value)))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for JsonObject<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = JsonObject<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonObject<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(JsonObject(fields))
            }
        }

        from.deserialize_map(Fields)
    }
}

/// Reads an input whose fields are `parts`.
///
/// # Errors
/// [`AppError::Invalid`] with the field's name.
pub fn read_input<T: DeserializeOwned>(parts: &[(String, Part<'_>)]) -> Result<T, AppError> {
    let mut names = BTreeSet::new();
    if let Some((name, _)) = parts.iter().find(|(name, _)| !names.insert(name)) {
        return Err(AppError::field(name, "This field appears twice."));
    }
    let read_without = |skipped: Option<usize>| {
        let kept = parts.iter().enumerate();
        let kept = kept.filter(|(place, _)| Some(*place) != skipped);
        let fields = kept.map(|(_, (name, part))| (name.clone(), *part));
        let fields = MapDeserializer::<_, serde_json::Error>::new(fields);
        serde_path_to_error::deserialize::<_, T>(fields)
    };
    read_without(None).map_err(|error| {
        let message = without_position(&error.inner().to_string());
        // A missing or unknown field has no place in the input yet.
        let mentioned = ["missing field `", "unknown field `"]
            .iter()
            .find_map(|prefix| message.strip_prefix(prefix)?.split('`').next());
        let field = match (mentioned, error.path().to_string()) {
            (Some(field), path) if path == "." || path.starts_with('?') || path == field => {
                field.to_owned()
            }
            (Some(field), path) if path.ends_with(&format!(".{field}")) => path,
            (Some(field), path) => format!("{path}.{field}"),
            (None, path) if path == "." || path.starts_with('?') => {
                flattened_field(parts, &message, read_without)
            }
            (None, path) => path,
        };
        AppError::field(field, brief(&message))
    })
}

/// The field of a bad value in a flattened struct, whose place serde forgets:
/// without it the input has another error or none. A required field that is
/// taken away is missing, which says nothing unless no other field is to blame.
fn flattened_field<T>(
    parts: &[(String, Part<'_>)],
    message: &str,
    read_without: impl Fn(Option<usize>) -> Result<T, serde_path_to_error::Error<serde_json::Error>>,
) -> String {
    let suspects: Vec<(bool, &String)> = parts
        .iter()
        .enumerate()
        .filter_map(|(place, (name, _))| {
            let error = read_without(Some(place)).err();
            let other = error.map(|error| without_position(&error.inner().to_string()));
            let is_missing = other.as_ref() == Some(&format!("missing field `{name}`"));
            (other.as_deref() != Some(message)).then_some((is_missing, name))
        })
        .collect();
    let suspect = suspects.iter().find(|(is_missing, _)| !is_missing);
    suspect
        .or(suspects.first())
        .map(|(_, name)| (*name).clone())
        .unwrap_or_default()
}

/// Reads an input from the text of a JSON object.
///
/// # Errors
/// As [`read_input`]; if the text is not an object, for the field `""`.
pub fn read_json_input<T: DeserializeOwned>(text: &str) -> Result<T, AppError> {
    let fields: JsonObject<'_> = serde_json::from_str(text)
        .map_err(|error| AppError::field("", brief(&without_position(&error.to_string()))))?;
    read_input(&fields.into_parts().collect::<Vec<_>>())
}

/// Cuts what a reader says of a text, which may quote all of it.
pub fn brief(message: &str) -> String {
    cut(message, 300).into_owned()
}

/// A message of `serde_json` without line and column.
fn without_position(message: &str) -> String {
    let text = message
        .rsplit_once(" at line ")
        .map_or(message, |(text, _)| text);
    text.to_owned()
}

impl<'a> IntoDeserializer<'a, serde_json::Error> for Part<'a> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parse_text {
    ($($method:ident => $visit:ident,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
            match self {
                Self::Json(value) => value.$method(visitor),
                Self::Text(text) => match text.parse() {
                    Ok(value) => visitor.$visit(value),
                    Err(_) => visitor.visit_str(text),
                },
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Part<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self {
            Self::Json(value) => value.deserialize_any(visitor),
            Self::Text(text) => visitor.visit_str(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self {
            Self::Json(value) => value.deserialize_option(visitor),
            Self::Text(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match self {
            Self::Json(value) => value.deserialize_enum(name, variants, visitor),
            Self::Text(text) => {
                StringDeserializer::new(text.to_owned()).deserialize_enum(name, variants, visitor)
            }
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self {
            Self::Json(value) => value.deserialize_seq(visitor),
            Self::Text(text) => visitor.visit_str(text),
        }
    }

    parse_text! {
        deserialize_bool => visit_bool,
        deserialize_i32 => visit_i32,
        deserialize_i64 => visit_i64,
        deserialize_u16 => visit_u16,
        deserialize_u32 => visit_u32,
        deserialize_u64 => visit_u64,
        deserialize_f32 => visit_f32,
        deserialize_f64 => visit_f64,
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u8 u128 char str string bytes byte_buf unit unit_struct tuple
        tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use domain::memory::{MemoryListInput, MemoryPatch, SearchInput};

    use super::*;

    fn field<T: DeserializeOwned + fmt::Debug>(text: &str) -> String {
        match read_json_input::<T>(text).unwrap_err() {
            AppError::Invalid { fields } => fields[0].field.clone(),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_bad_value_is_named_by_its_field_also_in_a_flattened_struct() {
        for (text, named) in [
            (r#"{"kind": 7}"#, "kind"),
            (r#"{"tag": "a", "origin": ["x"], "after": "x"}"#, "origin"),
            (r#"{"after": 7}"#, "after"),
            (r#"{"colour": "green"}"#, "colour"),
            (r#"{"kind": "fact", "kind": "event"}"#, "kind"),
            ("[]", ""),
        ] {
            assert_eq!(field::<MemoryListInput>(text), named, "{text}");
        }
        assert_eq!(
            field::<SearchInput>(r#"{"query": "x", "filter": {"kind": 7}}"#),
            "filter.kind"
        );
        assert_eq!(
            field::<SearchInput>(r#"{"query": "x", "filter": {"colour": ""}}"#),
            "filter.colour"
        );
        assert_eq!(field::<SearchInput>("{}"), "query");
        let id = uuid::Uuid::nil();
        let patch = format!(r#"{{"id": "{id}", "version": 1, "importance": "high"}}"#);
        assert_eq!(field::<MemoryPatch>(&patch), "importance");
    }

    #[test]
    fn text_is_read_as_the_number_that_a_field_holds() {
        let parts = |limit| {
            [
                (
                    "id".to_owned(),
                    Part::Text("00000000-0000-0000-0000-000000000000"),
                ),
                ("limit".to_owned(), Part::Text(limit)),
                ("kind".to_owned(), Part::Text("fact")),
            ]
        };
        let input: domain::memory::SimilarInput = read_input(&parts("7")).unwrap();
        assert_eq!((input.limit, input.filter.kind.as_str()), (Some(7), "fact"));
        let error = read_input::<domain::memory::SimilarInput>(&parts("some")).unwrap_err();
        assert!(error.for_field("limit").is_some(), "{error:?}");
    }
}
