//! Saved views: questions and filters that a member gave a name.

use serde::{Deserialize, Serialize};

use crate::{
    AppError, MemoryViewId,
    memory::{MemoryCriteria, MemoryFilter, SearchMode, query_parse},
};

/// The most views of one member.
pub const MAX_VIEWS: i64 = 50;
/// Characters that a view's name may have.
pub const MAX_VIEW_NAME_CHARS: usize = 60;

/// What a view shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MemoryViewQuery {
    /// The question; empty lists all.
    pub query: String,
    /// How the question compares.
    pub mode: SearchMode,
    /// What it is narrowed to.
    pub filter: MemoryFilter,
}

impl MemoryViewQuery {
    /// Passes what a page could show and what isn't simply everything.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field at fault.
    pub fn check(&self) -> Result<(), AppError> {
        if self.query.trim().is_empty() && self.filter == MemoryFilter::default() {
            return Err(AppError::field(
                "name",
                "There is nothing to save: ask something or set a filter first.",
            ));
        }
        if !self.query.trim().is_empty() {
            query_parse(&self.query)?;
        }
        MemoryCriteria::parse(&self.filter).map(drop)
    }
}

/// A saved view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryView {
    /// Its id.
    pub id: MemoryViewId,
    /// What its owner calls it.
    pub name: String,
    /// What it shows.
    pub query: MemoryViewQuery,
}

/// A view's name that the database takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewName(String);

impl ViewName {
    /// Takes what was typed.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for the field `name`.
    pub fn parse(typed: &str) -> Result<Self, AppError> {
        let name = typed.trim();
        if name.is_empty() || name.chars().count() > MAX_VIEW_NAME_CHARS {
            let message = format!("A view's name has 1 to {MAX_VIEW_NAME_CHARS} characters.");
            Err(AppError::field("name", message))
        } else if name.chars().any(char::is_control) {
            Err(AppError::field(
                "name",
                "A name can't contain control characters.",
            ))
        } else {
            Ok(Self(name.to_owned()))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_shows_something_that_can_be_shown() {
        let asks = |query: &str, kind: &str| MemoryViewQuery {
            query: query.into(),
            filter: MemoryFilter {
                kind: kind.into(),
                ..MemoryFilter::default()
            },
            ..MemoryViewQuery::default()
        };
        assert!(asks("tea", "").check().is_ok());
        assert!(asks("", "fact").check().is_ok());
        assert!(
            asks(" ", "")
                .check()
                .unwrap_err()
                .for_field("name")
                .is_some()
        );
        assert!(
            asks("a\0", "fact")
                .check()
                .unwrap_err()
                .for_field("query")
                .is_some()
        );
        assert!(
            asks("tea", "song")
                .check()
                .unwrap_err()
                .for_field("kind")
                .is_some()
        );
    }

    #[test]
    fn names_are_short_and_plain() {
        assert_eq!(ViewName::parse("  Tea  ").unwrap().as_str(), "Tea");
        for bad in ["", " ", "a\nb", "a\0", &"x".repeat(MAX_VIEW_NAME_CHARS + 1)] {
            assert!(
                ViewName::parse(bad)
                    .unwrap_err()
                    .for_field("name")
                    .is_some(),
                "{bad:?}"
            );
        }
        assert!(ViewName::parse(&"é".repeat(MAX_VIEW_NAME_CHARS)).is_ok());
    }
}
