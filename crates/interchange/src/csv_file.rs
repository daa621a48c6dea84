//! CSV: a header that names the columns, then one memory per row.

use std::{borrow::Cow, io::Read};

use domain::import::ImportOptions;

use crate::{
    Sink, Stop,
    fields::{Cell, ColumnMapping, Row},
    input::{Input, too_long, utf8},
};

/// Maximum size of a row in bytes.
const MAX_ROW: usize = 4 * 1024 * 1024;

/// First characters of a cell that spreadsheets interpret as a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Escapes a cell that a spreadsheet would interpret as a formula by prefixing
/// an apostrophe. A cell that already looks escaped gets one more, so that
/// [`unescape_formula`] restores every cell exactly.
pub(crate) fn escape_formula(cell: &str) -> Cow<'_, str> {
    if cell.trim_start_matches('\'').starts_with(FORMULA) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

/// The reverse of [`escape_formula`].
pub(crate) fn unescape_formula(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(FORMULA) => rest,
        _ => cell,
    }
}

pub(crate) fn read(
    source: impl Read,
    choice: &ImportOptions,
    sink: &mut Sink<'_>,
) -> Result<(), Stop> {
    let mut input = Input::new(source)?;
    let mut raw = Vec::new();
    let Some(columns) = header(&mut input, &mut raw)? else {
        return Ok(());
    };
    let mapping = match columns.and_then(|columns| {
        ColumnMapping::of(choice, &columns).map(|mapping| (mapping, columns)).ok_or_else(|| {
            "The first line must name the columns, one of them “content”. Known are content, title, kind and tags."
                .to_owned()
        })
    }) {
        Ok(mapping) => mapping,
        Err(reason) => return sink.give(1, input.read(), Err(reason)),
    };
    let (mapping, columns) = mapping;
    let mut row = csv::ByteRecord::new();
    while let Some(chunk) = input.next_row(&mut raw, MAX_ROW)? {
        let record = if chunk.too_long {
            Err(too_long(MAX_ROW))
        } else {
            parse_row(&raw, &mut row).and_then(|()| {
                mapping.record(
                    &CsvRow {
                        columns: &columns,
                        row: &row,
                    },
                    choice,
                )
            })
        };
        sink.give(chunk.line, input.read(), record)?;
    }
    Ok(())
}

/// Reads the column names; `None` for an empty file.
pub(crate) fn header<R: Read>(
    input: &mut Input<R>,
    raw: &mut Vec<u8>,
) -> Result<Option<Result<Vec<String>, String>>, std::io::Error> {
    let Some(chunk) = input.next_row(raw, MAX_ROW)? else {
        return Ok(None);
    };
    if chunk.too_long {
        return Ok(Some(Err(too_long(MAX_ROW))));
    }
    let mut row = csv::ByteRecord::new();
    Ok(Some(parse_row(raw, &mut row).and_then(|()| {
        row.iter()
            .map(|cell| Ok(unescape_formula(utf8(cell)?).to_owned()))
            .collect()
    })))
}

fn parse_row(raw: &[u8], row: &mut csv::ByteRecord) -> Result<(), String> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .from_reader(raw);
    reader
        .read_byte_record(row)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

struct CsvRow<'a> {
    columns: &'a [String],
    row: &'a csv::ByteRecord,
}

impl Row for CsvRow<'_> {
    fn cell(&self, column: &str) -> Result<Option<Cell<'_>>, String> {
        let Some(at) = self.columns.iter().position(|name| name == column) else {
            return Ok(None);
        };
        let cell = unescape_formula(utf8(self.row.get(at).unwrap_or_default())?);
        Ok(Some(Cell::Text(Cow::Borrowed(cell))))
    }
}

#[cfg(test)]
mod tests {
    use domain::import::ImportFormat;

    use super::*;
    use crate::testing::{items, items_with, summary};

    #[test]
    fn rows_keep_line_breaks_and_line_numbers() {
        let records = items(
            ImportFormat::Csv,
            "\u{feff}Title,content,tags\nA,\"first\nsecond\",\"x, y\"\n,  ,\nC,third,z\n",
        );
        let lines: Vec<_> = records
            .iter()
            .map(|item| (item.location.line, item.record.is_ok()))
            .collect();
        assert_eq!(lines, [(2, true), (4, false), (5, true)]);
        let first = records[0].record.as_ref().unwrap();
        assert_eq!(
            (first.text.content.as_str(), &*first.text.tags),
            ("first\nsecond", &["x".to_owned(), "y".into()][..])
        );

        let crlf = items(
            ImportFormat::Csv,
            "content\r\none\r\n\r\n\"\"\r\n\"a\r\nb\"\r\n\"\"\r\n",
        );
        let lines: Vec<_> = crlf
            .iter()
            .map(|item| (item.location.line, item.record.is_ok()))
            .collect();
        assert_eq!(lines, [(2, true), (4, false), (5, true), (7, false)]);

        let headless = items(ImportFormat::Csv, "a,b\n1,2\n");
        assert_eq!(headless.len(), 1);
        assert!(headless[0].problem().unwrap().reason.contains("content"));
    }

    #[test]
    fn only_the_chosen_columns_are_read() {
        let choice = ImportOptions {
            kind: "event".into(),
            tags: "old, notes".into(),
            persona: "Work".into(),
            columns: [
                ("content".into(), "b".into()),
                ("title".into(), String::new()),
            ]
            .into(),
            ..ImportOptions::default()
        };
        let records = items_with(ImportFormat::Csv, &choice, "title,b\nT,text\n");
        assert_eq!(summary(&records), [(2, "|text".to_owned())]);
        let record = records[0].record.as_ref().unwrap();
        assert_eq!(record.text.kind.key(), "event");
        assert_eq!(record.text.tags, ["old", "notes"]);
        assert_eq!(record.persona.as_deref(), Some("Work"));
    }

    #[test]
    fn formula_cells_are_escaped_and_restored() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("'=x", "''=x"),
            ("''-", "'''-"),
            ("it's", "it's"),
            ("'quoted'", "'quoted'"),
            ("", ""),
            ("a=b", "a=b"),
        ] {
            assert_eq!(escape_formula(cell), written);
            assert_eq!(unescape_formula(written), cell);
            assert!(!escape_formula(cell).starts_with(FORMULA));
        }
    }
}
