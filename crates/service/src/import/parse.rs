//! Cuts a file into records, each with the line on which it begins.
//!
//! A bad record is a problem with its line and reason; the others land.

use domain::{
    AppError,
    import::{ImportFormat, ImportProblem, UploadProblem},
    memory::MemoryText,
};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use serde::Deserialize;

/// A record that can become a memory, and where it ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// The line on which it begins, from 1.
    pub(super) line: u64,
    /// How far into the file its end is, in bytes.
    pub(super) end: usize,
    /// What it says, or what is wrong with it.
    pub(super) text: Result<MemoryText, String>,
}

impl Record {
    /// The problem to report, if the record is bad.
    pub(super) fn problem(&self) -> Option<ImportProblem> {
        let reason = self.text.as_ref().err()?;
        Some(ImportProblem {
            line: self.line,
            reason: reason.clone(),
        })
    }
}

/// The bytes of `file` that hold text: without a UTF-8 byte order mark.
///
/// # Errors
/// When there is none, or when it isn't text.
pub(super) fn text_of(format: ImportFormat, file: &[u8]) -> Result<&[u8], UploadProblem> {
    let body = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(UploadProblem::Empty);
    }
    // UTF-16 in ASCII's range is every other byte NUL.
    let head = &body[..body.len().min(64 * 1024)];
    let is_binary = head.contains(&0) || head.starts_with(b"%PDF-");
    // The parts of a Markdown file are found by parsing it whole; elsewhere a
    // broken line spoils only itself.
    let is_broken = format == ImportFormat::Markdown && std::str::from_utf8(body).is_err();
    if is_binary || is_broken {
        return Err(UploadProblem::NotText);
    }
    Ok(body)
}

/// All records of `body`, in the file's order, made one by one.
pub(super) fn records(
    format: ImportFormat,
    body: &[u8],
) -> Box<dyn Iterator<Item = Record> + Send + '_> {
    match format {
        ImportFormat::JsonLines => Box::new(json_lines(body)),
        ImportFormat::Csv => Box::new(csv_rows(body)),
        ImportFormat::Markdown => Box::new(markdown_sections(body)),
        ImportFormat::PlainText => Box::new(paragraphs(body)),
    }
}

fn line_at(body: &[u8], offset: usize) -> u64 {
    body[..offset].split(|byte| *byte == b'\n').count() as u64
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "It is not UTF-8.".to_owned())
}

fn reason(error: AppError) -> String {
    match error {
        AppError::Invalid { fields } => fields
            .into_iter()
            .map(|f| f.message)
            .collect::<Vec<_>>()
            .join(" "),
        other => other.to_string(),
    }
}

/// Tags as a list or as one text with commas.
#[derive(Deserialize)]
#[serde(untagged)]
enum Tags {
    List(Vec<String>),
    Text(String),
}

/// A JSON record. Unknown members are ignored: exports of other products
/// carry many.
#[derive(Deserialize)]
struct JsonRecord {
    #[serde(alias = "text", alias = "memory")]
    content: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default, alias = "type")]
    kind: Option<String>,
    #[serde(default)]
    tags: Option<Tags>,
}

fn json_lines(body: &[u8]) -> impl Iterator<Item = Record> + Send + '_ {
    let mut end = 0;
    body.split_inclusive(|byte| *byte == b'\n')
        .zip(1_u64..)
        .map(move |(bytes, line)| {
            end += bytes.len();
            (bytes, line, end)
        })
        .filter(|(bytes, ..)| !bytes.iter().all(u8::is_ascii_whitespace))
        .map(|(bytes, line, end)| Record {
            line,
            end,
            text: json_record(bytes),
        })
}

fn json_record(bytes: &[u8]) -> Result<MemoryText, String> {
    let value: serde_json::Value =
        serde_json::from_str(utf8(bytes)?).map_err(|_| "It is not JSON.".to_owned())?;
    let Some(object) = value.as_object() else {
        return Err("It is not a JSON object.".to_owned());
    };
    if !["content", "text", "memory"]
        .iter()
        .any(|name| object.contains_key(*name))
    {
        return Err("It has no “content”.".to_owned());
    }
    let record: JsonRecord = serde_json::from_value(value).map_err(|_| {
        "“content”, “title” and “kind” must be text, “tags” a list of texts.".to_owned()
    })?;
    let tags = match record.tags {
        None => Vec::new(),
        Some(Tags::List(tags)) => tags,
        Some(Tags::Text(tags)) => tags.split(',').map(str::to_owned).collect(),
    };
    let kind = record
        .kind
        .filter(|kind| !kind.is_empty())
        .unwrap_or_else(|| "fact".to_owned());
    MemoryText::new(
        record.title.as_deref().unwrap_or(""),
        record.content,
        &kind,
        &tags,
    )
    .map_err(reason)
}

fn csv_rows(body: &[u8]) -> impl Iterator<Item = Record> + Send + '_ {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(body);
    let columns = csv_columns(&mut reader);
    let mut row = csv::ByteRecord::new();
    let mut failed = false;
    let mut lines = LineCounter::new(body);
    std::iter::from_fn(move || {
        if failed {
            return None;
        }
        let columns = match &columns {
            Ok(columns) => columns,
            Err(reason) => {
                failed = true;
                return Some(Record {
                    line: 1,
                    end: body.len(),
                    text: Err(reason.clone()),
                });
            }
        };
        // The reader stands behind a CR, before its LF, and passes over empty
        // lines: the record begins at the first byte that is neither.
        let start = usize::try_from(reader.position().byte()).unwrap_or(body.len());
        let breaks = body[start..]
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'));
        let line = lines.line_at(start + breaks.count());
        match reader.read_byte_record(&mut row) {
            Ok(false) => None,
            Ok(true) => {
                let end = usize::try_from(reader.position().byte()).unwrap_or(body.len());
                Some(Record {
                    line,
                    end,
                    text: csv_record(columns, &row),
                })
            }
            Err(error) => {
                failed = true;
                Some(Record {
                    line,
                    end: body.len(),
                    text: Err(error.to_string()),
                })
            }
        }
    })
}

/// Where each field stands in a row.
struct CsvColumns {
    content: usize,
    title: Option<usize>,
    kind: Option<usize>,
    tags: Option<usize>,
}

fn csv_columns(reader: &mut csv::Reader<&[u8]>) -> Result<CsvColumns, String> {
    let header = reader.byte_headers().map_err(|error| error.to_string())?;
    let find = |names: &[&str]| {
        header.iter().position(|cell| {
            let cell = String::from_utf8_lossy(cell).trim().to_lowercase();
            names.contains(&cell.as_str())
        })
    };
    let content = find(&["content", "text", "memory"]).ok_or(
        "The first line must name the columns, one of them “content”. \
         Known are content, title, kind and tags.",
    )?;
    Ok(CsvColumns {
        content,
        title: find(&["title"]),
        kind: find(&["kind", "type"]),
        tags: find(&["tags"]),
    })
}

fn csv_record(columns: &CsvColumns, row: &csv::ByteRecord) -> Result<MemoryText, String> {
    let cell = |at: Option<usize>| utf8(at.and_then(|at| row.get(at)).unwrap_or(b""));
    let kind = cell(columns.kind)?;
    let kind = if kind.trim().is_empty() {
        "fact"
    } else {
        kind.trim()
    };
    let tags: Vec<_> = cell(columns.tags)?.split(',').map(str::to_owned).collect();
    let content = cell(Some(columns.content))?.to_owned();
    MemoryText::new(cell(columns.title)?, content, kind, &tags).map_err(reason)
}

/// Each heading with the text up to the next one; text before the first
/// heading is a memory without a title; a heading with no text of its own
/// (only headings below it) is none.
fn markdown_sections(body: &[u8]) -> impl Iterator<Item = Record> + Send + '_ {
    // `text_of` has refused a file that is not UTF-8.
    let source = std::str::from_utf8(body).unwrap_or_default();
    let headings = headings(source);
    let first = headings.first().map_or(source.len(), |h| h.start);
    let preamble = (0, 0, first, String::new());
    let mut starts = Vec::with_capacity(headings.len() + 1);
    starts.push(preamble);
    for (at, heading) in headings.iter().enumerate() {
        let end = headings.get(at + 1).map_or(source.len(), |next| next.start);
        starts.push((heading.start, heading.end, end, heading.title.clone()));
    }
    let mut lines = LineCounter::new(body);
    starts
        .into_iter()
        .filter_map(move |(start, text_start, end, title)| {
            let line = lines.line_at(start);
            let content = source[text_start..end].trim_matches(['\r', '\n']);
            if content.trim().is_empty() {
                return None;
            }
            // A heading may be longer than a title; nothing of it is lost.
            let long = title.chars().count() > domain::memory::MAX_TITLE_CHARS;
            let (title, content) = if long {
                (String::new(), format!("{title}\n\n{content}"))
            } else {
                (title, content.to_owned())
            };
            let text = MemoryText::new(&title, content, "fact", &[]).map_err(reason);
            Some(Record { line, end, text })
        })
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

/// Paragraphs: runs of lines between blank ones.
fn paragraphs(body: &[u8]) -> impl Iterator<Item = Record> + Send + '_ {
    let mut rest = body
        .split_inclusive(|byte| *byte == b'\n')
        .zip(1_u64..)
        .peekable();
    let mut at = 0;
    std::iter::from_fn(move || {
        let mut paragraph = 0..0;
        let mut first_line = 0;
        while let Some((bytes, line)) = rest.next() {
            let start = at;
            at += bytes.len();
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if paragraph.is_empty() {
                paragraph = start..at;
                first_line = line;
            }
            paragraph.end = at;
            let ends = rest
                .peek()
                .is_none_or(|(next, _)| next.iter().all(u8::is_ascii_whitespace));
            if ends {
                let text = utf8(&body[paragraph.clone()]).and_then(|text| {
                    let content = text.trim_end_matches(['\r', '\n']).to_owned();
                    MemoryText::new("", content, "fact", &[]).map_err(reason)
                });
                return Some(Record {
                    line: first_line,
                    end: paragraph.end,
                    text,
                });
            }
        }
        None
    })
}

/// Line numbers of growing offsets, counted once over the file.
struct LineCounter<'a> {
    body: &'a [u8],
    offset: usize,
    line: u64,
}

impl<'a> LineCounter<'a> {
    fn new(body: &'a [u8]) -> Self {
        Self {
            body,
            offset: 0,
            line: 1,
        }
    }

    fn line_at(&mut self, offset: usize) -> u64 {
        self.line += line_at(&self.body[self.offset..offset], offset - self.offset) - 1;
        self.offset = offset;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: ImportFormat, body: &str) -> Vec<Record> {
        records(format, text_of(format, body.as_bytes()).unwrap()).collect()
    }

    fn summary(records: &[Record]) -> Vec<(u64, String)> {
        records
            .iter()
            .map(|record| match &record.text {
                Ok(text) => (record.line, format!("{}|{}", text.title, text.content)),
                Err(reason) => (record.line, format!("! {reason}")),
            })
            .collect()
    }

    #[test]
    fn json_lines_report_bad_lines_by_number() {
        let records = read(
            ImportFormat::JsonLines,
            "{\"content\":\"a\",\"tags\":[\"x\"]}\n\n{\"content\":3}\n{\"text\":\"b\",\"tags\":\"x,y\",\"other\":1}",
        );
        let lines: Vec<_> = records.iter().map(|r| (r.line, r.text.is_ok())).collect();
        assert_eq!(lines, [(1, true), (3, false), (4, true)]);
        assert!(
            records[1]
                .problem()
                .unwrap()
                .reason
                .contains("must be text")
        );
        assert_eq!(records[2].text.as_ref().unwrap().tags, ["x", "y"]);
    }

    #[test]
    fn each_fault_of_a_json_line_has_its_own_sentence() {
        for (line, reason) in [
            ("no json", "It is not JSON."),
            ("[1]", "It is not a JSON object."),
            ("{\"title\":\"a\"}", "It has no “content”."),
            ("{\"content\":\" \"}", "Write what should be remembered."),
        ] {
            let records = read(ImportFormat::JsonLines, line);
            assert_eq!(records[0].problem().unwrap().reason, reason);
        }
    }

    #[test]
    fn invalid_utf8_spoils_only_its_own_line() {
        let body = b"{\"content\":\"a\"}\n{\"content\":\"\xff\"}\n{\"content\":\"b\"}\n";
        let records: Vec<_> = records(ImportFormat::JsonLines, body).collect();
        assert_eq!(records.iter().filter(|r| r.text.is_ok()).count(), 2);
        assert_eq!(records[1].problem().unwrap().line, 2);
    }

    #[test]
    fn csv_needs_a_content_column_and_counts_lines_over_quoted_breaks() {
        let records = read(
            ImportFormat::Csv,
            "Title,Content,Tags\nOne,\"first\nsecond\",\"a,b\"\nTwo,,\nThree,third,\n",
        );
        let lines: Vec<_> = records.iter().map(|r| (r.line, r.text.is_ok())).collect();
        assert_eq!(lines, [(2, true), (4, false), (5, true)]);
        let first = records[0].text.as_ref().unwrap();
        assert_eq!(
            (first.content.as_str(), first.tags.len()),
            ("first\nsecond", 2)
        );

        let crlf = read(
            ImportFormat::Csv,
            "content\r\none\r\n\r\n\"\"\r\n\"a\r\nb\"\r\n\"\"\r\n",
        );
        let lines: Vec<_> = crlf.iter().map(|r| (r.line, r.text.is_ok())).collect();
        assert_eq!(lines, [(2, true), (4, false), (5, true), (7, false)]);

        let headless = read(ImportFormat::Csv, "a,b\n1,2\n");
        assert_eq!(headless.len(), 1);
        assert!(headless[0].problem().unwrap().reason.contains("content"));
    }

    #[test]
    fn markdown_makes_one_memory_a_heading() {
        let records = read(
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
    fn plain_text_makes_one_memory_a_paragraph() {
        let records = read(ImportFormat::PlainText, "\n one\ntwo\r\n\r\n \nthree");
        assert_eq!(
            summary(&records),
            [(2, "| one\ntwo".to_owned()), (6, "|three".to_owned())]
        );
        assert_eq!(records[1].end, "\n one\ntwo\r\n\r\n \nthree".len());
    }

    #[test]
    fn what_is_not_text_is_refused() {
        use UploadProblem::{Empty, NotText};
        for (file, problem) in [
            (&b"\x89PNG\r\n\x1a\n\0\0"[..], NotText),
            (b"%PDF-1.7 \xe2\xe3", NotText),
            (b"\xff\xfea\0", NotText),
            (b" \r\n", Empty),
            (b"\xef\xbb\xbf", Empty),
        ] {
            assert_eq!(text_of(ImportFormat::PlainText, file), Err(problem));
        }
        assert_eq!(text_of(ImportFormat::Markdown, b"ok\n\xff"), Err(NotText));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_memory() {
        let body = text_of(ImportFormat::PlainText, b"\xef\xbb\xbfhello").unwrap();
        assert_eq!(body, b"hello");
    }
}
