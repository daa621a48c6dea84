//! Search modes, hits and scores.

use serde::{Deserialize, Serialize};

use super::MemorySummary;

use crate::keyed_enum::keyed_enum;

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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryHit {
    /// Its excerpt is the passage around the first matching word.
    pub memory: MemorySummary,
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
pub struct SearchResults {
    pub hits: Vec<MemoryHit>,
    /// The mode that was used: [`SearchMode::Words`] if semantic search is off.
    pub mode: SearchMode,
    /// The reason why semantic search was skipped although requested.
    pub notice: Option<String>,
    /// The caller's memories without an embedding, which only keyword search
    /// can find; counted up to [`super::MAX_WAITING_COUNT`].
    pub waiting_for_embedding: i64,
}
