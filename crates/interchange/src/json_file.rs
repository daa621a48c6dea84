//! JSON Lines, and JSON arrays, at the top or in the first object.

use std::io::{self, Read, SeekFrom};

use crate::{
    MAX_RECORD_BYTES, Record, Sink, Source, Stop,
    input::{Input, is_blank, too_long, utf8},
};

/// Names under which products keep the array of their records.
const ARRAYS: [&str; 5] = ["results", "memories", "conversations", "data", "items"];
/// How far into a file such an array may begin.
const HEAD: u64 = 1024 * 1024;

/// One raw record made into a memory, or the reason why not.
pub(crate) type Parse<'a> = &'a dyn Fn(&[u8]) -> Result<Record, String>;

/// Takes a raw record with its line and the bytes read.
pub(crate) type Give<'a> = &'a mut dyn FnMut(u64, u64, Result<&[u8], String>) -> Result<(), Stop>;

/// Reads record by record.
pub(crate) fn read(
    source: &mut dyn Source,
    sink: &mut Sink<'_>,
    parse: Parse<'_>,
) -> Result<(), Stop> {
    each(source, &mut |cut, bytes, raw| {
        let record = raw.and_then(parse);
        sink.give(cut, bytes, record)
    })
}

/// Gives each raw record with its line and the bytes read.
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

/// The same for a stream that can't be read twice, which must be an array or
/// lines that begin with an object.
pub(crate) fn each_of_stream(stream: impl Read, give: Give<'_>) -> Result<(), Stop> {
    let mut input = Input::new(stream)?;
    if input.pass_while(|byte| byte.is_ascii_whitespace())? == Some(b'[') {
        input.pass()?;
        values(&mut input, give)
    } else {
        // An object, or objects one after the other, on lines or not.
        values(&mut input, give)
    }
}

fn lines<R: Read>(input: &mut Input<R>, give: Give<'_>) -> Result<(), Stop> {
    let mut raw = Vec::new();
    while let Some(cut) = input.next_line(&mut raw, MAX_RECORD_BYTES)? {
        if cut.too_long {
            give(cut.line, input.read(), Err(too_long(MAX_RECORD_BYTES)))?;
        } else if !is_blank(&raw) {
            give(cut.line, input.read(), Ok(&raw))?;
        }
    }
    Ok(())
}

/// Values with commas or white space between them, up to a closing bracket.
fn values<R: Read>(input: &mut Input<R>, give: Give<'_>) -> Result<(), Stop> {
    let mut raw = Vec::new();
    loop {
        match input.pass_while(|byte| byte == b',' || byte.is_ascii_whitespace())? {
            None | Some(b']') => return Ok(()),
            // No value begins so: whatever follows can't be told apart.
            Some(b'}' | b':') => {
                return give(
                    input.line(),
                    input.read(),
                    Err("It is not JSON.".to_owned()),
                );
            }
            Some(_) => {}
        }
        let Some(cut) = input.next_value(&mut raw, MAX_RECORD_BYTES)? else {
            return Ok(());
        };
        let value = if cut.too_long {
            Err(too_long(MAX_RECORD_BYTES))
        } else {
            Ok(&raw[..])
        };
        give(cut.line, input.read(), value)?;
    }
}

/// Goes to the first element of the array that holds the records; false when
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
        let begins = input.pass_while(blank)?;
        if is_records && begins == Some(b'[') {
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
    fn json_lines_report_bad_lines_by_number() {
        let records = items(
            ImportFormat::JsonLines,
            "{\"content\":\"a\",\"tags\":[\"x\"]}\n\n{\"content\":3}\n{\"text\":\"b\",\"tags\":\"x,y\",\"other\":1}",
        );
        let lines: Vec<_> = records
            .iter()
            .map(|r| (r.place.line, r.record.is_ok()))
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
    fn each_fault_of_a_json_line_has_its_own_sentence() {
        let many: Vec<String> = (0..10_000).map(|n| format!("\"t{n}\"")).collect();
        let many = format!("{{\"content\":\"a\",\"tags\":[{}]}}", many.join(","));
        for (line, reason) in [
            (&b"no json"[..], "It is not JSON."),
            (b"[1]\n", "It is not a JSON object."),
            (b"{\"title\":\"a\"}", "It has no \u{201c}content\u{201d}."),
            (b"{\"content\":\" \"}", "Write what should be remembered."),
            (b"{\"content\":\"\xff\"}", "It is not UTF-8."),
            (
                b"{\"content\":\"a\\u0000\"}",
                "A memory can't contain a NUL character.",
            ),
            (many.as_bytes(), "A memory has at most 20 tags."),
        ] {
            let records = items(ImportFormat::JsonLines, line);
            assert_eq!(records.len(), 1);
            assert_eq!(records[0].problem().unwrap().reason, reason);
        }
    }

    #[test]
    fn arrays_are_read_wherever_products_keep_them() {
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
    fn an_endless_record_is_a_problem_of_its_own() {
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
        assert_eq!(records[1].place.line, 2);
    }

    #[test]
    fn deep_nesting_ends_nothing() {
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
