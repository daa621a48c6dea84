//! Organisations as operators see and change them: with counts of their data,
//! but not the data itself.

use domain::{
    TenantId, Timestamp, UserId,
    tenant::{
        StatusReason, TenantCounts, TenantDetail, TenantFilter, TenantStatus, TenantSummary,
        TenantTier,
    },
};
use serde_json::Value;

use crate::{OperatorTx, StoreError, audit::AuditHead};

/// An operator by home organisation and member; `None` for the command line.
pub type OperatorRef = Option<(TenantId, UserId)>;

/// Up to `limit` organisations after the slug `after`, sorted by slug, without
/// counts.
///
/// # Errors
/// [`StoreError::Filter`] for an unknown status.
pub async fn tenant_page(
    tx: &mut OperatorTx,
    filter: &TenantFilter,
    after: &str,
    limit: i64,
) -> Result<Vec<TenantSummary>, StoreError> {
    if !filter.status.is_empty() && TenantStatus::from_key(&filter.status).is_none() {
        return Err(StoreError::Filter("status"));
    }
    let rows = sqlx::query!(
        r#"SELECT id, slug, name, status, tier, created_at FROM tenants
            WHERE slug COLLATE "C" > $1
              AND ($2 = '' OR position(lower($2) IN lower(name)) > 0 OR position(lower($2) IN slug) > 0)
              AND ($3 = '' OR status = $3)
            ORDER BY slug COLLATE "C"
            LIMIT $4"#,
        after,
        filter.query.trim(),
        filter.status,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| TenantSummary {
            id: row.id,
            slug: row.slug,
            name: row.name,
            status: row.status,
            tier: row.tier,
            created_at: row.created_at,
            counts: TenantCounts::default(),
        })
        .collect())
}

/// Counts an organisation's members, sessions, keys, memories and jobs.
pub async fn tenant_counts(
    tx: &mut OperatorTx,
    id: TenantId,
    now: Timestamp,
) -> Result<TenantCounts, StoreError> {
    tx.tenant_set(id).await?;
    let counts = sqlx::query_as!(
        TenantCounts,
        r#"SELECT (SELECT count(*) FROM users
                    WHERE tenant_id = $1 AND kind = 'human' AND status <> 'deactivated') AS "members!",
                  (SELECT count(*) FROM web_sessions
                    WHERE tenant_id = $1 AND revoked_at IS NULL AND idle_expires_at > $2
                      AND absolute_expires_at > $2) AS "sessions!",
                  (SELECT count(*) FROM api_keys
                    WHERE tenant_id = $1 AND revoked_at IS NULL
                      AND (expires_at IS NULL OR expires_at > $2)) AS "keys!",
                  (SELECT count(*) FROM memories
                    WHERE tenant_id = $1 AND deleted_at IS NULL) AS "memories!",
                  (SELECT count(*) FROM jobs
                    WHERE tenant_id = $1 AND status IN ('pending', 'running', 'failed')) AS "jobs_waiting!",
                  (SELECT count(*) FROM jobs
                    WHERE tenant_id = $1 AND status = 'dead') AS "jobs_dead!",
                  (SELECT max(last_seen_at) FROM users WHERE tenant_id = $1) AS last_seen_at"#,
        id as _,
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(counts)
}

/// An organisation with its counts.
pub async fn tenant_get(
    tx: &mut OperatorTx,
    id: TenantId,
    now: Timestamp,
) -> Result<TenantDetail, StoreError> {
    let row = sqlx::query!(
        "SELECT id, slug, name, status, tier, created_at, is_demo, status_reason, status_changed_at, delete_after
           FROM tenants WHERE id = $1",
        id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(TenantDetail {
        summary: TenantSummary {
            id: row.id,
            slug: row.slug,
            name: row.name,
            status: row.status,
            tier: row.tier,
            created_at: row.created_at,
            counts: tenant_counts(tx, id, now).await?,
        },
        is_demo: row.is_demo,
        is_home: false,
        status_reason: row.status_reason,
        status_changed_at: row.status_changed_at,
        delete_after: row.delete_after,
        is_past_grace: row.delete_after.is_some_and(|at| at <= now),
    })
}

/// The id of the organisation with this slug, whatever its status.
pub async fn tenant_id_by_slug(tx: &mut OperatorTx, slug: &str) -> Result<TenantId, StoreError> {
    Ok(
        sqlx::query_scalar!("SELECT id FROM tenants WHERE slug = $1", slug)
            .fetch_one(tx.conn())
            .await?,
    )
}

/// A change of an organisation's status.
#[derive(Clone, Debug)]
pub struct StatusChange<'a> {
    /// The current status; the change fails if it is another one.
    pub from: TenantStatus,
    pub to: TenantStatus,
    pub reason: Option<&'a StatusReason>,
    /// When the data is purged, if the new status is deleted.
    pub delete_after: Option<Timestamp>,
    pub by: OperatorRef,
}

/// Changes an organisation's status.
///
/// # Errors
/// [`StoreError::Conflict`] if its status is not `from` any more, or its grace
/// period is over.
pub async fn tenant_status_set(
    tx: &mut OperatorTx,
    id: TenantId,
    change: &StatusChange<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (by_tenant, by_user) = change.by.unzip();
    let done = sqlx::query!(
        "UPDATE tenants
            SET status = $2, status_reason = $3, delete_after = $4, status_by_tenant_id = $5, status_by_user_id = $6,
                status_changed_at = $7, updated_at = $7
          WHERE id = $1 AND status = $8 AND (delete_after IS NULL OR delete_after > $7)",
        id as _,
        change.to as _,
        change.reason.map(StatusReason::as_str),
        change.delete_after,
        by_tenant as _,
        by_user as _,
        now,
        change.from as _,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Conflict);
    }
    Ok(())
}

pub async fn tenant_tier_set(
    tx: &mut OperatorTx,
    id: TenantId,
    tier: TenantTier,
    now: Timestamp,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE tenants SET tier = $2, updated_at = $3 WHERE id = $1",
        id as _,
        tier as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    Ok(())
}

/// A deleted organisation whose grace period is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredTenant {
    pub id: TenantId,
    pub slug: String,
    /// The operator who deleted it.
    pub by: OperatorRef,
}

/// A deleted organisation whose grace period is over and that no other
/// transaction purges. This transaction locks it.
pub async fn tenant_lock_expired(
    tx: &mut OperatorTx,
    now: Timestamp,
) -> Result<Option<ExpiredTenant>, StoreError> {
    let row = sqlx::query!(
        "SELECT id, slug, status_by_tenant_id, status_by_user_id FROM tenants
          WHERE status = 'deleted' AND delete_after <= $1
          ORDER BY delete_after, id
          LIMIT 1
            FOR UPDATE SKIP LOCKED",
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| ExpiredTenant {
        id: row.id,
        slug: row.slug,
        by: row.status_by_tenant_id.zip(row.status_by_user_id),
    }))
}

/// The result of a purge.
#[derive(Clone, Debug, PartialEq)]
pub struct PurgedTenant {
    /// The end of its audit chain; `None` if it had none.
    pub head: Option<AuditHead>,
    /// Number of deleted rows per table, as a JSON object.
    pub rows: Value,
}

/// Deletes an organisation and all its rows.
///
/// # Errors
/// [`StoreError::Other`] if it is not deleted or its grace period is not over.
pub async fn tenant_purge(
    tx: &mut OperatorTx,
    id: TenantId,
    now: Timestamp,
) -> Result<PurgedTenant, StoreError> {
    tx.tenant_set(id).await?;
    // Purging a large organisation takes longer than any request may.
    sqlx::query!("SELECT set_config('statement_timeout', '1h', true)")
        .fetch_one(tx.conn())
        .await?;
    let row = sqlx::query!(
        r#"SELECT head_seq, head_hash, purged AS "purged!" FROM tenant_purge($1, $2)"#,
        id as _,
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    let head = match row.head_seq.zip(row.head_hash) {
        Some((seq, hash)) => Some(AuditHead {
            seq,
            hash: hash
                .try_into()
                .map_err(|_| StoreError::other("a chain's hash is not 32 bytes long"))?,
        }),
        None => None,
    };
    Ok(PurgedTenant {
        head,
        rows: row.purged,
    })
}

/// Returns true if the organisation exists. Keeps it from being purged until
/// the transaction ends, so that its audit log can be written.
pub async fn tenant_exists(tx: &mut OperatorTx, id: TenantId) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(
        "SELECT id FROM tenants WHERE id = $1 FOR KEY SHARE",
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found.is_some())
}
