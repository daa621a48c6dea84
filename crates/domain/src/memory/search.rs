//! How memories are searched, and what is found.

use serde::{Deserialize, Serialize};

use super::MemorySummary;

/// How a search compares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchMode {
    /// Words and meaning, fused.
    #[default]
    Both,
    /// Meaning only.
    Meaning,
    /// Words only.
    Words,
}

impl SearchMode {
    /// All modes.
    pub const ALL: &[Self] = &[Self::Both, Self::Meaning, Self::Words];

    /// As a form's value.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Meaning => "meaning",
            Self::Words => "words",
        }
    }
}

/// One memory that a search found, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryHit {
    /// The memory; its excerpt is the passage around the first matching word.
    pub memory: MemorySummary,
    /// Words of the memory that match words of the question.
    pub matched_words: Vec<String>,
    /// Cosine similarity of the meanings, −1 to 1; `None` without embedding.
    pub similarity: Option<f32>,
    /// The fused score, 0 to 1, comparable only within one search.
    pub score: f32,
    /// What the score is made of.
    pub parts: ScoreParts,
}

/// What a score is made of: each value is 0 for the weakest candidate of one
/// search and 1 for the best, and the score is the sum of value × weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScoreParts {
    /// How near in meaning.
    pub meaning: f32,
    /// The share of the meaning.
    pub meaning_weight: f32,
    /// How well the words match.
    pub words: f32,
    /// The share of the words.
    pub words_weight: f32,
}

impl ScoreParts {
    /// The score.
    pub fn score(self) -> f32 {
        self.meaning * self.meaning_weight + self.words * self.words_weight
    }
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchResults {
    /// Best first.
    pub hits: Vec<MemoryHit>,
    /// How it compared in the end: words only, when meaning is off.
    pub mode: SearchMode,
    /// Why meaning was left out although it was asked for.
    pub notice: Option<String>,
    /// Own memories that wait for their embedding and so can be found by words
    /// only; counted up to [`super::WAITING_COUNTED`].
    pub waiting_for_embedding: i64,
}
