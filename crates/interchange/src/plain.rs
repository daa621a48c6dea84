//! Plain text: one memory a paragraph.

use std::io::Read;

use domain::import::ImportOptions;

use crate::{
    Record, Sink, Stop,
    input::{Input, is_blank, too_long, utf8},
    record::text,
};

/// The longest paragraph: far above the longest memory, whose own limit has
/// the better sentence.
const MAX_PARAGRAPH: usize = 1024 * 1024;

/// Paragraphs: runs of lines between blank ones.
pub(crate) fn read(
    source: impl Read,
    choice: &ImportOptions,
    sink: &mut Sink<'_>,
) -> Result<(), Stop> {
    let mut input = Input::new(source)?;
    let mut line = Vec::new();
    let mut paragraph = Vec::new();
    let mut first = 0;
    let mut long = false;
    loop {
        let cut = input.next_line(&mut line, MAX_PARAGRAPH)?;
        let ends = cut.is_none() || is_blank(&line);
        if !ends {
            if paragraph.is_empty() {
                first = cut.map_or(0, |cut| cut.line);
            }
            long |= cut.is_some_and(|cut| cut.too_long);
            long |= paragraph.len() + line.len() > MAX_PARAGRAPH;
            if !long {
                paragraph.extend_from_slice(&line);
            }
        } else if long || !paragraph.is_empty() {
            let record = if long {
                Err(too_long(MAX_PARAGRAPH))
            } else {
                utf8(&paragraph).and_then(|paragraph| {
                    let content = paragraph.trim_end_matches(['\r', '\n']).to_owned();
                    let text = text("", content, "", Vec::new(), choice)?;
                    Ok(Record::new(text).choosing(choice))
                })
            };
            sink.give(first, input.read(), record)?;
            paragraph.clear();
            long = false;
        }
        if cut.is_none() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::import::ImportFormat;

    use crate::testing::{items, summary};

    #[test]
    fn one_memory_a_paragraph() {
        let records = items(ImportFormat::PlainText, "\n one\ntwo\r\n\r\n \nthree");
        assert_eq!(
            summary(&records),
            [(2, "| one\ntwo".to_owned()), (6, "|three".to_owned())]
        );
    }

    #[test]
    fn a_broken_or_endless_paragraph_spoils_only_itself() {
        let mut file = b"one\n\ntwo \xff\n\n".to_vec();
        file.extend(vec![b'x'; 3 * 1024 * 1024]);
        file.extend(b"\n\nthree\n\nnul \0 inside");
        let records = items(ImportFormat::PlainText, &file);
        let lines: Vec<_> = records
            .iter()
            .map(|item| (item.place.line, item.record.is_ok()))
            .collect();
        assert_eq!(
            lines,
            [(1, true), (3, false), (5, false), (7, true), (9, false)]
        );
    }
}
