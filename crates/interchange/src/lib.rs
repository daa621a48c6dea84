//! Files of memories: reading those of other products, writing and reading our
//! own. No database and no clock.
//!
//! Everything is read record by record from a source that can seek, so what
//! is held at once is one record and, of an archive, the list of its entries.
//! A bad record is a problem with its place and reason; the others land.

mod atrium;
mod chat;
mod chatgpt;
mod claude;
mod csv_file;
mod detect;
mod fields;
mod input;
mod json_file;
mod markdown;
mod mem0;
mod moment;
mod plain;
mod record;
mod write;
mod zip;

use std::{
    io::{self, Read, Seek},
    ops::ControlFlow,
};

use domain::import::{ImportFormat, ImportOptions, ImportProblem};

pub use self::{
    detect::{Kind, Mapping, columns, detect, formats, kind_of},
    record::{EarlierText, Record},
    write::{ExportFormat, Writer},
};

/// The longest record in bytes as it stands in the file: a conversation with
/// all that its product notes down, or a memory with all its versions.
pub const MAX_RECORD_BYTES: usize = 16 * 1024 * 1024;

/// What can be read: a file, or whatever stands for one.
pub trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

/// One record of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Where it stands.
    pub place: RecordLocation,
    /// Bytes that were read of the file, or of its entry, up to its end.
    pub bytes: u64,
    /// What it says, or what is wrong with it.
    pub record: Result<Record, String>,
}

impl Item {
    /// The problem to report, if the record is bad.
    pub fn problem(&self) -> Option<ImportProblem> {
        let reason = self.record.as_ref().err()?;
        Some(ImportProblem {
            line: self.place.line,
            entry: self.place.entry.clone(),
            reason: reason.clone(),
        })
    }
}

/// Where a record stands in its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordLocation {
    /// The entry of an archive.
    pub entry: Option<String>,
    /// The line on which it begins, or which one of its entry it is, from 1;
    /// 0 for the whole entry.
    pub line: u64,
}

/// Why a file can't be read to its end.
#[derive(Debug)]
pub enum ReadError {
    /// Not in this format, damaged, or made to harm: the sentence is for the
    /// one who gave it.
    Refused(String),
    /// The source failed; another attempt may succeed.
    Source(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<ImportError>() {
            Ok(refusal) => Self::Refused(refusal.0),
            Err(error) => Self::Source(error),
        }
    }
}

/// A refusal on its way through code that knows only `io::Error`.
#[derive(Debug)]
struct ImportError(String);

impl std::fmt::Display for ImportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ImportError {}

/// Why reading stopped.
enum Stop {
    /// The one who reads has enough.
    Enough,
    /// The file can't be read on.
    Failed(ReadError),
}

impl<E: Into<ReadError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Where the records go.
struct Sink<'a> {
    each: &'a mut dyn FnMut(Item) -> ControlFlow<()>,
    entry: Option<String>,
}

impl Sink<'_> {
    fn give(&mut self, line: u64, bytes: u64, record: Result<Record, String>) -> Result<(), Stop> {
        let item = Item {
            place: RecordLocation {
                entry: self.entry.clone(),
                line,
            },
            bytes,
            record,
        };
        match (self.each)(item) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Stop::Enough),
        }
    }
}

/// Reads `source` from its beginning and gives each record to `each`, in the
/// file's order, until it breaks off.
///
/// # Errors
/// [`ReadError`]; what was given before stands.
pub fn read(
    source: &mut dyn Source,
    format: ImportFormat,
    choice: &ImportOptions,
    each: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    source.rewind()?;
    let mut sink = Sink { each, entry: None };
    let done = match format {
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
    match done {
        Ok(()) | Err(Stop::Enough) => Ok(()),
        Err(Stop::Failed(error)) => Err(error),
    }
}

#[cfg(test)]
mod testing;
