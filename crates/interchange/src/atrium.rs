//! Atrium's own JSON Lines format: one memory per line, with all its fields.
//! `docs/export.md` documents the schema.

use domain::{
    Timestamp,
    import::ImportOptions,
    memory::{MemoryText, Visibility},
};
use serde::{Deserialize, Serialize};

use crate::{
    EarlierText, Record,
    input::utf8,
    moment,
    record::{given, reason, text},
};

/// Value of each line's `format` field. Increment the number for a change that
/// an older Atrium would misread.
pub(crate) const FORMAT: &str = "atrium.memory/1";

#[derive(Serialize, Deserialize)]
struct Line {
    format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent_id: Option<String>,
    #[serde(default)]
    title: String,
    content: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    importance: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    persona: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allowed_vendors: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_session_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
    #[serde(default = "first_version")]
    version: i32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    versions: Vec<Version>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    visibility: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
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

const fn first_version() -> i32 {
    1
}

pub(crate) fn write(record: &Record, out: &mut Vec<u8>) {
    let line = Line {
        format: FORMAT.to_owned(),
        id: record.key.clone(),
        parent_id: record.parent.clone(),
        title: record.text.title.clone(),
        content: record.text.content.clone(),
        kind: record.text.kind.key().to_owned(),
        tags: record.text.tags.clone(),
        importance: record.importance,
        expires_at: record.expires_at.map(moment::format),
        persona: record.persona.clone(),
        allowed_vendors: record.allowed_vendors.clone(),
        origin: record.origin.clone(),
        source_session_id: record.source_session_id.clone(),
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
        visibility: record
            .visibility
            .map(|visibility| visibility.key().to_owned()),
        owner: record.owner.clone(),
    };
    if let Ok(line) = serde_json::to_vec(&line) {
        out.extend(line);
        out.push(b'\n');
    }
}

pub(crate) fn parse(raw: &[u8], choice: &ImportOptions) -> Result<Record, String> {
    let line: Line = serde_json::from_str(utf8(raw)?)
        .map_err(|_| "It is not a line of an Atrium export.".to_owned())?;
    if line.format != FORMAT {
        return Err(format!("Its format is not “{FORMAT}”."));
    }
    if line
        .importance
        .is_some_and(|number| !(0.0..=1.0).contains(&number))
    {
        return Err("An importance is a number from 0 to 1.".to_owned());
    }
    let parse_time = |text: &Option<String>| -> Result<Option<Timestamp>, String> {
        text.as_deref().map(moment::parse).transpose()
    };
    let earlier = line
        .versions
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
        .chain([line.version])
        .try_fold(0, |before, version| (version > before).then_some(version));
    if ascending.is_none() {
        return Err("Its versions do not count up.".to_owned());
    }
    Ok(Record {
        key: line.id.as_deref().and_then(given),
        parent: line.parent_id.as_deref().and_then(given),
        text: text(&line.title, line.content, &line.kind, line.tags, choice)?,
        importance: line.importance,
        expires_at: parse_time(&line.expires_at)?,
        persona: line.persona.as_deref().and_then(given),
        allowed_vendors: line.allowed_vendors,
        origin: line.origin,
        source_session_id: line.source_session_id,
        created_at: parse_time(&line.created_at)?,
        updated_at: parse_time(&line.updated_at)?,
        version: line.version,
        earlier,
        visibility: line.visibility.as_deref().and_then(Visibility::from_key),
        owner: line.owner,
    }
    .choosing(choice))
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
