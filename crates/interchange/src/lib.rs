//! Import and export files: reads other products' formats, reads and writes
//! Atrium's own. Uses no database and no clock.
//!
//! Sources are seekable and read record by record, so memory holds one record. An invalid record becomes an
//! item with its location and reason; the remaining records are still read.

mod archive;
mod atrium;
mod chat;
mod chatgpt;
mod claude;
mod csv_file;
mod detect;
mod fields;
mod front_matter;
mod input;
mod json_file;
mod markdown;
mod mem0;
mod moment;
mod plain;
mod record;
mod table;
mod write;

use std::{
    io::{self, Read, Seek},
    ops::ControlFlow,
};

use domain::import::{ImportFormat, ImportOptions, ImportProblem};

pub use self::{
    detect::{Kind, Mapping, columns, detect, formats, kind_of},
    record::{EarlierText, Record},
    table::rows_csv,
    write::{ExportFormat, Writer},
};

/// Maximum size of one record in the file: for example a conversation with
/// all its metadata, or a memory with all its versions.
pub const MAX_RECORD_BYTES: usize = 16 * 1024 * 1024;

/// A seekable byte source, usually a file.
pub trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

/// One record of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub location: RecordLocation,
    /// Bytes read from the file, or from the archive's entries, up to the end
    /// of this record.
    pub bytes: u64,
    /// The record, or the reason why it is invalid.
    pub record: Result<Record, String>,
}

impl Item {
    /// The problem to report if the record is invalid.
    pub fn problem(&self) -> Option<ImportProblem> {
        let reason = self.record.as_ref().err()?;
        Some(self.report(reason.clone()))
    }

    /// The changes to report if the record lacks something that the file has.
    pub fn change(&self) -> Option<ImportProblem> {
        let record = self.record.as_ref().ok()?;
        let notes = record.notes.join(" ");
        (!notes.is_empty()).then(|| {
            self.report(match record.text.title.as_str() {
                "" => notes,
                title => format!("“{title}”: {notes}"),
            })
        })
    }

    fn report(&self, reason: String) -> ImportProblem {
        ImportProblem {
            line: self.location.line,
            entry: self.location.entry.clone(),
            reason,
        }
    }
}

/// Location of a record in its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordLocation {
    /// Path of the archive's entry; `None` outside archives.
    pub entry: Option<String>,
    /// Line on which the record begins, or the record's number in its entry,
    /// from 1; 0 if the record is the whole entry.
    pub line: u64,
}

/// Error that ends the reading of a file.
#[derive(Debug)]
pub enum ReadError {
    /// Wrong format, damaged, or a zip bomb. The sentence is shown to the
    /// member.
    Refused(String),
    /// The source failed; another attempt may succeed.
    Source(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<ImportError>() {
            Ok(error) => Self::Refused(error.0),
            Err(error) => Self::Source(error),
        }
    }
}

/// Carries a [`ReadError::Refused`] through code that returns `io::Error`.
#[derive(Debug)]
struct ImportError(String);

impl std::fmt::Display for ImportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ImportError {}

/// Reason for ending before the end of the file.
enum Stop {
    /// The callback returned `Break`.
    Cancelled,
    Failed(ReadError),
}

impl<E: Into<ReadError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Passes records to the caller's callback.
struct Sink<'a> {
    each: &'a mut dyn FnMut(Item) -> ControlFlow<()>,
    entry: Option<String>,
}

impl Sink<'_> {
    fn give(&mut self, line: u64, bytes: u64, record: Result<Record, String>) -> Result<(), Stop> {
        let item = Item {
            location: RecordLocation {
                entry: self.entry.clone(),
                line,
            },
            bytes,
            record,
        };
        match (self.each)(item) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Stop::Cancelled),
        }
    }
}

/// Reads `source` from its beginning and calls `each` for every record, in the
/// file's order, until `each` breaks.
///
/// # Errors
/// [`ReadError`] if the rest of the file can't be read; records passed before
/// remain valid.
pub fn read(
    source: &mut dyn Source,
    format: ImportFormat,
    choice: &ImportOptions,
    each: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    source.rewind()?;
    let mut sink = Sink { each, entry: None };
    let result = match format {
        ImportFormat::JsonLines => json_file::read(source, &mut sink, &|bytes| {
            fields::json_record(bytes, choice)
        }),
        ImportFormat::Csv => csv_file::read(source, choice, &mut sink),
        ImportFormat::Markdown => markdown::read(source, choice, &mut sink),
        ImportFormat::PlainText => plain::read(source, choice, &mut sink),
        ImportFormat::Atrium => {
            json_file::read(source, &mut sink, &|bytes| atrium::parse(bytes, choice))
        }
        ImportFormat::Mem0 => {
            json_file::read(source, &mut sink, &|bytes| mem0::parse(bytes, choice))
        }
        ImportFormat::MarkdownZip => markdown::read_zip(source, choice, &mut sink),
        ImportFormat::ChatGpt => chatgpt::read(source, choice, &mut sink),
        ImportFormat::Claude => claude::read(source, choice, &mut sink),
    };
    match result {
        Ok(()) | Err(Stop::Cancelled) => Ok(()),
        Err(Stop::Failed(error)) => Err(error),
    }
}

#[cfg(test)]
mod testing;
