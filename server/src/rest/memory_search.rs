//! Finding memories: by a question, or like another one.

use axum::{Extension, Json};
use domain::{
    Actor, AppError, MemoryId,
    memory::{MemoryFilter, ScoreParts, SearchMode, SearchResults},
};
use serde::{Deserialize, Serialize};
use service::Ctx;
use utoipa::{IntoParams, ToSchema};

use super::{
    input::{Asked, Caller, Given, Named},
    memory_shape::MemoryRow,
    narrowed::{Among, Narrowed},
    problem::Refusal,
};

/// Hits of a search, where the caller names no number.
pub(crate) const USUAL_HITS: usize = 20;
/// Hits of a search at most.
pub(crate) const MAX_HITS: usize = 50;

/// What is looked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inquiry {
    /// Words or a whole question, in 1 to 1,000 characters.
    #[schema(example = "When does the team meet?")]
    question: String,
    /// How it compares: `both` (words and meaning), `meaning` or `words`.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "both")]
    mode: SearchMode,
    /// Hits at most: 1 to 50; without it, 20.
    limit: Option<usize>,
    /// What to look among.
    #[serde(default)]
    #[schema(example = json!({}))]
    filter: Narrowed,
}

impl Inquiry {
    fn question(self) -> Question {
        Question {
            words: self.question,
            mode: self.mode,
            limit: self.limit,
            filter: self.filter.into(),
        }
    }
}

/// A question, however it came.
#[derive(Debug, Default)]
pub(crate) struct Question {
    pub(crate) words: String,
    pub(crate) mode: SearchMode,
    /// Hits at most.
    pub(crate) limit: Option<usize>,
    pub(crate) filter: MemoryFilter,
}

impl Question {
    /// Asks it. What is wrong with the words is told of the field `name`.
    pub(crate) async fn ask(
        self,
        ctx: &Ctx,
        actor: &Actor,
        name: &'static str,
    ) -> Result<Found, AppError> {
        let limit = hits_at_most(self.limit)?;
        let found = service::memory_search(ctx, actor, &self.words, self.mode, &self.filter).await;
        let mut found = found.map_err(|error| renamed(error, "q", name))?;
        found.hits.truncate(limit);
        Ok(found.into())
    }
}

fn hits_at_most(limit: Option<usize>) -> Result<usize, AppError> {
    let limit = limit.unwrap_or(USUAL_HITS);
    if (1..=MAX_HITS).contains(&limit) {
        return Ok(limit);
    }
    let message = format!("A search has 1 to {MAX_HITS} hits.");
    Err(AppError::field("limit", message))
}

/// The same refusal of a field that has another name here.
pub(crate) fn renamed(error: AppError, from: &str, to: &str) -> AppError {
    let AppError::Invalid { mut fields } = error else {
        return error;
    };
    for fault in fields.iter_mut().filter(|fault| fault.field == from) {
        to.clone_into(&mut fault.field);
    }
    AppError::Invalid { fields }
}

/// What a search found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Found {
    /// Best first.
    pub(crate) hits: Vec<MemoryHit>,
    /// How it compared in the end: `words` where meaning is off.
    #[schema(value_type = String)]
    mode: SearchMode,
    /// Why meaning was left out although it was asked for.
    notice: Option<String>,
    /// Memories in sight that can't be found by meaning yet.
    waiting_for_embedding: i64,
}

/// A memory that was found, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemoryHit {
    /// The memory.
    pub(crate) memory: MemoryRow,
    /// 0 to 1, comparable within one search only.
    score: f32,
    /// How near its meaning is to the question's, −1 to 1.
    similarity: Option<f32>,
    /// Words of it that match words of the question.
    matched_words: Vec<String>,
    /// What the score is made of.
    parts: HitParts,
}

/// What a score is made of: each value is 0 for the weakest candidate of one
/// search and 1 for the best, and the score is the sum of value × weight.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HitParts {
    /// How near in meaning.
    meaning: f32,
    /// The share of the meaning.
    meaning_weight: f32,
    /// How well the words match.
    words: f32,
    /// The share of the words.
    words_weight: f32,
}

impl From<ScoreParts> for HitParts {
    fn from(parts: ScoreParts) -> Self {
        Self {
            meaning: parts.meaning,
            meaning_weight: parts.meaning_weight,
            words: parts.words,
            words_weight: parts.words_weight,
        }
    }
}

impl From<SearchResults> for Found {
    fn from(found: SearchResults) -> Self {
        let hits = found.hits.into_iter().map(|hit| MemoryHit {
            memory: hit.memory.into(),
            score: hit.score,
            similarity: hit.similarity,
            matched_words: hit.matched_words,
            parts: hit.parts.into(),
        });
        Self {
            hits: hits.collect(),
            mode: found.mode,
            notice: found.notice,
            waiting_for_embedding: found.waiting_for_embedding,
        }
    }
}

/// Search memories
///
/// By words and by meaning, best first. What is looked for travels in the
/// body, so that it is in no log of addresses.
#[utoipa::path(
    post, path = "/memories/search", tag = "Memories",
    security(("key" = ["memory.read"])),
    request_body = Inquiry,
    responses((status = 200, description = "What was found", body = Found)),
)]
pub(super) async fn memories_search(
    Extension(ctx): Extension<Ctx>,
    Caller(actor): Caller,
    Given(inquiry): Given<Inquiry>,
) -> Result<Json<Found>, Refusal> {
    let found = inquiry.question().ask(&ctx, &actor, "question").await?;
    Ok(Json(found))
}

/// How many hits.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct HitsAsked {
    /// Hits at most: 1 to 50; without it, 20.
    #[param(value_type = Option<usize>)]
    limit: Option<String>,
}

/// List memories like one
///
/// Those that are most like a memory in sight, best first: by meaning, and by
/// the rare words that they share.
#[utoipa::path(
    get, path = "/memories/{id}/similar", tag = "Memories",
    security(("key" = ["memory.read"])),
    params(("id" = Uuid, Path, description = "The memory's id"), Narrowed, HitsAsked),
    responses((status = 200, description = "What is like it", body = Found)),
)]
pub(super) async fn memories_similar(
    Extension(ctx): Extension<Ctx>,
    Caller(actor): Caller,
    Named(id): Named<MemoryId>,
    Asked(Among { filter, asked }): Asked<Among<HitsAsked>>,
) -> Result<Json<Found>, Refusal> {
    // What is no number is none that there may be.
    let limit = asked.limit.map(|text| text.parse().unwrap_or_default());
    let limit = hits_at_most(limit)?;
    let (_, mut found) = service::memory_like(&ctx, &actor, id, &filter).await?;
    found.hits.truncate(limit);
    Ok(Json(found.into()))
}
