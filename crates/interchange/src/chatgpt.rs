//! ChatGPT's data export: a zip archive with `conversations.json` (or several,
//! numbered) and in some exports the saved memories in `memory.json` or
//! `memories.json`. A single `conversations.json` is accepted, too.
//!
//! Conversations are trees, because an answer can be regenerated. Only the
//! branch that ends at `current_node` is imported, the one ChatGPT displays.

use std::collections::HashMap;

use domain::{Timestamp, import::ImportOptions, memory::MemoryKind};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    Record, Sink, Source, Stop,
    archive::{Archive, base_name, is_archive},
    chat::{Conversation, Part},
    fields::json_object,
    input::utf8,
    json_file, moment,
};

const ORIGIN: &str = "chatgpt";
/// Maximum number of messages read from one conversation, from its end.
const MAX_MESSAGES: usize = 20_000;

#[derive(Deserialize)]
struct RawConversation {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    conversation_id: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    create_time: Option<f64>,
    #[serde(default)]
    update_time: Option<f64>,
    #[serde(default)]
    current_node: Option<String>,
    mapping: HashMap<String, Node>,
}

#[derive(Deserialize)]
struct Node {
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    parent: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    author: Author,
    #[serde(default)]
    create_time: Option<f64>,
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    recipient: Option<String>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Author {
    role: String,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    is_visually_hidden_from_conversation: bool,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    content_type: String,
    #[serde(default)]
    parts: Vec<Value>,
}

/// Reads the archive or a single file.
pub(crate) fn read(
    source: &mut dyn Source,
    choice: &ImportOptions,
    sink: &mut Sink<'_>,
) -> Result<(), Stop> {
    if !is_archive(source)? {
        return json_file::each(source, &mut |line, bytes, raw| {
            emit_conversation(line, bytes, raw.and_then(parse), choice, sink)
        });
    }
    let is_memory = |base: &str| matches!(base, "memory.json" | "memories.json");
    let base = |path: &str| base_name(path).to_ascii_lowercase();
    let wants = |path: &str| is_memory(&base(path)) || is_conversations(&base(path));
    Archive::open(source)?.each(wants, |path, stream| {
        sink.entry = Some(path.to_owned());
        let stream = match stream {
            Ok(stream) => stream,
            Err(reason) => return sink.give(0, 0, Err(reason)),
        };
        let is_memory = is_memory(&base(path));
        let mut count = 0;
        json_file::each_of_stream(stream, &mut |_, bytes, raw| {
            count += 1;
            if is_memory {
                sink.give(
                    count,
                    bytes,
                    raw.and_then(|raw| parse_saved_memory(raw, choice)),
                )
            } else {
                emit_conversation(count, bytes, raw.and_then(parse), choice, sink)
            }
        })
    })?;
    sink.entry = None;
    Ok(())
}

/// Matches `conversations.json` and numbered names such as
/// `conversations-001.json`.
pub(crate) fn is_conversations(base: &str) -> bool {
    base.strip_prefix("conversations")
        .and_then(|rest| {
            rest.strip_suffix(".json")
                .or_else(|| rest.strip_suffix(".jsonl"))
        })
        .is_some_and(|number| {
            number
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, '-' | '_'))
        })
}

fn emit_conversation(
    line: u64,
    bytes: u64,
    conversation: Result<Conversation, String>,
    choice: &ImportOptions,
    sink: &mut Sink<'_>,
) -> Result<(), Stop> {
    match conversation {
        Err(reason) => sink.give(line, bytes, Err(reason)),
        Ok(conversation) => conversation
            .into_records(choice)
            .into_iter()
            .try_for_each(|record| sink.give(line, bytes, record)),
    }
}

fn parse(raw: &[u8]) -> Result<Conversation, String> {
    let raw: RawConversation = serde_json::from_str(utf8(raw)?)
        .map_err(|_| "It is not a conversation of ChatGPT.".to_owned())?;
    let messages = branch(&raw)
        .into_iter()
        .filter_map(|message| Some((speaker(message)?, message_text(message)?)))
        .collect();
    let at = |number: Option<f64>| number.and_then(moment::from_unix);
    Ok(Conversation {
        id: raw.conversation_id.or(raw.id),
        title: raw.title.unwrap_or_default(),
        created_at: at(raw.create_time),
        updated_at: at(raw.update_time),
        origin: ORIGIN,
        messages,
    })
}

/// The messages from the root to `current_node`, or all messages by time if
/// there is no such node.
fn branch(raw: &RawConversation) -> Vec<&Message> {
    let mut messages = Vec::new();
    let mut next = raw.current_node.as_ref();
    // Guards against cycles: no branch is longer than the number of nodes.
    for _ in 0..raw.mapping.len().min(MAX_MESSAGES) {
        let Some(node) = next.and_then(|id| raw.mapping.get(id)) else {
            break;
        };
        messages.extend(&node.message);
        next = node.parent.as_ref();
    }
    messages.reverse();
    if messages.is_empty() {
        messages = raw
            .mapping
            .values()
            .filter_map(|node| node.message.as_ref())
            .collect();
        messages.sort_by(|a, b| {
            let at = |message: &Message| message.create_time.unwrap_or(f64::MAX);
            at(a).total_cmp(&at(b))
        });
    }
    messages
}

fn speaker(message: &Message) -> Option<&'static str> {
    if message.metadata.is_visually_hidden_from_conversation {
        return None;
    }
    match (message.author.role.as_str(), message.recipient.as_deref()) {
        ("user", _) => Some("You"),
        // Any other recipient means a tool call.
        ("assistant", None | Some("all")) => Some("ChatGPT"),
        _ => None,
    }
}

fn message_text(message: &Message) -> Option<String> {
    let content = message.content.as_ref()?;
    if !matches!(
        content.content_type.as_str(),
        "" | "text" | "multimodal_text"
    ) {
        return None;
    }
    let parts: Vec<_> = content
        .parts
        .iter()
        .filter_map(|part| part.as_str().or_else(|| part.get("text")?.as_str()))
        .filter(|part| !part.trim().is_empty())
        .collect();
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

fn parse_saved_memory(raw: &[u8], choice: &ImportOptions) -> Result<Record, String> {
    let object = json_object(raw)?;
    if object.get("enabled") == Some(&Value::Bool(false)) {
        return Err("It is disabled in ChatGPT.".to_owned());
    }
    let content = ["content", "memory", "text", "value"]
        .iter()
        .find_map(|name| object.get(*name)?.as_str())
        .ok_or("It has no “content”.")?;
    let time_of = |names: &[&str]| -> Option<Timestamp> {
        names.iter().find_map(|name| match object.get(*name)? {
            Value::String(text) => moment::parse(text).ok(),
            value => moment::from_unix(value.as_f64()?),
        })
    };
    let created_at = time_of(&["created_at", "create_time", "created_timestamp"]);
    let part = Part {
        key: object.get("id").and_then(Value::as_str).map(str::to_owned),
        title: String::new(),
        kind: MemoryKind::Fact,
        content: content.to_owned(),
    };
    part.into_records(choice, |record| Record {
        origin: Some(ORIGIN.to_owned()),
        created_at,
        updated_at: time_of(&["updated_at", "update_time", "updated_timestamp"]).or(created_at),
        ..record
    })
    .into_iter()
    .next()
    .unwrap_or_else(|| Err("Content is required.".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use domain::import::ImportFormat;

    use crate::{
        detect, moment,
        testing::{archive, items},
    };

    /// Modelled on real exports: a tree with a regenerated answer, a hidden
    /// message, a tool call with its result, and an image.
    const CONVERSATIONS: &str = r#"[{
      "title": "Tea", "create_time": 1714979289.25, "update_time": 1714979389.5,
      "mapping": {
        "root": {"id": "root", "message": null, "parent": null, "children": ["s"]},
        "s": {"id": "s", "parent": "root", "children": ["u"], "message": {"id": "s", "author": {"role": "system"},
          "content": {"content_type": "text", "parts": [""]}, "metadata": {"is_visually_hidden_from_conversation": true}}},
        "u": {"id": "u", "parent": "s", "children": ["a1", "a2"], "message": {"id": "u", "author": {"role": "user"},
          "create_time": 1714979290.0, "recipient": "all",
          "content": {"content_type": "multimodal_text", "parts": [{"content_type": "image_asset_pointer", "asset_pointer": "x"}, "How long does it draw?"]}}},
        "a1": {"id": "a1", "parent": "u", "children": [], "message": {"id": "a1", "author": {"role": "assistant"},
          "content": {"content_type": "text", "parts": ["An hour."]}}},
        "a2": {"id": "a2", "parent": "u", "children": ["t"], "message": {"id": "a2", "author": {"role": "assistant"}, "recipient": "web",
          "content": {"content_type": "code", "text": "search(\"tea\")"}}},
        "t": {"id": "t", "parent": "a2", "children": ["a3"], "message": {"id": "t", "author": {"role": "tool"},
          "content": {"content_type": "text", "parts": ["found"]}}},
        "a3": {"id": "a3", "parent": "t", "children": [], "message": {"id": "a3", "author": {"role": "assistant"}, "recipient": "all",
          "content": {"content_type": "text", "parts": ["Three minutes."]}, "metadata": {"model_slug": "x"}}}
      },
      "moderation_results": [], "current_node": "a3", "conversation_id": "c-1", "id": "c-1"
    },
    {"title": "Circle", "mapping": {"a": {"parent": "b", "message": null}, "b": {"parent": "a"}}, "current_node": "a", "id": "c-2"},
    {"no": "conversation"}]"#;

    #[test]
    fn conversation_becomes_one_memory_of_the_displayed_branch() {
        let memory = r#"[{"id": "m-1", "content": "Drinks tea without milk.", "created_at": "2024-05-06T07:08:09Z", "enabled": true},
            {"content": "Old.", "enabled": false}]"#;
        let zip = archive(&[
            ("export/conversations.json", CONVERSATIONS),
            ("export/chat.html", "<html>"),
            ("export/memory.json", memory),
            ("export/user.json", "{}"),
        ]);
        assert_eq!(
            detect("export.zip", &mut Cursor::new(&zip)).unwrap(),
            Some(ImportFormat::ChatGpt)
        );
        let found = items(ImportFormat::ChatGpt, &zip);
        let first = found[0].record.as_ref().unwrap();
        assert_eq!(first.text.title, "Tea");
        assert_eq!(
            first.text.content,
            "You:\nHow long does it draw?\n\nChatGPT:\nThree minutes."
        );
        assert_eq!(first.text.kind.key(), "event");
        assert_eq!(first.origin.as_deref(), Some("chatgpt"));
        assert_eq!(first.source_session_id.as_deref(), Some("c-1"));
        assert_eq!(
            (first.created_at, first.updated_at).clone(),
            (
                moment::parse("2024-05-06T07:08:09.25Z").ok(),
                moment::parse("2024-05-06T07:09:49.5Z").ok()
            )
        );
        let problems: Vec<_> = found[1..3]
            .iter()
            .map(|item| item.problem().unwrap())
            .collect();
        assert_eq!(problems[0].reason, "This conversation has no messages.");
        assert_eq!(
            (problems[1].line, problems[1].entry.as_deref()),
            (3, Some("export/conversations.json"))
        );
        let saved = found[3].record.as_ref().unwrap();
        assert_eq!(
            (saved.text.content.as_str(), saved.text.kind.key()),
            ("Drinks tea without milk.", "fact")
        );
        assert!(found[4].problem().unwrap().reason.contains("disabled"));
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn single_file_is_imported() {
        let mut file = Cursor::new(CONVERSATIONS);
        assert_eq!(
            detect("conversations.json", &mut file).unwrap(),
            Some(ImportFormat::ChatGpt)
        );
        assert_eq!(items(ImportFormat::ChatGpt, CONVERSATIONS).len(), 3);
    }
}
