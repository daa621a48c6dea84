//! Deserialisers for values that may be text, as in environment variables.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

/// A number, or a number as text.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u32),
        Text(String),
    }
    match Either::deserialize(deserializer) {
        Ok(Either::Number(number)) => Ok(number),
        Ok(Either::Text(text)) => text
            .trim()
            .parse()
            .map_err(|_| de::Error::custom("expected a whole number")),
        Err(_) => Err(de::Error::custom("expected a whole number")),
    }
}

/// As [`list`], for a field where absent differs from empty.
pub(super) fn some_list<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    list(deserializer).map(Some)
}

/// A list, or comma-separated text.
pub(super) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: std::fmt::Display>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        List(Vec<String>),
        Text(String),
    }
    let items = match Either::deserialize(deserializer) {
        Ok(Either::List(items)) => items,
        Ok(Either::Text(text)) => text.split(',').map(str::to_owned).collect(),
        Err(_) => return Err(de::Error::custom("expected a list")),
    };
    items
        .iter()
        .map(|item| item.trim())
        .filter(|item| !item.is_empty())
        .map(|item| item.parse().map_err(de::Error::custom))
        .collect()
}
