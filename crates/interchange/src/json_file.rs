//! JSON Lines, and JSON arrays at the top level or in a top-level object.

use std::io::{self, Read, SeekFrom};

use crate::{
    MAX_RECORD_BYTES, Record, Sink, Source, Stop,
    input::{Input, is_blank, too_long, utf8},
};

/// Keys under which products store the array of their records.
const ARRAYS: [&str; 5] = ["results", "memories", "conversations", "data", "items"];
/// The array must begin within this many bytes.
const HEAD: u64 = 1024 * 1024;

/// Converts a raw record to a memory, or returns the reason why it is invalid.
pub(crate) type Parse<'a> = &'a dyn Fn(&[u8]) -> Result<Record, String>;

/// Receives a raw record's line, the bytes read so far, and the record.
pub(crate) type Give<'a> = &'a mut dyn FnMut(u64, u64, Result<&[u8], String>) -> Result<(), Stop>;

/// Parses each record with `parse` and passes it to `sink`.
pub(crate) fn read(
    source: &mut dyn Source,
    sink: &mut Sink<'_>,
    parse: Parse<'_>,
) -> Result<(), Stop> {
    each(source, &mut |line, bytes, raw| {
        let record = raw.and_then(parse);
        sink.give(line, bytes, record)
    })
}

/// Passes each raw record to `give`.
pub(crate) fn each(source: &mut dyn Source, give: Give<'_>) -> Result<(), Stop> {
    source.seek(SeekFrom::Start(0))?;
    let mut head = Input::new((&mut *source).take(HEAD))?;
    let is_array = enter_array(&mut head)?;
    drop(head);
    source.seek(SeekFrom::Start(0))?;
    let mut input = Input::new(source)?;
    if is_array {
        enter_array(&mut input)?;
        values(&mut input, give)
    } else {
        lines(&mut input, give)
    }
}

/// As [`each`], for a stream that can't be rewound: an array, or lines that
/// begin with an object.
pub(crate) fn each_of_stream(stream: impl Read, give: Give<'_>) -> Result<(), Stop> {
    let mut input = Input::new(stream)?;
    if input.pass_while(|byte| byte.is_ascii_whitespace())? == Some(b'[') {
        input.pass()?;
        values(&mut input, give)
    } else {
        // One object or several, with or without line breaks between them.
        values(&mut input, give)
    }
}

fn lines<R: Read>(input: &mut Input<R>, give: Give<'_>) -> Result<(), Stop> {
    let mut raw = Vec::new();
    while let Some(chunk) = input.next_line(&mut raw, MAX_RECORD_BYTES)? {
        if chunk.too_long {
            give(chunk.line, input.read(), Err(too_long(MAX_RECORD_BYTES)))?;
        } else if !is_blank(&raw) {
            give(chunk.line, input.read(), Ok(&raw))?;
        }
    }
    Ok(())
}

/// Reads values separated by commas or white space, up to a closing bracket.
fn values<R: Read>(input: &mut Input<R>, give: Give<'_>) -> Result<(), Stop> {
    let mut raw = Vec::new();
    loop {
        match input.pass_while(|byte| byte == b',' || byte.is_ascii_whitespace())? {
            None | Some(b']') => return Ok(()),
            // Invalid JSON: the records behind it can't be delimited.
            Some(b'}' | b':') => {
                return give(
                    input.line(),
                    input.read(),
                    Err("It is not JSON.".to_owned()),
                );
            }
            Some(_) => {}
        }
        let Some(chunk) = input.next_value(&mut raw, MAX_RECORD_BYTES)? else {
            return Ok(());
        };
        let value = if chunk.too_long {
            Err(too_long(MAX_RECORD_BYTES))
        } else {
            Ok(&raw[..])
        };
        give(chunk.line, input.read(), value)?;
    }
}

/// Advances to the first element of the array of records. Returns false if
/// there is none.
fn enter_array<R: Read>(input: &mut Input<R>) -> io::Result<bool> {
    let blank = |byte: u8| byte.is_ascii_whitespace();
    match input.pass_while(blank)? {
        Some(b'[') => {
            input.pass()?;
            return Ok(true);
        }
        Some(b'{') => {
            input.pass()?;
        }
        _ => return Ok(false),
    }
    let mut raw = Vec::new();
    loop {
        if input.pass_while(|byte| byte == b',' || blank(byte))? != Some(b'"') {
            return Ok(false);
        }
        input.next_value(&mut raw, 1024)?;
        let is_records = utf8(&raw).is_ok_and(|name| ARRAYS.contains(&name.trim_matches('"')));
        if input.pass_while(blank)? != Some(b':') {
            return Ok(false);
        }
        input.pass()?;
        let first_byte = input.pass_while(blank)?;
        if is_records && first_byte == Some(b'[') {
            input.pass()?;
            return Ok(true);
        }
        if input.next_value(&mut raw, 0)?.is_none() {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::import::ImportFormat;

    use crate::testing::{items, summary};

    #[test]
    fn invalid_lines_are_reported_by_number() {
        let records = items(
            ImportFormat::JsonLines,
            "{\"content\":\"a\",\"tags\":[\"x\"]}\n\n{\"content\":3}\n{\"text\":\"b\",\"tags\":\"x,y\",\"other\":1}",
        );
        let lines: Vec<_> = records
            .iter()
            .map(|r| (r.location.line, r.record.is_ok()))
            .collect();
        assert_eq!(lines, [(1, true), (3, false), (4, true)]);
        assert!(
            records[1]
                .problem()
                .unwrap()
                .reason
                .contains("must be text")
        );
        assert_eq!(records[2].record.as_ref().unwrap().text.tags, ["x", "y"]);
    }

    #[test]
    fn each_error_has_its_own_message() {
        for (line, reason) in [
            (&b"no json"[..], "It is not JSON."),
            (b"[1]\n", "It is not a JSON object."),
            (b"{\"title\":\"a\"}", "It has no \u{201c}content\u{201d}."),
            (b"{\"content\":\" \"}", "Content is required."),
            (b"{\"content\":\"\xff\"}", "It is not UTF-8."),
        ] {
            let records = items(ImportFormat::JsonLines, line);
            assert_eq!(records.len(), 1);
            assert_eq!(records[0].problem().unwrap().reason, reason);
        }
    }

    #[test]
    fn values_that_do_not_fit_are_left_out_and_reported() {
        let many: Vec<String> = (0..10_000).map(|n| format!("\"t{n}\"")).collect();
        let many = format!("{{\"content\":\"a\",\"tags\":[{}]}}", many.join(","));
        let records = items(
            ImportFormat::JsonLines,
            format!("{many}\n{{\"content\":\"a\\u0000b\",\"kind\":\"song\"}}"),
        );
        let first = records[0].record.as_ref().unwrap();
        assert_eq!(first.text.tags.len(), 20);
        assert!(first.notes[0].contains("t20"), "{:?}", first.notes);
        assert!(
            first.notes[0].contains("and 9960 more"),
            "{:?}",
            first.notes
        );
        let second = records[1].record.as_ref().unwrap();
        assert_eq!(second.text.content, "ab");
        assert_eq!(second.notes.len(), 2, "{:?}", second.notes);
    }

    #[test]
    fn arrays_are_found_at_top_level_and_in_objects() {
        for file in [
            "[{\"content\":\"a\"},\n {\"content\":\"]\"}\n]",
            "{\"count\": 2, \"x\": {\"results\": []}, \"results\": [{\"content\":\"a\"},\n{\"content\":\"]\"}], \"next\": null}",
        ] {
            let records = items(ImportFormat::JsonLines, file);
            assert_eq!(
                summary(&records),
                [(1, "|a".to_owned()), (2, "|]".to_owned())]
            );
        }
    }

    #[test]
    fn oversized_record_does_not_affect_the_others() {
        let mut file = b"{\"content\":\"".to_vec();
        file.extend(vec![b'x'; 17 * 1024 * 1024]);
        file.extend(b"\"}\n{\"content\":\"b\"}\n");
        let records = items(ImportFormat::JsonLines, &file);
        assert!(
            records[0]
                .problem()
                .unwrap()
                .reason
                .contains("longer than 16 MB")
        );
        assert_eq!(records[1].record.as_ref().unwrap().text.content, "b");
        assert_eq!(records[1].location.line, 2);
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        let file = format!("{}\n{{\"content\":\"b\"}}", "{\"content\":".repeat(100_000));
        let records = items(ImportFormat::JsonLines, &file);
        assert_eq!(
            records
                .last()
                .unwrap()
                .record
                .as_ref()
                .unwrap()
                .text
                .content,
            "b"
        );
    }
}
