//! The life of organisations, as those decide it who run the installation.
//!
//! Each act is one transaction with two audit rows: in the chain of the
//! operator's own organisation, and in the chain of the one that is acted on,
//! whose members can so see what was done to them.

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
    tenant_lifecycle::{ByOperator, StatusChange},
};
use time::Duration;

use crate::{
    Ctx,
    authorized_tx::{AuthorizedTx, event},
};

/// Who acts on an organisation.
#[derive(Clone, Copy, Debug)]
pub enum Initiator<'a> {
    /// Whoever has the machine's command line.
    Cli,
    /// An operator, in a browser.
    Operator(&'a Actor),
}

impl Initiator<'_> {
    fn stored(self) -> ByOperator {
        match self {
            Self::Cli => None,
            Self::Operator(actor) => Some((actor.tenant_id, actor.user_id)),
        }
    }
}

/// One page of the installation's organisations, by short name.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::Invalid`] for a status that can't be.
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

/// One organisation.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::NotFound`].
pub async fn tenant_get(ctx: &Ctx, actor: &Actor, id: TenantId) -> Result<TenantDetail, AppError> {
    AuthorizedTx::authorize(ctx, actor, Action::TenantList).await?;
    let mut tx = ctx.store.begin_operator().await?;
    let detail = store::tenant_lifecycle::tenant_get(&mut tx, id, ctx.clock.now()).await?;
    Ok(TenantDetail {
        is_home: id == actor.tenant_id,
        ..detail
    })
}

/// The organisation with this slug. For the command line.
///
/// # Errors
/// [`AppError::NotFound`].
pub async fn tenant_id_of(ctx: &Ctx, slug: &str) -> Result<TenantId, AppError> {
    let mut tx = ctx.store.begin_operator().await?;
    Ok(store::tenant_lifecycle::tenant_id_of(&mut tx, slug).await?)
}

/// Puts everybody of an organisation out at once: whoever asks next is
/// refused, and its jobs wait. Nothing is deleted.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::NotFound`]; [`AppError::Invalid`]
/// without a reason; [`AppError::Conflict`] when it is the operator's own, or
/// not active.
pub async fn tenant_suspend(
    ctx: &Ctx,
    by: Initiator<'_>,
    id: TenantId,
    reason: &str,
) -> Result<(), AppError> {
    let mut act = OperatorAct::begin(ctx, by, Action::TenantSuspend).await?;
    let reason = StatusReason::parse(reason)?;
    let before = act.tenant(id).await?;
    act.not_at_home(id)?;
    if before.summary.status != TenantStatus::Active {
        return Err(conflict("Only an active organisation can be suspended."));
    }
    act.status_set(&before, TenantStatus::Suspended, Some(&reason), None)
        .await?;
    act.commit(&before, json!({ "status": "suspended" }), Some(&reason))
        .await
}

/// Lets an organisation in again that was suspended, or deleted and not yet
/// purged. All that it had is there.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::NotFound`]; [`AppError::Conflict`]
/// when it is active, or its time of grace is over.
pub async fn tenant_resume(ctx: &Ctx, by: Initiator<'_>, id: TenantId) -> Result<(), AppError> {
    let mut act = OperatorAct::begin(ctx, by, Action::TenantResume).await?;
    let before = act.tenant(id).await?;
    if before.summary.status == TenantStatus::Active {
        return Err(conflict("This organisation is active already."));
    }
    if before.is_past_grace {
        return Err(conflict(
            "The time in which this organisation could be brought back is over: its data is being removed.",
        ));
    }
    act.status_set(&before, TenantStatus::Active, None, None)
        .await?;
    act.commit(&before, json!({ "status": "active" }), None)
        .await
}

/// Puts everybody of an organisation out, and has all that it has removed
/// after `grace` (30 days, where a page asks). Until then it can be resumed.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::NotFound`]; [`AppError::Invalid`]
/// without a reason or where `confirm` is given and not its name;
/// [`AppError::Conflict`] when it is the operator's own, or deleted already.
pub async fn tenant_delete(
    ctx: &Ctx,
    by: Initiator<'_>,
    id: TenantId,
    confirm: Option<&str>,
    reason: &str,
    grace: Option<Duration>,
) -> Result<(), AppError> {
    let mut act = OperatorAct::begin(ctx, by, Action::TenantDelete).await?;
    let reason = StatusReason::parse(reason)?;
    let before = act.tenant(id).await?;
    act.not_at_home(id)?;
    if before.summary.status == TenantStatus::Deleted {
        return Err(conflict("This organisation is deleted already."));
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
    act.status_set(
        &before,
        TenantStatus::Deleted,
        Some(&reason),
        Some(delete_after),
    )
    .await?;
    let after = json!({ "status": "deleted", "delete_after": rfc3339(delete_after) });
    act.commit(&before, after, Some(&reason)).await
}

/// Puts an organisation into another tier.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::NotFound`].
pub async fn tenant_tier_set(
    ctx: &Ctx,
    by: Initiator<'_>,
    id: TenantId,
    tier: TenantTier,
) -> Result<(), AppError> {
    let mut act = OperatorAct::begin(ctx, by, Action::TenantTierSet).await?;
    let before = act.tenant(id).await?;
    store::tenant_lifecycle::tenant_tier_set(&mut act.tx, id, tier, ctx.clock.now()).await?;
    act.commit(&before, json!({ "tier": tier.key() }), None)
        .await
}

/// Removes every organisation whose time of grace is over, with all rows that
/// it has, and tells how many there were. The chain of the operator who asked
/// keeps where the removed chain ended.
///
/// # Errors
/// [`AppError::Unavailable`] when the database is away.
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
    let Some(due) = store::tenant_lifecycle::tenant_due(&mut tx, now).await? else {
        return Ok(false);
    };
    let purged = store::tenant_lifecycle::tenant_purge(&mut tx, due.id, now).await?;
    let head = purged.head.map(|head| head.to_string());
    let told = match due.by {
        Some((home, _)) => store::tenant_lifecycle::tenant_exists(&mut tx, home)
            .await?
            .then_some(home),
        None => None,
    };
    if let Some(home) = told {
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
    // Or `audit verify` would miss the log that the checkpoints are of.
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

/// An authorised act on an organisation from outside it.
struct OperatorAct<'a> {
    ctx: &'a Ctx,
    by: Initiator<'a>,
    action: Action,
    tx: OperatorTx,
}

impl<'a> OperatorAct<'a> {
    /// Authorises `action`. A refusal is audited where the actor belongs.
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

    /// Nobody locks themselves out.
    fn not_at_home(&self, id: TenantId) -> Result<(), AppError> {
        match self.by {
            Initiator::Operator(actor) if actor.tenant_id == id => Err(conflict(
                "This is your own organisation, and you would lock yourself out. Use the command line of the machine.",
            )),
            _ => Ok(()),
        }
    }

    async fn status_set(
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
            by: self.by.stored(),
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
        let told = |event: AuditEvent| AuditEvent {
            resource_type: Some("tenant".to_owned()),
            resource_id: Some(id.to_string()),
            changes: Some(json!({
                "before": { "slug": summary.slug, "status": summary.status, "tier": summary.tier },
                "after": after,
            })),
            metadata: reason.map(|reason| json!({ "reason": reason.as_str() })),
            ..event
        };
        commit_audited(self.ctx, self.by, self.action, id, self.tx, told).await
    }
}

/// Writes what `by` did to organisation `id` into its chain and into the one of
/// the operator's own, as `told` words it, and commits: all or nothing.
pub(crate) async fn commit_audited(
    ctx: &Ctx,
    by: Initiator<'_>,
    action: Action,
    id: TenantId,
    mut tx: OperatorTx,
    told: impl Fn(AuditEvent) -> AuditEvent,
) -> Result<(), AppError> {
    let mut rows = Vec::new();
    match by {
        Initiator::Cli => {
            let event = AuditEvent::by_system(action.key(), Outcome::Success, ctx.clock.now());
            rows.push((id, told(event)));
        }
        Initiator::Operator(actor) => {
            let own = event(ctx, actor, action, Outcome::Success);
            if actor.tenant_id != id {
                // Nobody of theirs: a name, and no member.
                let theirs = AuditEvent {
                    actor_user_id: None,
                    actor_label: format!("operator {}", actor.label),
                    ..own.clone()
                };
                rows.push((id, told(theirs)));
            }
            rows.push((actor.tenant_id, told(own)));
        }
    }
    // Always in the same order: two operators who act on each other's
    // organisations would wait for each other.
    rows.sort_by_key(|(tenant_id, _)| *tenant_id);
    for (tenant_id, event) in rows {
        let mut inside = tx.enter_as_system(tenant_id).await?;
        audit_append(&mut inside, &[event]).await?;
        tx = inside.into_operator().await?;
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
