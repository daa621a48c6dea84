//! Reads one memory, a page of memories, or their number.

use std::collections::HashMap;

use domain::{
    MemoryId, Page, Timestamp, UserId,
    memory::{
        Memory, MemoryAttributes, MemoryCriteria, MemoryKind, MemorySort, MemorySummary, Origin,
        Visibility,
    },
    overview::{DailyMemories, OVERVIEW_DAYS},
};
use sqlx::types::Json;
use time::{Duration, PrimitiveDateTime};

use super::criteria::criteria_filter;
use crate::{
    StoreError, TenantTx,
    cursor::{List, Place},
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

/// Which page of a list to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPage<'a> {
    pub sort: MemorySort,
    /// `next` or `prev` of another page.
    pub after: Option<&'a str>,
    /// Maximum number of rows.
    pub size: u16,
    /// The page has the total, which is read separately.
    pub is_counted: bool,
}

impl MemoryPage<'_> {
    /// The first page, last changed first.
    pub const fn first(size: u16) -> Self {
        Self {
            sort: MemorySort::UpdatedAt,
            after: None,
            size,
            is_counted: false,
        }
    }
}

/// A page of the visible memories. Replies are listed under their root and not
/// here, unless the root is not visible; in the trash each is listed itself.
///
/// # Errors
/// [`StoreError::Cursor`] for a cursor of another list or order.
pub async fn memory_list(
    tx: &mut TenantTx,
    criteria: &MemoryCriteria,
    page: MemoryPage<'_>,
    now: Timestamp,
) -> Result<Page<MemorySummary>, StoreError> {
    let MemoryPage {
        sort,
        after,
        size,
        is_counted,
    } = page;
    let (tenant_id, member_id) = (tx.tenant_id(), tx.member_id()?);
    let place = Place::new(List::Memory, tenant_id, sort.sort(), after)?;
    let is_by_time = matches!(place.column(), "updated_at" | "created_at");
    let at = if is_by_time { place.time()? } else { None };
    // Skips the parts that the criteria exclude, which would be scanned to the
    // end.
    let own = criteria.may_include(member_id);
    let others = criteria.may_include_others(member_id);
    let rows = sqlx::query!(
        r#"SELECT page.id AS "id!: MemoryId", title AS "title!", excerpt AS "excerpt!", page.kind AS "kind!: MemoryKind", tags AS "tags!",
                  visibility AS "visibility!: Visibility", owner_id AS "owner_id!: UserId", display_name AS owner_name, origin AS "origin!: Origin",
                  page.expires_at, page.parent_id AS "parent_id: MemoryId",
                  (SELECT count(*) FROM memories replies
                    WHERE replies.tenant_id = $1 AND replies.parent_id = page.id
                      AND replies.deleted_at IS NULL) AS "replies!",
                  page.deleted_at, page.created_at AS "created_at!", page.updated_at AS "updated_at!",
                  page.sort_key AS "sort_key!", (SELECT memory_page_total($2, $3, $4, $5) WHERE $12) AS total
             FROM memory_page($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS page
             JOIN users ON users.tenant_id = $1 AND users.id = page.owner_id
            ORDER BY CASE WHEN $7 THEN page.sort_key END COLLATE "C" DESC, CASE WHEN $7 THEN page.id END DESC,
                     page.sort_key COLLATE "C", page.id
            LIMIT $11"#,
        tenant_id as _,
        criteria_filter(criteria, member_id, now)?,
        own && !criteria.trash,
        others,
        own && criteria.trash,
        place.column(),
        place.is_descending(),
        at,
        place.key(),
        place.id(),
        i64::from(size) + 1,
        is_counted,
    )
    .fetch_all(tx.conn())
    .await?;
    let total = rows.first().and_then(|row| row.total).unwrap_or(0);
    let page = place.page(rows, size, total, |row| (row.sort_key.clone(), row.id.0));
    let page = Page {
        total: page.total.filter(|_| is_counted),
        ..page
    };
    Ok(page.map(|row| MemorySummary {
        id: row.id,
        title: row.title,
        excerpt: row.excerpt,
        kind: row.kind,
        tags: row.tags,
        visibility: row.visibility,
        owner_id: row.owner_id,
        owner_name: row.owner_name,
        origin: row.origin,
        expires_at: row.expires_at,
        parent_id: row.parent_id,
        replies: row.replies,
        deleted_at: row.deleted_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
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
