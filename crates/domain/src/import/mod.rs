//! Importing memories from a file.

mod choice;

use serde::{Deserialize, Serialize};

use crate::{ImportId, Timestamp, job::Job};

pub use choice::{Field, ImportChoice, ImportPreview, MAX_COLUMNS, PreviewRecord, tags_of};

/// The largest file that is taken, in bytes.
pub const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

/// Problems that a report lists one by one; the rest are counted.
pub const MAX_REPORTED_PROBLEMS: usize = 200;

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportFormat {
    /// One JSON object a line, or a JSON array of them.
    JsonLines,
    /// Comma-separated with a header line.
    Csv,
    /// One memory a heading (or the whole file when it has none).
    Markdown,
    /// One memory a paragraph.
    PlainText,
    /// What Atrium exports as JSON Lines: everything that a memory has.
    Atrium,
    /// A folder of Markdown files in a zip archive: one memory a file.
    MarkdownZip,
    /// The data export of ChatGPT.
    ChatGpt,
    /// The data export of Claude.
    Claude,
    /// An export of mem0.
    Mem0,
}

impl ImportFormat {
    /// All formats.
    pub const ALL: &[Self] = &[
        Self::JsonLines,
        Self::Csv,
        Self::Markdown,
        Self::PlainText,
        Self::Atrium,
        Self::MarkdownZip,
        Self::ChatGpt,
        Self::Claude,
        Self::Mem0,
    ];

    /// As stored and as the form's value.
    pub const fn key(self) -> &'static str {
        match self {
            Self::JsonLines => "json_lines",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
            Self::PlainText => "plain_text",
            Self::Atrium => "atrium",
            Self::MarkdownZip => "markdown_zip",
            Self::ChatGpt => "chatgpt",
            Self::Claude => "claude",
            Self::Mem0 => "mem0",
        }
    }

    /// The name on pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::JsonLines => "JSON or JSON Lines",
            Self::Csv => "CSV",
            Self::Markdown => "Markdown",
            Self::PlainText => "Plain text",
            Self::Atrium => "Atrium export",
            Self::MarkdownZip => "Markdown folder (zip)",
            Self::ChatGpt => "ChatGPT export",
            Self::Claude => "Claude export",
            Self::Mem0 => "mem0 export",
        }
    }

    /// Its columns or keys can be mapped to the fields of a memory.
    pub const fn is_mapped(self) -> bool {
        matches!(self, Self::JsonLines | Self::Csv)
    }

    /// The reverse of [`ImportFormat::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|f| f.key() == key)
    }

    /// The format that a file's name suggests.
    pub fn from_file_name(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "json" | "jsonl" | "ndjson" => Some(Self::JsonLines),
            "csv" => Some(Self::Csv),
            "md" | "markdown" => Some(Self::Markdown),
            "txt" | "text" => Some(Self::PlainText),
            "zip" => Some(Self::MarkdownZip),
            _ => None,
        }
    }
}

/// Why one record of the file was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProblem {
    /// The line in the file on which the record begins, or, in an archive,
    /// which record of its entry it is; from 1. 0: the file or entry as a
    /// whole.
    pub line: u64,
    /// The archive's entry.
    #[serde(default)]
    pub entry: Option<String>,
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

/// How far an import has come before its job takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// The file arrives.
    Uploading,
    /// It waits for the member's look and word.
    Preview,
    /// Its job has it.
    Started,
}

impl ImportState {
    /// As stored.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Preview => "preview",
            Self::Started => "started",
        }
    }

    /// The reverse of [`ImportState::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Uploading, Self::Preview, Self::Started]
            .into_iter()
            .find(|state| state.key() == key)
    }
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
    /// How far it has come.
    pub state: ImportState,
    /// When the file was given.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    /// The work behind it, with progress, once it was started.
    pub job: Option<Job>,
    /// What came of it so far.
    pub report: ImportReport,
}

impl Import {
    /// Nothing more happens with it by itself.
    pub fn is_settled(&self) -> bool {
        self.job.as_ref().is_none_or(|job| job.status.is_final())
    }
}

/// The answer to giving a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportStarted {
    /// The import to look at.
    pub id: ImportId,
    /// The same bytes wait or are being read already, so that one is shown.
    pub already_given: bool,
}

/// Why a file was not taken. Travels as `/memories/import?error=CODE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadProblem {
    /// No file was chosen.
    NoFile,
    /// The file has no bytes.
    Empty,
    /// It is larger than 256 MB.
    TooLarge,
    /// Neither its name nor the form says what format it has.
    UnknownFormat,
    /// It is neither UTF-8 text nor a zip archive.
    NotText,
    /// It is a zip archive that can't be opened, or of which nothing is known.
    BadArchive,
    /// The form did not arrive whole.
    Malformed,
    /// Files that wait already are as many, or as large, as the organisation
    /// may have.
    WaitingFull,
}

impl UploadProblem {
    /// Every problem.
    pub const ALL: &[Self] = &[
        Self::NoFile,
        Self::Empty,
        Self::TooLarge,
        Self::UnknownFormat,
        Self::NotText,
        Self::BadArchive,
        Self::Malformed,
        Self::WaitingFull,
    ];

    /// As it stands in the URL.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoFile => "no_file",
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
            Self::UnknownFormat => "unknown_format",
            Self::NotText => "not_text",
            Self::BadArchive => "bad_archive",
            Self::Malformed => "malformed",
            Self::WaitingFull => "waiting_full",
        }
    }

    /// What is wrong and what to do.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NoFile => "Choose a file first.",
            Self::Empty => "This file is empty. Choose another one.",
            Self::TooLarge => "This file is larger than 256 MB. Split it and import the parts.",
            Self::UnknownFormat => {
                "Neither its name nor its content tells this file’s format. Choose the format below and give the file again."
            }
            Self::NotText => {
                "This file is not UTF-8 text. Give JSON, CSV, Markdown or plain text, saved as UTF-8, or a zip archive."
            }
            Self::BadArchive => {
                "This zip archive is damaged, or holds neither notes in Markdown nor an export of ChatGPT or Claude."
            }
            Self::Malformed => "The file did not arrive whole. Give it again.",
            Self::WaitingFull => {
                "Too many files of your organisation wait to be imported. Start or discard the ones below that you have given, ask colleagues to do so with theirs, and give this file again."
            }
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
