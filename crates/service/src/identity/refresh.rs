//! Renewing the issuer's tokens during a session (SEC-A12), so that access
//! revoked at the issuer ends here within the lifetime of a token and not only
//! at the next sign-in. A lease on the session's row ensures that one process
//! does it.

use domain::{AppError, RequestFacts, Timestamp, group_mapping::GroupClaims};
use store::{
    actor::actor_load,
    audit::audit_append,
    session::{RefreshedTokens, StoredSession, session_refresh_claim, session_refresh_finish},
};
use time::Duration;

use super::{
    grants::{grants_events, grants_set},
    seal::{TokenSealer, Tokens},
    sign_out::session_end,
};
use crate::Ctx;

/// How long one process may take, and the delay after a failed attempt.
pub const REFRESH_LEASE: Duration = Duration::minutes(5);

/// What the issuer answered.
#[derive(Debug)]
pub enum Renewal {
    /// New tokens, and current groups if the issuer sent any.
    Done {
        tokens: Tokens,
        groups: Option<GroupClaims>,
        refresh_at: Timestamp,
    },
    /// The issuer ended the grant, for this reason.
    Ended(&'static str),
    /// Failed temporarily; tried again later.
    Unknown,
}

/// True if the session's tokens are due for renewal and no process holds the
/// lease.
pub(super) fn refresh_is_due(session: &StoredSession, now: Timestamp) -> bool {
    session.refresh_at.is_some_and(|at| at <= now)
        && session.refresh_lease_until.is_none_or(|until| until <= now)
}

/// A session whose tokens this process renews.
#[derive(Debug)]
pub struct RefreshClaim {
    /// When another process may claim it.
    lease: Timestamp,
    /// `None` if they were encrypted with another key.
    pub tokens: Option<Tokens>,
}

/// Claims the renewal of a session's tokens; `None` if it is not due any more,
/// or another process has claimed it.
pub async fn refresh_claim(
    ctx: &Ctx,
    sealer: &TokenSealer,
    session: &StoredSession,
) -> Result<Option<RefreshClaim>, AppError> {
    let now = ctx.clock.now();
    let lease = now + REFRESH_LEASE;
    let (tenant_id, id) = (session.tenant_id, session.id);
    let mut tx = ctx.store.begin_auth().await?;
    // The claim also returns tokens that another process wrote meanwhile.
    let claimed = session_refresh_claim(&mut tx, tenant_id, id, lease, now).await?;
    tx.commit().await?;
    Ok(claimed.map(|sealed| RefreshClaim {
        lease,
        tokens: sealer.open(tenant_id, id, &sealed),
    }))
}

/// Finishes a claimed renewal. A session that ended meanwhile stays ended; one
/// that the issuer no longer confirms ends.
pub async fn refresh_finish(
    ctx: &Ctx,
    sealer: &TokenSealer,
    session: &StoredSession,
    claim: &RefreshClaim,
    renewal: Renewal,
    facts: &RequestFacts,
) -> Result<(), AppError> {
    match renewal {
        Renewal::Done {
            tokens,
            groups,
            refresh_at,
        } => {
            let nonce = ctx.ids.bytes();
            let tokens = RefreshedTokens {
                sealed: sealer.seal(nonce, session.tenant_id, session.id, &tokens),
                refresh_at,
            };
            store_renewed(ctx, session, claim.lease, &tokens, groups.as_ref(), facts).await
        }
        Renewal::Ended(reason) => session_end(ctx, session, reason, facts).await,
        Renewal::Unknown => Ok(()),
    }
}

/// Stores new tokens and updates the member's roles in one transaction.
async fn store_renewed(
    ctx: &Ctx,
    session: &StoredSession,
    lease: Timestamp,
    tokens: &RefreshedTokens,
    groups: Option<&GroupClaims>,
    facts: &RequestFacts,
) -> Result<(), AppError> {
    let now = ctx.clock.now();
    let (tenant_id, id) = (session.tenant_id, session.id);
    let mut tx = ctx.store.begin_auth().await?;
    if !session_refresh_finish(&mut tx, tenant_id, id, lease, tokens, now).await? {
        return Ok(());
    }
    let Some(groups) = groups else {
        return Ok(tx.commit().await?);
    };
    let mut tx = tx.enter_as_system(tenant_id).await?;
    let changed = grants_set(ctx, &mut tx, session.user_id, groups).await?;
    let record = actor_load(&mut tx, session.user_id).await?;
    let events = grants_events(ctx, &record.to_actor(facts.clone()), &changed);
    audit_append(&mut tx, &events).await?;
    Ok(tx.commit().await?)
}
