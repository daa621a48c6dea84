//! Reads one memory, a page of memories, or their number.

use std::collections::HashMap;

use domain::{
    MemoryId, Page, Timestamp,
    memory::{Memory, MemoryAttributes, MemoryCriteria, MemorySummary},
    overview::{DailyMemories, OVERVIEW_DAYS},
};
use sqlx::types::Json;
use time::{Duration, PrimitiveDateTime};

use super::criteria::criteria_filter;
use crate::{
    StoreError, TenantTx,
    cursor::{Cursor, List},
};

/// The numbers of memories that the member owns and sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryCounts {
    /// Own memories, without the trash.
    pub own: i64,
    /// Memories of others that are shared with the member.
    pub shared: i64,
    /// Of both, those created on each of the last days, the oldest day first.
    pub daily: Vec<DailyMemories>,
}

/// A page of the visible memories, last changed first. The time doesn't grow
/// with the depth. Replies are listed under their root and not here, unless the
/// root is not visible; in the trash each is listed itself.
pub async fn memory_list(
    tx: &mut TenantTx,
    criteria: &MemoryCriteria,
    after: Option<Cursor<MemoryId>>,
    size: u16,
    now: Timestamp,
) -> Result<Page<MemorySummary>, StoreError> {
    let member_id = tx.member_id()?;
    // Skips the parts that the criteria exclude, which would be scanned to the
    // end.
    let own = criteria.may_include(member_id);
    let others = criteria.may_include_others(member_id);
    let memories = sqlx::query_as!(
        MemorySummary,
        r#"SELECT memories.id, title, left(content, 280) AS "excerpt!", memories.kind, tags, visibility,
                  user_id AS owner_id, display_name AS owner_name, origin, expires_at, parent_id,
                  (SELECT count(*) FROM memories replies
                    WHERE replies.tenant_id = $1 AND replies.parent_id = memories.id
                      AND replies.deleted_at IS NULL) AS "replies!",
                  deleted_at, memories.created_at, memories.updated_at
             FROM memory_page($2, $3, $4, $5, $6, $7, $8) AS page
            CROSS JOIN LATERAL (
                     -- By its key, one by one: the planner would rather read all of
                     -- the member's.
                     SELECT * FROM memories WHERE memories.tenant_id = $1 AND memories.id = page.memory_id LIMIT 1
                 ) AS memories
             JOIN users ON users.tenant_id = $1 AND users.id = memories.user_id
            ORDER BY memories.updated_at DESC, memories.id DESC
            LIMIT $8"#,
        tx.tenant_id() as _,
        criteria_filter(criteria, member_id, now)?,
        own && !criteria.trash,
        others,
        own && criteria.trash,
        after.map(|cursor| cursor.at),
        after.map(|cursor| cursor.key) as _,
        i64::from(size) + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(Page::cut(memories, size.into(), |memory| {
        Cursor {
            at: memory.updated_at,
            key: memory.id,
        }
        .to_text(List::Memory, tx.tenant_id())
    }))
}

/// As [`memory_list`], oldest first: an order in which no memory moves while a
/// client reads page by page.
pub async fn memory_list_by_creation(
    tx: &mut TenantTx,
    criteria: &MemoryCriteria,
    after: Option<Cursor<MemoryId>>,
    size: u16,
    now: Timestamp,
) -> Result<Page<MemorySummary>, StoreError> {
    let member_id = tx.member_id()?;
    let own = criteria.may_include(member_id);
    let others = criteria.may_include_others(member_id);
    let memories = sqlx::query_as!(
        MemorySummary,
        r#"SELECT memories.id, title, left(content, 280) AS "excerpt!", memories.kind, tags, visibility,
                  user_id AS owner_id, display_name AS owner_name, origin, expires_at, parent_id,
                  (SELECT count(*) FROM memories replies
                    WHERE replies.tenant_id = $1 AND replies.parent_id = memories.id
                      AND replies.deleted_at IS NULL) AS "replies!",
                  deleted_at, memories.created_at, memories.updated_at
             FROM memory_page_by_creation($2, $3, $4, $5, $6, $7, $8) AS page
            CROSS JOIN LATERAL (
                     -- By its key, one by one: the planner would rather read all of
                     -- the member's.
                     SELECT * FROM memories WHERE memories.tenant_id = $1 AND memories.id = page.memory_id LIMIT 1
                 ) AS memories
             JOIN users ON users.tenant_id = $1 AND users.id = memories.user_id
            ORDER BY memories.created_at, memories.id
            LIMIT $8"#,
        tx.tenant_id() as _,
        criteria_filter(criteria, member_id, now)?,
        own && !criteria.trash,
        others,
        own && criteria.trash,
        after.map(|cursor| cursor.at),
        after.map(|cursor| cursor.key) as _,
        i64::from(size) + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(Page::cut(memories, size.into(), |memory| {
        Cursor {
            at: memory.created_at,
            key: memory.id,
        }
        .to_text(List::MemoryByCreation, tx.tenant_id())
    }))
}

/// The texts of the visible memories among `ids`.
pub async fn memory_contents(
    tx: &mut TenantTx,
    ids: &[MemoryId],
) -> Result<HashMap<MemoryId, String>, StoreError> {
    let rows = sqlx::query!(
        "SELECT id, content FROM memories WHERE tenant_id = $1 AND id = ANY ($2)",
        tx.tenant_id() as _,
        ids as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.content)).collect())
}

/// One memory in full; also the member's own in the trash. Row security shows a
/// persona only to its owner.
pub async fn memory_get(tx: &mut TenantTx, id: MemoryId) -> Result<Memory, StoreError> {
    let memory = sqlx::query_as!(
        Memory,
        r#"SELECT memories.id, title, content, memories.kind, tags, visibility, team_id, teams.name AS "team_name?",
                  memories.user_id AS owner_id, display_name AS owner_name, memories.user_id = $3 AS "is_own!",
                  origin, source_session_id, memory_attributes(memories) AS "attributes!: Json<MemoryAttributes>",
                  personas.id AS "persona_id?", personas.name AS "persona_name?", parent_id, version,
                  memory_embedding(memories, (SELECT slot FROM embedding_models
                       WHERE embedding_models.tenant_id = $1 AND embedding_models.status = 'active')) IS NOT NULL
                      AS "is_embedded!",
                  memories.created_at, memories.updated_at, deleted_at
             FROM memories
             JOIN users ON users.tenant_id = memories.tenant_id AND users.id = memories.user_id
             LEFT JOIN teams ON teams.tenant_id = memories.tenant_id AND teams.id = team_id
             LEFT JOIN personas ON personas.tenant_id = memories.tenant_id AND personas.id = persona_id
            WHERE memories.tenant_id = $1 AND memories.id = $2"#,
        tx.tenant_id() as _,
        id as _,
        tx.member_id()? as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(memory)
}

/// Counts the visible memories, and those created on each of the
/// [`OVERVIEW_DAYS`] from `first_day` on. Each is read once, and only in the
/// index.
pub async fn memory_counts(
    tx: &mut TenantTx,
    first_day: Timestamp,
) -> Result<MemoryCounts, StoreError> {
    let days: Vec<_> = (0..i64::from(OVERVIEW_DAYS))
        .map(|n| first_day + Duration::days(n))
        .collect();
    // As arrays, whose length doesn't change the plan, so that it is kept. The last
    // day has no end: the days and what was before make up the total.
    let end = PrimitiveDateTime::MAX.assume_utc();
    let ends: Vec<_> = days.iter().skip(1).copied().chain([end]).collect();
    let counts = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM memories
                    WHERE tenant_id = $1 AND user_id = $2 AND deleted_at IS NULL AND created_at < $3) AS "own!",
                  (SELECT count(*) FROM memories
                    WHERE tenant_id = $1 AND user_id <> $2 AND deleted_at IS NULL
                      AND visibility <> 'private' AND created_at < $3) AS "shared!",
                  ARRAY(SELECT (SELECT count(*) FROM memories
                                 WHERE tenant_id = $1 AND user_id = $2 AND deleted_at IS NULL
                                   AND created_at >= day AND created_at < next)
                          FROM unnest($4::timestamptz[], $5::timestamptz[]) AS days (day, next)
                         ORDER BY day) AS "daily_own!",
                  ARRAY(SELECT (SELECT count(*) FROM memories
                                 WHERE tenant_id = $1 AND user_id <> $2 AND deleted_at IS NULL
                                   AND visibility <> 'private' AND created_at >= day AND created_at < next)
                          FROM unnest($4::timestamptz[], $5::timestamptz[]) AS days (day, next)
                         ORDER BY day) AS "daily_shared!""#,
        tx.tenant_id() as _,
        tx.member_id()? as _,
        first_day,
        &days,
        &ends,
    )
    .fetch_one(tx.conn())
    .await?;
    let daily: Vec<_> = days
        .into_iter()
        .zip(counts.daily_own.into_iter().zip(counts.daily_shared))
        .map(|(day, (own, shared))| DailyMemories { day, own, shared })
        .collect();
    let sum = |of: fn(&DailyMemories) -> i64| daily.iter().map(of).sum::<i64>();
    Ok(MemoryCounts {
        own: counts.own + sum(|day| day.own),
        shared: counts.shared + sum(|day| day.shared),
        daily,
    })
}
