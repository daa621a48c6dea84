//! Fields that forms send as text and programs as JSON numbers, lists or null.
//!
//! The text is parsed later, together with the other fields, so that all
//! mistakes are reported at once.

use std::fmt;

use serde::{
    Deserializer,
    de::{self, SeqAccess, Visitor},
};

/// Reads text, an integer, or null, which is the empty text.
pub(crate) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    struct Text;

    impl Visitor<'_> for Text {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text, an integer or null")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
            Ok(number.to_string())
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
            Ok(number.to_string())
        }

        fn visit_unit<E: de::Error>(self) -> Result<String, E> {
            Ok(String::new())
        }
    }

    from.deserialize_any(Text)
}

/// Reads a list of words, or text with the words separated by white space.
pub(crate) fn words<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    struct Words;

    impl<'de> Visitor<'de> for Words {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of words")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<String, A::Error> {
            let mut words = Vec::<String>::new();
            while let Some(word) = list.next_element()? {
                words.push(word);
            }
            Ok(words.join(" "))
        }
    }

    from.deserialize_any(Words)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn text_is_read_from_numbers_and_null() {
        for (value, read) in [(json!("8"), "8"), (json!(-8), "-8"), (Value::Null, "")] {
            assert_eq!(text(value).unwrap(), read);
        }
        for wrong in [json!(true), json!(1.5), json!(["8"]), json!({})] {
            assert!(text(wrong).is_err());
        }
    }

    #[test]
    fn words_are_read_from_a_list() {
        assert_eq!(words(json!(["a.b", "c.d"])).unwrap(), "a.b c.d");
        assert_eq!(words(json!("a.b, c.d")).unwrap(), "a.b, c.d");
        for wrong in [json!([1]), json!(1), Value::Null] {
            assert!(words(wrong).is_err());
        }
    }
}
