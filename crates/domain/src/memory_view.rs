//! Saved views: a search query and filters under a name.

use serde::{Deserialize, Serialize};

use crate::{
    AppError,
    id::typed_id,
    memory::{MemoryCriteria, MemoryFilter, SearchMode, parse_query},
};

typed_id!(
    /// A saved search query with its filters.
    MemoryViewId,
    "memory_view"
);

/// Per member.
pub const MAX_VIEWS: i64 = 50;
pub const MAX_VIEW_NAME_CHARS: usize = 60;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(extend("example" = { "query": "tea" }))
)]
#[serde(default, deny_unknown_fields)]
pub struct MemoryViewQuery {
    /// A search text of at most 1,000 characters; empty lists all memories.
    pub query: String,
    pub mode: SearchMode,
    pub filter: MemoryFilter,
}

impl MemoryViewQuery {
    /// Rejects an empty query with an empty filter, and invalid ones.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for the field `name` if there is nothing to save.
    pub fn check(&self) -> Result<(), AppError> {
        if self.query.trim().is_empty() && self.filter == MemoryFilter::default() {
            return Err(AppError::field(
                "name",
                "There is nothing to save. Enter a search or set a filter first.",
            ));
        }
        if !self.query.trim().is_empty() {
            parse_query(&self.query)?;
        }
        MemoryCriteria::parse(&self.filter).map(drop)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemoryView {
    pub id: MemoryViewId,
    pub name: String,
    pub query: MemoryViewQuery,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemoryViewRef {
    pub id: MemoryViewId,
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MemoryViewPath {
    pub id: MemoryViewId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MemoryViewInput {
    /// 1 to 60 characters, unique among the caller's views.
    pub name: String,
    /// A search text, a filter or both.
    pub query: MemoryViewQuery,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MemoryViewRenameInput {
    pub id: MemoryViewId,
    /// 1 to 60 characters, unique among the caller's views.
    pub name: String,
}

/// A validated name, 1 to [`MAX_VIEW_NAME_CHARS`] characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewName(String);

impl ViewName {
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

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn with_id(self, id: MemoryViewId) -> MemoryViewRef {
        MemoryViewRef { id, name: self.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_and_invalid_queries_are_rejected() {
        let view_query = |query: &str, kind: &str| MemoryViewQuery {
            query: query.into(),
            filter: MemoryFilter {
                kind: kind.into(),
                ..MemoryFilter::default()
            },
            ..MemoryViewQuery::default()
        };
        assert!(view_query("tea", "").check().is_ok());
        assert!(view_query("", "fact").check().is_ok());
        assert!(
            view_query(" ", "")
                .check()
                .unwrap_err()
                .for_field("name")
                .is_some()
        );
        assert!(
            view_query("a\0", "fact")
                .check()
                .unwrap_err()
                .for_field("query")
                .is_some()
        );
        assert!(
            view_query("tea", "song")
                .check()
                .unwrap_err()
                .for_field("kind")
                .is_some()
        );
    }

    #[test]
    fn invalid_names_are_rejected() {
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
