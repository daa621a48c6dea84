//! Splits a text into parts that match a search and parts that do not.

/// A part of the text, and true if it matches.
pub(crate) type TextSpan<'a> = (&'a str, bool);

/// Splits `text` into spans; words that equal one of `words` ignoring case are
/// matches. The spans joined are `text`.
pub(crate) fn stretches<'a>(text: &'a str, words: &[String]) -> Vec<TextSpan<'a>> {
    let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let mut out = Vec::new();
    let (mut plain_from, mut word_from) = (0, None);
    let ends = text
        .char_indices()
        .chain(std::iter::once((text.len(), ' ')));
    for (at, c) in ends {
        let in_word = at < text.len() && (c.is_alphanumeric() || c == '\'' || c == '’');
        match (in_word, word_from) {
            (true, None) => word_from = Some(at),
            (false, Some(from)) => {
                word_from = None;
                if words.contains(&text[from..at].to_lowercase()) {
                    if plain_from < from {
                        out.push((&text[plain_from..from], false));
                    }
                    out.push((&text[from..at], true));
                    plain_from = at;
                }
            }
            _ => {}
        }
    }
    if plain_from < text.len() {
        out.push((&text[plain_from..], false));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::stretches;

    fn mark(text: &str, words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let parts = stretches(text, &words);
        assert_eq!(
            parts.iter().map(|(part, _)| *part).collect::<String>(),
            text
        );
        parts
            .iter()
            .map(|(part, hit)| {
                if *hit {
                    format!("[{part}]")
                } else {
                    (*part).to_owned()
                }
            })
            .collect()
    }

    #[test]
    fn whole_words_match_whatever_the_case() {
        assert_eq!(
            mark("Tea, green TEA and teapots", &["tea"]),
            "[Tea], green [TEA] and teapots"
        );
        assert_eq!(mark("Über Öl", &["öl", "über"]), "[Über] [Öl]");
    }

    #[test]
    fn text_without_matches_is_one_span_or_none() {
        assert_eq!(
            stretches("no match", &["x".to_owned()]),
            [("no match", false)]
        );
        assert!(stretches("", &["x".to_owned()]).is_empty());
    }

    #[test]
    fn words_at_both_ends_and_markup_are_plain_text() {
        assert_eq!(mark("a <b>a</b> a", &["a"]), "[a] <b>[a]</b> [a]");
    }
}
