//! Importing memories from a file.

mod choice;

use serde::{Deserialize, Serialize};

use crate::{Timestamp, id::typed_id, job::Job, keyed_enum::keyed_enum};

pub use choice::{Field, ImportOptions, ImportPreview, MAX_COLUMNS, PreviewRecord, parse_tags};

typed_id!(ImportId, "import");

/// In bytes.
pub const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

/// Further problems are only counted.
pub const MAX_REPORTED_PROBLEMS: usize = 200;

keyed_enum! {
    ImportFormat {
        /// One JSON object per line, or a JSON array of objects.
        JsonLines = "json_lines", "JSON or JSON Lines";
        /// Comma-separated with a header line.
        Csv = "csv", "CSV";
        /// One memory per heading, or the whole file if it has none.
        Markdown = "markdown", "Markdown";
        /// One memory per paragraph.
        PlainText = "plain_text", "Plain text";
        /// Atrium's own JSON Lines export, with every field of a memory.
        Atrium = "atrium", "Atrium export";
        /// A zip archive of Markdown files, one memory per file.
        MarkdownZip = "markdown_zip", "Markdown folder (zip)";
        ChatGpt = "chatgpt", "ChatGPT export";
        Claude = "claude", "Claude export";
        Mem0 = "mem0", "mem0 export";
    }
}

impl ImportFormat {
    /// True if its columns or keys can be mapped to memory fields.
    pub const fn is_mapped(self) -> bool {
        matches!(self, Self::JsonLines | Self::Csv)
    }

    /// Guesses the format from the file extension.
    pub fn from_file_name(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "json" | "jsonl" | "ndjson" => Some(Self::JsonLines),
            "csv" => Some(Self::Csv),
            "md" | "markdown" => Some(Self::Markdown),
            "txt" | "text" => Some(Self::PlainText),
            "zip" => Some(Self::MarkdownZip),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ImportPath {
    pub id: ImportId,
}

/// How to read an uploaded file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ImportChoiceInput {
    pub id: ImportId,
    /// Without it, as detected.
    #[serde(default)]
    pub choice: ImportOptions,
}

/// A record with the reason why it was rejected, or with its changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImportProblem {
    /// The line on which the record begins or, in an archive, its number within
    /// its entry, from 1. 0 for a problem of the whole file or entry.
    pub line: u64,
    /// The archive's entry.
    #[serde(default)]
    pub entry: Option<String>,
    pub reason: String,
}

/// The result of an import, per record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImportReport {
    pub imported: u64,
    /// Records already known from an earlier import.
    pub duplicates: u64,
    /// Records that were rejected.
    pub failed: u64,
    /// The first [`MAX_REPORTED_PROBLEMS`] of them, in the file's order.
    pub problems: Vec<ImportProblem>,
    /// Imported records that lack something that the file has.
    #[serde(default)]
    pub changed: u64,
    /// The first [`MAX_REPORTED_PROBLEMS`] of them, in the file's order.
    #[serde(default)]
    pub changes: Vec<ImportProblem>,
}

keyed_enum! {
    /// The stages of an import before its job runs.
    ImportState {
        Uploading = "uploading";
        /// Waits for the member to confirm or discard it.
        Preview = "preview";
        /// The job has been created.
        Started = "started";
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Import {
    pub id: ImportId,
    /// As uploaded.
    pub file_name: String,
    pub format: ImportFormat,
    /// In bytes.
    pub size: i64,
    pub state: ImportState,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub created_at: Timestamp,
    /// `None` until the import is started.
    pub job: Option<Job>,
    pub report: ImportReport,
}

impl Import {
    /// True if no job will change the import any more.
    pub fn is_settled(&self) -> bool {
        self.job.as_ref().is_none_or(|job| job.status.is_final())
    }
}

/// The result of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImportStarted {
    pub id: ImportId,
    /// The same bytes are already waiting or being imported, so `id` is that of
    /// the existing import.
    pub is_duplicate: bool,
}

/// The reason why an upload was rejected, sent as `/memories/import?error=CODE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadProblem {
    NoFile,
    Empty,
    /// Larger than [`MAX_FILE_BYTES`].
    TooLarge,
    /// Neither the file's name nor the form gives a known format.
    UnknownFormat,
    /// Neither UTF-8 text nor a zip archive.
    NotText,
    /// A zip archive that can't be opened or whose content is not supported.
    BadArchive,
    /// The upload was incomplete.
    Malformed,
    /// The organisation's waiting files have reached their limit in number or
    /// size.
    QueueFull,
}

impl UploadProblem {
    pub const ALL: &[Self] = &[
        Self::NoFile,
        Self::Empty,
        Self::TooLarge,
        Self::UnknownFormat,
        Self::NotText,
        Self::BadArchive,
        Self::Malformed,
        Self::QueueFull,
    ];

    /// The value in the URL.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoFile => "no_file",
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
            Self::UnknownFormat => "unknown_format",
            Self::NotText => "not_text",
            Self::BadArchive => "bad_archive",
            Self::Malformed => "malformed",
            Self::QueueFull => "waiting_full",
        }
    }

    /// A message for the user: the problem and what to do.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NoFile => "Choose a file first.",
            Self::Empty => "This file is empty. Choose another one.",
            Self::TooLarge => "This file is larger than 256 MB. Split it and import the parts.",
            Self::UnknownFormat => {
                "We couldn’t detect this file’s format. Choose the format below and upload the file again."
            }
            Self::NotText => {
                "This file is not UTF-8 text. Upload JSON, CSV, Markdown or plain text saved as UTF-8, or a zip archive."
            }
            Self::BadArchive => {
                "This zip archive is damaged, or doesn’t contain Markdown notes or an export from ChatGPT or Claude."
            }
            Self::Malformed => "The upload was interrupted. Upload the file again.",
            Self::QueueFull => {
                "Too many files in your organisation are waiting for review. Import or discard your files below, or ask other members to do so, then upload this file again."
            }
        }
    }

    /// The import page with this problem as its error.
    pub fn path(self) -> String {
        format!("/memories/import?error={}", self.code())
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|problem| problem.code() == code)
    }
}
