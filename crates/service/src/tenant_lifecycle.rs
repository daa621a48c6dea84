//! Status changes and deletion of organisations by operators.
//!
//! Each action is one transaction with two audit rows: one in the operator's
//! own organisation and one in the affected organisation, so that its members
//! can see it.

use domain::{
    Action, Actor, AppError, Page, TenantId,
    audit::Outcome,
    tenant::{
        GRACE_DAYS, StatusReason, TENANTS_PER_PAGE, TenantDetail, TenantFilter, TenantStatus,
        TenantSummary, TenantTier,
    },
};
use serde_json::{Value, json};
use store::{
    OperatorTx,
    audit::{AuditEvent, AuditLevel, audit_append},
    tenant_lifecycle::{OperatorRef, StatusChange},
};
use time::Duration;

use crate::{
    Ctx,
    authorized_tx::{AuthorizedTx, event},
};

/// The caller of an action on an organisation.
#[derive(Clone, Copy, Debug)]
pub enum Initiator<'a> {
    /// The command line on the machine, without an actor.
    Cli,
    Operator(&'a Actor),
}

impl Initiator<'_> {
    fn to_stored(self) -> OperatorRef {
        match self {
            Self::Cli => None,
            Self::Operator(actor) => Some((actor.tenant_id, actor.user_id)),
        }
    }
}

/// One page of the installation's organisations, by slug.
pub async fn tenant_page(
    ctx: &Ctx,
    actor: &Actor,
    filter: &TenantFilter,
    after: Option<&str>,
) -> Result<Page<TenantSummary>, AppError> {
    AuthorizedTx::authorize(ctx, actor, Action::TenantList).await?;
    let mut tx = ctx.store.begin_operator().await?;
    let limit = i64::from(TENANTS_PER_PAGE) + 1;
    let found =
        store::tenant_lifecycle::tenant_page(&mut tx, filter, after.unwrap_or_default(), limit)
            .await?;
    let mut page = Page::cut(found, TENANTS_PER_PAGE.into(), |tenant| tenant.slug.clone());
    let now = ctx.clock.now();
    for tenant in &mut page.items {
        tenant.counts = store::tenant_lifecycle::tenant_counts(&mut tx, tenant.id, now).await?;
    }
    Ok(page)
}

pub async fn tenant_get(ctx: &Ctx, actor: &Actor, id: TenantId) -> Result<TenantDetail, AppError> {
    AuthorizedTx::authorize(ctx, actor, Action::TenantList).await?;
    let mut tx = ctx.store.begin_operator().await?;
    let detail = store::tenant_lifecycle::tenant_get(&mut tx, id, ctx.clock.now()).await?;
    Ok(TenantDetail {
        is_home: id == actor.tenant_id,
        ..detail
    })
}

/// The organisation with this slug. For the command line; does not authorise.
pub async fn tenant_id_by_slug(ctx: &Ctx, slug: &str) -> Result<TenantId, AppError> {
    let mut tx = ctx.store.begin_operator().await?;
    Ok(store::tenant_lifecycle::tenant_id_by_slug(&mut tx, slug).await?)
}

/// Suspends an organisation: every further request of its members is rejected
/// and its jobs wait. Nothing is deleted.
///
/// # Errors
/// [`AppError::Conflict`] if it is the operator's own, or not active.
pub async fn tenant_suspend(
    ctx: &Ctx,
    by: Initiator<'_>,
    id: TenantId,
    reason: &str,
) -> Result<(), AppError> {
    let mut act = OperatorRequest::begin(ctx, by, Action::TenantSuspend).await?;
    let reason = StatusReason::parse(reason)?;
    let before = act.tenant(id).await?;
    act.ensure_not_own_tenant(id)?;
    if before.summary.status != TenantStatus::Active {
        return Err(conflict("Only an active organisation can be suspended."));
    }
    act.set_status(&before, TenantStatus::Suspended, Some(&reason), None)
        .await?;
    act.commit(&before, json!({ "status": "suspended" }), Some(&reason))
        .await
}

/// Reactivates an organisation that is suspended, or deleted and not yet
/// purged, with all its data.
///
/// # Errors
/// [`AppError::Conflict`] if it is active, or its grace period is over.
pub async fn tenant_resume(ctx: &Ctx, by: Initiator<'_>, id: TenantId) -> Result<(), AppError> {
    let mut act = OperatorRequest::begin(ctx, by, Action::TenantResume).await?;
    let before = act.tenant(id).await?;
    if before.summary.status == TenantStatus::Active {
        return Err(conflict("This organisation is already active."));
    }
    if before.is_past_grace {
        return Err(conflict(
            "The grace period of this organisation has ended. Its data is being removed.",
        ));
    }
    act.set_status(&before, TenantStatus::Active, None, None)
        .await?;
    act.commit(&before, json!({ "status": "active" }), None)
        .await
}

/// Closes an organisation and schedules it to be purged after `grace` (default:
/// `GRACE_DAYS`). Until then it can be resumed.
///
/// # Errors
/// [`AppError::Invalid`] also if `confirm` is set and isn't its name;
/// [`AppError::Conflict`] if it is the operator's own, or already deleted.
pub async fn tenant_delete(
    ctx: &Ctx,
    by: Initiator<'_>,
    id: TenantId,
    confirm: Option<&str>,
    reason: &str,
    grace: Option<Duration>,
) -> Result<(), AppError> {
    let mut act = OperatorRequest::begin(ctx, by, Action::TenantDelete).await?;
    let reason = StatusReason::parse(reason)?;
    let before = act.tenant(id).await?;
    act.ensure_not_own_tenant(id)?;
    if before.summary.status == TenantStatus::Deleted {
        return Err(conflict("This organisation is already deleted."));
    }
    let name = &before.summary.name;
    if confirm.is_some_and(|typed| typed.trim() != name.trim()) {
        return Err(AppError::field(
            "confirm",
            format!("Type the organisation's name, “{name}”, to confirm."),
        ));
    }
    let grace = grace.unwrap_or(Duration::days(GRACE_DAYS.into()));
    let delete_after = ctx.clock.now() + grace;
    act.set_status(
        &before,
        TenantStatus::Deleted,
        Some(&reason),
        Some(delete_after),
    )
    .await?;
    let after = json!({ "status": "deleted", "delete_after": rfc3339(delete_after) });
    act.commit(&before, after, Some(&reason)).await
}

pub async fn tenant_tier_set(
    ctx: &Ctx,
    by: Initiator<'_>,
    id: TenantId,
    tier: TenantTier,
) -> Result<(), AppError> {
    let mut act = OperatorRequest::begin(ctx, by, Action::TenantTierSet).await?;
    let before = act.tenant(id).await?;
    store::tenant_lifecycle::tenant_tier_set(&mut act.tx, id, tier, ctx.clock.now()).await?;
    act.commit(&before, json!({ "tier": tier.key() }), None)
        .await
}

/// Purges every organisation whose grace period is over, with all its rows, and
/// returns their number. The audit log of the operator who deleted it records
/// the head of the purged log.
pub async fn tenants_purge(ctx: &Ctx) -> Result<u64, AppError> {
    let mut purged = 0;
    while tenant_purge_next(ctx).await? {
        purged += 1;
    }
    Ok(purged)
}

async fn tenant_purge_next(ctx: &Ctx) -> Result<bool, AppError> {
    let now = ctx.clock.now();
    let mut tx = ctx.store.begin_operator().await?;
    let Some(due) = store::tenant_lifecycle::tenant_lock_expired(&mut tx, now).await? else {
        return Ok(false);
    };
    let purged = store::tenant_lifecycle::tenant_purge(&mut tx, due.id, now).await?;
    let head = purged.head.map(|head| head.to_string());
    let operator_tenant = match due.by {
        Some((home, _)) => store::tenant_lifecycle::tenant_exists(&mut tx, home)
            .await?
            .then_some(home),
        None => None,
    };
    if let Some(home) = operator_tenant {
        let mut tx = tx.enter_as_system(home).await?;
        let event = AuditEvent {
            resource_type: Some("tenant".to_owned()),
            resource_id: Some(due.id.to_string()),
            level: AuditLevel::Warning,
            changes: Some(json!({
                "before": { "slug": due.slug, "rows": purged.rows },
                "after": null,
            })),
            metadata: Some(json!({
                "head": head,
                "asked_by": due.by.map(|(_, user_id)| user_id),
            })),
            ..AuditEvent::by_system("tenant.purge", Outcome::Success, now)
        };
        audit_append(&mut tx, &[event]).await?;
        tx.commit().await?;
    } else {
        tx.commit().await?;
    }
    // Otherwise `audit verify` would report the checkpoints' log as missing.
    if let Some(folder) = &ctx.checkpoints
        && let Err(error) = folder.retire(due.id)
    {
        tracing::warn!(%error, tenant = %due.id, "a purged organisation's checkpoints could not be set aside");
    }
    tracing::info!(
        tenant = %due.id,
        slug = due.slug,
        head,
        "a deleted organisation was purged"
    );
    Ok(true)
}

/// An authorised operation on an organisation from outside of it.
struct OperatorRequest<'a> {
    ctx: &'a Ctx,
    by: Initiator<'a>,
    action: Action,
    tx: OperatorTx,
}

impl<'a> OperatorRequest<'a> {
    /// Authorises `action`. A denial is audited in the actor's organisation.
    async fn begin(ctx: &'a Ctx, by: Initiator<'a>, action: Action) -> Result<Self, AppError> {
        if let Initiator::Operator(actor) = by {
            AuthorizedTx::authorize(ctx, actor, action).await?;
        }
        let tx = ctx.store.begin_operator().await?;
        Ok(Self {
            ctx,
            by,
            action,
            tx,
        })
    }

    async fn tenant(&mut self, id: TenantId) -> Result<TenantDetail, AppError> {
        let now = self.ctx.clock.now();
        Ok(store::tenant_lifecycle::tenant_get(&mut self.tx, id, now).await?)
    }

    /// Fails for the operator's own organisation, to prevent a lock-out.
    fn ensure_not_own_tenant(&self, id: TenantId) -> Result<(), AppError> {
        match self.by {
            Initiator::Operator(actor) if actor.tenant_id == id => Err(conflict(
                "This is your own organisation, and you would lock yourself out. Use the server's command line.",
            )),
            _ => Ok(()),
        }
    }

    async fn set_status(
        &mut self,
        before: &TenantDetail,
        to: TenantStatus,
        reason: Option<&StatusReason>,
        delete_after: Option<domain::Timestamp>,
    ) -> Result<(), AppError> {
        let change = StatusChange {
            from: before.summary.status,
            to,
            reason,
            delete_after,
            by: self.by.to_stored(),
        };
        let now = self.ctx.clock.now();
        let id = before.summary.id;
        Ok(store::tenant_lifecycle::tenant_status_set(&mut self.tx, id, &change, now).await?)
    }

    async fn commit(
        self,
        before: &TenantDetail,
        after: Value,
        reason: Option<&StatusReason>,
    ) -> Result<(), AppError> {
        let summary = &before.summary;
        let id = summary.id;
        let describe = |event: AuditEvent| AuditEvent {
            resource_type: Some("tenant".to_owned()),
            resource_id: Some(id.to_string()),
            changes: Some(json!({
                "before": { "slug": summary.slug, "status": summary.status, "tier": summary.tier },
                "after": after,
            })),
            metadata: reason.map(|reason| json!({ "reason": reason.as_str() })),
            ..event
        };
        commit_audited(self.ctx, self.by, self.action, id, self.tx, describe).await
    }
}

/// Audits what `by` did in organisation `id` and in the operator's own one,
/// with the details that `describe` adds, and commits.
pub(crate) async fn commit_audited(
    ctx: &Ctx,
    by: Initiator<'_>,
    action: Action,
    id: TenantId,
    mut tx: OperatorTx,
    describe: impl Fn(AuditEvent) -> AuditEvent,
) -> Result<(), AppError> {
    let mut rows = Vec::new();
    match by {
        Initiator::Cli => {
            let event = AuditEvent::by_system(action.key(), Outcome::Success, ctx.clock.now());
            rows.push((id, describe(event)));
        }
        Initiator::Operator(actor) => {
            let operator_event = event(ctx, actor, action, Outcome::Success);
            if actor.tenant_id != id {
                // The operator is no member there, so the row has a label only.
                let tenant_event = AuditEvent {
                    actor_user_id: None,
                    actor_label: format!("operator {}", actor.label),
                    ..operator_event.clone()
                };
                rows.push((id, describe(tenant_event)));
            }
            rows.push((actor.tenant_id, describe(operator_event)));
        }
    }
    // A fixed order, so that two operators who act on each other's
    // organisations can't deadlock.
    rows.sort_by_key(|(tenant_id, _)| *tenant_id);
    for (tenant_id, event) in rows {
        let mut tenant_tx = tx.enter_as_system(tenant_id).await?;
        audit_append(&mut tenant_tx, &[event]).await?;
        tx = tenant_tx.into_operator().await?;
    }
    tx.commit().await?;
    Ok(())
}

fn conflict(message: &str) -> AppError {
    AppError::Conflict {
        message: message.to_owned(),
    }
}

fn rfc3339(at: domain::Timestamp) -> String {
    at.format(&time::format_description::well_known::Rfc3339)
        .unwrap_or_default()
}
