//! Reading a member's private memories under an open grant.
//!
//! A transaction setting makes one member's private rows visible, and only
//! together with the permission. It is set only here, by the statement that
//! finds the grant, and is cleared before a function returns, so no list or
//! search in the same transaction sees more.

use domain::{
    AppError, BreakGlassId, MemoryId, Page, ResourceId as _, Timestamp, UserId,
    break_glass::{BreakGlassGrant, BreakGlassReport, PrivateMemory, ReadMemory},
    memory::Memory,
};
use time::Duration;

use crate::{
    StoreError, TenantTx,
    cursor::{Cursor, List},
    error::ConstraintErrors,
    memory::memory_get,
};

pub(crate) const CONSTRAINTS: ConstraintErrors = &[("break_glass_grants_reason_check", || {
    AppError::field("reason", "Enter a reason of 10 to 500 characters.")
})];

/// Limit on the memories in a report, latest first.
const MAX_READ_MEMORIES: i64 = 200;

/// Opens the private memories of `subject` to the transaction's member.
///
/// # Errors
/// [`StoreError::Constraint`] for an invalid reason or term, for an unknown
/// member and for oneself; [`StoreError::Other`] without the permission.
pub async fn break_glass_open(
    tx: &mut TenantTx,
    id: BreakGlassId,
    subject: UserId,
    reason: &str,
    term: Duration,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (tenant_id, reader) = (tx.tenant_id(), tx.member_id()?);
    sqlx::query!(
        "INSERT INTO break_glass_grants
             (tenant_id, id, subject_user_id, actor_user_id, reason, opened_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tenant_id as _,
        id as _,
        subject as _,
        reader as _,
        reason,
        now,
        now + term,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The grant with which the transaction's member may read the private memories
/// of `subject` at `now`; of several the one that expires last.
pub async fn break_glass_find(
    tx: &mut TenantTx,
    subject: UserId,
    now: Timestamp,
) -> Result<Option<BreakGlassGrant>, StoreError> {
    let (tenant_id, reader) = (tx.tenant_id(), tx.member_id()?);
    Ok(sqlx::query_as!(
        BreakGlassGrant,
        "SELECT g.id, actor_user_id AS reader_id, display_name AS reader_name, subject_user_id AS subject_id,
                reason, opened_at, expires_at, closed_at
           FROM break_glass_grants g
           JOIN users ON users.tenant_id = $1 AND users.id = actor_user_id
          WHERE g.tenant_id = $1 AND actor_user_id = $2 AND subject_user_id = $3
            AND closed_at IS NULL AND expires_at > $4
          ORDER BY expires_at DESC LIMIT 1",
        tenant_id as _,
        reader as _,
        subject as _,
        now,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Closes all open grants of the transaction's member for `subject` and returns
/// how many there were.
pub async fn break_glass_close(
    tx: &mut TenantTx,
    subject: UserId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let (tenant_id, reader) = (tx.tenant_id(), tx.member_id()?);
    let done = sqlx::query!(
        "UPDATE break_glass_grants SET closed_at = $4
          WHERE tenant_id = $1 AND actor_user_id = $2 AND subject_user_id = $3
            AND closed_at IS NULL AND expires_at > $4",
        tenant_id as _,
        reader as _,
        subject as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// Makes the private memories of `subject` visible if the transaction's member
/// has an open grant at `now`. Returns false if there is none.
async fn access_open(
    tx: &mut TenantTx,
    subject: UserId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (tenant_id, reader) = (tx.tenant_id(), tx.member_id()?);
    let opened = sqlx::query!(
        "SELECT set_config('app.break_glass_user_id', subject_user_id::text, true) AS subject
           FROM break_glass_grants
          WHERE tenant_id = $1 AND actor_user_id = $2 AND subject_user_id = $3
            AND closed_at IS NULL AND expires_at > $4
          LIMIT 1",
        tenant_id as _,
        reader as _,
        subject as _,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(opened.is_some())
}

/// Hides the private memories again.
async fn access_close(tx: &mut TenantTx) -> Result<(), StoreError> {
    sqlx::query!("SELECT set_config('app.break_glass_user_id', '', true) AS subject")
        .fetch_one(tx.conn())
        .await?;
    Ok(())
}

/// A page of the private memories of `subject`, last changed first, without the
/// trash.
///
/// # Errors
/// [`StoreError::NotFound`] without an open grant, [`StoreError::Cursor`] for a
/// cursor of another list.
pub async fn break_glass_list(
    tx: &mut TenantTx,
    subject: UserId,
    now: Timestamp,
    after: Option<&str>,
    size: u16,
) -> Result<Page<PrivateMemory>, StoreError> {
    let after: Option<Cursor<MemoryId>> = after
        .map(|text| Cursor::parse(text, List::BreakGlass, tx.tenant_id()))
        .transpose()?;
    if !access_open(tx, subject, now).await? {
        return Err(StoreError::NotFound);
    }
    let tenant_id = tx.tenant_id();
    let found = sqlx::query_as!(
        PrivateMemory,
        "SELECT id, title, kind, updated_at FROM memories
          WHERE tenant_id = $1 AND user_id = $2 AND deleted_at IS NULL AND visibility = 'private'
            AND (updated_at, id) < (coalesce($3, 'infinity'::timestamptz), coalesce($4, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
          ORDER BY updated_at DESC, id DESC LIMIT $5",
        tenant_id as _,
        subject as _,
        after.map(|cursor| cursor.at),
        after.map(|cursor| cursor.key) as _,
        i64::from(size) + 1,
    )
    .fetch_all(tx.conn())
    .await;
    // Also if a row could not be decoded.
    let closed = access_close(tx).await;
    let memories = found?;
    closed?;
    Ok(Page::cut(memories, size.into(), |memory| {
        Cursor {
            at: memory.updated_at,
            key: memory.id,
        }
        .to_text(List::BreakGlass, tx.tenant_id())
    }))
}

/// A private memory of `subject`, in full.
///
/// # Errors
/// [`StoreError::NotFound`] without an open grant, and for anything but a
/// private memory of `subject`.
pub async fn break_glass_get(
    tx: &mut TenantTx,
    subject: UserId,
    id: MemoryId,
    now: Timestamp,
) -> Result<Memory, StoreError> {
    if !access_open(tx, subject, now).await? {
        return Err(StoreError::NotFound);
    }
    let found = memory_get(tx, id).await;
    access_close(tx).await?;
    let memory = found?;
    // The reader may see other memories for other reasons.
    if memory.owner_id == subject && memory.visibility == domain::memory::Visibility::Private {
        Ok(memory)
    } else {
        Err(StoreError::NotFound)
    }
}

/// The grants for the private memories of the transaction's member, latest
/// first, each with the memories that were read according to the audit log.
pub async fn break_glass_reports(
    tx: &mut TenantTx,
    limit: u16,
) -> Result<Vec<BreakGlassReport>, StoreError> {
    let (tenant_id, member) = (tx.tenant_id(), tx.member_id()?);
    let grants = sqlx::query_as!(
        BreakGlassGrant,
        "SELECT g.id, actor_user_id AS reader_id, display_name AS reader_name, subject_user_id AS subject_id,
                reason, opened_at, expires_at, closed_at
           FROM break_glass_grants g
           JOIN users ON users.tenant_id = $1 AND users.id = actor_user_id
          WHERE g.tenant_id = $1 AND subject_user_id = $2
          ORDER BY opened_at DESC, g.id DESC LIMIT $3",
        tenant_id as _,
        member as _,
        i64::from(limit),
    )
    .fetch_all(tx.conn())
    .await?;
    let mut reports = Vec::with_capacity(grants.len());
    for grant in grants {
        let read = list_read_memories(tx, &grant).await?;
        reports.push(BreakGlassReport { grant, read });
    }
    Ok(reports)
}

async fn list_read_memories(
    tx: &mut TenantTx,
    grant: &BreakGlassGrant,
) -> Result<Vec<ReadMemory>, StoreError> {
    let tenant_id = tx.tenant_id();
    // Nothing is read under a grant before it opens or after it expires, so the
    // query doesn't scan the whole log.
    let rows = sqlx::query!(
        r#"SELECT m.id, m.title, left(m.content, 100) AS "excerpt!", max(a.at) AS "at!"
             FROM audit_log a
             JOIN memories m ON m.tenant_id = $1 AND m.id = (a.metadata->>'memory')::uuid
            WHERE a.tenant_id = $1 AND a.resource_type = $2 AND a.resource_id = $3::uuid::text
              AND a.action = 'break_glass.read' AND a.outcome = 'success'
              AND a.at >= $4 AND a.at < $5
            GROUP BY m.id, m.title, m.content
            ORDER BY 4 DESC, m.id LIMIT $6"#,
        tenant_id as _,
        BreakGlassId::KIND,
        grant.id as _,
        grant.opened_at,
        // The audit row is written a moment after the grant was checked.
        grant.expires_at + Duration::MINUTE,
        MAX_READ_MEMORIES,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ReadMemory {
            id: row.id,
            title: if row.title.is_empty() {
                row.excerpt
            } else {
                row.title
            },
            at: row.at,
        })
        .collect())
}
