//! Search modes, hits and scores.

use serde::{Deserialize, Serialize};

use super::{MemoryFilter, MemorySummary};

use crate::{AppError, MemoryId, keyed_enum::keyed_enum};

keyed_enum! {
    #[derive(Default)]
    SearchMode {
        /// Keyword and semantic search, fused.
        #[default]
        Both = "both";
        /// Semantic search only.
        Meaning = "meaning";
        /// Keyword search only.
        Words = "words";
    }
}

/// Hits of a search if the caller names no limit.
pub const DEFAULT_HITS: u16 = 20;
/// Maximum hits of one search.
pub const MAX_HITS: u16 = 50;

/// Bytes of the whole texts that one search returns.
pub const MAX_INCLUDED_BYTES: usize = 500_000;

keyed_enum! {
    SearchInclude {
        Content = "content";
    }
}

/// A search for memories.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SearchInput {
    /// Words or a whole question, in 1 to 1,000 characters.
    pub query: String,
    #[serde(default)]
    pub mode: SearchMode,
    /// 1 to 50; without it, 20.
    #[serde(default)]
    pub limit: Option<u16>,
    /// Only memories that match it are searched.
    #[serde(default)]
    pub filter: MemoryFilter,
    /// What to add to the hits: `content` is the whole text of the first hits,
    /// of at most 500,000 bytes in total.
    #[serde(default)]
    pub include: Vec<SearchInclude>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SimilarInput {
    pub id: MemoryId,
    /// 1 to 50; without it, 20.
    #[serde(default)]
    pub limit: Option<u16>,
    #[serde(flatten)]
    pub filter: MemoryFilter,
}

/// Checks the number of hits that a caller asks for.
pub fn parse_limit(limit: Option<u16>) -> Result<u16, AppError> {
    let limit = limit.unwrap_or(DEFAULT_HITS);
    if (1..=MAX_HITS).contains(&limit) {
        return Ok(limit);
    }
    let message = format!("A search has 1 to {MAX_HITS} hits.");
    Err(AppError::field("limit", message))
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemoryHit {
    /// Its excerpt is the passage around the first matching word.
    pub memory: MemorySummary,
    /// The whole text, if the search asked for it and it was not too much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Words of the memory that match the query.
    pub matched_words: Vec<String>,
    /// Cosine similarity of the embeddings, −1 to 1; `None` without an
    /// embedding.
    pub similarity: Option<f32>,
    /// The fused score, 0 to 1, comparable only within one search.
    pub score: f32,
    pub parts: ScoreParts,
}

/// The components of a score. Each value is 0 for the weakest candidate of a
/// search and 1 for the best; the score is the sum of value × weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScoreParts {
    /// Semantic similarity.
    pub meaning: f32,
    pub meaning_weight: f32,
    /// Keyword rank.
    pub words: f32,
    pub words_weight: f32,
}

impl ScoreParts {
    pub fn score(self) -> f32 {
        self.meaning * self.meaning_weight + self.words * self.words_weight
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SearchResults {
    pub hits: Vec<MemoryHit>,
    /// The mode that was used: `words` if semantic search is off.
    pub mode: SearchMode,
    /// The reason why semantic search was skipped although requested.
    pub notice: Option<String>,
    /// The caller's memories without an embedding, which only keyword search
    /// can find; counted up to 1,000.
    pub waiting_for_embedding: i64,
}
