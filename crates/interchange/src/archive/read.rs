//! Reads zip archives that may be malicious.
//!
//! Limits: the number of entries, the size of the central directory, the
//! inflation of one entry relative to its compressed size, and that of all
//! entries together, which also covers entries that share their bytes. One
//! entry of the directory is in memory at a time. Nested archives are not
//! opened. Nothing is written to disk, so entry names can't escape a folder.

use std::io::{self, Read, Seek, SeekFrom};

use zip::{
    CompressionMethod, ZipReadOptions,
    read::{ArchiveOffset, Config, OwnedZipFileEntry},
    result::ZipError,
    unstable::read::ZipIterable,
};

use crate::{ImportError, ReadError, Source, Stop};

/// Maximum number of entries in an archive.
pub(crate) const MAX_ENTRIES: u64 = 200_000;
/// Maximum size of the central directory in bytes.
const MAX_DIRECTORY: u64 = 32 * 1024 * 1024;
/// Maximum number of bytes read to find the central directory. Its end record
/// is in the last 64 kB; the rest is for a file full of false ones.
const MAX_SEARCH: u64 = 1024 * 1024;
/// Maximum ratio of an entry's inflated to its compressed size. Text deflates
/// to a tenth, a log at best to a hundredth.
const MAX_RATIO: u64 = 200;
/// Entries up to this size in bytes may exceed [`MAX_RATIO`].
const SMALL_ENTRY: u64 = 1024 * 1024;
/// Maximum ratio of all entries' inflated size to the archive's size.
const MAX_TOTAL_RATIO: u64 = 60;
/// Totals up to this size in bytes may exceed [`MAX_TOTAL_RATIO`].
const SMALL_TOTAL: u64 = 32 * 1024 * 1024;
/// Maximum inflated size of all entries in bytes, whatever the ratio.
const MAX_TOTAL: u64 = 4 * 1024 * 1024 * 1024;

const DAMAGED: &str = "This zip archive is damaged or incomplete.";

/// An archive whose end record was read.
pub(crate) struct Archive<'s> {
    files: ZipIterable<Limited<'s>>,
    size: u64,
    /// Bytes that may still be inflated, over all entries.
    remaining: u64,
}

/// A source of which a limited number of bytes can be read.
struct Limited<'s> {
    source: &'s mut dyn Source,
    remaining: u64,
}

impl Read for Limited<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.remaining == 0 {
            return Err(refused_error(DAMAGED.to_owned()));
        }
        let most = usize::try_from(self.remaining).unwrap_or(usize::MAX);
        let most = most.min(buffer.len());
        let read = self.source.read(&mut buffer[..most])?;
        self.remaining -= read as u64;
        Ok(read)
    }
}

impl Seek for Limited<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.source.seek(to)
    }
}

/// True if `source` begins with a zip signature. Rewinds it.
pub(crate) fn is_archive(source: &mut dyn Source) -> io::Result<bool> {
    let mut head = Vec::new();
    source.rewind()?;
    source.take(4).read_to_end(&mut head)?;
    source.rewind()?;
    Ok(head == b"PK\x03\x04" || head == b"PK\x05\x06")
}

/// The last part of an entry's path.
pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or_default()
}

fn damaged() -> ReadError {
    ReadError::Refused(DAMAGED.to_owned())
}

fn refused_error(sentence: String) -> io::Error {
    io::Error::other(ImportError(sentence))
}

/// True for errors of a decoder; other kinds are errors of the source.
fn is_decoding_error(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
    )
}

fn read_error(error: ZipError) -> ReadError {
    match error {
        ZipError::Io(error) if !is_decoding_error(&error) => error.into(),
        _ => damaged(),
    }
}

impl<'s> Archive<'s> {
    /// Finds the central directory.
    ///
    /// # Errors
    /// [`ReadError::Refused`] for a damaged archive and for more than
    /// [`MAX_ENTRIES`] entries.
    pub(crate) fn open(source: &'s mut dyn Source) -> Result<Self, ReadError> {
        let size = source.seek(SeekFrom::End(0))?;
        let source = Limited {
            source,
            remaining: MAX_SEARCH,
        };
        // Otherwise the whole file is searched for a directory.
        let config = Config {
            archive_offset: ArchiveOffset::Known(0),
        };
        let mut files = ZipIterable::try_new(source, config).map_err(read_error)?;
        let count = files.len();
        if count as u64 > MAX_ENTRIES {
            return Err(ReadError::Refused(format!(
                "This zip archive lists {count} files; at most {MAX_ENTRIES} are read."
            )));
        }
        let pass = files.files().map_err(read_error)?;
        pass.reader_mut().remaining = u64::MAX;
        let total = size.saturating_mul(MAX_TOTAL_RATIO).max(SMALL_TOTAL);
        Ok(Self {
            files,
            size,
            remaining: total.min(MAX_TOTAL),
        })
    }

    /// Reads the directory and passes the path and content of each entry that
    /// `wants` accepts by its path to `give`, or the reason why its content
    /// can't be read, e.g. because it is encrypted.
    pub(crate) fn each(
        &mut self,
        mut wants: impl FnMut(&str) -> bool,
        mut give: impl FnMut(&str, Result<EntryReader<'_>, String>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let files = self.files.files().map_err(read_error)?;
        let mut begin = None;
        while let Some(entry) = files.next() {
            let entry = OwnedZipFileEntry::from(entry.map_err(read_error)?);
            let at = entry.central_header_start();
            if at.saturating_sub(*begin.get_or_insert(at)) > MAX_DIRECTORY {
                let sentence = "This zip archive has a list of files larger than 32 MB.";
                return Err(ReadError::Refused(sentence.to_owned()).into());
            }
            let compressed = entry.compressed_size();
            if entry.header_start().saturating_add(compressed) > self.size {
                return Err(damaged().into());
            }
            let name = display_name(&entry);
            if !wants(&name) {
                continue;
            }
            if entry.encrypted() {
                give(&name, Err("It is encrypted.".to_owned()))?;
                continue;
            }
            if !matches!(
                entry.compression(),
                CompressionMethod::Stored | CompressionMethod::Deflated
            ) {
                let reason = "Its compression method is not supported.";
                give(&name, Err(reason.to_owned()))?;
                continue;
            }
            let mut file = entry
                .as_ref()
                .with_reader(files.reader_mut(), ZipReadOptions::new())
                .map_err(read_error)?;
            let is_inside = file
                .data_start()
                .is_some_and(|start| start.saturating_add(compressed) <= self.size);
            if !is_inside {
                return Err(damaged().into());
            }
            let reader = EntryReader {
                content: &mut file,
                name: &name,
                limit: compressed.saturating_mul(MAX_RATIO).max(SMALL_ENTRY),
                remaining: &mut self.remaining,
                inflated: 0,
            };
            give(&name, Ok(reader))?;
        }
        Ok(())
    }
}

/// An entry's path, to be shown.
fn display_name(entry: &OwnedZipFileEntry) -> String {
    let name = entry
        .name()
        .unwrap_or_else(|_| String::from_utf8_lossy(entry.name_raw()));
    name.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// Inflates an entry while it is read and enforces the limits.
pub(crate) struct EntryReader<'a> {
    content: &'a mut dyn Read,
    name: &'a str,
    /// Maximum inflated size in bytes.
    limit: u64,
    remaining: &'a mut u64,
    inflated: u64,
}

impl Read for EntryReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer).map_err(|error| {
            if is_decoding_error(&error) {
                refused_error(format!("“{}” is damaged.", self.name))
            } else {
                error
            }
        })?;
        self.inflated += read as u64;
        if self.inflated > self.limit {
            return Err(refused_error(format!(
                "“{}” inflates to more than {MAX_RATIO} times its size, as no honest file does. \
                 Nothing of this archive was taken from there on.",
                self.name
            )));
        }
        let remaining = self.remaining.checked_sub(read as u64).ok_or_else(|| {
            refused_error(
                "This zip archive inflates to more than an honest one of its size does.".to_owned(),
            )
        })?;
        *self.remaining = remaining;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn archive(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn read_all(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ReadError> {
        let mut source = Cursor::new(bytes);
        let mut files = Vec::new();
        let outcome = Archive::open(&mut source)?.each(
            |_| true,
            |name, reader| {
                let mut content = Vec::new();
                if let Ok(mut reader) = reader {
                    reader.read_to_end(&mut content)?;
                }
                files.push((name.to_owned(), content));
                Ok(())
            },
        );
        match outcome {
            Ok(()) => Ok(files),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Cancelled) => unreachable!("nothing cancels"),
        }
    }

    fn refusal_message(bytes: &[u8]) -> String {
        match read_all(bytes) {
            Err(ReadError::Refused(sentence)) => sentence,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_archives_of_another_writer() {
        let files = [
            ("a.md", b"one".to_vec()),
            ("x/ü.md", vec![]),
            ("b", b"two".repeat(9000)),
        ];
        let read = read_all(&archive(&files)).unwrap();
        let expected: Vec<_> = files
            .iter()
            .map(|(n, c)| ((*n).to_owned(), c.clone()))
            .collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn zip_bomb_is_rejected_while_inflating() {
        let bomb = archive(&[("bomb.md", vec![0; 64 * 1024 * 1024])]);
        assert!(bomb.len() < 100_000);
        assert!(refusal_message(&bomb).contains("200 times"));
        // Small entries may exceed the ratio.
        assert!(read_all(&archive(&[("dull.md", vec![b'a'; 1_000_000])])).is_ok());
    }

    #[test]
    fn total_inflated_size_is_limited() {
        let many: Vec<_> = (0..40)
            .map(|n| (format!("{n}.md"), vec![b'a'; 1_000_000]))
            .collect();
        let many: Vec<_> = many.iter().map(|(n, c)| (n.as_str(), c.clone())).collect();
        assert!(refusal_message(&archive(&many)).contains("inflates to more"));
    }

    /// An archive of one entry whose directory lists it `count` times, each
    /// with a comment of `comment` bytes.
    fn repeated(content: Vec<u8>, count: u16, comment: u16) -> Vec<u8> {
        let one = archive(&[("a.md", content)]);
        let end = one.len() - 22;
        let directory = u32::from_le_bytes(one[end + 16..end + 20].try_into().unwrap());
        let directory = usize::try_from(directory).unwrap();
        let mut central = one[directory..end].to_vec();
        central[32..34].copy_from_slice(&comment.to_le_bytes());
        central.extend(vec![b'x'; comment.into()]);
        let mut bytes = one[..directory].to_vec();
        for _ in 0..count {
            bytes.extend(&central);
        }
        let size = u32::try_from(central.len() * usize::from(count)).unwrap();
        let mut record = one[end..].to_vec();
        record[8..10].copy_from_slice(&count.to_le_bytes());
        record[10..12].copy_from_slice(&count.to_le_bytes());
        record[12..16].copy_from_slice(&size.to_le_bytes());
        bytes.extend(record);
        bytes
    }

    #[test]
    fn overlapping_entries_count_each_time() {
        let bytes = repeated(vec![b'a'; 1_000_000], 40, 0);
        assert!(refusal_message(&bytes).contains("inflates to more"));
    }

    #[test]
    fn oversized_directory_is_rejected() {
        assert!(read_all(&repeated(b"b".to_vec(), 500, 60_000)).is_ok());
        let bytes = repeated(b"b".to_vec(), 600, 60_000);
        assert!(refusal_message(&bytes).contains("larger than 32 MB"));
    }

    #[test]
    fn too_many_entries_are_rejected() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for name in 0..=MAX_ENTRIES {
            writer.start_file(name.to_string(), options).unwrap();
        }
        let bytes = writer.finish().unwrap().into_inner();
        let message = refusal_message(&bytes);
        assert!(message.contains("lists 200001 files"), "{message}");
    }

    /// Counts the bytes that are read.
    struct Counted(Cursor<Vec<u8>>, u64);

    impl Read for Counted {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let read = self.0.read(buffer)?;
            self.1 += read as u64;
            Ok(read)
        }
    }

    impl Seek for Counted {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn search_for_the_directory_is_limited() {
        // End records with a comment of 60,000 bytes and no directory.
        let mut record = b"PK\x05\x06".to_vec();
        record.extend([0, 0, 0, 0, 1, 0, 1, 0, 46, 0, 0, 0, 0, 0, 0, 0, 0x60, 0xea]);
        let mut source = Counted(Cursor::new(record.repeat(10_000)), 0);
        let outcome = Archive::open(&mut source).map(|_| ());
        assert!(matches!(outcome, Err(ReadError::Refused(_))), "{outcome:?}");
        assert!(source.1 <= MAX_SEARCH, "{}", source.1);
    }

    #[test]
    fn entry_beyond_the_end_is_rejected() {
        let mut bytes = archive(&[("a.md", b"text".to_vec())]);
        let central = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
        bytes[central + 20..central + 24].copy_from_slice(&10_000_u32.to_le_bytes());
        assert!(refusal_message(&bytes).contains("damaged or incomplete"));
    }

    #[test]
    fn corrupted_bytes_never_panic() {
        let bytes = archive(&[
            ("a.md", b"some text to deflate".repeat(3)),
            ("b", vec![7; 30]),
        ]);
        for at in 0..bytes.len() {
            for change in [0_u8, 0xff, bytes[at] ^ 1] {
                let mut broken = bytes.clone();
                broken[at] = change;
                let _ = read_all(&broken);
            }
            let _ = read_all(&bytes[..at]);
        }
    }

    #[test]
    fn damaged_entry_is_named() {
        let mut bytes = archive(&[("a.md", b"text that matters".to_vec())]);
        let offset = bytes.windows(4).position(|w| w == b"a.md").unwrap() + 5;
        bytes[offset] ^= 0x40;
        assert!(refusal_message(&bytes).contains("“a.md” is damaged"));
        assert!(refusal_message(b"PK\x03\x04 and nothing").contains("damaged or incomplete"));
    }
}
