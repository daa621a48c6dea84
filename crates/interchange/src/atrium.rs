//! Atrium's own JSON Lines format: one memory per line, with all its fields.
//! `docs/export.md` documents the schema. The other formats take the fields that
//! they have from this one.

use domain::{
    import::ImportOptions,
    memory::{AttributesInput, MemoryText, Visibility},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    EarlierText, Record,
    fields::{ColumnMapping, JsonRow, json_object},
    moment,
    record::{given, reason},
};

/// Value of each line's `format` field. Increment the number for a change that
/// an older Atrium would misread.
pub(crate) const FORMAT: &str = "atrium.memory/1";

/// A line as it is written. A name that is also a `Field`'s key has its
/// meaning.
#[derive(Serialize)]
struct Line<'a> {
    format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<&'a str>,
    #[serde(flatten)]
    text: &'a MemoryText,
    #[serde(flatten)]
    attributes: &'a AttributesInput,
    #[serde(skip_serializing_if = "Option::is_none")]
    persona: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_session_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
    version: i32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    versions: Vec<Version>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visibility: Option<Visibility>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
struct Version {
    #[serde(rename = "version")]
    number: i32,
    #[serde(default)]
    title: String,
    content: String,
    kind: String,
    #[serde(default)]
    tags: Vec<String>,
    changed_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    change_reason: Option<String>,
}

impl<'a> Line<'a> {
    fn of(record: &'a Record) -> Self {
        Self {
            format: FORMAT,
            id: record.key.as_deref(),
            parent_id: record.parent.as_deref(),
            text: &record.text,
            attributes: &record.attributes,
            persona: record.persona.as_deref(),
            origin: record.origin.as_deref(),
            source_session_id: record.source_session_id.as_deref(),
            created_at: record.created_at.map(moment::format),
            updated_at: record.updated_at.map(moment::format),
            version: record.version,
            versions: record
                .earlier
                .iter()
                .map(|earlier| Version {
                    number: earlier.version,
                    title: earlier.text.title.clone(),
                    content: earlier.text.content.clone(),
                    kind: earlier.text.kind.key().to_owned(),
                    tags: earlier.text.tags.clone(),
                    changed_at: moment::format(earlier.changed_at),
                    change_reason: earlier.change_reason.clone(),
                })
                .collect(),
            visibility: record.visibility,
            owner: record.owner.as_deref(),
        }
    }
}

/// Appends a line to `out`.
///
/// # Errors
/// If the record can't be written as JSON.
pub(crate) fn write(record: &Record, out: &mut Vec<u8>) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *out, &Line::of(record))?;
    out.push(b'\n');
    Ok(())
}

/// The values of a record by `Field::key`; those that it lacks are null or
/// absent.
///
/// # Errors
/// If the record can't be written as JSON.
pub(crate) fn values(record: &Record) -> serde_json::Result<Map<String, Value>> {
    // By way of the text: numbers keep the digits that they are written with.
    serde_json::from_slice(&serde_json::to_vec(&Line::of(record))?)
}

pub(crate) fn parse(raw: &[u8], choice: &ImportOptions) -> Result<Record, String> {
    const NO_LINE: &str = "It is not a line of an Atrium export.";
    let line = json_object(raw).map_err(|_| NO_LINE.to_owned())?;
    let format = line.get("format").and_then(Value::as_str).ok_or(NO_LINE)?;
    if format != FORMAT {
        return Err(format!("Its format is not “{FORMAT}”."));
    }
    let text = |key: &str| line.get(key).and_then(Value::as_str);
    let version = match line.get("version") {
        None => 1,
        Some(number) => i32::deserialize(number).map_err(|_| NO_LINE.to_owned())?,
    };
    Ok(Record {
        parent: text("parent_id").and_then(given),
        version,
        earlier: earlier(line.get("versions"), version)?,
        visibility: text("visibility").and_then(Visibility::from_key),
        owner: text("owner").map(str::to_owned),
        ..ColumnMapping::own().record(&JsonRow(&line), choice)?
    })
}

/// The earlier versions, whose numbers must count up to `current`.
fn earlier(versions: Option<&Value>, current: i32) -> Result<Vec<EarlierText>, String> {
    let versions = match versions {
        None => Vec::new(),
        Some(list) => Vec::<Version>::deserialize(list)
            .map_err(|_| "Its versions can’t be read.".to_owned())?,
    };
    let earlier = versions
        .into_iter()
        .map(|version| {
            Ok(EarlierText {
                version: version.number,
                text: MemoryText::new(
                    &version.title,
                    version.content,
                    &version.kind,
                    &version.tags,
                )
                .map_err(reason)?,
                changed_at: moment::parse(&version.changed_at)?,
                change_reason: version.change_reason,
            })
        })
        .collect::<Result<Vec<_>, String>>()?;
    let ascending = earlier
        .iter()
        .map(|earlier| earlier.version)
        .chain([current])
        .try_fold(0, |before, version| (version > before).then_some(version));
    if ascending.is_none() {
        return Err("Its versions do not count up.".to_owned());
    }
    Ok(earlier)
}

#[cfg(test)]
mod tests {
    use domain::import::ImportFormat;

    use crate::testing::items;

    #[test]
    fn foreign_or_inconsistent_line_is_reported() {
        let version = |number: i32| {
            format!(
                r#"{{"version":{number},"content":"old","kind":"fact","changed_at":"2024-01-01T00:00:00Z"}}"#
            )
        };
        for (line, reason) in [
            ("{}".to_owned(), "It is not a line of an Atrium export."),
            (
                r#"{"format":"atrium.memory/2","content":"a"}"#.into(),
                "Its format is not",
            ),
            (
                r#"{"format":"atrium.memory/1","content":"a","importance":7}"#.into(),
                "0 to 1",
            ),
            (
                r#"{"format":"atrium.memory/1","content":"a","version":0}"#.into(),
                "count up",
            ),
            (
                format!(
                    r#"{{"format":"atrium.memory/1","content":"a","version":2,"versions":[{},{}]}}"#,
                    version(1),
                    version(1)
                ),
                "count up",
            ),
            (
                format!(
                    r#"{{"format":"atrium.memory/1","content":"a","version":2,"versions":[{}]}}"#,
                    version(2)
                ),
                "count up",
            ),
            (
                r#"{"format":"atrium.memory/1","content":"a","created_at":"soon"}"#.into(),
                "no moment",
            ),
        ] {
            let records = items(ImportFormat::Atrium, &line);
            assert!(
                records[0].problem().unwrap().reason.contains(reason),
                "{line}: {:?}",
                records[0].problem()
            );
        }
    }
}
