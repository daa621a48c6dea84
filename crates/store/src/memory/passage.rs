//! Cuts what a search shows of a hit: the matching words, and the passage
//! around the first of them.
//!
//! Postgres marks the matching words in the whole text, because only it knows
//! which words share a stem; this module reads the marks, which are private-use
//! characters. A text that contains these characters itself is cut oddly,
//! nothing worse.

/// Precedes a matching word.
pub(super) const MARK_START: char = '\u{E000}';
/// Follows a matching word.
pub(super) const MARK_STOP: char = '\u{E001}';
/// Maximum length of a passage, in characters.
const PASSAGE_CHARS: usize = 280;
/// Maximum number of characters before the match.
const LEAD_CHARS: usize = 80;
/// Maximum number of matching words that are returned.
const MAX_WORDS: usize = 20;

/// The matching words as the texts spell them, without duplicates.
pub(super) fn matched_words(marked: &[&str]) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    marked
        .iter()
        .flat_map(|text| text.split(MARK_START).skip(1))
        .filter_map(|piece| piece.split_once(MARK_STOP))
        .map(|(word, _)| word)
        .filter(|word| !word.is_empty() && seen.insert(word.to_lowercase()))
        .take(MAX_WORDS)
        .map(str::to_owned)
        .collect()
}

/// At most 280 characters around the first matching word; `None` if no word is
/// marked.
pub(super) fn passage(marked: &str) -> Option<String> {
    let first = marked.find(MARK_START)?;
    let plain = |text: &str| -> String {
        text.chars()
            .filter(|c| !matches!(*c, MARK_START | MARK_STOP))
            .collect()
    };
    let before: String = marked[..first]
        .chars()
        .filter(|c| *c != MARK_STOP)
        .collect();
    let lead = last_chars(&before, LEAD_CHARS);
    // Starts at a whole word, if there is a gap between words.
    let lead = if lead.len() == before.len() {
        lead
    } else {
        lead.split_once(char::is_whitespace)
            .map_or(lead, |(_, rest)| rest)
    };
    let mut passage = String::new();
    if lead.len() < before.len() {
        passage.push('…');
    }
    passage.push_str(lead);
    let room = PASSAGE_CHARS - passage.chars().count();
    let rest = plain(&marked[first..]);
    if rest.chars().count() <= room {
        passage.push_str(&rest);
    } else {
        // One character is reserved for the ellipsis.
        passage.extend(rest.chars().take(room - 1));
        passage.push('…');
    }
    Some(passage)
}

/// The last `count` characters of `text`.
fn last_chars(text: &str, count: usize) -> &str {
    match text.char_indices().rev().nth(count.saturating_sub(1)) {
        Some((at, _)) => &text[at..],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(text: &str) -> String {
        text.replace('[', &MARK_START.to_string())
            .replace(']', &MARK_STOP.to_string())
    }

    #[test]
    fn matched_words_are_unique_and_in_order() {
        let title = mark("[Keys] and [doors]");
        let content = mark("the [key] of the [keys], [KEY]");
        assert_eq!(matched_words(&[&title, &content]), ["Keys", "doors", "key"]);
        assert!(matched_words(&["nothing", &mark("open [end")]).is_empty());
    }

    #[test]
    fn short_text_is_not_cut() {
        assert_eq!(
            passage(&mark("the [key] is under the [mat]")).unwrap(),
            "the key is under the mat"
        );
        assert_eq!(passage("no match"), None);
    }

    #[test]
    fn long_text_is_cut_around_the_match() {
        let text = format!("{} [needle] {}", "läng ".repeat(200), "größer ".repeat(200));
        let cut = passage(&mark(&text)).unwrap();
        assert_eq!(cut.chars().count(), PASSAGE_CHARS);
        assert!(cut.starts_with("…läng "), "{cut}");
        assert!(cut.contains("needle") && cut.ends_with('…'), "{cut}");
    }

    #[test]
    fn text_without_spaces_is_cut() {
        let text = format!("{}[針]{}", "草".repeat(500), "草".repeat(500));
        let cut = passage(&mark(&text)).unwrap();
        assert!(cut.chars().count() <= PASSAGE_CHARS);
        assert!(cut.contains('針'));
    }
}
