//! Writes archives to a target that can't seek: an entry's sizes follow its
//! data, the central directory comes last.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use domain::Timestamp;
use zip::{
    CompressionMethod, DateTime, ZipWriter,
    write::{SimpleFileOptions, StreamWriter},
};

/// State of an archive being written; some hundred bytes for each entry.
pub(crate) struct ArchiveWriter {
    zip: ZipWriter<StreamWriter<Buffer>>,
    buffer: Buffer,
}

/// What was written and not yet taken.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn drain_into(&self, out: &mut Vec<u8>) {
        out.append(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ArchiveWriter {
    pub(crate) fn new() -> Self {
        let buffer = Buffer::default();
        Self {
            zip: ZipWriter::new_stream(buffer.clone()),
            buffer,
        }
    }

    /// Appends a file of less than 4 GB. Its last bytes may come with the next.
    ///
    /// # Errors
    /// If a file of this name was written, or the name is too long.
    pub(crate) fn file(
        &mut self,
        name: &str,
        at: Option<Timestamp>,
        content: &[u8],
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(at.and_then(dos_time).unwrap_or_default());
        self.zip.start_file(name, options)?;
        self.zip.write_all(content)?;
        self.buffer.drain_into(out);
        Ok(())
    }

    /// Appends the central directory.
    pub(crate) fn end(self, out: &mut Vec<u8>) -> io::Result<()> {
        self.zip.finish()?;
        self.buffer.drain_into(out);
        Ok(())
    }
}

/// The time as an archive has it: to two seconds, from 1980 to 2107.
fn dos_time(at: Timestamp) -> Option<DateTime> {
    let year = u16::try_from(at.year()).ok()?;
    let (month, day) = (at.month().into(), at.day());
    DateTime::from_date_and_time(year, month, day, at.hour(), at.minute(), at.second()).ok()
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
            let at = Some(Timestamp::UNIX_EPOCH);
            let written = writer.file(name, at, content.as_bytes(), &mut bytes);
            written.unwrap();
        }
        writer.end(&mut bytes).unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        assert_eq!(archive.len(), files.len());
        for at in [0, 1, 35_000, 65_999] {
            let mut entry = archive.by_index(at).unwrap();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            assert_eq!(
                (entry.name().unwrap().as_ref(), content.as_str()),
                (files[at].0.as_str(), files[at].1.as_str())
            );
        }
    }
}
