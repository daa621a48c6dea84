//! Markdown: a single file with one memory per heading, or a zip archive with
//! one memory per file.

use std::{fmt::Write, io::Read};

use domain::import::{Field, ImportOptions, parse_tags};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use serde_json::Value;

use crate::{
    Record, Sink, Source, Stop,
    archive::{Archive, base_name},
    atrium,
    fields::{Cell, ColumnMapping, Row},
    moment,
    record::{self, text},
};

/// Maximum size of a single file in bytes; it is parsed as a whole.
const MAX_FILE: u64 = 8 * 1024 * 1024;
/// Maximum size of a file in an archive, in bytes.
const MAX_NOTE: u64 = 1024 * 1024;

/// Reads one memory per heading, with the text up to the next heading. Text
/// before the first heading becomes a memory without a title; a heading
/// without text of its own is skipped.
pub(crate) fn read(
    source: &mut dyn Source,
    choice: &ImportOptions,
    sink: &mut Sink<'_>,
) -> Result<(), Stop> {
    let mut body = Vec::new();
    source.take(MAX_FILE + 1).read_to_end(&mut body)?;
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body);
    if body.len() as u64 > MAX_FILE {
        let reason =
            "A Markdown file has at most 8 MB. Give its parts as a folder in a zip archive.";
        return sink.give(0, MAX_FILE, Err(reason.to_owned()));
    }
    let Ok(body) = std::str::from_utf8(body) else {
        return sink.give(0, MAX_FILE, Err("It is not UTF-8.".to_owned()));
    };
    let headings = headings(body);
    let first = headings.first().map_or(body.len(), |h| h.start);
    let preamble = (0, 0, first, String::new());
    let sections = headings.iter().enumerate().map(|(at, heading)| {
        let end = headings.get(at + 1).map_or(body.len(), |next| next.start);
        (heading.start, heading.end, end, heading.title.clone())
    });
    let (mut line, mut counted_to) = (1, 0);
    for (start, text_start, end, title) in std::iter::once(preamble).chain(sections) {
        line += body[counted_to..start].matches('\n').count() as u64;
        counted_to = start;
        let content = body[text_start..end].trim_matches(['\r', '\n']);
        if content.trim().is_empty() {
            continue;
        }
        // A heading longer than a title becomes the content's first line.
        let is_too_long = title.chars().count() > domain::memory::MAX_TITLE_CHARS;
        let (title, content) = if is_too_long {
            (String::new(), format!("{title}\n\n{content}"))
        } else {
            (title, content.to_owned())
        };
        let memory_text = text(&title, content, "", Vec::new(), choice);
        let record = memory_text.map(|memory_text| Record::new(memory_text).choosing(choice));
        sink.give(line, end as u64, record)?;
    }
    Ok(())
}

struct Heading {
    start: usize,
    end: usize,
    title: String,
}

fn headings(source: &str) -> Vec<Heading> {
    let mut headings: Vec<Heading> = Vec::new();
    let mut inside = false;
    // Ignores headings inside quotes and lists.
    let mut depth = 0_usize;
    for (event, range) in Parser::new(source).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { .. }) if depth == 0 => {
                inside = true;
                headings.push(Heading {
                    start: range.start,
                    end: range.end,
                    title: String::new(),
                });
            }
            Event::End(TagEnd::Heading(_)) => inside = false,
            Event::Start(Tag::BlockQuote(_) | Tag::List(_)) => depth += 1,
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_)) => depth = depth.saturating_sub(1),
            Event::Text(text) | Event::Code(text) if inside => {
                if let Some(heading) = headings.last_mut() {
                    heading.title.push_str(&text);
                }
            }
            _ => {}
        }
    }
    headings
}

/// True for Markdown files that are neither hidden nor macOS metadata.
pub(crate) fn is_note(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let hidden = name
        .split(['/', '\\'])
        .any(|part| part == "__macosx" || (part.starts_with('.') && part.len() > 2));
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    !hidden && matches!(ending, Some("md" | "markdown"))
}

/// Reads one memory per note of the archive and skips other files.
pub(crate) fn read_zip(
    source: &mut dyn Source,
    choice: &ImportOptions,
    sink: &mut Sink<'_>,
) -> Result<(), Stop> {
    let mut bytes = 0;
    Archive::open(source)?.each(is_note, |path, reader| {
        let mut note = Vec::new();
        let record = match reader {
            Err(reason) => Err(reason),
            Ok(reader) => {
                reader.take(MAX_NOTE + 1).read_to_end(&mut note)?;
                if note.len() as u64 > MAX_NOTE {
                    Err("A note has at most 1 MB.".to_owned())
                } else {
                    let base = base_name(path);
                    let stem = base.rsplit_once('.').map_or(base, |(stem, _)| stem);
                    parse_note(stem, &note, choice)
                }
            }
        };
        bytes += note.len() as u64;
        sink.entry = Some(path.to_owned());
        sink.give(0, bytes, record)
    })?;
    sink.entry = None;
    Ok(())
}

/// Parses a note with its front matter. Its title defaults to the file name,
/// as in note-taking programs.
fn parse_note(stem: &str, note: &[u8], choice: &ImportOptions) -> Result<Record, String> {
    let note = crate::input::utf8(note.strip_prefix(b"\xef\xbb\xbf").unwrap_or(note))?;
    let (matter, content) = split_front_matter(note);
    let matter = matter.map(FrontMatter::parse).unwrap_or_default();
    let is_own = matter
        .get("format")
        .is_some_and(|format| format.as_str() == Some(atrium::FORMAT));
    // The content of Atrium's own notes is read byte for byte.
    let content = if is_own {
        // Removes only the line breaks that the export added.
        let content = content.strip_prefix('\n').unwrap_or(content);
        content.strip_suffix('\n').unwrap_or(content)
    } else {
        content.trim_matches(['\r', '\n'])
    };
    // Matches only Atrium's names of fields: another program's `type` or
    // `date` may mean anything.
    let wanted = ColumnMapping::own().filtered(|field| {
        is_own
            || matches!(
                field,
                Field::Content
                    | Field::Title
                    | Field::Tags
                    | Field::Kind
                    | Field::CreatedAt
                    | Field::UpdatedAt
            )
    });
    let row = Note {
        stem: if is_own { "" } else { stem },
        content,
        matter: &matter,
        lenient: !is_own,
    };
    wanted.record(&row, choice)
}

struct Note<'a> {
    stem: &'a str,
    content: &'a str,
    matter: &'a FrontMatter,
    lenient: bool,
}

impl Row for Note<'_> {
    fn cell(&self, column: &str) -> Result<Option<Cell<'_>>, String> {
        let value = self.matter.get(column);
        Ok(match (column, value) {
            ("content", _) => Some(Cell::Text(self.content.into())),
            ("title", None) => Some(Cell::Text(record::title(self.stem).into())),
            ("tags", Some(Value::String(tags))) => Some(Cell::List(parse_tags(tags))),
            (_, Some(Value::Array(values))) => Some(Cell::List(
                values
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            )),
            // Another program's kind or time is ignored rather than an error.
            ("kind", Some(Value::String(kind)))
                if self.lenient && domain::memory::MemoryKind::from_key(kind).is_none() =>
            {
                None
            }
            ("created_at" | "updated_at", Some(Value::String(at)))
                if self.lenient && moment::parse(at).is_err() =>
            {
                None
            }
            (_, Some(Value::String(text))) => Some(Cell::Text(text.into())),
            (_, _) => None,
        })
    }
}

/// Splits a note into the lines between the leading `---` and the next one, and
/// the rest.
fn split_front_matter(note: &str) -> (Option<&str>, &str) {
    let begin = ["---\n", "---\r\n"]
        .iter()
        .find_map(|fence| note.strip_prefix(*fence));
    let Some(rest) = begin else {
        return (None, note);
    };
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end_matches(['\r', '\n']) == "---" {
            return (Some(&rest[..at]), &rest[at + line.len()..]);
        }
        at += line.len();
    }
    (None, note)
}

/// Front matter: `name: value` lines, where a value is JSON, plain text,
/// `[a, b]`, or `- a` lines below. Other YAML is not supported.
#[derive(Default)]
struct FrontMatter(Vec<(String, Value)>);

impl FrontMatter {
    fn parse(text: &str) -> Self {
        let mut found: Vec<(String, Value)> = Vec::new();
        for line in text.lines() {
            if let Some(item) = line.trim_start().strip_prefix("- ") {
                if let Some((_, value)) = found.last_mut() {
                    if !value.is_array() {
                        *value = Value::Array(Vec::new());
                    }
                    if let Value::Array(items) = value {
                        items.push(scalar(item.trim()));
                    }
                }
            } else if let Some((name, value)) = line.split_once(':')
                && !line.starts_with([' ', '\t', '#'])
            {
                found.push((name.trim().to_owned(), scalar(value.trim())));
            }
        }
        Self(found)
    }

    fn get(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().find(|(found, _)| found == name);
        found
            .map(|(_, value)| value)
            .filter(|value| value.as_str() != Some(""))
    }
}

fn scalar(text: &str) -> Value {
    if text.starts_with(['"', '[']) {
        if let Ok(value) = serde_json::from_str(text) {
            return value;
        }
        if let Some(list) = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'))
        {
            let items = parse_tags(list);
            return items
                .iter()
                .map(|item| Value::from(item.trim_matches(['"', '\''])))
                .collect();
        }
    }
    let quoted = text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''));
    Value::from(quoted.unwrap_or(text))
}

/// Formats a record as a note with front matter.
///
/// # Errors
/// If the record can't be written as JSON.
pub(crate) fn write_note(record: &Record) -> serde_json::Result<String> {
    let values = atrium::values(record)?;
    let names = Field::ALL.iter().map(|field| field.key());
    let mut note = String::from("---\n");
    for name in std::iter::once("format").chain(names) {
        let value = values.get(name).filter(|value| !value.is_null());
        if let Some(value) = value.filter(|_| name != Field::Content.key()) {
            // Writing to a `String` can't fail. JSON is valid YAML.
            let _ = writeln!(note, "{name}: {value}");
        }
    }
    note.push_str("---\n\n");
    note.push_str(&record.text.content);
    note.push('\n');
    Ok(note)
}

/// File name of the `number`th note: safe on every system, unique by its
/// number, and readable.
pub(crate) fn note_name(number: u64, record: &Record) -> String {
    let text = if record.text.title.is_empty() {
        &record.text.content
    } else {
        &record.text.title
    };
    let mut name = String::new();
    for c in text.chars().take(200) {
        if name.len() > 60 {
            break;
        }
        if c.is_alphanumeric() {
            name.extend(c.to_lowercase());
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_end_matches('-');
    let dash = if name.is_empty() { "" } else { "-" };
    format!("{number:06}{dash}{name}.md")
}

#[cfg(test)]
mod tests {
    use domain::{import::ImportFormat, memory::MemoryKind};

    use super::*;
    use crate::testing::{items, summary};

    #[test]
    fn each_heading_with_text_is_a_memory() {
        let records = items(
            ImportFormat::Markdown,
            "before\n\n# Top\n\n## Deploys\nUse `blue`.\n\n```\n# not a heading\n```\n\nSetext *one*\n===\nlast\n",
        );
        assert_eq!(
            summary(&records),
            [
                (1, "|before".to_owned()),
                (
                    5,
                    "Deploys|Use `blue`.\n\n```\n# not a heading\n```".to_owned()
                ),
                (12, "Setext one|last".to_owned()),
            ]
        );
    }

    #[test]
    fn front_matter_of_other_programs_is_read_leniently() {
        let choice = ImportOptions::default();
        let note = b"---\r\ntitle: 'Tea: how'\ntags:\n  - people\n  - \"tea time\"\naliases: [x]\ntype: recipe\nkind: song\ncreated_at: someday\n---\n\nWithout milk.\r\n";
        let record = parse_note("file", note, &choice).unwrap();
        assert_eq!(record.text.title, "Tea: how");
        assert_eq!(record.text.tags, ["people", "tea time"]);
        assert_eq!(record.text.content, "Without milk.");
        assert_eq!(record.text.kind, MemoryKind::Fact);

        let record = parse_note("The file", b"---\nno front matter", &choice).unwrap();
        assert_eq!(record.text.title, "The file");
        assert_eq!(record.text.content, "---\nno front matter");
        let record = parse_note("x", b"---\ntags: [a, 'b']\n---\ntext", &choice).unwrap();
        assert_eq!(record.text.tags, ["a", "b"]);
        assert!(parse_note("x", b"\xff", &choice).is_err());
    }

    #[test]
    fn hidden_and_other_files_are_not_notes() {
        for (name, expected) in [
            ("a.md", true),
            ("notes/../../B.Markdown", true),
            ("__MACOSX/._a.md", false),
            (".obsidian/x.md", false),
            ("picture.png", false),
            ("inner.zip", false),
            ("folder/", false),
        ] {
            assert_eq!(is_note(name), expected, "{name}");
        }
    }

    #[test]
    fn note_names_are_safe_on_every_system() {
        let name = |title: &str| {
            let memory_text =
                domain::memory::MemoryText::new(title, "x".into(), "fact", &[]).unwrap();
            note_name(7, &Record::new(memory_text))
        };
        assert_eq!(name("../../etc/passwd"), "000007-etc-passwd.md");
        assert_eq!(name("CON"), "000007-con.md");
        assert_eq!(name("Größe: 7\u{202e}!"), "000007-größe-7.md");
        assert_eq!(name("…"), "000007.md");
        assert!(name(&"x".repeat(200)).len() < 80);
    }
}
