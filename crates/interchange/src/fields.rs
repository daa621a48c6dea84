//! Maps CSV columns and JSON keys to fields of a memory.

use std::borrow::Cow;

use domain::{
    Timestamp,
    import::{Field, ImportOptions, MAX_COLUMNS, parse_tags},
    memory::AttributesInput,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    Record,
    input::{mend_surrogates, utf8},
    moment,
    record::{given, text_record},
};

/// The value in one column of a row.
pub(crate) enum Cell<'a> {
    Text(Cow<'a, str>),
    List(Vec<String>),
    /// Any other JSON value, e.g. an object.
    Other,
}

/// A row of a CSV file, a JSON object or a note's front matter.
pub(crate) trait Row {
    /// The value in `column`; `None` if the row has no such column.
    fn cell(&self, column: &str) -> Result<Option<Cell<'_>>, String>;
}

/// The column of each mapped field.
pub(crate) struct ColumnMapping(Vec<(Field, String)>);

/// Represents an empty list of vendors in formats that have only text.
pub(crate) const NO_VENDOR: &str = "none";

const NOT_TEXT: &str = "“content”, “title” and “kind” must be text, “tags” a list of texts.";

impl ColumnMapping {
    /// Resolves the member's choice against `columns`; `None` if no column
    /// holds the content.
    pub(crate) fn of(choice: &ImportOptions, columns: &[String]) -> Option<Self> {
        let wanted: Vec<_> = Field::ALL
            .iter()
            .filter_map(|field| Some((*field, choice.column(*field, columns)?.to_owned())))
            .collect();
        wanted
            .iter()
            .any(|(field, _)| *field == Field::Content)
            .then_some(Self(wanted))
    }

    /// Each field in the column of its own name, as Atrium writes them.
    pub(crate) fn own() -> Self {
        let own = |field: &Field| (*field, field.key().to_owned());
        Self(Field::ALL.iter().map(own).collect())
    }

    /// Only the fields that `keep` accepts.
    pub(crate) fn filtered(mut self, keep: impl Fn(Field) -> bool) -> Self {
        self.0.retain(|(field, _)| keep(*field));
        self
    }

    pub(crate) fn into_pairs(self) -> Vec<(Field, String)> {
        self.0
    }

    /// Builds a record from `row`.
    pub(crate) fn record(&self, row: &dyn Row, choice: &ImportOptions) -> Result<Record, String> {
        let cell = |field: Field| match self.0.iter().find(|(wanted, _)| *wanted == field) {
            Some((_, column)) => row.cell(column),
            None => Ok(None),
        };
        let plain = |field: Field| match cell(field)? {
            None => Ok(String::new()),
            Some(Cell::Text(text)) => Ok(text.into_owned()),
            Some(Cell::List(_) | Cell::Other) => Err(NOT_TEXT.to_owned()),
        };
        let list = |field: Field| match cell(field)? {
            None => Ok(Vec::new()),
            Some(Cell::Text(text)) => Ok(parse_tags(&text)),
            Some(Cell::List(list)) => Ok(list),
            Some(Cell::Other) => Err(NOT_TEXT.to_owned()),
        };
        let time_of = |field: Field| -> Result<Option<Timestamp>, String> {
            let text = plain(field)?;
            given(&text).map(|text| moment::parse(&text)).transpose()
        };
        let base = text_record(
            &plain(Field::Title)?,
            plain(Field::Content)?,
            &plain(Field::Kind)?,
            list(Field::Tags)?,
            choice,
        )?;
        let mut attributes = Map::new();
        for field in Field::ALL.iter().filter(|field| field.is_attribute()) {
            let value = match field {
                Field::ExpiresAt => time_of(*field)?.map(|at| moment::format(at).into()),
                Field::Importance => importance(&plain(*field)?)?.map(Value::from),
                Field::AllowedVendors => vendors(cell(*field)?)?.map(Value::from),
                _ => given(&plain(*field)?).map(Value::from),
            };
            if let Some(value) = value {
                attributes.insert(field.key().to_owned(), value);
            }
        }
        Ok(Record {
            key: given(&plain(Field::Key)?),
            attributes: AttributesInput::deserialize(Value::Object(attributes))
                .map_err(|error| error.to_string())?,
            persona: given(&plain(Field::Persona)?),
            origin: given(&plain(Field::Origin)?),
            source_session_id: given(&plain(Field::SourceSession)?),
            created_at: time_of(Field::CreatedAt)?,
            updated_at: time_of(Field::UpdatedAt)?,
            ..base
        }
        .choosing(choice))
    }
}

/// No vendor at all differs from an unset list and must be preserved.
fn vendors(cell: Option<Cell<'_>>) -> Result<Option<Vec<String>>, String> {
    match cell {
        None => Ok(None),
        Some(Cell::List(vendors)) => Ok(Some(vendors)),
        Some(Cell::Text(text)) if text.trim() == NO_VENDOR => Ok(Some(Vec::new())),
        Some(Cell::Text(text)) if text.trim().is_empty() => Ok(None),
        Some(Cell::Text(text)) => Some(parse_tags(&text))
            .filter(|vendors| !vendors.is_empty())
            .map(Some)
            .ok_or_else(|| "“allowed_vendors” names nothing.".to_owned()),
        Some(Cell::Other) => Err("“allowed_vendors” must be a list of texts.".to_owned()),
    }
}

fn importance(text: &str) -> Result<Option<f32>, String> {
    let Some(text) = given(text) else {
        return Ok(None);
    };
    text.parse()
        .ok()
        .filter(|number| (0.0..=1.0).contains(number))
        .map(Some)
        .ok_or_else(|| "An importance is a number from 0 to 1.".to_owned())
}

/// Parses a JSON object.
pub(crate) fn json_object(raw: &[u8]) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(&mend_surrogates(utf8(raw)?)) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("It is not a JSON object.".to_owned()),
        Err(_) => Err("It is not JSON.".to_owned()),
    }
}

/// Parses a JSON object and maps it to a record.
pub(crate) fn json_record(raw: &[u8], choice: &ImportOptions) -> Result<Record, String> {
    let object = json_object(raw)?;
    let columns = json_columns(&object);
    let missing = |name: &str| format!("It has no “{name}”.");
    let wanted =
        ColumnMapping::of(choice, &columns).ok_or_else(|| missing(Field::Content.key()))?;
    if let Some((_, column)) = wanted.0.iter().find(|(field, _)| *field == Field::Content)
        && !columns.contains(column)
    {
        return Err(missing(column));
    }
    wanted.record(&JsonRow(&object), choice)
}

/// Column names of an object. Keys of an object one level down are
/// prefixed with the outer key and a dot.
pub(crate) fn json_columns(object: &Map<String, Value>) -> Vec<String> {
    let mut columns = Vec::with_capacity(object.len());
    for (key, value) in object {
        match value {
            Value::Object(inner) => {
                columns.extend(inner.keys().map(|name| format!("{key}.{name}")));
            }
            _ => columns.push(key.clone()),
        }
    }
    columns.truncate(MAX_COLUMNS);
    columns
}

pub(crate) struct JsonRow<'a>(pub(crate) &'a Map<String, Value>);

impl Row for JsonRow<'_> {
    fn cell(&self, column: &str) -> Result<Option<Cell<'_>>, String> {
        let value = match self.0.get(column) {
            Some(value) => value,
            None => match column
                .split_once('.')
                .and_then(|(outer, inner)| self.0.get(outer)?.get(inner))
            {
                Some(value) => value,
                None => return Ok(None),
            },
        };
        Ok(match value {
            Value::Null => None,
            Value::String(text) => Some(Cell::Text(Cow::Borrowed(text))),
            Value::Array(values) => Some(
                values
                    .iter()
                    .map(|value| value.as_str().map(str::to_owned))
                    .collect::<Option<Vec<_>>>()
                    .map_or(Cell::Other, Cell::List),
            ),
            // A number may be a timestamp or an importance.
            Value::Number(number) if column != "content" => {
                Some(Cell::Text(Cow::Owned(number.to_string())))
            }
            Value::Number(_) | Value::Bool(_) | Value::Object(_) => Some(Cell::Other),
        })
    }
}
