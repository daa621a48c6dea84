//! Denials that repeat are counted: an actor who is refused the same thing over
//! and over fills no log.

use domain::{ActorKind, TenantId, Timestamp, UserId};

use super::AuditEvent;
use crate::{StoreError, TenantTx, WorkerTx, user::kind_from_stored};

/// Repeats of a denial that are written as one audit row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatedDenial {
    /// Who was refused.
    pub actor_user_id: UserId,
    /// Their kind.
    pub actor_kind: ActorKind,
    /// Their name.
    pub actor_label: String,
    /// What they tried, as in the audit log.
    pub action: String,
    /// What stood in the way.
    pub reason: String,
    /// After this moment, when the first was written.
    pub since: Timestamp,
    /// When it happened last.
    pub last_at: Timestamp,
    /// How often, besides the first.
    pub repeats: i64,
}

/// What becomes of one more denial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// It is the first of its kind, or the first after an interval, whose
    /// repeats, if there were any, are to be written with it.
    Written(Option<RepeatedDenial>),
    /// It is counted with those that follow the first.
    Counted,
}

/// Takes note of a denial of the event's actor. Those of one action and one
/// reason that follow another within an interval are counted; `interval_began`
/// is the earliest moment at which the running one can have begun.
///
/// # Errors
/// [`StoreError::NotFound`] when the event has no actor.
pub async fn denial_note(
    tx: &mut TenantTx,
    event: &AuditEvent,
    reason: &str,
    interval_began: Timestamp,
) -> Result<Denial, StoreError> {
    let actor = event.actor_user_id.ok_or(StoreError::NotFound)?;
    let tenant_id = tx.tenant_id().0;
    let running = sqlx::query!(
        "SELECT since, last_at, repeats FROM audit_denials
          WHERE tenant_id = $1 AND actor_user_id = $2 AND action = $3 AND reason = $4
            FOR UPDATE",
        tenant_id,
        actor.0,
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
            tenant_id,
            actor.0,
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
        tenant_id,
        actor.0,
        event.action,
        reason,
        event.at,
        event.actor_kind.key(),
        event.actor_label,
    )
    .execute(tx.conn())
    .await?;
    let ended = running.filter(|ended| ended.repeats > 0);
    Ok(Denial::Written(ended.map(|ended| RepeatedDenial {
        actor_user_id: actor,
        actor_kind: event.actor_kind,
        actor_label: event.actor_label.clone(),
        action: event.action.clone(),
        reason: reason.to_owned(),
        since: ended.since,
        last_at: ended.last_at,
        repeats: ended.repeats,
    })))
}

/// Organisations with counted denials whose interval began before `began`.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn denial_tenants(
    tx: &mut WorkerTx,
    began: Timestamp,
    limit: u16,
) -> Result<Vec<TenantId>, StoreError> {
    let tenants = sqlx::query_scalar!(
        "SELECT DISTINCT tenant_id FROM audit_denials WHERE since < $1 LIMIT $2",
        began,
        i64::from(limit),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(tenants.into_iter().map(TenantId).collect())
}

/// Takes what was counted of the intervals that began before `began` out of the
/// table, to be written. For Atrium itself.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn denial_take(
    tx: &mut TenantTx,
    began: Timestamp,
) -> Result<Vec<RepeatedDenial>, StoreError> {
    let tenant_id = tx.tenant_id().0;
    let taken = sqlx::query!(
        "DELETE FROM audit_denials WHERE tenant_id = $1 AND since < $2
         RETURNING actor_user_id, actor_kind, actor_label, action, reason, since, last_at, repeats",
        tenant_id,
        began,
    )
    .fetch_all(tx.conn())
    .await?;
    let repeated = taken.into_iter().filter(|taken| taken.repeats > 0);
    repeated
        .map(|taken| {
            Ok(RepeatedDenial {
                actor_user_id: UserId(taken.actor_user_id),
                actor_kind: kind_from_stored(&taken.actor_kind)?,
                actor_label: taken.actor_label,
                action: taken.action,
                reason: taken.reason,
                since: taken.since,
                last_at: taken.last_at,
                repeats: taken.repeats,
            })
        })
        .collect()
}
