//! Importing memories from a file.

use serde::{Deserialize, Serialize};

use crate::{ImportId, job::Job};

/// The largest file that is taken, in bytes.
pub const MAX_FILE_BYTES: usize = 50 * 1024 * 1024;

/// Problems that a report lists one by one; the rest are counted.
pub const MAX_REPORTED_PROBLEMS: usize = 200;

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportFormat {
    /// One JSON object a line.
    JsonLines,
    /// Comma-separated with a header line.
    Csv,
    /// One memory a heading (or the whole file when it has none).
    Markdown,
    /// One memory a paragraph.
    PlainText,
}

impl ImportFormat {
    /// All formats.
    pub const ALL: &[Self] = &[Self::JsonLines, Self::Csv, Self::Markdown, Self::PlainText];

    /// As stored and as the form's value.
    pub const fn key(self) -> &'static str {
        match self {
            Self::JsonLines => "json_lines",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
            Self::PlainText => "plain_text",
        }
    }

    /// The name on pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::JsonLines => "JSON Lines",
            Self::Csv => "CSV",
            Self::Markdown => "Markdown",
            Self::PlainText => "Plain text",
        }
    }

    /// The reverse of [`ImportFormat::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|f| f.key() == key)
    }

    /// The format that a file's name suggests.
    pub fn from_file_name(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            "csv" => Some(Self::Csv),
            "md" | "markdown" => Some(Self::Markdown),
            "txt" | "text" => Some(Self::PlainText),
            _ => None,
        }
    }
}

/// Why one record of the file was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProblem {
    /// The line in the file on which the record begins, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// What became of the records of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Memories that were created.
    pub imported: u64,
    /// Records that were there already from an earlier import.
    pub duplicates: u64,
    /// Records that were not taken.
    pub failed: u64,
    /// The first [`MAX_REPORTED_PROBLEMS`] of those, in the file's order.
    pub problems: Vec<ImportProblem>,
}

/// An import as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// The file's name as given.
    pub file_name: String,
    /// How it is read.
    pub format: ImportFormat,
    /// Its size in bytes.
    pub size: i64,
    /// The work behind it, with progress.
    pub job: Job,
    /// What came of it so far.
    pub report: ImportReport,
}

/// The answer to giving a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportStarted {
    /// The import to look at.
    pub id: ImportId,
    /// The same bytes were given before, so that one is shown.
    pub already_given: bool,
}

/// Why a file was not taken. Travels as `/memories/import?error=CODE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadProblem {
    /// No file was chosen.
    NoFile,
    /// The file has no bytes.
    Empty,
    /// It is larger than 50 MB.
    TooLarge,
    /// Neither its name nor the form says what format it has.
    UnknownFormat,
    /// It is not UTF-8 text.
    NotText,
    /// The form did not arrive whole.
    Malformed,
}

impl UploadProblem {
    /// Every problem.
    pub const ALL: &[Self] = &[
        Self::NoFile,
        Self::Empty,
        Self::TooLarge,
        Self::UnknownFormat,
        Self::NotText,
        Self::Malformed,
    ];

    /// As it stands in the URL.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoFile => "no_file",
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
            Self::UnknownFormat => "unknown_format",
            Self::NotText => "not_text",
            Self::Malformed => "malformed",
        }
    }

    /// What is wrong and what to do.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NoFile => "Choose a file first.",
            Self::Empty => "This file is empty. Choose another one.",
            Self::TooLarge => "This file is larger than 50 MB. Split it and import the parts.",
            Self::UnknownFormat => {
                "The file’s name does not tell its format. Choose the format below and give the file again."
            }
            Self::NotText => {
                "This file is not UTF-8 text. Give JSON Lines, CSV, Markdown or plain text, saved as UTF-8."
            }
            Self::Malformed => "The file did not arrive whole. Give it again.",
        }
    }

    /// The path that shows this problem.
    pub fn path(self) -> String {
        format!("/memories/import?error={}", self.code())
    }

    /// The reverse of [`UploadProblem::code`].
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|problem| problem.code() == code)
    }
}
