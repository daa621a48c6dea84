//! Splits a byte stream into the raw texts of its records, each of a bounded
//! length.

use std::{
    borrow::Cow,
    io::{self, BufRead, BufReader, Read},
};

/// A buffered reader that counts bytes and lines.
pub(crate) struct Input<R> {
    inner: BufReader<R>,
    line: u64,
    read: u64,
}

/// Position of a raw record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Line on which the record begins, from 1.
    pub(crate) line: u64,
    /// True if the record exceeds the limit and only its beginning was kept.
    pub(crate) too_long: bool,
}

/// A scanner's decision about one byte.
enum Step {
    /// The byte belongs to the record.
    Take,
    /// The byte is the record's last.
    TakeAndEnd,
    /// The record ended before the byte.
    End,
}

impl<R: Read> Input<R> {
    /// Skips a UTF-8 byte order mark.
    pub(crate) fn new(reader: R) -> io::Result<Self> {
        let mut input = Self {
            inner: BufReader::with_capacity(64 * 1024, reader),
            line: 1,
            read: 0,
        };
        if input.inner.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            input.inner.consume(3);
            input.read += 3;
        }
        Ok(input)
    }

    /// Bytes read so far.
    pub(crate) fn read(&self) -> u64 {
        self.read
    }

    /// Line of the next byte, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// The next byte, without consuming it.
    pub(crate) fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.inner.fill_buf()?.first().copied())
    }

    /// Consumes the next byte.
    pub(crate) fn pass(&mut self) -> io::Result<Option<u8>> {
        let byte = self.peek()?;
        if let Some(byte) = byte {
            self.inner.consume(1);
            self.read += 1;
            self.line += u64::from(byte == b'\n');
        }
        Ok(byte)
    }

    /// Consumes all bytes that match `skipped` and peeks at the one after.
    pub(crate) fn pass_while(&mut self, skipped: impl Fn(u8) -> bool) -> io::Result<Option<u8>> {
        while let Some(byte) = self.peek()? {
            if !skipped(byte) {
                return Ok(Some(byte));
            }
            self.pass()?;
        }
        Ok(None)
    }

    /// Reads one record into `out`, up to where `scan` ends it. Keeps at most
    /// `max` bytes and discards the rest. `None` at the end of the stream.
    fn take(
        &mut self,
        out: &mut Vec<u8>,
        max: usize,
        mut scan: impl FnMut(u8) -> Step,
    ) -> io::Result<Option<Chunk>> {
        out.clear();
        let mut chunk = Chunk {
            line: self.line,
            too_long: false,
        };
        let mut any = false;
        loop {
            let buffer = self.inner.fill_buf()?;
            if buffer.is_empty() {
                return Ok(any.then_some(chunk));
            }
            let mut taken = 0;
            let mut lines = 0;
            let mut ended = false;
            for byte in buffer {
                let step = scan(*byte);
                if matches!(step, Step::End) {
                    ended = true;
                    break;
                }
                taken += 1;
                lines += u64::from(*byte == b'\n');
                if matches!(step, Step::TakeAndEnd) {
                    ended = true;
                    break;
                }
            }
            let room = max.saturating_sub(out.len());
            chunk.too_long |= taken > room;
            out.extend_from_slice(&buffer[..taken.min(room)]);
            self.inner.consume(taken);
            self.read += taken as u64;
            self.line += lines;
            any |= taken > 0 || ended;
            if ended {
                return Ok(Some(chunk));
            }
        }
    }

    /// The next line, including its line break.
    pub(crate) fn next_line(&mut self, out: &mut Vec<u8>, max: usize) -> io::Result<Option<Chunk>> {
        self.take(out, max, |byte| {
            if byte == b'\n' {
                Step::TakeAndEnd
            } else {
                Step::Take
            }
        })
    }

    /// The next row of a CSV file, without its line break. Skips empty lines.
    pub(crate) fn next_row(&mut self, out: &mut Vec<u8>, max: usize) -> io::Result<Option<Chunk>> {
        enum At {
            FieldStart,
            Plain,
            Quoted,
            Quote,
        }
        if self
            .pass_while(|byte| matches!(byte, b'\r' | b'\n'))?
            .is_none()
        {
            return Ok(None);
        }
        let mut at = At::FieldStart;
        self.take(out, max, |byte| {
            at = match (&at, byte) {
                (At::Quoted, b'"') => At::Quote,
                (At::Quoted, _) | (At::FieldStart | At::Quote, b'"') => At::Quoted,
                (_, b'\r' | b'\n') => return Step::End,
                (_, b',') => At::FieldStart,
                _ => At::Plain,
            };
            Step::Take
        })
    }

    /// The next JSON value, delimited by its brackets and quotes. Call it only
    /// where a value begins.
    pub(crate) fn next_value(
        &mut self,
        out: &mut Vec<u8>,
        max: usize,
    ) -> io::Result<Option<Chunk>> {
        let mut depth = 0_usize;
        let mut in_text = false;
        let mut escaped = false;
        self.take(out, max, |byte| {
            if in_text {
                if escaped {
                    escaped = false;
                } else if byte == b'\\' {
                    escaped = true;
                } else if byte == b'"' {
                    in_text = false;
                    if depth == 0 {
                        return Step::TakeAndEnd;
                    }
                }
                return Step::Take;
            }
            match byte {
                b'"' => in_text = true,
                b'[' | b'{' => depth += 1,
                b']' | b'}' | b',' | b':' if depth == 0 => return Step::End,
                b']' | b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        return Step::TakeAndEnd;
                    }
                }
                byte if depth == 0 && byte.is_ascii_whitespace() => return Step::End,
                _ => {}
            }
            Step::Take
        })
    }
}

/// The message for a record longer than `max` bytes.
pub(crate) fn too_long(max: usize) -> String {
    format!(
        "It is longer than {} MB, so a bracket or a quote may be missing.",
        max / 1024 / 1024
    )
}

pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "It is not UTF-8.".to_owned())
}

/// Replaces the escapes of half surrogate pairs in JSON, which some products
/// write, by that of U+FFFD.
pub(crate) fn mend_surrogates(json: &str) -> Cow<'_, str> {
    if !json.contains("\\ud") && !json.contains("\\uD") {
        return Cow::Borrowed(json);
    }
    let unit_at = |at: usize| {
        let hex = json.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(hex, 16).ok()
    };
    let mut mended = String::with_capacity(json.len());
    let (mut at, mut copied) = (0, 0);
    while let Some(next) = json[at..].find('\\') {
        at += next;
        match (unit_at(at), unit_at(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at += 12,
            (Some(0xd800..=0xdfff), _) => {
                mended.push_str(&json[copied..at]);
                mended.push_str("\\ufffd");
                at += 6;
                copied = at;
            }
            // Passes an escaped character, which may be a backslash.
            _ => at += 1 + json[at + 1..].chars().next().map_or(0, char::len_utf8),
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    mended.push_str(&json[copied..]);
    Cow::Owned(mended)
}

pub(crate) fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, max: usize) -> Vec<(u64, String, bool)> {
        let mut input = Input::new(text.as_bytes()).unwrap();
        let mut out = Vec::new();
        let mut rows = Vec::new();
        while let Some(chunk) = input.next_row(&mut out, max).unwrap() {
            rows.push((
                chunk.line,
                String::from_utf8(out.clone()).unwrap(),
                chunk.too_long,
            ));
        }
        rows
    }

    #[test]
    fn line_breaks_inside_quotes_do_not_end_a_row() {
        assert_eq!(
            rows("\u{feff}a,b\r\n\r\n\"x\r\n\"\"y\",z\r\nq\"r,\"\"\n", 100),
            [
                (1, "a,b".into(), false),
                (3, "\"x\r\n\"\"y\",z".into(), false),
                (5, "q\"r,\"\"".into(), false),
            ]
        );
    }

    #[test]
    fn long_row_is_truncated_and_the_next_row_is_read() {
        assert_eq!(
            rows("abcdef\ngh", 4),
            [(1, "abcd".into(), true), (2, "gh".into(), false)]
        );
    }

    #[test]
    fn value_ends_with_its_closing_bracket() {
        let mut input = Input::new(&b"{\"a\":\"}\\\"\",\"b\":[1]} , 3,\"x\""[..]).unwrap();
        let mut out = Vec::new();
        let mut values = Vec::new();
        while input
            .pass_while(|b| b == b',' || b.is_ascii_whitespace())
            .unwrap()
            .is_some()
        {
            input.next_value(&mut out, 100).unwrap();
            values.push(String::from_utf8(out.clone()).unwrap());
        }
        assert_eq!(values, ["{\"a\":\"}\\\"\",\"b\":[1]}", "3", "\"x\""]);
    }
}
