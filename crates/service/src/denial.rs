//! Denials in the audit log: the first per actor and kind is written at once,
//! repeats within a minute are counted into one row (SEC-E1).

use domain::{Actor, AppError, Timestamp, audit::Outcome};
use serde_json::Value;
use store::audit::{
    AuditEvent, Denial, RepeatedDenial, audit_append, denial_flush, denial_record, denial_tenants,
};
use time::{Duration, format_description::well_known::Rfc3339};

use crate::Ctx;

/// The time for which denials of one kind are counted before they are written.
const INTERVAL: Duration = Duration::MINUTE;
/// Organisations whose denials are written in one sweep; the rest follow in the
/// next.
const MAX_TENANTS_PER_SWEEP: u16 = 100;

/// Audits that the event's actor was denied for `reason`, or counts it as a
/// repeat.
pub(crate) async fn denial_audit(
    ctx: &Ctx,
    actor: &Actor,
    event: AuditEvent,
    reason: &str,
) -> Result<(), AppError> {
    let mut tx = ctx.store.begin(actor).await?;
    let cutoff = event.at - INTERVAL;
    if let Denial::Written(ended) = denial_record(&mut tx, &event, reason, cutoff).await? {
        let at = event.at;
        let mut events: Vec<_> = ended.iter().map(|ended| repeats_event(ended, at)).collect();
        events.push(event);
        audit_append(&mut tx, &events).await?;
    }
    Ok(tx.commit().await?)
}

/// Audits a request that was denied outside of an `AuthorizedTx`. `known` is
/// added as metadata.
pub async fn request_denial_audit(
    ctx: &Ctx,
    actor: &Actor,
    action: &'static str,
    reason: &str,
    known: &[(&str, Value)],
) -> Result<(), AppError> {
    let event = AuditEvent::by_actor(actor, action, Outcome::Denied, ctx.clock.now());
    let event = event.with("reason", reason);
    let event = known.iter().fold(event, |event, (name, value)| {
        event.with(name, value.clone())
    });
    denial_audit(ctx, actor, event, reason).await
}

/// Writes the counted repeats of intervals that are over.
pub async fn denials_sweep(ctx: &Ctx) -> Result<(), AppError> {
    let cutoff = ctx.clock.now() - INTERVAL;
    let mut tx = ctx.store.begin_worker().await?;
    let tenants = denial_tenants(&mut tx, cutoff, MAX_TENANTS_PER_SWEEP).await?;
    drop(tx);
    for tenant in tenants {
        let mut tx = ctx.store.begin_as_system(tenant).await?;
        let ended = denial_flush(&mut tx, cutoff).await?;
        let now = ctx.clock.now();
        let events: Vec<_> = ended
            .iter()
            .map(|ended| repeats_event(ended, now))
            .collect();
        audit_append(&mut tx, &events).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// One audit row for all repeats of an interval, in the actor's name.
fn repeats_event(ended: &RepeatedDenial, now: Timestamp) -> AuditEvent {
    let text = |at: Timestamp| at.format(&Rfc3339).unwrap_or_default();
    AuditEvent {
        actor_user_id: Some(ended.actor_user_id),
        actor_kind: ended.actor_kind,
        actor_label: ended.actor_label.clone(),
        ..AuditEvent::by_system(&ended.action, Outcome::Denied, now)
    }
    .with("reason", ended.reason.as_str())
    .with("repeats", ended.repeats)
    .with("since", text(ended.since))
    .with("until", text(ended.last_at))
}
