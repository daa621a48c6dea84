//! Writing memories as a stream: what is appended can be sent on at once.

use std::borrow::Cow;

use domain::import::Field;

use crate::{
    Record, atrium, csv_file::defuse, fields::NO_VENDOR, markdown, moment, zip::ArchiveWriter,
};

/// What an export looks like.
///
/// | | words, traits, moments | threads | versions |
/// |---|---|---|---|
/// | JSON Lines | yes | yes | yes |
/// | CSV | yes | no | no |
/// | Markdown | yes | no | no |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// Everything, to be imported again: `docs/export.md`.
    JsonLines,
    /// For spreadsheets.
    Csv,
    /// A folder of Markdown files in a zip archive, for note-taking programs.
    Markdown,
}

impl ExportFormat {
    /// All of them.
    pub const ALL: &[Self] = &[Self::JsonLines, Self::Csv, Self::Markdown];

    /// As the address has it.
    pub const fn key(self) -> &'static str {
        match self {
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
        }
    }

    /// The reverse of [`ExportFormat::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.key() == key)
    }

    /// How its files' names end.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
            Self::Markdown => "zip",
        }
    }

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::JsonLines => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Markdown => "application/zip",
        }
    }

    /// Whether it carries the versions before the present one.
    pub const fn has_versions(self) -> bool {
        matches!(self, Self::JsonLines)
    }
}

/// An export on its way.
pub struct Writer(Inner);

enum Inner {
    JsonLines,
    Csv,
    Markdown(ArchiveWriter, u64),
}

impl Writer {
    /// Begins in `format`; what the file begins with is appended to `out`.
    pub fn new(format: ExportFormat, out: &mut Vec<u8>) -> Self {
        Self(match format {
            ExportFormat::JsonLines => Inner::JsonLines,
            ExportFormat::Csv => {
                row(
                    Field::ALL.iter().map(|field| Cow::Borrowed(field.key())),
                    out,
                );
                Inner::Csv
            }
            ExportFormat::Markdown => Inner::Markdown(ArchiveWriter::new(), 0),
        })
    }

    /// Appends one memory to `out`.
    pub fn record(&mut self, record: &Record, out: &mut Vec<u8>) {
        match &mut self.0 {
            Inner::JsonLines => atrium::write(record, out),
            Inner::Csv => row(Field::ALL.iter().map(|field| cell(record, *field)), out),
            Inner::Markdown(archive, count) => {
                *count += 1;
                let name = markdown::note_name(*count, record);
                let note = markdown::write_note(record);
                archive.file(&name, record.updated_at, note.as_bytes(), out);
            }
        }
    }

    /// Appends a piece of what the file ends with to `out`; says whether there
    /// is more to append.
    #[must_use]
    pub fn end(&mut self, out: &mut Vec<u8>) -> bool {
        match &mut self.0 {
            Inner::Markdown(archive, _) => archive.end(out),
            Inner::JsonLines | Inner::Csv => false,
        }
    }
}

fn row<'a>(cells: impl Iterator<Item = Cow<'a, str>>, out: &mut Vec<u8>) {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(out);
    // Into memory: it can't fail.
    for cell in cells {
        let _ = writer.write_field(defuse(&cell).as_bytes());
    }
    let _ = writer.write_record(None::<&[u8]>);
    let _ = writer.flush();
}

fn cell(record: &Record, field: Field) -> Cow<'_, str> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let moment = |at: Option<domain::Timestamp>| at.map(moment::format).unwrap_or_default();
    match field {
        Field::Content => return Cow::Borrowed(&record.text.content),
        Field::Title => return Cow::Borrowed(&record.text.title),
        Field::Kind => return Cow::Borrowed(record.text.kind.key()),
        Field::Tags => record.text.tags.join(", "),
        Field::Persona => text(&record.persona),
        Field::Importance => record.importance.map(|n| n.to_string()).unwrap_or_default(),
        Field::ExpiresAt => moment(record.expires_at),
        Field::AllowedVendors => match &record.allowed_vendors {
            None => String::new(),
            Some(vendors) if vendors.is_empty() => NO_VENDOR.to_owned(),
            Some(vendors) => vendors.join(", "),
        },
        Field::Origin => text(&record.origin),
        Field::SourceSession => text(&record.source_session_id),
        Field::CreatedAt => moment(record.created_at),
        Field::UpdatedAt => moment(record.updated_at),
        Field::Key => text(&record.key),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use domain::import::{ImportFormat, ImportOptions};

    use super::*;
    use crate::testing::{Random, items};

    fn written(format: ExportFormat, records: &[Record]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = Writer::new(format, &mut out);
        for record in records {
            writer.record(record, &mut out);
        }
        while writer.end(&mut out) {}
        out
    }

    fn come_back(export: ExportFormat, import: ImportFormat, records: &[Record]) {
        let file = written(export, records);
        let read: Vec<_> = items(import, &file)
            .into_iter()
            .map(|item| item.record.expect("a record of our own"))
            .collect();
        assert_eq!(read.len(), records.len());
        for (read, record) in read.iter().zip(records) {
            assert_eq!(read, record);
        }
    }

    #[test]
    fn json_lines_bring_back_everything() {
        let mut random = Random::new(1);
        let records: Vec<_> = (0..500).map(|_| random.record()).collect();
        come_back(ExportFormat::JsonLines, ImportFormat::Atrium, &records);
    }

    /// Neither threads nor versions, and nothing about its owner.
    fn without_past(record: Record) -> Record {
        Record {
            parent: None,
            version: 1,
            earlier: Vec::new(),
            visibility: None,
            owner: None,
            ..record
        }
    }

    #[test]
    fn csv_brings_back_words_traits_and_moments() {
        let mut random = Random::new(2);
        let records: Vec<_> = (0..500).map(|_| without_past(random.record())).collect();
        come_back(ExportFormat::Csv, ImportFormat::Csv, &records);
    }

    #[test]
    fn a_folder_of_notes_brings_back_words_traits_and_moments() {
        let mut random = Random::new(3);
        let records: Vec<_> = (0..500).map(|_| without_past(random.record())).collect();
        come_back(ExportFormat::Markdown, ImportFormat::MarkdownZip, &records);
    }

    #[test]
    fn no_cell_begins_like_a_formula() {
        let mut random = Random::new(4);
        let mut records: Vec<_> = (0..200).map(|_| random.record()).collect();
        for (record, formula) in records
            .iter_mut()
            .zip(["=1", "+1", "-1", "@x", "\t=", "\r="].iter().cycle())
        {
            record.text.content = format!("{formula}HYPERLINK(\"https://example.org\")");
            record.text.title = (*formula).trim().to_owned();
            record.persona = Some(format!("{}persona", formula.trim()));
        }
        let file = written(ExportFormat::Csv, &records);
        let mut reader = csv::ReaderBuilder::new().from_reader(&*file);
        for row in reader.records() {
            for cell in &row.unwrap() {
                assert!(
                    !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                    "{cell}"
                );
            }
        }
    }

    #[test]
    fn formats_tell_themselves_from_their_content() {
        let mut random = Random::new(5);
        let records: Vec<_> = (0..3).map(|_| random.record()).collect();
        for (export, import) in [
            (ExportFormat::JsonLines, ImportFormat::Atrium),
            (ExportFormat::Markdown, ImportFormat::MarkdownZip),
        ] {
            let file = written(export, &records);
            let found = crate::detect("memories.json", &mut std::io::Cursor::new(file)).unwrap();
            assert_eq!(found, Some(import));
        }
        let file = written(ExportFormat::Csv, &records);
        let mut source = std::io::Cursor::new(file);
        assert_eq!(
            crate::detect("a.csv", &mut source).unwrap(),
            Some(ImportFormat::Csv)
        );
        let (columns, mapping) =
            crate::columns(&mut source, ImportFormat::Csv, &ImportOptions::default()).unwrap();
        assert_eq!(columns.len(), mapping.len());
    }
}
