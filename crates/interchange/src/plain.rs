//! Plain text: one memory per paragraph.

use std::io::Read;

use domain::import::ImportOptions;

use crate::{
    Sink, Stop,
    input::{Input, is_blank, too_long, utf8},
    record::text_record,
};

/// Maximum size of a paragraph in bytes. Far above a memory's own limit, whose
/// message is more helpful.
const MAX_PARAGRAPH: usize = 1024 * 1024;

/// Reads paragraphs: runs of lines separated by blank lines.
pub(crate) fn read(
    source: impl Read,
    choice: &ImportOptions,
    sink: &mut Sink<'_>,
) -> Result<(), Stop> {
    let mut input = Input::new(source)?;
    let mut line = Vec::new();
    let mut paragraph = Vec::new();
    let mut first_line = 0;
    let mut is_too_long = false;
    loop {
        let chunk = input.next_line(&mut line, MAX_PARAGRAPH)?;
        let ends = chunk.is_none() || is_blank(&line);
        if !ends {
            if paragraph.is_empty() {
                first_line = chunk.map_or(0, |chunk| chunk.line);
            }
            is_too_long |= chunk.is_some_and(|chunk| chunk.too_long);
            is_too_long |= paragraph.len() + line.len() > MAX_PARAGRAPH;
            if !is_too_long {
                paragraph.extend_from_slice(&line);
            }
        } else if is_too_long || !paragraph.is_empty() {
            let record = if is_too_long {
                Err(too_long(MAX_PARAGRAPH))
            } else {
                utf8(&paragraph).and_then(|paragraph| {
                    let content = paragraph.trim_end_matches(['\r', '\n']).to_owned();
                    Ok(text_record("", content, "", Vec::new(), choice)?.choosing(choice))
                })
            };
            sink.give(first_line, input.read(), record)?;
            paragraph.clear();
            is_too_long = false;
        }
        if chunk.is_none() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::import::ImportFormat;

    use crate::testing::{items, summary};

    #[test]
    fn each_paragraph_is_a_memory() {
        let records = items(ImportFormat::PlainText, "\n one\ntwo\r\n\r\n \nthree");
        assert_eq!(
            summary(&records),
            [(2, "| one\ntwo".to_owned()), (6, "|three".to_owned())]
        );
    }

    #[test]
    fn invalid_paragraph_does_not_affect_the_others() {
        let mut file = b"one\n\ntwo \xff\n\n".to_vec();
        file.extend(vec![b'x'; 3 * 1024 * 1024]);
        file.extend(b"\n\nthree\n\nnul \0 inside");
        let records = items(ImportFormat::PlainText, &file);
        let lines: Vec<_> = records
            .iter()
            .map(|item| (item.location.line, item.record.is_ok()))
            .collect();
        assert_eq!(
            lines,
            [(1, true), (3, false), (5, false), (7, true), (9, true)]
        );
    }
}
