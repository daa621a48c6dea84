//! Reads zip archives that may be malicious.
//!
//! Limits: the number of entries, the size of the central directory, the
//! inflation of one entry relative to its compressed size, and that of all
//! entries together, which also covers entries that share their bytes. Nested
//! archives are not opened. Nothing is written to disk, so entry names can't
//! escape a folder.

use std::{
    cell::Cell,
    io::{self, Read, SeekFrom},
};

use flate2::read::DeflateDecoder;

use crate::{ImportError, ReadError, Source};

/// Maximum number of entries in an archive.
pub(crate) const MAX_ENTRIES: u64 = 200_000;
/// Maximum size of the central directory in bytes.
const MAX_DIRECTORY: u64 = 32 * 1024 * 1024;
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

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const END_64_LOCATOR: u32 = 0x0706_4b50;
/// The end record has 22 bytes and a comment of at most 65,535.
const MAX_TAIL: u64 = 22 + 65_535;

/// An archive's central directory.
pub(crate) struct Archive {
    entries: Vec<Entry>,
    size: u64,
    /// Bytes that may still be inflated, over all entries.
    remaining: Cell<u64>,
}

struct Entry {
    name: Box<str>,
    flags: u16,
    method: u16,
    crc: u32,
    compressed: u64,
    offset: u64,
}

/// True if `source` begins with a zip signature. Rewinds it.
pub(crate) fn is_archive(source: &mut dyn Source) -> io::Result<bool> {
    let mut head = [0; 4];
    source.rewind()?;
    let mut taken = 0;
    while taken < head.len() {
        match source.read(&mut head[taken..])? {
            0 => break,
            read => taken += read,
        }
    }
    source.rewind()?;
    Ok(taken == 4 && (head == LOCAL.to_le_bytes() || head == END.to_le_bytes()))
}

fn damaged() -> ReadError {
    ReadError::Refused("This zip archive is damaged or incomplete.".to_owned())
}

fn refused_error(sentence: String) -> io::Error {
    io::Error::other(ImportError(sentence))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// Reads `length` bytes at `offset`; an error if the archive ends before.
fn bytes_at(source: &mut dyn Source, offset: u64, length: u64) -> Result<Vec<u8>, ReadError> {
    source.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    source.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length {
        Ok(bytes)
    } else {
        Err(damaged())
    }
}

/// Location of the central directory.
struct Directory {
    entries: u64,
    size: u64,
    offset: u64,
}

impl Archive {
    /// Reads the central directory.
    ///
    /// # Errors
    /// [`ReadError::Refused`] for a damaged archive and for more than
    /// [`MAX_ENTRIES`] entries.
    pub(crate) fn open(source: &mut dyn Source) -> Result<Self, ReadError> {
        let size = source.seek(SeekFrom::End(0))?;
        let directory = find_directory(source, size)?;
        if directory.entries > MAX_ENTRIES || directory.size > MAX_DIRECTORY {
            return Err(ReadError::Refused(format!(
                "This zip archive lists {} files; at most {MAX_ENTRIES} are read.",
                directory.entries
            )));
        }
        let bytes = bytes_at(source, directory.offset, directory.size)?;
        let mut entries = Vec::new();
        let mut at = 0;
        while at < bytes.len() && (entries.len() as u64) < MAX_ENTRIES {
            let (entry, length) = entry_at(&bytes[at..]).ok_or_else(damaged)?;
            if entry.offset.saturating_add(entry.compressed) > size {
                return Err(damaged());
            }
            entries.push(entry);
            at += length;
        }
        let total = size.saturating_mul(MAX_TOTAL_RATIO).max(SMALL_TOTAL);
        Ok(Self {
            entries,
            size,
            remaining: Cell::new(total.min(MAX_TOTAL)),
        })
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// An entry's path.
    pub(crate) fn name(&self, at: usize) -> &str {
        &self.entries[at].name
    }

    /// The last part of an entry's path.
    pub(crate) fn base_name(&self, at: usize) -> &str {
        self.name(at).rsplit(['/', '\\']).next().unwrap_or_default()
    }

    /// Opens an entry. The inner error is the reason why this entry can't be
    /// read, e.g. because it is encrypted.
    ///
    /// # Errors
    /// [`ReadError`] if the archive is damaged.
    pub(crate) fn entry<'a>(
        &'a self,
        source: &'a mut dyn Source,
        at: usize,
    ) -> Result<Result<EntryReader<'a>, String>, ReadError> {
        let entry = &self.entries[at];
        if entry.flags & 1 != 0 {
            return Ok(Err("It is encrypted.".to_owned()));
        }
        if !matches!(entry.method, 0 | 8) {
            return Ok(Err(
                "It is compressed in a way that is not known here.".to_owned()
            ));
        }
        let local = bytes_at(source, entry.offset, 30)?;
        if u32_at(&local, 0) != Some(LOCAL) {
            return Err(damaged());
        }
        // These lengths may differ from those in the central directory.
        let name = u16_at(&local, 26).unwrap_or_default();
        let extra = u16_at(&local, 28).unwrap_or_default();
        let begin = entry.offset + 30 + u64::from(name) + u64::from(extra);
        if begin.saturating_add(entry.compressed) > self.size {
            return Err(damaged());
        }
        source.seek(SeekFrom::Start(begin))?;
        let raw = source.take(entry.compressed);
        Ok(Ok(EntryReader {
            inner: if entry.method == 0 {
                Inner::Stored(raw)
            } else {
                Inner::Deflated(DeflateDecoder::new(raw))
            },
            entry,
            remaining: &self.remaining,
            inflated: 0,
            crc: crc32fast::Hasher::new(),
        }))
    }
}

fn find_directory(source: &mut dyn Source, size: u64) -> Result<Directory, ReadError> {
    let length = size.min(MAX_TAIL);
    let begin = size - length;
    let tail = bytes_at(source, begin, length)?;
    let end = (0..tail.len().saturating_sub(21))
        .rev()
        .find(|at| {
            u32_at(&tail, *at) == Some(END)
                && u16_at(&tail, at + 20)
                    .is_some_and(|comment| at + 22 + usize::from(comment) == tail.len())
        })
        .ok_or_else(damaged)?;
    let directory = (|| {
        Some(Directory {
            entries: u16_at(&tail, end + 10)?.into(),
            size: u32_at(&tail, end + 12)?.into(),
            offset: u32_at(&tail, end + 16)?.into(),
        })
    })()
    .ok_or_else(damaged)?;
    let is_zip64 = directory.entries == 0xffff
        || directory.size == 0xffff_ffff
        || directory.offset == 0xffff_ffff;
    let at = begin + end as u64;
    let directory = if is_zip64 && at >= 20 {
        let locator = bytes_at(source, at - 20, 20)?;
        if u32_at(&locator, 0) == Some(END_64_LOCATOR) {
            let offset = u64_at(&locator, 8)
                .filter(|offset| *offset < at)
                .ok_or_else(damaged)?;
            let end = bytes_at(source, offset, 56)?;
            if u32_at(&end, 0) != Some(END_64) {
                return Err(damaged());
            }
            (|| {
                Some(Directory {
                    entries: u64_at(&end, 32)?,
                    size: u64_at(&end, 40)?,
                    offset: u64_at(&end, 48)?,
                })
            })()
            .ok_or_else(damaged)?
        } else {
            directory
        }
    } else {
        directory
    };
    if directory.offset.saturating_add(directory.size) > at {
        return Err(damaged());
    }
    Ok(directory)
}

/// Parses the directory entry at the beginning of `bytes` and returns it with
/// its length.
fn entry_at(bytes: &[u8]) -> Option<(Entry, usize)> {
    if u32_at(bytes, 0)? != CENTRAL {
        return None;
    }
    let name_length = usize::from(u16_at(bytes, 28)?);
    let extra_length = usize::from(u16_at(bytes, 30)?);
    let comment_length = usize::from(u16_at(bytes, 32)?);
    let name = bytes.get(46..46 + name_length)?;
    let extra = bytes.get(46 + name_length..46 + name_length + extra_length)?;
    let size = u32_at(bytes, 24)?;
    let mut compressed = u64::from(u32_at(bytes, 20)?);
    let mut offset = u64::from(u32_at(bytes, 42)?);
    // Values that exceed 32 bits are in the zip64 extra field, in this order.
    let mut large = zip64_field(extra);
    if size == u32::MAX {
        large = large.get(8..).unwrap_or_default();
    }
    if compressed == u64::from(u32::MAX) {
        compressed = u64_at(large, 0)?;
        large = &large[8..];
    }
    if offset == u64::from(u32::MAX) {
        offset = u64_at(large, 0)?;
    }
    let name: String = String::from_utf8_lossy(name)
        .chars()
        .filter(|c| !c.is_control())
        .take(300)
        .collect();
    let entry = Entry {
        name: name.into(),
        flags: u16_at(bytes, 8)?,
        method: u16_at(bytes, 10)?,
        crc: u32_at(bytes, 16)?,
        compressed,
        offset,
    };
    let length = 46 + name_length + extra_length + comment_length;
    (length <= bytes.len()).then_some((entry, length))
}

fn zip64_field(mut extra: &[u8]) -> &[u8] {
    while let (Some(id), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let length = usize::from(length);
        let Some(field) = extra.get(4..4 + length) else {
            break;
        };
        if id == 1 {
            return field;
        }
        extra = &extra[4 + length..];
    }
    &[]
}

/// Inflates an entry while it is read and enforces the limits.
pub(crate) struct EntryReader<'a> {
    inner: Inner<'a>,
    entry: &'a Entry,
    remaining: &'a Cell<u64>,
    inflated: u64,
    crc: crc32fast::Hasher,
}

enum Inner<'a> {
    Stored(io::Take<&'a mut dyn Source>),
    Deflated(DeflateDecoder<io::Take<&'a mut dyn Source>>),
}

impl Read for EntryReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.inner {
            Inner::Stored(raw) => raw.read(buffer),
            Inner::Deflated(raw) => raw.read(buffer),
        };
        let read = match read {
            Ok(read) => read,
            // The decoder's own errors mean a damaged archive; errors of the
            // source are returned unchanged.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidInput
                        | io::ErrorKind::InvalidData
                        | io::ErrorKind::UnexpectedEof
                ) =>
            {
                return Err(refused_error(format!("“{}” is damaged.", self.entry.name)));
            }
            Err(error) => return Err(error),
        };
        if read == 0 && !buffer.is_empty() {
            let crc = std::mem::take(&mut self.crc).finalize();
            if self.inflated > 0 && crc != self.entry.crc {
                return Err(refused_error(format!("“{}” is damaged.", self.entry.name)));
            }
            // Skips the check if the caller reads again at the end.
            self.inflated = 0;
            return Ok(0);
        }
        self.crc.update(&buffer[..read]);
        self.inflated += read as u64;
        let limit = self
            .entry
            .compressed
            .saturating_mul(MAX_RATIO)
            .max(SMALL_ENTRY);
        if self.inflated > limit {
            return Err(refused_error(format!(
                "“{}” inflates to more than {MAX_RATIO} times its size, as no honest file does. \
                 Nothing of this archive was taken from there on.",
                self.entry.name
            )));
        }
        let remaining = self
            .remaining
            .get()
            .checked_sub(read as u64)
            .ok_or_else(|| {
                refused_error(
                    "This zip archive inflates to more than an honest one of its size does."
                        .to_owned(),
                )
            })?;
        self.remaining.set(remaining);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use ::zip::{ZipWriter, write::SimpleFileOptions};

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
        let archive = Archive::open(&mut source)?;
        let mut files = Vec::new();
        for at in 0..archive.len() {
            let mut content = Vec::new();
            if let Ok(mut reader) = archive.entry(&mut source, at)? {
                reader.read_to_end(&mut content)?;
            }
            files.push((archive.name(at).to_owned(), content));
        }
        Ok(files)
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

    #[test]
    fn overlapping_entries_count_each_time() {
        // One entry that the central directory lists 40 times.
        let one = archive(&[("a.md", vec![b'a'; 1_000_000])]);
        let directory = {
            let end = one.len() - 22;
            u32_at(&one, end + 16).unwrap() as usize
        };
        let central = one[directory..one.len() - 22].to_vec();
        let mut bytes = one[..directory].to_vec();
        for _ in 0..40 {
            bytes.extend(&central);
        }
        let mut end = one[one.len() - 22..].to_vec();
        end[8..10].copy_from_slice(&40_u16.to_le_bytes());
        end[10..12].copy_from_slice(&40_u16.to_le_bytes());
        end[12..16].copy_from_slice(&u32::try_from(central.len() * 40).unwrap().to_le_bytes());
        bytes.extend(end);
        assert!(refusal_message(&bytes).contains("inflates to more"));
    }

    #[test]
    fn oversized_directory_is_rejected_before_it_is_read() {
        let mut bytes = archive(&[("a", b"b".to_vec())]);
        let end = bytes.len() - 22;
        bytes[end + 12..end + 16].copy_from_slice(&(64 * 1024 * 1024_u32).to_le_bytes());
        assert!(matches!(read_all(&bytes), Err(ReadError::Refused(_))));
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
