//! Parses the text of the search field.

/// A parsed search text. Words match in any number and order; a phrase in
/// quotes must match exactly; a word or phrase after a minus sign is excluded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchQuery {
    words: String,
    phrases: Vec<String>,
    excluded: Vec<String>,
}

impl SearchQuery {
    /// Parses any text; there are no errors.
    pub fn parse(text: &str) -> Self {
        let mut query = Self::default();
        // Postgres can't store NUL. Many keyboards produce typographic quotes.
        let text: String = text
            .chars()
            .map(|c| match c {
                '\0' => ' ',
                '“' | '”' | '„' => '"',
                other => other,
            })
            .collect();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (is_excluded, token) = match rest.strip_prefix('-') {
                Some(after) if after.starts_with(|c: char| c == '"' || c.is_alphanumeric()) => {
                    (true, after)
                }
                _ => (false, rest),
            };
            let quoted = token
                .strip_prefix('"')
                .and_then(|after| after.split_once('"'));
            let (piece, after) = match quoted {
                Some(quoted) => quoted,
                None => token.split_at(token.find(char::is_whitespace).unwrap_or(token.len())),
            };
            match (is_excluded, quoted.is_some()) {
                (true, _) => query.excluded.push(piece.to_owned()),
                (false, true) => {
                    query.phrases.push(piece.to_owned());
                    query.add_words(piece);
                }
                (false, false) => query.add_words(piece),
            }
            rest = after.trim_start();
        }
        query
    }

    fn add_words(&mut self, piece: &str) {
        if !self.words.is_empty() {
            self.words.push(' ');
        }
        self.words.push_str(piece);
    }

    /// The words to search for and to embed, including those of phrases. Empty
    /// if everything is excluded or the text is empty.
    pub fn words(&self) -> &str {
        &self.words
    }

    /// Phrases that must match exactly.
    pub fn phrases(&self) -> &[String] {
        &self.phrases
    }

    /// Words and phrases that must not match.
    pub fn excluded(&self) -> &[String] {
        &self.excluded
    }
}

#[cfg(test)]
mod tests {
    use super::SearchQuery;

    fn check(text: &str, words: &str, phrases: &[&str], excluded: &[&str]) {
        let query = SearchQuery::parse(text);
        assert_eq!(query.words(), words, "words of {text:?}");
        assert_eq!(query.phrases(), phrases, "phrases of {text:?}");
        assert_eq!(query.excluded(), excluded, "excluded of {text:?}");
    }

    #[test]
    fn words_phrases_and_exclusions_are_parsed() {
        check("where is  the key", "where is the key", &[], &[]);
        check(
            r#"the "red door" key"#,
            "the red door key",
            &["red door"],
            &[],
        );
        check(
            r#"key -car -"spare key""#,
            "key",
            &[],
            &["car", "spare key"],
        );
        check(
            "„rote Tür“ “red door”",
            "rote Tür red door",
            &["rote Tür", "red door"],
            &[],
        );
    }

    #[test]
    fn hyphens_and_lone_signs_are_words() {
        check("e-mail well-known", "e-mail well-known", &[], &[]);
        check("a - b -- c -", "a - b -- c -", &[], &[]);
        check(r#"six" wide"#, r#"six" wide"#, &[], &[]);
        check(r#"an "open end"#, r#"an "open end"#, &[], &[]);
    }

    #[test]
    fn any_text_can_be_parsed() {
        check("", "", &[], &[]);
        check(" \t\n", "", &[], &[]);
        check("a\0b", "a b", &[], &[]);
        check("' OR 1=1 --", "' OR 1=1 --", &[], &[]);
        check(r#""""#, "", &[""], &[]);
        check("👩‍🚀 :*&|", "👩‍🚀 :*&|", &[], &[]);
    }
}
