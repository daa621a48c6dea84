//! Memories as returned by mem0's API and its export: objects with `memory`,
//! `categories`, `metadata` and timestamps, as lines or in an array.

use domain::{import::ImportOptions, memory::AttributesInput};
use serde_json::{Map, Value};

use crate::{
    Record,
    fields::json_object,
    moment,
    record::{given, text_record},
};

/// Converts one object. Categories become tags; of the metadata only `kind`,
/// `title` and `tags` are imported.
pub(crate) fn parse(raw: &[u8], choice: &ImportOptions) -> Result<Record, String> {
    let object = json_object(raw)?;
    let plain = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
    let content = ["memory", "data", "text", "content"]
        .iter()
        .find_map(|name| object.get(*name)?.as_str())
        .ok_or("It has no “memory”.")?;
    let no_metadata = Map::new();
    let metadata = object
        .get("metadata")
        .and_then(Value::as_object)
        .unwrap_or(&no_metadata);
    let metadata_text = |name: &str| {
        metadata
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let mut tags = texts(object.get("categories"));
    tags.extend(texts(metadata.get("tags")));
    let time_of = |name: &str| match object.get(name) {
        Some(Value::String(text)) => moment::parse(text).map(Some),
        _ => Ok(None),
    };
    let kind = match metadata_text("kind") {
        kind if domain::memory::MemoryKind::from_key(kind).is_some() => kind,
        _ => "",
    };
    let base = text_record(
        metadata_text("title"),
        content.to_owned(),
        kind,
        tags,
        choice,
    )?;
    Ok(Record {
        key: given(plain("id")),
        source_session_id: given(plain("run_id")),
        created_at: time_of("created_at")?,
        updated_at: time_of("updated_at")?,
        attributes: AttributesInput {
            expires_at: time_of("expiration_date")?.map(Some),
            ..AttributesInput::default()
        },
        ..base
    }
    .choosing(choice))
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let values = value.and_then(Value::as_array).map(Vec::as_slice);
    values
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_str)
        .map(|tag| tag.replace(',', " "))
        .collect()
}

#[cfg(test)]
mod tests {
    use domain::import::ImportFormat;

    use crate::{moment, testing::items};

    /// Modelled on the response of `get_all` and on an export.
    const FILE: &str = r#"{
      "count": 2,
      "results": [
        {
          "id": "ea925981-272f-40dd-b576-be64e4871429",
          "memory": "Prefers morning meetings.",
          "user_id": "alex",
          "hash": "c8f1",
          "metadata": {"source": "chat", "tags": ["work"], "kind": "preference"},
          "categories": ["user_preferences"],
          "created_at": "2025-02-13T10:00:00.123456-08:00",
          "updated_at": "2025-02-14T10:00:00-08:00",
          "run_id": "run-7"
        },
        {"id": "2", "user_id": "alex", "metadata": null, "created_at": null}
      ]
    }"#;

    #[test]
    fn mem0_categories_timestamps_and_run_id_are_imported() {
        let records = items(ImportFormat::Mem0, FILE);
        assert_eq!(records.len(), 2);
        let first = records[0].record.as_ref().unwrap();
        assert_eq!(first.text.content, "Prefers morning meetings.");
        assert_eq!(first.text.kind.key(), "preference");
        assert_eq!(first.text.tags, ["user_preferences", "work"]);
        assert_eq!(first.source_session_id.as_deref(), Some("run-7"));
        assert_eq!(
            first.created_at.map(moment::format).as_deref(),
            Some("2025-02-13T18:00:00.123456Z")
        );
        assert_eq!(records[1].problem().unwrap().reason, "It has no “memory”.");
    }
}
