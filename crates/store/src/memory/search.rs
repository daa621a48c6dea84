//! Searches memories by words and by meaning.
//!
//! Candidates are the nearest vectors and the texts that contain a rare word of
//! the query; each is then scored both ways, and the scores are fused. However
//! a candidate was found, its text is read under the member's own row security.

use std::collections::BTreeSet;

use domain::{
    MemoryId, Timestamp,
    embedding_model::{EmbeddingModel, EmbeddingSlot},
    memory::{MemoryCriteria, MemoryHit, MemorySummary, SearchMode},
};
use pgvector::HalfVector;
use serde_json::Value;

use super::{
    criteria::criteria_filter,
    embedding::half_vector,
    fusion::{Candidate, Scored, fuse},
    passage::{MARK_START, MARK_STOP, matched_words, passage},
    query::SearchQuery,
};
use crate::{StoreError, TenantTx};

/// Number of nearest vectors that become candidates.
const NEAREST: i64 = 50;
/// Number of best word matches that become candidates.
const WORD_MATCHES: i64 = 200;
/// Tenants with fewer memories are compared one by one, which is exact. In the
/// vector index, which all tenants share, their vectors are so few that the
/// search stops before it has met the nearest of them: of 13,000 among 300,000
/// it misses up to one in ten.
const EXACT_BELOW: i64 = 25_000;
/// Number of a memory's rarest words by which similar ones are searched.
const SIMILARITY_WORDS: i64 = 20;
/// A word is rare if at most one memory in this many contains it …
const RARE_ONE_IN: i64 = 20;
/// … or at most this many memories do, so that in a small collection every word
/// counts.
const RARE_AT_MOST: i64 = 30;

/// A search request.
#[derive(Clone, Copy, Debug)]
pub struct SearchParams<'a> {
    pub query: &'a SearchQuery,
    /// The embedding of the query's words, with its model; without one only
    /// words are compared. The vectors of a model that was just retired still
    /// exist for [`super::GRACE`].
    pub vector: Option<(&'a EmbeddingModel, &'a [f32])>,
    pub mode: SearchMode,
    pub criteria: &'a MemoryCriteria,
    /// Maximum number of hits.
    pub limit: u16,
    /// Memories that expired by now are not found.
    pub now: Timestamp,
}

/// A vector to compare with, and the slot that holds the vectors of the same
/// model.
struct QueryVector {
    slot: EmbeddingSlot,
    numbers: HalfVector,
}

/// A query as Postgres parsed it.
struct ParsedQuery {
    /// The argument of `memory_fits`.
    filter: Value,
    collection_size: i64,
    lexemes: Vec<String>,
    /// `tsquery` as text.
    phrases: Option<String>,
    /// `tsquery` as text.
    excluded: Option<String>,
}

/// The best hits among the visible memories, best first.
///
/// # Errors
/// [`StoreError::Other`] if the vector doesn't fit the model.
pub async fn memory_search(
    tx: &mut TenantTx,
    request: &SearchParams<'_>,
) -> Result<Vec<MemoryHit>, StoreError> {
    let vector = request.vector.map(query_vector).transpose()?;
    let mode = if vector.is_some() {
        request.mode
    } else {
        SearchMode::Words
    };
    configure_search(tx).await?;
    let filter = criteria_filter(request.criteria, tx.member_id()?, request.now)?;
    let parsed = parse_query(tx, request.query, filter).await?;
    let found = candidates(tx, &parsed, vector.as_ref(), mode).await?;
    let mut best = fuse(found, mode);
    best.truncate(request.limit.into());
    build_hits(tx, best, &parsed).await
}

fn query_vector((model, numbers): (&EmbeddingModel, &[f32])) -> Result<QueryVector, StoreError> {
    Ok(QueryVector {
        slot: model.slot,
        numbers: half_vector(numbers, model.dimensions)?,
    })
}

/// The visible memories that are most similar to the given one, best first and
/// without it: near in meaning by the vectors in this slot, or with its rarest
/// words.
pub async fn memory_similar(
    tx: &mut TenantTx,
    id: MemoryId,
    slot: EmbeddingSlot,
    criteria: &MemoryCriteria,
    limit: u16,
    now: Timestamp,
) -> Result<Vec<MemoryHit>, StoreError> {
    configure_search(tx).await?;
    let row = sqlx::query!(
        r#"SELECT memory_embedding(memories, $5) AS "embedding: HalfVector",
                  memory_like_lexemes(id, $3) AS "lexemes!",
                  memory_collection_size($4) AS "collection_size!"
             FROM memories WHERE tenant_id = $1 AND id = $2"#,
        tx.tenant_id() as _,
        id as _,
        SIMILARITY_WORDS,
        EXACT_BELOW,
        slot as _,
    )
    .fetch_one(tx.conn())
    .await?;
    let parsed = ParsedQuery {
        filter: criteria_filter(criteria, tx.member_id()?, now)?,
        collection_size: row.collection_size,
        lexemes: row.lexemes,
        phrases: None,
        excluded: None,
    };
    let vector = row.embedding.map(|numbers| QueryVector { slot, numbers });
    let mode = if vector.is_some() {
        SearchMode::Both
    } else {
        SearchMode::Words
    };
    let mut found = candidates(tx, &parsed, vector.as_ref(), mode).await?;
    found.retain(|candidate| candidate.id != id);
    let mut best = fuse(found, mode);
    best.truncate(limit.into());
    build_hits(tx, best, &parsed).await
}

/// Sets the search settings of this transaction.
async fn configure_search(tx: &mut TenantTx) -> Result<(), StoreError> {
    // The functions that search by words and by meaning build their statements,
    // which are planned for their values each time: one plan for every tenant
    // and filter cost ×50 in the vector index, at a recall of 0.44. What is
    // read of the candidates is found by their ids, with a plan that is kept.
    //
    // Postgres sends a notice for every stop word in a phrase, which nobody
    // needs.
    sqlx::query!(
        "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true) AS scan,
                set_config('hnsw.ef_search', '100', true) AS breadth,
                set_config('client_min_messages', 'warning', true) AS messages"
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(())
}

/// Lets Postgres parse the query.
async fn parse_query(
    tx: &mut TenantTx,
    query: &SearchQuery,
    filter: Value,
) -> Result<ParsedQuery, StoreError> {
    let row = sqlx::query!(
        r#"SELECT memory_collection_size($1) AS "collection_size!",
                  tsvector_to_array(to_tsvector('pg_catalog.english', memory_words($2))) AS "lexemes!",
                  memory_phrases($3, true)::text AS phrases,
                  memory_phrases($4, false)::text AS excluded"#,
        EXACT_BELOW,
        query.words(),
        query.phrases(),
        query.excluded(),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(ParsedQuery {
        filter,
        collection_size: row.collection_size,
        lexemes: row.lexemes,
        phrases: row.phrases,
        excluded: row.excluded,
    })
}

/// Finds candidates by words and by meaning, and scores each of them both ways.
async fn candidates(
    tx: &mut TenantTx,
    parsed: &ParsedQuery,
    vector: Option<&QueryVector>,
    mode: SearchMode,
) -> Result<Vec<Candidate>, StoreError> {
    let mut found = BTreeSet::new();
    if mode != SearchMode::Meaning && (!parsed.lexemes.is_empty() || parsed.phrases.is_some()) {
        found.extend(candidates_by_words(tx, parsed).await?);
    }
    if let Some(vector) = vector.filter(|_| mode != SearchMode::Words) {
        let exact = parsed.collection_size < EXACT_BELOW;
        let mut nearest = candidates_by_meaning(tx, vector, parsed, exact).await?;
        if !exact && nearest.len() < usize::try_from(NEAREST).unwrap_or(usize::MAX) {
            // The index search ended before enough vectors matched the filter.
            nearest = candidates_by_meaning(tx, vector, parsed, true).await?;
        }
        found.extend(nearest);
    }
    let found: Vec<_> = found.into_iter().collect();
    compare(tx, &found, vector, parsed).await
}

/// Memories that contain a rare word of the query.
async fn candidates_by_words(
    tx: &mut TenantTx,
    parsed: &ParsedQuery,
) -> Result<Vec<MemoryId>, StoreError> {
    let ids = sqlx::query_scalar!(
        r#"SELECT memory_id AS "id!: MemoryId"
             FROM memory_search_words($1, $2::text::tsquery, $3::text::tsquery, $4, $5, $6)"#,
        &parsed.lexemes,
        parsed.phrases.as_deref(),
        parsed.excluded.as_deref(),
        parsed.filter,
        RARE_AT_MOST.max(parsed.collection_size / RARE_ONE_IN),
        WORD_MATCHES,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}

/// The memories nearest in meaning; `exact` compares with every one.
async fn candidates_by_meaning(
    tx: &mut TenantTx,
    vector: &QueryVector,
    parsed: &ParsedQuery,
    exact: bool,
) -> Result<Vec<MemoryId>, StoreError> {
    let ids = sqlx::query_scalar!(
        r#"SELECT memory_id AS "id!: MemoryId"
             FROM memory_nearest($1, $2, $3, $4, $5::text::tsquery, $6::text::tsquery, $7, $8)"#,
        tx.tenant_id() as _,
        vector.slot as _,
        &vector.numbers as &HalfVector,
        parsed.filter,
        parsed.phrases.as_deref(),
        parsed.excluded.as_deref(),
        exact,
        NEAREST,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}

/// Scores each candidate both ways, however it was found.
async fn compare(
    tx: &mut TenantTx,
    ids: &[MemoryId],
    vector: Option<&QueryVector>,
    parsed: &ParsedQuery,
) -> Result<Vec<Candidate>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT id,
                  (1 - (memory_embedding(memories, $5) <=> $3))::real AS similarity,
                  coalesce(ts_rank(search, memory_any_lexeme($4)), 0) AS "rank!"
             FROM memories
            WHERE tenant_id = $1 AND id = ANY ($2)"#,
        tx.tenant_id() as _,
        ids as _,
        vector.map(|vector| &vector.numbers) as Option<&HalfVector>,
        &parsed.lexemes,
        vector.map(|vector| vector.slot) as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Candidate {
            id: row.id,
            // The cosine with an all-zero vector is NaN.
            similarity: row.similarity.filter(|similarity| similarity.is_finite()),
            rank: row.rank,
        })
        .collect())
}

/// Reads what is shown of the hits: the matching words and the passage around
/// them.
async fn build_hits(
    tx: &mut TenantTx,
    best: Vec<Scored>,
    parsed: &ParsedQuery,
) -> Result<Vec<MemoryHit>, StoreError> {
    let ids: Vec<_> = best.iter().map(|scored| scored.candidate.id).collect();
    let rows = sqlx::query!(
        r#"SELECT memories.id, title, left(content, 280) AS "excerpt!", memories.kind, tags, visibility, user_id,
                  display_name, origin, expires_at, parent_id, 0::bigint AS "replies!", deleted_at,
                  memories.created_at, memories.updated_at,
                  CASE WHEN has_words THEN memory_words_shown(ts_headline(
                      'pg_catalog.english', memory_words(title || ' ' || memory_tags_text(tags)),
                      memory_any_lexeme($3), $4)) END AS marked_title,
                  CASE WHEN has_words THEN memory_words_shown(ts_headline(
                      'pg_catalog.english', memory_words(content),
                      memory_any_lexeme($3), $4)) END AS marked_content
             FROM memories
             JOIN users ON users.tenant_id = memories.tenant_id AND users.id = user_id
            -- To read a text anew for its words takes longer than all else.
            CROSS JOIN LATERAL (SELECT search @@ memory_any_lexeme($3) AS has_words) AS matching
            WHERE memories.tenant_id = $1 AND memories.id = ANY ($2)"#,
        tx.tenant_id() as _,
        ids as _,
        &parsed.lexemes,
        format!("HighlightAll=true, StartSel=\"{MARK_START}\", StopSel=\"{MARK_STOP}\""),
    )
    .fetch_all(tx.conn())
    .await?;
    let mut hits = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(scored) = best.iter().find(|scored| scored.candidate.id == row.id) else {
            continue;
        };
        let content = row.marked_content.unwrap_or_default();
        let title = row.marked_title.unwrap_or_default();
        hits.push(MemoryHit {
            matched_words: matched_words(&[&title, &content]),
            similarity: scored.candidate.similarity,
            score: scored.parts.score(),
            parts: scored.parts,
            content: None,
            memory: MemorySummary {
                id: row.id,
                title: row.title,
                excerpt: passage(&content).unwrap_or(row.excerpt),
                kind: row.kind,
                tags: row.tags,
                visibility: row.visibility,
                owner_id: row.user_id,
                owner_name: row.display_name,
                origin: row.origin,
                expires_at: row.expires_at,
                parent_id: row.parent_id,
                replies: row.replies,
                deleted_at: row.deleted_at,
                created_at: row.created_at,
                updated_at: row.updated_at,
            },
        });
    }
    hits.sort_by_key(|hit| {
        best.iter()
            .position(|scored| scored.candidate.id == hit.memory.id)
    });
    Ok(hits)
}
