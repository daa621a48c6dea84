//! Detects the format and the columns of a file.

use std::{
    collections::BTreeSet,
    io::{self, Read},
};

use domain::import::{Field, ImportFormat, ImportOptions, MAX_COLUMNS};

use crate::{
    ReadError, Source, Stop,
    archive::{Archive, base_name, is_archive},
    atrium,
    chatgpt::is_conversations,
    csv_file,
    fields::{self, ColumnMapping},
    input::{Input, is_blank},
    json_file,
    markdown::is_note,
};

/// Bytes of a file that are inspected to detect its format.
const HEAD: u64 = 64 * 1024;
/// Records whose keys are collected as columns.
const RECORDS: usize = 1_000;
/// Bytes within which keys are collected as columns.
const BYTES: u64 = 1024 * 1024;

/// Broad category of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Empty, or only white space.
    Empty,
    /// Text, judging by its beginning.
    Text,
    /// A zip archive.
    Archive,
    Other,
}

/// Classifies a file by its first bytes.
pub fn kind_of(head: &[u8]) -> Kind {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Kind::Archive;
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if is_blank(text) {
        Kind::Empty
    // UTF-16 text has NUL bytes.
    } else if text.contains(&0) || text.starts_with(b"%PDF-") {
        Kind::Other
    } else {
        Kind::Text
    }
}

/// Formats that a file of this kind can have.
pub fn formats(kind: Kind) -> &'static [ImportFormat] {
    use ImportFormat::{
        Atrium, ChatGpt, Claude, Csv, JsonLines, Markdown, MarkdownZip, Mem0, PlainText,
    };
    match kind {
        Kind::Archive => &[MarkdownZip, ChatGpt, Claude],
        Kind::Text => &[
            JsonLines, Csv, Markdown, PlainText, Atrium, ChatGpt, Claude, Mem0,
        ],
        Kind::Empty | Kind::Other => &[],
    }
}

fn head(source: &mut dyn Source) -> io::Result<Vec<u8>> {
    source.rewind()?;
    let mut head = Vec::new();
    source.take(HEAD).read_to_end(&mut head)?;
    source.rewind()?;
    Ok(head)
}

/// Detects the format by content, or else by the file name. `None` if neither
/// is conclusive.
///
/// # Errors
/// [`ReadError`] if the file can't be read, e.g. a damaged archive.
pub fn detect(name: &str, source: &mut dyn Source) -> Result<Option<ImportFormat>, ReadError> {
    if is_archive(source)? {
        return detect_archive(source);
    }
    let by_name = ImportFormat::from_file_name(name).filter(|f| *f != ImportFormat::MarkdownZip);
    if by_name.is_some_and(|format| format != ImportFormat::JsonLines) {
        return Ok(by_name);
    }
    let head = head(source)?;
    Ok(detect_json(&String::from_utf8_lossy(&head)).or(by_name))
}

fn detect_json(head: &str) -> Option<ImportFormat> {
    let start = head.trim_start_matches('\u{feff}').trim_start();
    if !start.starts_with(['{', '[']) {
        return None;
    }
    let has = |name: &str| start.contains(&format!("\"{name}\""));
    if start.contains(&format!("\"{}\"", atrium::FORMAT)) {
        Some(ImportFormat::Atrium)
    } else if has("chat_messages") || has("conversations_memory") || has("prompt_template") {
        Some(ImportFormat::Claude)
    } else if has("mapping") && (has("create_time") || has("current_node")) {
        Some(ImportFormat::ChatGpt)
    } else if has("memory")
        && !has("content")
        && (has("hash") || has("categories") || has("user_id"))
    {
        Some(ImportFormat::Mem0)
    } else {
        Some(ImportFormat::JsonLines)
    }
}

fn detect_archive(source: &mut dyn Source) -> Result<Option<ImportFormat>, ReadError> {
    let (mut is_chatgpt, mut is_claude, mut has_notes) = (false, false, false);
    let wants = |path: &str| {
        let base = base_name(path).to_ascii_lowercase();
        is_chatgpt |= matches!(base.as_str(), "chat.html" | "memory.json");
        is_claude |= matches!(base.as_str(), "projects.json" | "memories.json");
        has_notes |= is_note(path);
        is_conversations(&base)
    };
    let mut by_content = None;
    let outcome = Archive::open(source)?.each(wants, |_, reader| {
        let Ok(reader) = reader else {
            return Ok(());
        };
        let mut head = Vec::new();
        reader.take(HEAD).read_to_end(&mut head)?;
        by_content = detect_json(&String::from_utf8_lossy(&head));
        match by_content {
            Some(ImportFormat::ChatGpt | ImportFormat::Claude) => Err(Stop::Cancelled),
            _ => Ok(()),
        }
    });
    Ok(match outcome {
        Err(Stop::Failed(error)) => return Err(error),
        Err(Stop::Cancelled) => by_content,
        Ok(()) if is_chatgpt => Some(ImportFormat::ChatGpt),
        Ok(()) if is_claude => Some(ImportFormat::Claude),
        Ok(()) => has_notes.then_some(ImportFormat::MarkdownZip),
    })
}

/// The column of each mapped field.
pub type Mapping = Vec<(Field, String)>;

/// The columns of a CSV or JSON Lines file, at most [`MAX_COLUMNS`], and their
/// mapping to fields by `choice`. Empty for other formats.
pub fn columns(
    source: &mut dyn Source,
    format: ImportFormat,
    choice: &ImportOptions,
) -> Result<(Vec<String>, Mapping), ReadError> {
    source.rewind()?;
    let mut columns = match format {
        ImportFormat::Csv => {
            let mut input = Input::new(source)?;
            let header = csv_file::header(&mut input, &mut Vec::new())?;
            header.and_then(Result::ok).unwrap_or_default()
        }
        ImportFormat::JsonLines => json_columns(source)?,
        _ => Vec::new(),
    };
    columns.truncate(MAX_COLUMNS);
    let mapping =
        ColumnMapping::of(choice, &columns).map_or_else(Vec::new, ColumnMapping::into_pairs);
    Ok((columns, mapping))
}

fn json_columns(source: &mut dyn Source) -> Result<Vec<String>, ReadError> {
    let mut seen = BTreeSet::new();
    let mut columns = Vec::new();
    let mut records = 0;
    let result = json_file::each(source, &mut |_, bytes, raw| {
        if let Ok(object) = raw.and_then(fields::json_object) {
            for column in fields::json_columns(&object) {
                if seen.len() < MAX_COLUMNS && seen.insert(column.clone()) {
                    columns.push(column);
                }
            }
        }
        records += 1;
        if records >= RECORDS || bytes >= BYTES {
            return Err(Stop::Cancelled);
        }
        Ok(())
    });
    match result {
        Ok(()) | Err(Stop::Cancelled) => Ok(columns),
        Err(Stop::Failed(error)) => Err(error),
    }
}
