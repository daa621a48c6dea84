//! Writes archives to a target that can't seek: an entry's sizes follow its
//! data, the central directory comes last.

use domain::Timestamp;
use flate2::{Compress, Compression, FlushCompress, Status};

/// Sizes follow the data (bit 3), the name is UTF-8 (bit 11).
const FLAGS: u16 = 1 << 3 | 1 << 11;
const VERSION: u16 = 20;
const VERSION_64: u16 = 45;
const DEFLATED: u16 = 8;
/// Directory entries appended by one call of [`ArchiveWriter::end`].
const ENTRIES_PER_CALL: usize = 1_000;

/// State of an archive being written; some hundred bytes for each entry.
pub(crate) struct ArchiveWriter {
    /// Shared by all files, because its tables take 300 kB.
    deflate: Compress,
    written: u64,
    entries: Vec<Entry>,
    /// Entries written to the central directory so far.
    listed: usize,
    directory_size: u64,
}

struct Entry {
    name: Box<str>,
    modified: (u16, u16),
    crc: u32,
    compressed: u32,
    size: u32,
    offset: u64,
}

impl ArchiveWriter {
    pub(crate) fn new() -> Self {
        Self {
            deflate: Compress::new(Compression::default(), false),
            written: 0,
            entries: Vec::new(),
            listed: 0,
            directory_size: 0,
        }
    }

    /// Appends a file of less than 4 GB.
    pub(crate) fn file(
        &mut self,
        name: &str,
        at: Option<Timestamp>,
        content: &[u8],
        out: &mut Vec<u8>,
    ) {
        let begin = out.len();
        let modified = at.map_or((0, 0x21), dos_time);
        out.extend(0x0403_4b50_u32.to_le_bytes());
        out.extend(VERSION.to_le_bytes());
        out.extend(FLAGS.to_le_bytes());
        out.extend(DEFLATED.to_le_bytes());
        out.extend(modified.0.to_le_bytes());
        out.extend(modified.1.to_le_bytes());
        out.extend([0; 12]);
        out.extend(name_length(name).to_le_bytes());
        out.extend(0_u16.to_le_bytes());
        out.extend(name.as_bytes());
        let data = out.len();
        self.deflate(content, out);
        let entry = Entry {
            name: name.into(),
            modified,
            crc: crc32fast::hash(content),
            compressed: u32::try_from(out.len() - data).unwrap_or(u32::MAX),
            size: u32::try_from(content.len()).unwrap_or(u32::MAX),
            offset: self.written,
        };
        out.extend(0x0807_4b50_u32.to_le_bytes());
        out.extend(entry.crc.to_le_bytes());
        out.extend(entry.compressed.to_le_bytes());
        out.extend(entry.size.to_le_bytes());
        self.entries.push(entry);
        self.written += (out.len() - begin) as u64;
    }

    fn deflate(&mut self, content: &[u8], out: &mut Vec<u8>) {
        self.deflate.reset();
        let mut rest = content;
        loop {
            out.reserve(rest.len() / 2 + 256);
            let before = self.deflate.total_in();
            // Compressing into a `Vec` can't fail.
            let status = self
                .deflate
                .compress_vec(rest, out, FlushCompress::Finish)
                .unwrap_or(Status::StreamEnd);
            if status == Status::StreamEnd {
                break;
            }
            let taken = usize::try_from(self.deflate.total_in() - before).unwrap_or(rest.len());
            rest = &rest[taken..];
        }
    }

    /// Appends a piece of the central directory or, behind it, the end record.
    /// Returns true if there is more to append: call it again.
    pub(crate) fn end(&mut self, out: &mut Vec<u8>) -> bool {
        let begin = out.len();
        let entries = self.entries.iter().skip(self.listed).take(ENTRIES_PER_CALL);
        for entry in entries {
            let offset = u32::try_from(entry.offset).ok();
            let version = if offset.is_some() {
                VERSION
            } else {
                VERSION_64
            };
            out.extend(0x0201_4b50_u32.to_le_bytes());
            out.extend(version.to_le_bytes());
            out.extend(version.to_le_bytes());
            out.extend(FLAGS.to_le_bytes());
            out.extend(DEFLATED.to_le_bytes());
            out.extend(entry.modified.0.to_le_bytes());
            out.extend(entry.modified.1.to_le_bytes());
            out.extend(entry.crc.to_le_bytes());
            out.extend(entry.compressed.to_le_bytes());
            out.extend(entry.size.to_le_bytes());
            out.extend(name_length(&entry.name).to_le_bytes());
            out.extend(if offset.is_some() { 0_u16 } else { 12 }.to_le_bytes());
            out.extend([0; 10]);
            out.extend(offset.unwrap_or(u32::MAX).to_le_bytes());
            out.extend(entry.name.as_bytes());
            if offset.is_none() {
                out.extend(1_u16.to_le_bytes());
                out.extend(8_u16.to_le_bytes());
                out.extend(entry.offset.to_le_bytes());
            }
        }
        self.listed += ENTRIES_PER_CALL;
        self.directory_size += (out.len() - begin) as u64;
        if self.listed < self.entries.len() {
            return true;
        }
        let (size, count) = (self.directory_size, self.entries.len() as u64);
        let is_zip64 = count >= 0xffff || size >= 0xffff_ffff || self.written >= 0xffff_ffff;
        if is_zip64 {
            let offset = self.written + size;
            out.extend(0x0606_4b50_u32.to_le_bytes());
            out.extend(44_u64.to_le_bytes());
            out.extend(VERSION_64.to_le_bytes());
            out.extend(VERSION_64.to_le_bytes());
            out.extend([0; 8]);
            out.extend(count.to_le_bytes());
            out.extend(count.to_le_bytes());
            out.extend(size.to_le_bytes());
            out.extend(self.written.to_le_bytes());
            out.extend(0x0706_4b50_u32.to_le_bytes());
            out.extend([0; 4]);
            out.extend(offset.to_le_bytes());
            out.extend(1_u32.to_le_bytes());
        }
        let short = |number: u64| u16::try_from(number).unwrap_or(u16::MAX);
        let long = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        out.extend(0x0605_4b50_u32.to_le_bytes());
        out.extend([0; 4]);
        out.extend(short(count).to_le_bytes());
        out.extend(short(count).to_le_bytes());
        out.extend(long(size).to_le_bytes());
        out.extend(long(self.written).to_le_bytes());
        out.extend([0; 2]);
        false
    }
}

fn name_length(name: &str) -> u16 {
    u16::try_from(name.len()).unwrap_or(u16::MAX)
}

/// Time and date in MS-DOS format: a resolution of two seconds, from 1980 on.
fn dos_time(at: Timestamp) -> (u16, u16) {
    let year = u16::try_from(at.year().clamp(1980, 2107) - 1980).unwrap_or(0);
    let date = year << 9 | u16::from(u8::from(at.month())) << 5 | u16::from(at.day());
    let time =
        u16::from(at.hour()) << 11 | u16::from(at.minute()) << 5 | u16::from(at.second() / 2);
    (time, date)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::*;

    #[test]
    fn archives_are_readable_by_another_reader() {
        let mut writer = ArchiveWriter::new();
        let mut bytes = Vec::new();
        let mut files: Vec<_> = (0..66_000)
            .map(|n| (format!("{n}-ü.md"), format!("content {n}")))
            .collect();
        files[1].1.clear();
        // Large and incompressible.
        files[35_000].1 = (0..300_000_u32)
            .map(|n| char::from(b' ' + (n.wrapping_mul(2_654_435_761) >> 26) as u8))
            .collect();
        for (name, content) in &files {
            writer.file(
                name,
                Some(Timestamp::UNIX_EPOCH),
                content.as_bytes(),
                &mut bytes,
            );
        }
        while writer.end(&mut bytes) {}
        let mut archive = ::zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        assert_eq!(archive.len(), files.len());
        for at in [0, 1, 35_000, 65_999] {
            let mut entry = archive.by_index(at).unwrap();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            assert_eq!(
                (entry.name(), content.as_str()),
                (files[at].0.as_str(), files[at].1.as_str())
            );
        }
    }
}
