//! Streaming export: each appended piece can be sent immediately.

use std::{borrow::Cow, io};

use domain::import::Field;
use serde_json::{Map, Value};

use crate::{
    Record, archive::ArchiveWriter, atrium, csv_file::escape_formula, fields::NO_VENDOR, markdown,
};

/// File format of an export, and the data that it keeps:
///
/// | | text, attributes, times | threads | versions |
/// |---|---|---|---|
/// | JSON Lines | yes | yes | yes |
/// | CSV | yes | no | no |
/// | Markdown | yes | no | no |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// Lossless and importable; see `docs/export.md`.
    JsonLines,
    Csv,
    /// A folder of Markdown files in a zip archive, for note-taking programs.
    Markdown,
}

impl ExportFormat {
    pub const ALL: &[Self] = &[Self::JsonLines, Self::Csv, Self::Markdown];

    /// Value of the URL's query parameter.
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

    /// File name extension.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
            Self::Markdown => "zip",
        }
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::JsonLines => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Markdown => "application/zip",
        }
    }

    /// True if the format includes previous versions.
    pub const fn has_versions(self) -> bool {
        matches!(self, Self::JsonLines)
    }
}

/// State of a running export.
pub struct Writer(Inner);

enum Inner {
    JsonLines,
    Csv,
    Markdown(Box<ArchiveWriter>, u64),
}

impl Writer {
    /// Starts an export and appends the file's header to `out`.
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
            ExportFormat::Markdown => Inner::Markdown(Box::new(ArchiveWriter::new()), 0),
        })
    }

    /// Appends one memory to `out`, of an archive's last one perhaps the
    /// beginning only.
    ///
    /// # Errors
    /// If the archive can't hold it, or it can't be written as JSON.
    pub fn record(&mut self, record: &Record, out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.0 {
            Inner::JsonLines => atrium::write(record, out)?,
            Inner::Csv => {
                let values = atrium::values(record)?;
                row(Field::ALL.iter().map(|field| cell(&values, *field)), out);
            }
            Inner::Markdown(archive, count) => {
                *count += 1;
                let name = markdown::note_name(*count, record);
                let note = markdown::write_note(record)?;
                archive.file(&name, record.updated_at, note.as_bytes(), out)?;
            }
        }
        Ok(())
    }

    /// Appends the rest of the file to `out`.
    ///
    /// # Errors
    /// If the archive can't be completed.
    pub fn end(self, out: &mut Vec<u8>) -> io::Result<()> {
        match self.0 {
            Inner::Markdown(archive, _) => archive.end(out),
            Inner::JsonLines | Inner::Csv => Ok(()),
        }
    }
}

fn row<'a>(cells: impl Iterator<Item = Cow<'a, str>>, out: &mut Vec<u8>) {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(out);
    // Writing to a `Vec` can't fail.
    for cell in cells {
        let _ = writer.write_field(escape_formula(&cell).as_bytes());
    }
    let _ = writer.write_record(None::<&[u8]>);
    let _ = writer.flush();
}

fn cell(values: &Map<String, Value>, field: Field) -> Cow<'_, str> {
    match values.get(field.key()) {
        Some(Value::String(text)) => Cow::Borrowed(text),
        Some(Value::Array(vendors)) if vendors.is_empty() && field == Field::AllowedVendors => {
            Cow::Borrowed(NO_VENDOR)
        }
        Some(Value::Array(texts)) => {
            let texts: Vec<_> = texts.iter().filter_map(Value::as_str).collect();
            texts.join(", ").into()
        }
        None | Some(Value::Null) => Cow::Borrowed(""),
        Some(value) => value.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use domain::import::{ImportFormat, ImportOptions};

    use super::*;
    use crate::testing::{Random, items};

    fn export_file(format: ExportFormat, records: &[Record]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = Writer::new(format, &mut out);
        for record in records {
            writer.record(record, &mut out).unwrap();
        }
        writer.end(&mut out).unwrap();
        out
    }

    fn assert_round_trip(export: ExportFormat, import: ImportFormat, records: &[Record]) {
        let file = export_file(export, records);
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
    fn json_lines_round_trip_everything() {
        let mut random = Random::new(1);
        let records: Vec<_> = (0..500).map(|_| random.record()).collect();
        assert_round_trip(ExportFormat::JsonLines, ImportFormat::Atrium, &records);
    }

    /// Drops threads, versions and ownership, which CSV and Markdown lack.
    fn without_history(record: Record) -> Record {
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
    fn csv_round_trips_text_attributes_and_times() {
        let mut random = Random::new(2);
        let records: Vec<_> = (0..500).map(|_| without_history(random.record())).collect();
        assert_round_trip(ExportFormat::Csv, ImportFormat::Csv, &records);
    }

    #[test]
    fn markdown_zip_round_trips_text_attributes_and_times() {
        let mut random = Random::new(3);
        let records: Vec<_> = (0..500).map(|_| without_history(random.record())).collect();
        assert_round_trip(ExportFormat::Markdown, ImportFormat::MarkdownZip, &records);
    }

    #[test]
    fn no_csv_cell_begins_like_a_formula() {
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
        let file = export_file(ExportFormat::Csv, &records);
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
    fn exported_formats_are_detected() {
        let mut random = Random::new(5);
        let records: Vec<_> = (0..3).map(|_| random.record()).collect();
        for (export, import) in [
            (ExportFormat::JsonLines, ImportFormat::Atrium),
            (ExportFormat::Markdown, ImportFormat::MarkdownZip),
        ] {
            let file = export_file(export, &records);
            let found = crate::detect("memories.json", &mut std::io::Cursor::new(file)).unwrap();
            assert_eq!(found, Some(import));
        }
        let file = export_file(ExportFormat::Csv, &records);
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
