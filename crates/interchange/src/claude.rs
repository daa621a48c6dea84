//! Claude's data export: a zip archive with `conversations.json`,
//! `projects.json` (or one file per project in `projects/`) and
//! `memories.json`. A single one of these files is accepted, too.
//!
//! Conversations become events as in [`crate::chat`]. Claude's memory, general
//! and per project, and a project's instructions become context; a project's
//! documents become replies to it.

use domain::{import::ImportOptions, memory::MemoryKind};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    Record, Sink, Source, Stop,
    archive::{Archive, base_name, is_archive},
    chat::{Conversation, Part},
    chatgpt::is_conversations,
    fields::json_object,
    input::utf8,
    json_file, moment,
};

const ORIGIN: &str = "claude";

#[derive(Deserialize)]
struct RawConversation {
    #[serde(default)]
    uuid: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    updated_at: Option<String>,
    chat_messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    sender: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    content: Vec<Value>,
}

/// A kind of file in the export.
#[derive(Clone, Copy)]
enum File {
    Conversations,
    Projects,
    Memories,
}

impl File {
    fn of(name: &str) -> Option<Self> {
        let base = base_name(name).to_ascii_lowercase();
        match base.as_str() {
            "memories.json" | "memory.json" => Some(Self::Memories),
            "projects.json" => Some(Self::Projects),
            _ if is_conversations(&base) => Some(Self::Conversations),
            _ if base
                .rsplit_once('.')
                .is_some_and(|(_, ending)| ending == "json")
                && name.to_ascii_lowercase().contains("projects/") =>
            {
                Some(Self::Projects)
            }
            _ => None,
        }
    }
}

/// Reads the archive or a single file.
pub(crate) fn read(
    source: &mut dyn Source,
    choice: &ImportOptions,
    sink: &mut Sink<'_>,
) -> Result<(), Stop> {
    if !is_archive(source)? {
        return json_file::each(source, &mut |line, bytes, raw| {
            let records = raw.map_or_else(
                |reason| vec![Err(reason)],
                |raw| parse_standalone(raw, choice),
            );
            emit_all(line, bytes, records, sink)
        });
    }
    let wants = |path: &str| File::of(path).is_some();
    Archive::open(source)?.each(wants, |path, stream| {
        let Some(file) = File::of(path) else {
            return Ok(());
        };
        sink.entry = Some(path.to_owned());
        let stream = match stream {
            Ok(stream) => stream,
            Err(reason) => return sink.give(0, 0, Err(reason)),
        };
        let mut count = 0;
        json_file::each_of_stream(stream, &mut |_, bytes, raw| {
            count += 1;
            let records = match raw {
                Err(reason) => vec![Err(reason)],
                Ok(raw) => match file {
                    File::Conversations => conversation(raw, choice),
                    File::Projects => with_object(raw, |object| project(object, choice)),
                    File::Memories => with_object(raw, |object| memories(object, choice)),
                },
            };
            emit_all(count, bytes, records, sink)
        })
    })?;
    sink.entry = None;
    Ok(())
}

type Records = Vec<Result<Record, String>>;

fn emit_all(line: u64, bytes: u64, records: Records, sink: &mut Sink<'_>) -> Result<(), Stop> {
    records
        .into_iter()
        .try_for_each(|record| sink.give(line, bytes, record))
}

fn with_object(raw: &[u8], read: impl Fn(&Map<String, Value>) -> Records) -> Records {
    json_object(raw).map_or_else(|reason| vec![Err(reason)], |object| read(&object))
}

/// Parses a record of a file without an archive, whose kind its keys show.
fn parse_standalone(raw: &[u8], choice: &ImportOptions) -> Records {
    with_object(raw, |object| {
        if object.contains_key("conversations_memory") || object.contains_key("project_memories") {
            memories(object, choice)
        } else if object.contains_key("prompt_template") || object.contains_key("docs") {
            project(object, choice)
        } else {
            conversation(raw, choice)
        }
    })
}

fn conversation(raw: &[u8], choice: &ImportOptions) -> Records {
    let raw: Result<RawConversation, String> = utf8(raw).and_then(|raw| {
        serde_json::from_str(raw).map_err(|_| "It is not a conversation of Claude.".to_owned())
    });
    let raw = match raw {
        Ok(raw) => raw,
        Err(reason) => return vec![Err(reason)],
    };
    let at = |text: &Option<String>| text.as_deref().and_then(|text| moment::parse(text).ok());
    let conversation = Conversation {
        created_at: at(&raw.created_at),
        updated_at: at(&raw.updated_at),
        id: raw.uuid,
        title: raw.name.unwrap_or_default(),
        origin: ORIGIN,
        messages: raw
            .chat_messages
            .into_iter()
            .filter_map(|message| {
                let speaker = match message.sender.as_str() {
                    "human" | "user" => "You",
                    "assistant" => "Claude",
                    _ => return None,
                };
                Some((speaker, message_text(message)))
            })
            .collect(),
        notes: Vec::new(),
    };
    conversation.into_records(choice)
}

/// The message's text blocks. Falls back to the flat text of older exports,
/// which has placeholders where tools were used.
fn message_text(message: Message) -> String {
    let blocks: Vec<_> = message
        .content
        .iter()
        .filter(|block| block.get("type").and_then(Value::as_str) == Some("text"))
        .filter_map(|block| block.get("text")?.as_str())
        .filter(|text| !text.trim().is_empty())
        .collect();
    if blocks.is_empty() {
        message.text.unwrap_or_default()
    } else {
        blocks.join("\n\n")
    }
}

fn memories(object: &Map<String, Value>, choice: &ImportOptions) -> Records {
    let mut parts = Vec::new();
    let plain = |name: &str| object.get(name).and_then(Value::as_str);
    if let Some(content) = plain("conversations_memory") {
        parts.push(Part {
            key: plain("account_uuid").map(|id| format!("memory-{id}")),
            title: "Claude’s memory".to_owned(),
            kind: MemoryKind::Context,
            content: content.to_owned(),
        });
    }
    let projects = object.get("project_memories").and_then(Value::as_object);
    for (id, content) in projects.into_iter().flatten() {
        parts.extend(content.as_str().map(|content| Part {
            key: Some(format!("memory-{id}")),
            title: "Claude’s memory for a project".to_owned(),
            kind: MemoryKind::Context,
            content: content.to_owned(),
        }));
    }
    // A single saved memory.
    if let Some(content) = ["content", "memory", "text"]
        .iter()
        .find_map(|name| plain(name))
    {
        parts.push(Part {
            key: plain("uuid").or_else(|| plain("id")).map(str::to_owned),
            title: String::new(),
            kind: MemoryKind::Fact,
            content: content.to_owned(),
        });
    }
    let at = |name: &str| plain(name).and_then(|text| moment::parse(text).ok());
    let records: Records = parts
        .into_iter()
        .filter(|part| !part.content.trim().is_empty())
        .flat_map(|part| {
            part.into_records(choice, |record| Record {
                origin: Some(ORIGIN.to_owned()),
                created_at: at("created_at"),
                updated_at: at("updated_at").or_else(|| at("created_at")),
                ..record
            })
        })
        .collect();
    if records.is_empty() {
        vec![Err("It contains no memories.".to_owned())]
    } else {
        records
    }
}

fn project(object: &Map<String, Value>, choice: &ImportOptions) -> Records {
    let plain = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
    let about: Vec<_> = [plain("description"), plain("prompt_template")]
        .into_iter()
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .collect();
    let id = object
        .get("uuid")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let at = |object: &Map<String, Value>, name: &str| {
        object
            .get(name)
            .and_then(Value::as_str)
            .and_then(|text| moment::parse(text).ok())
    };
    let mut records = Vec::new();
    let has_head = !about.is_empty();
    if has_head {
        let head = Part {
            key: id.clone(),
            title: plain("name").to_owned(),
            kind: MemoryKind::Context,
            content: about.join("\n\n"),
        };
        records.extend(head.into_records(choice, |record| Record {
            origin: Some(ORIGIN.to_owned()),
            created_at: at(object, "created_at"),
            updated_at: at(object, "updated_at").or_else(|| at(object, "created_at")),
            ..record
        }));
    }
    let docs = object.get("docs").and_then(Value::as_array);
    for doc in docs.into_iter().flatten().filter_map(Value::as_object) {
        let plain = |name: &str| doc.get(name).and_then(Value::as_str);
        let content = plain("content").unwrap_or_default();
        if content.trim().is_empty() {
            continue;
        }
        let part = Part {
            key: plain("uuid").map(str::to_owned),
            title: plain("filename").unwrap_or_default().to_owned(),
            kind: MemoryKind::Context,
            content: content.to_owned(),
        };
        records.extend(part.into_records(choice, |record| Record {
            parent: id.clone().filter(|_| has_head),
            origin: Some(ORIGIN.to_owned()),
            created_at: at(doc, "created_at"),
            updated_at: at(doc, "created_at"),
            ..record
        }));
    }
    if records.is_empty() {
        records.push(Err(
            "This project has no instructions and no documents.".to_owned()
        ));
    }
    records
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use domain::import::ImportFormat;

    use crate::{
        detect,
        testing::{archive, items},
    };

    const CONVERSATIONS: &str = r#"[{"uuid": "c-1", "name": "Deploys", "summary": "", "created_at": "2025-03-01T10:00:00.123456Z",
      "updated_at": "2025-03-01T10:05:00Z", "account": {"uuid": "acc"},
      "chat_messages": [
        {"uuid": "1", "sender": "human", "text": "How do we deploy?", "content": [{"type": "text", "text": "How do we deploy?"}], "attachments": []},
        {"uuid": "2", "sender": "assistant", "text": "This block is not supported", "content": [
          {"type": "thinking", "thinking": "hm"}, {"type": "tool_use", "name": "search"}, {"type": "text", "text": "Blue, then green."}]},
        {"uuid": "3", "sender": "human", "text": "Thanks."}
      ]},
      {"uuid": "c-2", "name": "", "chat_messages": []}]"#;

    #[test]
    fn conversations_projects_and_memories_are_imported() {
        let memories = r#"[{"conversations_memory": "**Work** Builds consoles.", "project_memories": {"p-1": "Uses Rust."}, "account_uuid": "acc"}]"#;
        let projects = r#"[{"uuid": "p-1", "name": "Console", "description": "", "prompt_template": "Answer briefly.",
          "created_at": "2025-01-01T00:00:00Z", "docs": [{"uuid": "d-1", "filename": "style.md", "content": "Plain words."}]},
          {"uuid": "p-2", "name": "Empty", "docs": []}]"#;
        let zip = archive(&[
            ("conversations.json", CONVERSATIONS),
            ("memories.json", memories),
            ("projects.json", projects),
            ("users.json", "[]"),
        ]);
        assert_eq!(
            detect("data.zip", &mut Cursor::new(&zip)).unwrap(),
            Some(ImportFormat::Claude)
        );
        let found = items(ImportFormat::Claude, &zip);
        let summary: Vec<_> = found
            .iter()
            .map(|item| match &item.record {
                Ok(record) => (
                    record.text.kind.key(),
                    record.text.title.as_str(),
                    record.text.content.as_str(),
                    record.parent.as_deref(),
                ),
                Err(reason) => ("", "", reason.as_str(), None),
            })
            .collect();
        assert_eq!(
            summary,
            [
                (
                    "event",
                    "Deploys",
                    "You:\nHow do we deploy?\n\nClaude:\nBlue, then green.\n\nYou:\nThanks.",
                    None
                ),
                ("", "", "This conversation has no messages.", None),
                (
                    "context",
                    "Claude’s memory",
                    "**Work** Builds consoles.",
                    None
                ),
                (
                    "context",
                    "Claude’s memory for a project",
                    "Uses Rust.",
                    None
                ),
                ("context", "Console", "Answer briefly.", None),
                ("context", "style.md", "Plain words.", Some("p-1")),
                (
                    "",
                    "",
                    "This project has no instructions and no documents.",
                    None
                ),
            ]
        );
        let first = found[0].record.as_ref().unwrap();
        assert_eq!(first.source_session_id.as_deref(), Some("c-1"));
        assert!(first.created_at.is_some());
    }

    #[test]
    fn single_file_is_imported() {
        let mut file = Cursor::new(CONVERSATIONS);
        assert_eq!(
            detect("conversations.json", &mut file).unwrap(),
            Some(ImportFormat::Claude)
        );
        assert_eq!(items(ImportFormat::Claude, CONVERSATIONS).len(), 2);
    }
}
