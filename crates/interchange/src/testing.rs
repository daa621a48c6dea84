//! Helpers for the tests of all formats.

use std::{io::Cursor, ops::ControlFlow};

use domain::{
    Timestamp,
    import::{ImportFormat, ImportOptions},
    memory::{AttributesInput, MemoryKind, MemoryText, Visibility},
};
use time::Duration;

use crate::{EarlierText, Item, Record, read};

pub(crate) fn items(format: ImportFormat, file: impl AsRef<[u8]>) -> Vec<Item> {
    items_with(format, &ImportOptions::default(), file)
}

pub(crate) fn items_with(
    format: ImportFormat,
    choice: &ImportOptions,
    file: impl AsRef<[u8]>,
) -> Vec<Item> {
    let mut items = Vec::new();
    let mut source = Cursor::new(file.as_ref());
    read(&mut source, format, choice, &mut |item| {
        items.push(item);
        ControlFlow::Continue(())
    })
    .expect("a file that can be read");
    items
}

pub(crate) fn summary(items: &[Item]) -> Vec<(u64, String)> {
    items
        .iter()
        .map(|item| match &item.record {
            Ok(record) => (
                item.location.line,
                format!("{}|{}", record.text.title, record.text.content),
            ),
            Err(reason) => (item.location.line, format!("! {reason}")),
        })
        .collect()
}

/// The notes of all records.
pub(crate) fn notes(items: &[Item]) -> Vec<String> {
    let records = items.iter().filter_map(|item| item.record.as_ref().ok());
    records.flat_map(|record| record.notes.clone()).collect()
}

/// Deterministic generator of records with hostile contents.
pub(crate) struct Random(u64);

const PIECES: &[&str] = &[
    "a", " ", "  ", "\n", "\r\n", "\r", "\t", "\"", "'", ",", "=", "+", "-", "@", "'=", "---",
    "\n---\n", "# x", "é", "🫖", "\u{202e}", "\u{feff}", "\\", "\u{1}", "\u{7f}", "\u{85}",
    "\u{2028}", ":", "[", "]", "{", "}", "title: x", "- a", "word", "<b>",
];

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    fn text(&mut self, pieces: u64) -> String {
        let count = self.below(pieces + 1);
        (0..count)
            .map(|_| {
                let at = usize::try_from(self.below(PIECES.len() as u64)).unwrap();
                PIECES[at]
            })
            .collect()
    }

    fn words(&mut self) -> MemoryText {
        let content = format!("{}w{}", self.text(30), self.text(30));
        let tags: Vec<_> = (0..self.below(4))
            .map(|n| {
                let tag: String = self
                    .text(5)
                    .chars()
                    .filter(|c| !c.is_control() && *c != ',')
                    .collect();
                format!("{tag}{n}")
            })
            .collect();
        let kinds = MemoryKind::ALL;
        let kind = kinds[usize::try_from(self.below(kinds.len() as u64)).unwrap()];
        MemoryText::new(&self.text(10), content, kind.key(), &tags).unwrap()
    }

    fn moment(&mut self) -> Timestamp {
        let micros = i64::try_from(self.below(1_700_000_000_000_000)).unwrap();
        Timestamp::UNIX_EPOCH + Duration::microseconds(micros)
    }

    fn name(&mut self) -> Option<String> {
        let text = format!("{}n", self.text(4)).replace(|c: char| c.is_control(), "");
        (self.below(2) == 0).then(|| text.trim().to_owned())
    }

    pub(crate) fn record(&mut self) -> Record {
        let version = i32::try_from(self.below(4)).unwrap() + 1;
        Record {
            key: self.name(),
            parent: self.name(),
            text: self.words(),
            attributes: AttributesInput {
                importance: (self.below(2) == 0).then(|| {
                    let tenths = u16::try_from(self.below(1001)).unwrap();
                    f32::from(tenths) / 1000.0
                }),
                expires_at: (self.below(3) == 0).then(|| Some(self.moment())),
                allowed_vendors: match self.below(3) {
                    0 => None,
                    1 => Some(Vec::new()),
                    _ => Some(vec!["*".to_owned(), "claude".to_owned()]),
                },
                source_url: self
                    .name()
                    .map(|name| Some(format!("https://a.example/{name}"))),
            },
            persona: self.name(),
            origin: Some("chatgpt".to_owned()),
            source_session_id: self.name(),
            created_at: Some(self.moment()),
            updated_at: Some(self.moment()),
            version,
            earlier: (1..version)
                .map(|version| EarlierText {
                    version,
                    text: self.words(),
                    changed_at: self.moment(),
                    change_reason: self.name(),
                })
                .collect(),
            visibility: Some(Visibility::Team),
            owner: self.name(),
            notes: Vec::new(),
        }
    }
}

/// Builds a zip archive from names and contents.
pub(crate) fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = crate::archive::ArchiveWriter::new();
    let mut out = Vec::new();
    for (name, content) in files {
        let written = writer.file(name, None, content.as_bytes(), &mut out);
        written.unwrap();
    }
    writer.end(&mut out).unwrap();
    out
}
