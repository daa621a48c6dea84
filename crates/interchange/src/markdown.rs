//! Markdown: a file with a memory a heading, or a folder in a zip archive
//! with a memory a file.

use std::{fmt::Write, io::Read};

use domain::import::{Field, ImportOptions, parse_tags};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use serde_json::Value;

use crate::{
    Record, Sink, Source, Stop,
    fields::{Cell, ColumnMapping, Row},
    moment,
    record::{self, text},
    zip::Archive,
};

/// The largest single file: its headings are found by parsing it whole.
const MAX_FILE: u64 = 8 * 1024 * 1024;
/// The largest file of a folder.
const MAX_NOTE: u64 = 1024 * 1024;

/// What our own files say of themselves: then every byte counts.
const OURS: &str = "atrium.memory/1";

/// A memory for each heading with the text up to the next one; text before
/// the first heading is a memory without a title; a heading with no text of
/// its own (only headings below it) is none.
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
    let (mut line, mut counted) = (1, 0);
    for (start, text_start, end, title) in std::iter::once(preamble).chain(sections) {
        line += body[counted..start].matches('\n').count() as u64;
        counted = start;
        let content = body[text_start..end].trim_matches(['\r', '\n']);
        if content.trim().is_empty() {
            continue;
        }
        // A heading may be longer than a title; nothing of it is lost.
        let long = title.chars().count() > domain::memory::MAX_TITLE_CHARS;
        let (title, content) = if long {
            (String::new(), format!("{title}\n\n{content}"))
        } else {
            (title, content.to_owned())
        };
        let words = text(&title, content, "", Vec::new(), choice);
        let record = words.map(|words| Record::new(words).choosing(choice));
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
    // Headings inside quotes and lists belong to the text around them.
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

/// Whether a file of a folder is a note.
pub(crate) fn is_note(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let hidden = name
        .split(['/', '\\'])
        .any(|part| part == "__macosx" || (part.starts_with('.') && part.len() > 2));
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    !hidden && matches!(ending, Some("md" | "markdown"))
}

/// A memory for each note of the archive; its other files are passed over.
pub(crate) fn read_zip(
    source: &mut dyn Source,
    choice: &ImportOptions,
    sink: &mut Sink<'_>,
) -> Result<(), Stop> {
    let archive = Archive::open(source)?;
    let mut bytes = 0;
    for at in (0..archive.len()).filter(|at| is_note(archive.name(*at))) {
        let mut note = Vec::new();
        let record = match archive.entry(source, at)? {
            Err(reason) => Err(reason),
            Ok(reader) => {
                reader.take(MAX_NOTE + 1).read_to_end(&mut note)?;
                if note.len() as u64 > MAX_NOTE {
                    Err("A note has at most 1 MB.".to_owned())
                } else {
                    let base = archive.base_name(at);
                    let stem = base.rsplit_once('.').map_or(base, |(stem, _)| stem);
                    parse_note(stem, &note, choice)
                }
            }
        };
        bytes += note.len() as u64;
        sink.entry = Some(archive.name(at).to_owned());
        sink.give(0, bytes, record)?;
    }
    sink.entry = None;
    Ok(())
}

/// A note with its front matter. Without a title there, its file's name is
/// the title, as note-taking programs have it.
fn parse_note(stem: &str, note: &[u8], choice: &ImportOptions) -> Result<Record, String> {
    let note = crate::input::utf8(note.strip_prefix(b"\xef\xbb\xbf").unwrap_or(note))?;
    let (matter, content) = split_front_matter(note);
    let matter = matter.map(FrontMatter::parse).unwrap_or_default();
    let ours = matter
        .get("format")
        .is_some_and(|format| format.as_str() == Some(OURS));
    let content = if ours {
        // Just the line break that was put before and behind it.
        let content = content.strip_prefix('\n').unwrap_or(content);
        content.strip_suffix('\n').unwrap_or(content)
    } else {
        content.trim_matches(['\r', '\n'])
    };
    // Names of our own for all fields, and no others: a note's own `type` or
    // `date` may mean anything.
    let wanted = ColumnMapping::of(
        &ImportOptions {
            columns: Field::ALL
                .iter()
                .filter(|field| {
                    ours || matches!(
                        field,
                        Field::Content
                            | Field::Title
                            | Field::Tags
                            | Field::Kind
                            | Field::CreatedAt
                            | Field::UpdatedAt
                    )
                })
                .map(|field| (field.key().to_owned(), field.key().to_owned()))
                .collect(),
            ..ImportOptions::default()
        },
        &[],
    )
    .ok_or("It has no text.")?;
    let row = Note {
        stem: if ours { "" } else { stem },
        content,
        matter: &matter,
        lenient: !ours,
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
            // Another program's word for a kind or a moment is not ours to
            // refuse a note for.
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

/// The lines between the `---` at the very beginning and the next one, and
/// what follows them.
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

/// What stands before a note: `name: value` lines, a value as JSON, as plain
/// text, as `[a, b]`, or as `- a` lines below. What is more than that in YAML
/// is not read.
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

/// A record as a note with front matter.
pub(crate) fn write_note(record: &Record) -> String {
    let mut note = String::from("---\n");
    let mut line = |name: &str, value: Value| {
        // Into memory: it can't fail. JSON is YAML, too.
        let _ = writeln!(note, "{name}: {value}");
    };
    line("format", OURS.into());
    line("title", record.text.title.as_str().into());
    line("kind", record.text.kind.key().into());
    line("tags", record.text.tags.clone().into());
    let texts = [
        ("id", record.key.clone()),
        (
            "importance",
            record.importance.map(|number| number.to_string()),
        ),
        ("expires_at", record.expires_at.map(moment::format)),
        ("persona", record.persona.clone()),
        ("origin", record.origin.clone()),
        ("source_session_id", record.source_session_id.clone()),
        ("created_at", record.created_at.map(moment::format)),
        ("updated_at", record.updated_at.map(moment::format)),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            line(name, value.into());
        }
    }
    if let Some(vendors) = &record.allowed_vendors {
        line("allowed_vendors", vendors.clone().into());
    }
    note.push_str("---\n\n");
    note.push_str(&record.text.content);
    note.push('\n');
    note
}

/// A file name for the `number`th note: safe on every system, unique by the
/// number, and telling what is in it.
pub(crate) fn note_name(number: u64, record: &Record) -> String {
    let words = if record.text.title.is_empty() {
        &record.text.content
    } else {
        &record.text.title
    };
    let mut name = String::new();
    for c in words.chars().take(200) {
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
    fn one_memory_a_heading() {
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
    fn the_front_matter_of_other_programs_is_read_kindly() {
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
    fn what_programs_put_beside_notes_is_no_note() {
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
    fn names_of_notes_are_safe_everywhere() {
        let name = |title: &str| {
            let words = domain::memory::MemoryText::new(title, "x".into(), "fact", &[]).unwrap();
            note_name(7, &Record::new(words))
        };
        assert_eq!(name("../../etc/passwd"), "000007-etc-passwd.md");
        assert_eq!(name("CON"), "000007-con.md");
        assert_eq!(name("Größe: 7\u{202e}!"), "000007-größe-7.md");
        assert_eq!(name("…"), "000007.md");
        assert!(name(&"x".repeat(200)).len() < 80);
    }
}
