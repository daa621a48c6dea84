//! Counts repeated denials, so that an actor who is denied the same thing over
//! and over doesn't flood the audit log.

use domain::{ActorKind, TenantId, Timestamp, UserId};

use super::AuditEvent;
use crate::{StoreError, TenantTx, WorkerTx};

/// Repeats of a denial that are written as one audit row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatedDenial {
    pub actor_user_id: UserId,
    pub actor_kind: ActorKind,
    pub actor_label: String,
    /// The action that was denied, as in the audit log.
    pub action: String,
    pub reason: String,
    /// When the first one was written; the repeats came after it.
    pub since: Timestamp,
    /// When it happened last.
    pub last_at: Timestamp,
    /// Number of repeats, not counting the first.
    pub repeats: i64,
}

/// The way in which a denial is to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The first of its kind, or the first after an interval: write it,
    /// together with the repeats of that interval, if any.
    Written(Option<RepeatedDenial>),
    /// A repeat that was only counted.
    Counted,
}

/// Records a denial of the event's actor. Denials with the same action and
/// reason within an interval are counted; `interval_began` is the earliest
/// possible start of the current interval.
///
/// # Errors
/// [`StoreError::NotFound`] if the event has no actor.
pub async fn denial_record(
    tx: &mut TenantTx,
    event: &AuditEvent,
    reason: &str,
    interval_began: Timestamp,
) -> Result<Denial, StoreError> {
    let actor = event.actor_user_id.ok_or(StoreError::NotFound)?;
    let tenant_id = tx.tenant_id();
    let running = sqlx::query!(
        "SELECT since, last_at, repeats FROM audit_denials
          WHERE tenant_id = $1 AND actor_user_id = $2 AND action = $3 AND reason = $4
            FOR UPDATE",
        tenant_id as _,
        actor as _,
        event.action,
        reason,
    )
    .fetch_optional(tx.conn())
    .await?;
    if running
        .as_ref()
        .is_some_and(|running| running.since > interval_began)
    {
        sqlx::query!(
            "UPDATE audit_denials SET last_at = $5, repeats = repeats + 1
              WHERE tenant_id = $1 AND actor_user_id = $2 AND action = $3 AND reason = $4",
            tenant_id as _,
            actor as _,
            event.action,
            reason,
            event.at,
        )
        .execute(tx.conn())
        .await?;
        return Ok(Denial::Counted);
    }
    sqlx::query!(
        "INSERT INTO audit_denials (
             tenant_id, actor_user_id, action, reason, since, last_at, repeats, actor_kind, actor_label
         )
         VALUES ($1, $2, $3, $4, $5, $5, 0, $6, $7)
         ON CONFLICT (tenant_id, actor_user_id, action, reason) DO UPDATE
            SET since = excluded.since, last_at = excluded.last_at, repeats = 0,
                actor_kind = excluded.actor_kind, actor_label = excluded.actor_label",
        tenant_id as _,
        actor as _,
        event.action,
        reason,
        event.at,
        event.actor_kind as _,
        event.actor_label,
    )
    .execute(tx.conn())
    .await?;
    let finished = running.filter(|finished| finished.repeats > 0);
    Ok(Denial::Written(finished.map(|finished| RepeatedDenial {
        actor_user_id: actor,
        actor_kind: event.actor_kind,
        actor_label: event.actor_label.clone(),
        action: event.action.clone(),
        reason: reason.to_owned(),
        since: finished.since,
        last_at: finished.last_at,
        repeats: finished.repeats,
    })))
}

/// Organisations with counted denials whose interval began before `began`.
pub async fn denial_tenants(
    tx: &mut WorkerTx,
    began: Timestamp,
    limit: u16,
) -> Result<Vec<TenantId>, StoreError> {
    Ok(sqlx::query_scalar!(
        "SELECT DISTINCT tenant_id FROM audit_denials WHERE since < $1 LIMIT $2",
        began,
        i64::from(limit),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Removes the intervals that began before `began` and returns their repeats,
/// to be written. Called by Atrium itself.
pub async fn denial_flush(
    tx: &mut TenantTx,
    began: Timestamp,
) -> Result<Vec<RepeatedDenial>, StoreError> {
    let tenant_id = tx.tenant_id();
    let mut repeated = sqlx::query_as!(
        RepeatedDenial,
        "DELETE FROM audit_denials WHERE tenant_id = $1 AND since < $2
         RETURNING actor_user_id, actor_kind, actor_label, action, reason, since, last_at, repeats",
        tenant_id as _,
        began,
    )
    .fetch_all(tx.conn())
    .await?;
    repeated.retain(|denial| denial.repeats > 0);
    Ok(repeated)
}
