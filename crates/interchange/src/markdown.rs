//! Markdown: a single file with one memory per heading, or a zip archive with
//! one memory per file.

use std::{fmt::Write, io::Read};

use domain::import::{Field, ImportOptions};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use serde_json::Value;

use crate::{
    Record, Sink, Source, Stop,
    archive::{Archive, base_name},
    atrium,
    fields::{Cell, ColumnMapping, Row},
    front_matter::{self, FrontMatter},
    moment, record,
};

/// Maximum size of a single file in bytes; it is parsed as a whole.
const MAX_FILE: u64 = 8 * 1024 * 1024;
/// Maximum size of a file in an archive, in bytes.
const MAX_NOTE: u64 = 1024 * 1024;

/// Stands for the content of a record that is built from front matter alone.
const NO_CONTENT: &str = "-";

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
    let split = front_matter::split(body);
    if split.matter.as_ref().is_some_and(is_own) {
        return sink.give(
            0,
            body.len() as u64,
            parse_note("", body.as_bytes(), choice),
        );
    }
    let matter = split.matter.unwrap_or_default();
    let front_lines = body[..split.length].matches('\n').count() as u64;
    let body = split.content;
    let headings = headings(body);
    // The front matter's fields are the file's: each of its memories gets the
    // tags, the kind and the times; only text without a heading gets the title.
    let front = Note {
        stem: "",
        content: NO_CONTENT,
        matter: &matter,
        lenient: true,
    };
    let front = front.record(choice).map(|mut record| {
        record.notes.extend(split.problem.map(str::to_owned));
        record
    });
    let mut count = 0;
    let first = headings.first().map_or(body.len(), |h| h.start);
    let preamble = (0, 0, first, String::new());
    let sections = headings.iter().enumerate().map(|(at, heading)| {
        let end = headings.get(at + 1).map_or(body.len(), |next| next.start);
        (heading.start, heading.end, end, heading.title.clone())
    });
    let (mut line, mut counted_to) = (1 + front_lines, 0);
    for (start, text_start, end, title) in std::iter::once(preamble).chain(sections) {
        line += body[counted_to..start].matches('\n').count() as u64;
        counted_to = start;
        let content = body[text_start..end].trim_matches(['\r', '\n']);
        if content.trim().is_empty() {
            continue;
        }
        let record = front.clone().and_then(|front| {
            let title = if title.is_empty() {
                front.text.title.clone()
            } else {
                title
            };
            // A heading longer than a title becomes the content's first line.
            let is_too_long = title.chars().count() > domain::memory::MAX_TITLE_CHARS;
            let (title, content) = if is_too_long {
                (String::new(), format!("{title}\n\n{content}"))
            } else {
                (title, content.to_owned())
            };
            let text = domain::memory::MemoryText::new(
                &title,
                content,
                front.text.kind.key(),
                &front.text.tags,
            )
            .map_err(record::reason)?;
            // The first memory carries the file's notes.
            let notes = if count == 0 { front.notes } else { Vec::new() };
            Ok(Record {
                text,
                notes,
                ..front
            })
        });
        count += 1;
        sink.give(line, end as u64, record)?;
    }
    if count == 0 && matter.names().next().is_some() {
        let reason = "It has front matter, but no text.";
        return sink.give(1, body.len() as u64, Err(reason.to_owned()));
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
            Event::SoftBreak | Event::HardBreak if inside => {
                if let Some(heading) = headings.last_mut() {
                    heading.title.push(' ');
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
    let split = front_matter::split(note);
    let (problem, content) = (split.problem, split.content);
    let matter = split.matter.unwrap_or_default();
    let is_own = is_own(&matter);
    // The content of Atrium's own notes is read byte for byte.
    let content = if is_own {
        // Removes only the line breaks that the export added.
        let content = content.strip_prefix('\n').unwrap_or(content);
        content.strip_suffix('\n').unwrap_or(content)
    } else {
        content.trim_matches(['\r', '\n'])
    };
    let note = Note {
        stem: if is_own { "" } else { stem },
        content,
        matter: &matter,
        lenient: !is_own,
    };
    let mut record = note.record(choice)?;
    record.notes.extend(problem.map(str::to_owned));
    Ok(record)
}

fn is_own(matter: &FrontMatter) -> bool {
    matter.get("format").and_then(Value::as_str) == Some(atrium::FORMAT)
}

struct Note<'a> {
    stem: &'a str,
    content: &'a str,
    matter: &'a FrontMatter,
    lenient: bool,
}

/// Fields of other programs' front matter that are read. Others may mean
/// anything and are reported.
const FOREIGN: [Field; 6] = [
    Field::Content,
    Field::Title,
    Field::Tags,
    Field::Kind,
    Field::CreatedAt,
    Field::UpdatedAt,
];

impl Note<'_> {
    fn record(&self, choice: &ImportOptions) -> Result<Record, String> {
        let wanted =
            ColumnMapping::own().filtered(|field| !self.lenient || FOREIGN.contains(&field));
        let mut record = wanted.record(self, choice)?;
        if !self.lenient {
            return Ok(record);
        }
        let ignored: Vec<_> = self
            .matter
            .names()
            .filter(|name| {
                let field = FOREIGN
                    .iter()
                    .find(|field| foreign_names(**field).contains(name));
                // A time or kind that can't be read counts as not imported.
                !field.is_some_and(|field| {
                    matches!(self.cell(field.key()), Ok(Some(_))) && self.used(*field) == Some(name)
                })
            })
            .collect();
        if !ignored.is_empty() {
            record.notes.push(format!(
                "Its front matter has fields that are not imported: {}.",
                record::join_names(&ignored)
            ));
        }
        Ok(record)
    }

    /// The name of the field that holds `field`, and has a usable value.
    fn used(&self, field: Field) -> Option<&'static str> {
        let names = if self.lenient {
            foreign_names(field)
        } else {
            &field.names()[..1]
        };
        names.iter().copied().find(|name| {
            self.matter.get(name).is_some_and(|value| match field {
                _ if !self.lenient => true,
                Field::Title => value.is_string() || value.is_number(),
                Field::Tags => value.is_string() || value.is_array(),
                Field::Kind => value.as_str().is_some_and(record::is_kind),
                _ => value.as_str().is_some_and(|at| moment::parse(at).is_ok()),
            })
        })
    }
}

/// Names of a field in other programs' front matter. A `type` may mean
/// anything there.
fn foreign_names(field: Field) -> &'static [&'static str] {
    match field {
        Field::Title => &["title"],
        Field::Tags => &["tags", "tag"],
        Field::Kind => &["kind"],
        Field::CreatedAt => &["created_at", "created", "date"],
        Field::UpdatedAt => &["updated_at", "updated", "modified"],
        _ => &[],
    }
}

impl Row for Note<'_> {
    fn cell(&self, column: &str) -> Result<Option<Cell<'_>>, String> {
        let field = Field::from_key(column);
        let name = field.and_then(|field| self.used(field));
        let value = name.and_then(|name| self.matter.get(name));
        Ok(match (field, value) {
            (Some(Field::Content), _) => Some(Cell::Text(self.content.into())),
            (Some(Field::Title), None) => Some(Cell::Text(record::title(self.stem).into())),
            (Some(Field::Title), Some(Value::String(title))) if self.lenient => {
                Some(Cell::Text(record::title(title).into()))
            }
            (Some(Field::Tags), Some(value)) => Some(Cell::List(tags(value, self.lenient))),
            (_, Some(Value::Array(values))) => Some(Cell::List(
                values
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            )),
            (_, Some(Value::String(text))) => Some(Cell::Text(text.into())),
            (_, _) => None,
        })
    }
}

/// Tags as note-taking programs write them: a list, or text with commas or
/// spaces between them, with or without `#`.
fn tags(value: &Value, lenient: bool) -> Vec<String> {
    let own = |tag: &str| {
        let tag = if lenient {
            tag.trim().trim_start_matches('#')
        } else {
            tag
        };
        tag.to_owned()
    };
    match value {
        Value::String(text) => text
            .split(|c: char| c == ',' || (c.is_whitespace() && !text.contains(',')))
            .map(own)
            .collect(),
        Value::Array(values) => values
            .iter()
            .filter_map(|value| match value {
                Value::String(tag) => Some(own(tag)),
                Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
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
    use crate::testing::{archive, items, notes, summary};

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
    fn single_file_reads_its_front_matter() {
        for file in [
            "---\ntitle: Tea\ntags: [tea, team]\n---\n\nWe meet at four.\n",
            "--- \r\ntitle: 'Tea'\r\ntags:\r\n- tea\r\n- team\r\n...\r\nWe meet at four.",
            "+++\ntitle = \"Tea\"\ntags = [\"tea\", \"team\"]\n+++\nWe meet at four.",
        ] {
            for records in [
                items(ImportFormat::Markdown, file),
                items(ImportFormat::MarkdownZip, archive(&[("other.md", file)])),
            ] {
                assert_eq!(records.len(), 1, "{file}");
                let record = records[0].record.as_ref().unwrap();
                assert_eq!(record.text.title, "Tea", "{file}");
                assert_eq!(record.text.tags, ["tea", "team"]);
                assert_eq!(record.text.content, "We meet at four.");
                assert!(record.notes.is_empty(), "{:?}", record.notes);
            }
        }
        let records = items(
            ImportFormat::Markdown,
            "---\nkind: event\nmood: good\n---\n# A\none\n# B\ntwo",
        );
        assert_eq!(
            summary(&records),
            [(5, "A|one".to_owned()), (7, "B|two".to_owned())]
        );
        assert_eq!(
            records[1].record.as_ref().unwrap().text.kind,
            MemoryKind::Event
        );
        assert_eq!(
            notes(&records),
            ["Its front matter has fields that are not imported: mood."]
        );
        let records = items(ImportFormat::Markdown, "---\ntitle: Tea\n---\n");
        assert_eq!(
            summary(&records),
            [(1, "! It has front matter, but no text.".to_owned())]
        );
        let records = items(ImportFormat::Markdown, "First line\nsecond line\n===\ntext");
        assert_eq!(
            summary(&records),
            [(1, "First line second line|text".to_owned())]
        );
    }

    #[test]
    fn own_note_as_a_single_file_comes_back_whole() {
        let mut random = crate::testing::Random::new(14);
        for _ in 0..300 {
            let record = random.record();
            let note = write_note(&record).unwrap();
            let single = items(ImportFormat::Markdown, &note);
            let zipped = items(ImportFormat::MarkdownZip, archive(&[("a.md", &note)]));
            assert_eq!(single.len(), 1);
            let (single, zipped) = (single[0].record.as_ref(), zipped[0].record.as_ref());
            assert_eq!(single, zipped);
            assert_eq!(single.unwrap().text, record.text);
        }
    }

    #[test]
    fn yaml_of_note_taking_programs_is_read() {
        let many: Vec<_> = (0..25).map(|n| format!("t{n}")).collect();
        let many = format!("tags: [{}]", many.join(", "));
        for (matter, title, tags, told) in [
            (
                "tags: [\"#tea\", tea, team/daily, 2026]",
                "file",
                &["tea", "team/daily", "2026"][..],
                "",
            ),
            ("tags: tea team", "file", &["tea", "team"], ""),
            ("tags:\n  - tea\n  - \"a, b\"", "file", &["tea", "a b"], ""),
            ("tag: tea\naliases: [Tee]", "file", &["tea"], "aliases"),
            ("title: \"Tea: at four\"", "Tea: at four", &[], ""),
            ("title: >-\n  Tea\n  at four", "Tea at four", &[], ""),
            ("title: |\n  Tea", "Tea", &[], ""),
            ("title: 'It''s' # trailing", "It's", &[], ""),
            ("tags: [\n  tea,\n  team\n]", "file", &["tea", "team"], ""),
            ("created: 2026-01-05\nkind: Preference", "file", &[], ""),
            ("kind: song\ndate: someday", "file", &[], "date, kind"),
            ("title: [a: {b", "file", &[], "can’t be read"),
        ] {
            let note = format!("---\n{matter}\n---\ntext");
            let record = parse_note("file", note.as_bytes(), &ImportOptions::default()).unwrap();
            assert_eq!(record.text.title, title, "{matter}");
            assert_eq!(record.text.tags, tags, "{matter}");
            assert_eq!(
                record.notes.is_empty(),
                told.is_empty(),
                "{matter} {:?}",
                record.notes
            );
            assert!(
                record.notes.concat().contains(told),
                "{matter} {:?}",
                record.notes
            );
        }
        let note = format!("---\n{many}\n---\ntext");
        let record = parse_note("file", note.as_bytes(), &ImportOptions::default()).unwrap();
        assert_eq!(record.text.tags.len(), 20);
        assert!(record.notes[0].contains("t20, t21, t22, t23, t24"));
        let long = format!("---\ntags: [{}]\n---\ntext", "x".repeat(80));
        let record = parse_note("file", long.as_bytes(), &ImportOptions::default()).unwrap();
        assert_eq!((record.text.tags.len(), record.notes.len()), (1, 1));
        let rule = parse_note(
            "file",
            b"---\nA rule.\n\n---\nMore",
            &ImportOptions::default(),
        );
        assert_eq!(rule.unwrap().text.content, "---\nA rule.\n\n---\nMore");
        let bomb = format!("---\na: &a [x,x]\n{}---\ntext", "b: [*a,*a,*a]\n");
        assert!(parse_note("file", bomb.as_bytes(), &ImportOptions::default()).is_ok());
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
