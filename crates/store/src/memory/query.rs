//! Reading what a person typed into the search field.

/// A question, taken apart. Its words are looked for in any number and order;
/// a phrase in quotes must be there as it stands; a word or phrase after a
/// minus sign must not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchQuery {
    words: String,
    phrases: Vec<String>,
    excluded: Vec<String>,
}

impl SearchQuery {
    /// Takes any text; nothing in it is an error.
    pub fn parse(text: &str) -> Self {
        let mut query = Self::default();
        // Postgres keeps no NUL; typographic quotes are what many keyboards give.
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

    /// The words to look for, those of phrases included: also what is to be
    /// embedded. Empty when everything is excluded or nothing was typed.
    pub fn words(&self) -> &str {
        &self.words
    }

    /// What must be there as it stands.
    pub fn phrases(&self) -> &[String] {
        &self.phrases
    }

    /// What must not be there.
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
    fn words_phrases_and_minus_are_told_apart() {
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
    fn hyphens_and_lone_signs_are_ordinary() {
        check("e-mail well-known", "e-mail well-known", &[], &[]);
        check("a - b -- c -", "a - b -- c -", &[], &[]);
        check(r#"six" wide"#, r#"six" wide"#, &[], &[]);
        check(r#"an "open end"#, r#"an "open end"#, &[], &[]);
    }

    #[test]
    fn weird_text_is_no_error() {
        check("", "", &[], &[]);
        check(" \t\n", "", &[], &[]);
        check("a\0b", "a b", &[], &[]);
        check("' OR 1=1 --", "' OR 1=1 --", &[], &[]);
        check(r#""""#, "", &[""], &[]);
        check("👩‍🚀 :*&|", "👩‍🚀 :*&|", &[], &[]);
    }
}
