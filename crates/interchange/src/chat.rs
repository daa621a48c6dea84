//! Conversion of conversations to memories.
//!
//! A conversation becomes one memory of kind event: who said what, in order.
//! One memory per message would be noise: most messages make sense only next
//! to their neighbours, and search shows the matching passage anyway. A
//! product's own saved memories become facts.
//!
//! A conversation that exceeds the size of a memory continues in replies to
//! its first part: a thread.

use domain::{
    Timestamp,
    import::ImportOptions,
    memory::{MAX_CONTENT_BYTES, MemoryKind},
};

use crate::{Record, record};

/// Maximum size of one part in bytes. Below the limit of a memory, so that it
/// can still be edited by hand.
const PART_BYTES: usize = MAX_CONTENT_BYTES - 5_000;

/// A conversation, independent of the product.
pub(crate) struct Conversation {
    pub(crate) id: Option<String>,
    pub(crate) title: String,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) updated_at: Option<Timestamp>,
    pub(crate) origin: &'static str,
    /// Speaker and text, in order.
    pub(crate) messages: Vec<(&'static str, String)>,
    /// Sentences about parts that were left out; they go to the first memory.
    pub(crate) notes: Vec<String>,
}

impl Conversation {
    /// Converts to memories: the first part and its replies.
    pub(crate) fn into_records(self, choice: &ImportOptions) -> Vec<Result<Record, String>> {
        let mut transcript = String::new();
        for (speaker, message) in &self.messages {
            let message = message.trim();
            if message.is_empty() {
                continue;
            }
            if !transcript.is_empty() {
                transcript.push_str("\n\n");
            }
            transcript.push_str(speaker);
            transcript.push_str(":\n");
            transcript.push_str(message);
        }
        if transcript.is_empty() {
            let name = match record::title(&self.title) {
                title if title.is_empty() => "This conversation".to_owned(),
                title => format!("The conversation “{title}”"),
            };
            let reason = std::iter::once(format!("{name} has no messages."));
            let reason: Vec<_> = reason.chain(self.notes).collect();
            return vec![Err(reason.join(" "))];
        }
        let base = Part {
            key: self.id.clone(),
            title: self.title,
            kind: MemoryKind::Event,
            content: transcript,
        };
        let mut records = base.into_records(choice, |record| Record {
            origin: Some(self.origin.to_owned()),
            source_session_id: self.id.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at.or(self.created_at),
            ..record
        });
        if let Some(Ok(first)) = records.first_mut() {
            first.notes.extend(self.notes);
        }
        records
    }
}

/// A sentence that counts what was left out, e.g. “3 messages of tools were left
/// out.”; `None` for 0. `what` is the singular and the plural.
pub(crate) fn left_out(count: usize, what: (&str, &str)) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 {} was left out.", what.0)),
        count => Some(format!("{count} {} were left out.", what.1)),
    }
}

/// A text that may exceed the size of a memory.
pub(crate) struct Part {
    pub(crate) key: Option<String>,
    pub(crate) title: String,
    pub(crate) kind: MemoryKind,
    pub(crate) content: String,
}

impl Part {
    /// Converts to one memory and, for the rest, replies to it. `finish` sets
    /// the fields that all of them share.
    pub(crate) fn into_records(
        self,
        choice: &ImportOptions,
        finish: impl Fn(Record) -> Record,
    ) -> Vec<Result<Record, String>> {
        let kind = if choice.kind.is_empty() {
            self.kind.key()
        } else {
            ""
        };
        pieces(&self.content, PART_BYTES)
            .into_iter()
            .enumerate()
            .map(|(at, piece)| {
                let title = if at == 0 {
                    record::title(&self.title)
                } else {
                    let name = record::title(&self.title)
                        .chars()
                        .take(180)
                        .collect::<String>();
                    format!("{name} ({})", at + 1).trim_start().to_owned()
                };
                let record =
                    record::text_record(&title, piece.to_owned(), kind, Vec::new(), choice)?;
                let finished = finish(record);
                // Replies refer to the first part by its key; without one
                // there is no thread.
                let (key, parent) = match (&self.key, at) {
                    (None, _) => (None, finished.parent.clone()),
                    (Some(key), 0) => (Some(key.clone()), finished.parent.clone()),
                    (Some(key), at) => (
                        Some(format!("{key}#{}", at + 1)),
                        finished.parent.clone().or_else(|| Some(key.clone())),
                    ),
                };
                Ok(Record {
                    key,
                    parent,
                    ..finished
                }
                .choosing(choice))
            })
            .collect()
    }
}

/// Splits `text` into pieces of at most `max` bytes, at the end of a paragraph,
/// a line or a word if possible.
fn pieces(text: &str, max: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.len() > max {
        let mut end = max;
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let window = &rest[..end];
        let cut = ["\n\n", "\n", " "]
            .iter()
            .filter_map(|at| window.rfind(at))
            .find(|at| *at > max / 2)
            .unwrap_or(end);
        pieces.push(&rest[..cut]);
        rest = rest[cut..].trim_start();
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_conversation_continues_in_replies() {
        let text = "word ".repeat(50_000);
        let conversation = Conversation {
            id: Some("c".into()),
            title: "Long".into(),
            created_at: None,
            updated_at: None,
            origin: "chatgpt",
            messages: vec![("You", text.clone()), ("ChatGPT", "é".repeat(60_000))],
            notes: Vec::new(),
        };
        let records = conversation.into_records(&ImportOptions::default());
        let records: Vec<_> = records.into_iter().map(Result::unwrap).collect();
        let shape: Vec<_> = records
            .iter()
            .map(|record| {
                (
                    record.text.title.as_str(),
                    record.key.as_deref(),
                    record.parent.as_deref(),
                )
            })
            .collect();
        assert_eq!(shape[0], ("Long", Some("c"), None));
        assert_eq!(shape[1], ("Long (2)", Some("c#2"), Some("c")));
        assert!(records.len() >= 4);
        let whole: String = records
            .iter()
            .map(|record| record.text.content.as_str())
            .collect();
        let count = |text: &str, what: &str| text.matches(what).count();
        assert_eq!(count(&whole, "word"), 50_000);
        assert_eq!(count(&whole, "é"), 60_000);
    }
}
