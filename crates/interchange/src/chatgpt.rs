//! ChatGPT's data export: a zip archive with `conversations.json` (or several,
//! numbered) and in some exports the saved memories in `memory.json` or
//! `memories.json`. A single `conversations.json` is accepted, too.
//!
//! Conversations are trees, because an answer can be regenerated. Only the
//! branch that ends at `current_node` is imported, the one ChatGPT displays.

use std::{borrow::Cow, collections::HashMap};

use domain::{Timestamp, import::ImportOptions, memory::MemoryKind};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Record, Sink, Source, Stop,
    archive::{Archive, base_name, is_archive},
    chat::{self, Conversation, Part},
    fields::json_object,
    input::{mend_surrogates, utf8},
    json_file, moment,
};

const ORIGIN: &str = "chatgpt";
/// Maximum number of messages read from one conversation, from its end.
const MAX_MESSAGES: usize = 20_000;

/// Every field may be null or have another type than usual.
#[derive(Deserialize)]
struct RawConversation {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    conversation_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    title: Option<String>,
    #[serde(default)]
    create_time: Value,
    #[serde(default)]
    update_time: Value,
    #[serde(default, deserialize_with = "lenient")]
    current_node: Option<String>,
    mapping: HashMap<String, Value>,
}

/// A node of the tree. Its message is parsed only if it is used.
struct Node {
    message: Value,
    parent: Option<String>,
}

impl Node {
    fn of(mut value: Value) -> Self {
        Self {
            message: value.get_mut("message").map_or(Value::Null, Value::take),
            parent: text_of(&value, "parent").map(str::to_owned),
        }
    }
}

/// The value, or `None` if it is of another type.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    Ok(T::deserialize(Value::deserialize(from)?).ok())
}

fn text_of<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

/// A moment as a number or as text.
fn moment_of(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => moment::parse(text).ok(),
        value => moment::from_unix(value.as_f64()?),
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
    let json = mend_surrogates(utf8(raw)?);
    let conversation: RawConversation = serde_json::from_str(&json)
        .map_err(|_| "It is not a conversation of ChatGPT.".to_owned())?;
    let tree: HashMap<String, Node> = conversation
        .mapping
        .into_iter()
        .map(|(id, node)| (id, Node::of(node)))
        .collect();
    let mut left_out = LeftOut::default();
    let messages: Vec<_> = branch(&tree, conversation.current_node.as_ref())
        .into_iter()
        .filter_map(|message| left_out.spoken(message))
        .collect();
    let spoken = |node: &&Node| LeftOut::default().spoken(&node.message).is_some();
    let in_all_branches = tree.values().filter(spoken).count();
    let mut notes = left_out.notes();
    notes.extend(chat::left_out(
        in_all_branches.saturating_sub(messages.len()),
        ("message of another branch", "messages of other branches"),
    ));
    if matches!(json, Cow::Owned(_)) {
        notes.push("Broken characters were replaced by “\u{fffd}”.".to_owned());
    }
    Ok(Conversation {
        id: conversation.conversation_id.or(conversation.id),
        title: conversation.title.unwrap_or_default(),
        created_at: moment_of(&conversation.create_time),
        updated_at: moment_of(&conversation.update_time),
        origin: ORIGIN,
        messages,
        notes,
    })
}

/// The messages from the root to `current`, or all messages by time if there
/// is no such node.
fn branch<'a>(nodes: &'a HashMap<String, Node>, current: Option<&'a String>) -> Vec<&'a Value> {
    let mut messages = Vec::new();
    let mut next = current;
    // Guards against cycles: no branch is longer than the number of nodes.
    for _ in 0..nodes.len().min(MAX_MESSAGES) {
        let Some(node) = next.and_then(|id| nodes.get(id)) else {
            break;
        };
        messages.extend((!node.message.is_null()).then_some(&node.message));
        next = node.parent.as_ref();
    }
    messages.reverse();
    if messages.is_empty() {
        let all = nodes.values().map(|node| &node.message);
        messages = all.filter(|message| !message.is_null()).collect();
        messages.sort_by_key(|message| {
            let at = message.get("create_time").and_then(moment_of);
            (at.is_none(), at)
        });
    }
    messages
}

/// Numbers of messages and files that a conversation's memory lacks.
#[derive(Default)]
struct LeftOut {
    unreadable: usize,
    tools: usize,
    files: usize,
}

impl LeftOut {
    fn notes(self) -> Vec<String> {
        [
            (
                self.unreadable,
                ("message that can’t be read", "messages that can’t be read"),
            ),
            (self.tools, ("message of a tool", "messages of tools")),
            (self.files, ("picture or file", "pictures or files")),
        ]
        .into_iter()
        .filter_map(|(count, what)| chat::left_out(count, what))
        .collect()
    }

    /// Speaker and text of a message that ChatGPT displays.
    fn spoken(&mut self, message: &Value) -> Option<(&'static str, String)> {
        let metadata = message.get("metadata");
        let hidden = metadata.and_then(|m| m.get("is_visually_hidden_from_conversation"));
        if hidden == Some(&Value::Bool(true)) {
            return None;
        }
        let attachments = metadata.and_then(|m| m.get("attachments")?.as_array());
        self.files += attachments.map_or(0, Vec::len);
        let content = message
            .get("content")
            .filter(|content| !content.is_null())?;
        let role = message
            .get("author")
            .and_then(|author| text_of(author, "role"));
        let recipient = text_of(message, "recipient").unwrap_or("all");
        let speaker = match (role, recipient) {
            (Some("user"), _) => "You",
            (Some("assistant"), "all") => "ChatGPT",
            // ChatGPT's canvas: a document that it wrote.
            (Some("assistant"), "canmore.create_textdoc") => {
                if let Some(document) = canvas(content) {
                    return Some(("ChatGPT", document));
                }
                self.tools += 1;
                return None;
            }
            (Some("assistant" | "tool"), _) => {
                self.tools += 1;
                return None;
            }
            (Some("system"), _) => return None,
            _ => {
                self.unreadable += 1;
                return None;
            }
        };
        let kind = text_of(content, "content_type").unwrap_or_default();
        if !matches!(kind, "" | "text" | "multimodal_text" | "code") {
            self.tools += 1;
            return None;
        }
        let no_parts = Vec::new();
        let parts = content
            .get("parts")
            .and_then(Value::as_array)
            .unwrap_or(&no_parts);
        let mut texts = Vec::new();
        texts.extend(text_of(content, "text"));
        for part in parts {
            match part.as_str().or_else(|| text_of(part, "text")) {
                Some(text) => texts.push(text),
                None if part.is_object() && attachments.is_none() => self.files += 1,
                None => {}
            }
        }
        let texts: Vec<_> = texts
            .into_iter()
            .map(without_citations)
            .filter(|text| !text.trim().is_empty())
            .collect();
        (!texts.is_empty()).then(|| (speaker, texts.join("\n\n")))
    }
}

/// The document of a call that creates one in the canvas.
fn canvas(content: &Value) -> Option<String> {
    let part = || content.get("parts")?.get(0)?.as_str();
    let call = text_of(content, "text").or_else(part)?;
    let call: Value = serde_json::from_str(call).ok()?;
    let document = text_of(&call, "content")?;
    let name = text_of(&call, "name").unwrap_or_default();
    Some(format!("[Canvas: {name}]\n{document}"))
}

/// Removes the marks of citations: private-use characters and what is between
/// them, and numbers such as `【3†source】`.
fn without_citations(text: &str) -> String {
    const MARKS: [(char, char, bool); 2] = [('\u{e200}', '\u{e201}', false), ('【', '】', true)];
    let mut rest = text;
    let mut clean = String::with_capacity(text.len());
    while let Some((at, (open, close, needs_dagger))) = rest
        .char_indices()
        .find_map(|(at, c)| Some((at, *MARKS.iter().find(|mark| mark.0 == c)?)))
    {
        clean.push_str(&rest[..at]);
        let inner = &rest[at + open.len_utf8()..];
        let end = inner
            .find(close)
            .filter(|end| !needs_dagger || inner[..*end].contains('†'));
        if let Some(end) = end {
            rest = &inner[end + close.len_utf8()..];
        } else {
            clean.push(open);
            rest = inner;
        }
    }
    clean.push_str(rest);
    clean
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
        testing::{archive, items, notes},
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
        assert_eq!(
            problems[0].reason,
            "The conversation “Circle” has no messages."
        );
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

    #[test]
    fn null_or_odd_value_costs_at_most_its_message() {
        let file = |change: &str, second: &str| {
            format!(
                r#"[{{"id":"c","title":"T","current_node":"b",{change}"mapping":{{"x":null,
                "a":{{"parent":null,"message":{{"author":{{"role":"user"}},"content":{{"content_type":"text","parts":["one"]}}}}}},
                "b":{{"parent":"a","message":{second}}}}}}}]"#
            )
        };
        let message = |author: &str, content: &str, metadata: &str, time: &str| {
            format!(
                r#"{{"author":{author},"content":{content},"metadata":{metadata},"create_time":{time}}}"#
            )
        };
        let author = r#"{"role":"assistant"}"#;
        let two = r#"{"content_type":"text","parts":["two"]}"#;
        for (second, is_read) in [
            (message(author, two, "null", "null"), true),
            (
                message(author, r#"{"content_type":"text","parts":null}"#, "{}", "1"),
                false,
            ),
            (
                message(
                    author,
                    r#"{"content_type":null,"parts":["two"]}"#,
                    "{}",
                    "1",
                ),
                true,
            ),
            (
                message(
                    author,
                    two,
                    r#"{"is_visually_hidden_from_conversation":null}"#,
                    "1",
                ),
                true,
            ),
            (message(author, two, "{}", r#""1767600000.1""#), true),
            (message("null", two, "{}", "1"), false),
            (message(r#"{"role":null}"#, two, "{}", "1"), false),
            (message(author, "7", "[]", "{}"), false),
            ("7".to_owned(), false),
        ] {
            for change in ["", r#""create_time":"1767600000","update_time":null,"#] {
                let found = items(ImportFormat::ChatGpt, file(change, &second));
                let record = found[0].record.as_ref().unwrap();
                assert_eq!(record.text.content.contains("two"), is_read, "{second}");
                assert!(record.text.content.contains("one"), "{second}");
            }
        }
        let found = items(
            ImportFormat::ChatGpt,
            file("", &message("null", two, "{}", "1")),
        );
        assert_eq!(
            notes(&found),
            ["1 message that can’t be read was left out."]
        );
    }

    #[test]
    fn citation_marks_half_characters_and_canvas_are_read() {
        let file = r#"[{"title":"T","current_node":"c","mapping":{
          "a":{"message":{"author":{"role":"user"},"content":{"parts":["half \ud83d, whole \ud83e\uded6, \\ud83d, nul \u0000"]}}},
          "b":{"parent":"a","message":{"author":{"role":"assistant"},"recipient":"canmore.create_textdoc","content":{"content_type":"code","text":"{\"name\":\"plan\",\"content\":\"Ship.\"}"}}},
          "c":{"parent":"b","message":{"author":{"role":"assistant"},"content":{"parts":["Yes\ue200cite\ue202turn0search0\ue201.【3†source】 【kept】",{"content_type":"image_asset_pointer"}]}}},
          "d":{"parent":"b","message":{"author":{"role":"assistant"},"content":{"parts":["Other"]}}}}}]"#;
        let found = items(ImportFormat::ChatGpt, file);
        let record = found[0].record.as_ref().unwrap();
        assert_eq!(
            record.text.content,
            "You:\nhalf \u{fffd}, whole 🫖, \\ud83d, nul\n\nChatGPT:\n[Canvas: plan]\nShip.\n\nChatGPT:\nYes. 【kept】"
                .replace("nul\n", "nul \n")
        );
        assert_eq!(
            notes(&found),
            [
                "NUL characters were removed.",
                "1 picture or file was left out.",
                "1 message of another branch was left out.",
                "Broken characters were replaced by “\u{fffd}”.",
            ]
        );
    }
}
