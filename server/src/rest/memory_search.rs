//! Finding memories: by a question, or like another one.

use axum::{Extension, Json};
use domain::{
    Actor, AppError, MemoryId,
    memory::{self, MemoryFilter, SearchMode, SearchResults},
};
use serde::{Deserialize, Serialize};
use service::Ctx;
use utoipa::{IntoParams, ToSchema};

use super::{
    input::{Authenticated, JsonBody, PathId, QueryParams},
    memory_filter::{MemoryFilterParams, WithFilter},
    memory_shape::MemoryRow,
    problem::ApiError,
};

/// Hits of a search, where the caller names no number.
pub(crate) const DEFAULT_HITS: usize = 20;
/// Hits of a search at most.
pub(crate) const MAX_HITS: usize = 50;

/// A search for memories.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchRequest {
    /// Words or a whole question, in 1 to 1,000 characters.
    #[schema(example = "When does the team meet?")]
    pub(crate) query: String,
    /// How it compares: `both` (words and meaning), `meaning` or `words`.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "both")]
    pub(crate) mode: SearchMode,
    /// Hits at most: 1 to 50; without it, 20.
    pub(crate) limit: Option<usize>,
    /// Only memories that match it are searched.
    #[serde(default)]
    #[schema(value_type = MemoryFilterParams, example = json!({}))]
    pub(crate) filter: MemoryFilter,
}

impl SearchRequest {
    pub(crate) async fn run(self, ctx: &Ctx, actor: &Actor) -> Result<SearchResponse, AppError> {
        let limit = hit_limit(self.limit)?;
        let mut results =
            service::memory_search(ctx, actor, &self.query, self.mode, &self.filter).await?;
        results.hits.truncate(limit);
        Ok(results.into())
    }
}

fn hit_limit(limit: Option<usize>) -> Result<usize, AppError> {
    let limit = limit.unwrap_or(DEFAULT_HITS);
    if (1..=MAX_HITS).contains(&limit) {
        return Ok(limit);
    }
    let message = format!("A search has 1 to {MAX_HITS} hits.");
    Err(AppError::field("limit", message))
}

/// What a search found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchResponse {
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
    parts: ScoreParts,
}

/// What a score is made of: each value is 0 for the weakest candidate of one
/// search and 1 for the best, and the score is the sum of value × weight.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScoreParts {
    /// How near in meaning.
    meaning: f32,
    /// The share of the meaning.
    meaning_weight: f32,
    /// How well the words match.
    words: f32,
    /// The share of the words.
    words_weight: f32,
}

impl From<memory::ScoreParts> for ScoreParts {
    fn from(parts: memory::ScoreParts) -> Self {
        Self {
            meaning: parts.meaning,
            meaning_weight: parts.meaning_weight,
            words: parts.words,
            words_weight: parts.words_weight,
        }
    }
}

impl From<SearchResults> for SearchResponse {
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
    request_body = SearchRequest,
    responses((status = 200, description = "What was found", body = SearchResponse)),
)]
pub(super) async fn memories_search(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    JsonBody(request): JsonBody<SearchRequest>,
) -> Result<Json<SearchResponse>, ApiError> {
    Ok(Json(request.run(&ctx, &actor).await?))
}

/// How many hits.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct SimilarParams {
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
    params(("id" = Uuid, Path, description = "The memory's id"), MemoryFilterParams, SimilarParams),
    responses((status = 200, description = "What is like it", body = SearchResponse)),
)]
pub(super) async fn memories_similar(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<MemoryId>,
    QueryParams(WithFilter { filter, asked }): QueryParams<WithFilter<SimilarParams>>,
) -> Result<Json<SearchResponse>, ApiError> {
    // What is no number is none that there may be.
    let limit = asked.limit.map(|text| text.parse().unwrap_or_default());
    let limit = hit_limit(limit)?;
    let (_, mut found) = service::memory_similar(&ctx, &actor, id, &filter).await?;
    found.hits.truncate(limit);
    Ok(Json(found.into()))
}
