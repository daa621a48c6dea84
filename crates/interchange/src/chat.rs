//! Conversations as memories.
//!
//! A conversation becomes one memory of kind event: what was said, by whom,
//! in order. One memory a statement would be noise: most of what people say
//! to an assistant means something only between the two sentences around it,
//! and search shows the passage that matches anyway. What a product itself
//! took for worth remembering, its saved memories, lands as facts.
//!
//! A conversation longer than a memory may be goes on in replies to its first
//! part: a thread.

use domain::{
    Timestamp,
    import::ImportOptions,
    memory::{MAX_CONTENT_BYTES, MemoryKind},
};

use crate::{Record, record};

/// Room for what is said in one part. Below the limit of a memory, so that
/// a change by hand is still possible.
const PART_BYTES: usize = MAX_CONTENT_BYTES - 5_000;

/// A conversation, whatever its product.
pub(crate) struct Conversation {
    pub(crate) id: Option<String>,
    pub(crate) title: String,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) updated_at: Option<Timestamp>,
    pub(crate) origin: &'static str,
    /// Who said what.
    pub(crate) messages: Vec<(&'static str, String)>,
}

impl Conversation {
    /// As memories: the first part and its replies.
    pub(crate) fn into_records(self, choice: &ImportOptions) -> Vec<Result<Record, String>> {
        let mut said = String::new();
        for (who, message) in &self.messages {
            let message = message.trim();
            if message.is_empty() {
                continue;
            }
            if !said.is_empty() {
                said.push_str("\n\n");
            }
            said.push_str(who);
            said.push_str(":\n");
            said.push_str(message);
        }
        if said.is_empty() {
            return vec![Err("Nothing is said in this conversation.".to_owned())];
        }
        let base = Part {
            key: self.id.clone(),
            title: self.title,
            kind: MemoryKind::Event,
            content: said,
        };
        base.into_records(choice, |record| Record {
            origin: Some(self.origin.to_owned()),
            source_session_id: self.id.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at.or(self.created_at),
            ..record
        })
    }
}

/// A text that may be longer than a memory.
pub(crate) struct Part {
    pub(crate) key: Option<String>,
    pub(crate) title: String,
    pub(crate) kind: MemoryKind,
    pub(crate) content: String,
}

impl Part {
    /// As a memory, and its rest as replies; `finish` gives each what all have.
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
                let words = record::text(&title, piece.to_owned(), kind, Vec::new(), choice)?;
                let made = finish(Record::new(words));
                // Only a key tells which record a reply belongs to.
                let (key, parent) = match (&self.key, at) {
                    (None, _) => (None, made.parent.clone()),
                    (Some(key), 0) => (Some(key.clone()), made.parent.clone()),
                    (Some(key), at) => (
                        Some(format!("{key}#{}", at + 1)),
                        made.parent.clone().or_else(|| Some(key.clone())),
                    ),
                };
                Ok(Record {
                    key,
                    parent,
                    ..made
                }
                .choosing(choice))
            })
            .collect()
    }
}

/// `text` in pieces of at most `max` bytes, cut where a paragraph, a line or
/// a word ends if one does.
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
    fn a_long_conversation_goes_on_in_replies() {
        let words = "word ".repeat(50_000);
        let conversation = Conversation {
            id: Some("c".into()),
            title: "Long".into(),
            created_at: None,
            updated_at: None,
            origin: "chatgpt",
            messages: vec![("You", words.clone()), ("ChatGPT", "é".repeat(60_000))],
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
