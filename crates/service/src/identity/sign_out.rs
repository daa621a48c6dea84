//! Ending sessions: at sign-out, and by an issuer's logout message (SEC-A13).

use std::collections::BTreeMap;

use domain::{AppError, RequestFacts, TenantId, Timestamp, audit::Outcome};
use store::{
    AuthTx, StoreError,
    actor::actor_load,
    audit::{AuditEvent, audit_append},
    logout_token::logout_token_use,
    session::{
        EndedSession, StoredSession, session_delete, session_load, session_revoke,
        session_revoke_by_issuer,
    },
};

use super::{
    issuer::{IssuerPolicy, audit_tenant},
    seal::{TokenSealer, Tokens},
    token::{SessionToken, sha256},
};
use crate::{Ctx, authorized_tx::AuditTarget};

/// Audit action for signing out.
const SIGN_OUT: &str = "session.sign_out";

/// Ends the session and returns it with its tokens; `None` if it had ended, or
/// has no readable tokens.
pub async fn sign_out(
    ctx: &Ctx,
    sealer: &TokenSealer,
    token: &SessionToken,
    facts: &RequestFacts,
) -> Result<Option<(StoredSession, Tokens)>, AppError> {
    let now = ctx.clock.now();
    let hash = token.hash();
    let mut tx = ctx.store.begin_auth().await?;
    let Some(session) = session_load(&mut tx, &hash, now).await? else {
        return Ok(None);
    };
    session_delete(&mut tx, &hash, now).await?;
    let mut tx = tx
        .enter_as_member(session.tenant_id, session.user_id)
        .await?;
    let actor = actor_load(&mut tx, session.user_id)
        .await?
        .to_actor(facts.clone());
    let event = AuditEvent::by_actor(&actor, SIGN_OUT, Outcome::Success, now);
    let event = AuditTarget::of(session.id).event(event);
    audit_append(&mut tx, &[event]).await?;
    tx.commit().await?;
    let encrypted = session.tokens_encrypted.as_deref();
    let tokens = encrypted.and_then(|bytes| sealer.open(session.tenant_id, session.id, bytes));
    Ok(tokens.map(|tokens| (session, tokens)))
}

/// The channel of an issuer's logout message.
#[derive(Clone, Copy, Debug)]
pub enum LogoutChannel {
    Back,
    Front,
}

impl LogoutChannel {
    pub const fn key(self) -> &'static str {
        match self {
            Self::Back => "back_channel",
            Self::Front => "front_channel",
        }
    }
}

/// A verified logout message of an issuer.
#[derive(Clone, Copy, Debug)]
pub struct IssuerLogout<'a> {
    pub channel: LogoutChannel,
    /// `iss`; without it sessions of any issuer, and `sid` is required.
    pub issuer: Option<&'a str>,
    pub subject: Option<&'a str>,
    /// The session at the issuer.
    pub sid: Option<&'a str>,
    /// Id and expiry of the message's token, which works once.
    pub token: Option<(&'a str, Timestamp)>,
}

/// Ends the sessions that an issuer's message names. Returns false and ends
/// none if its token was used before.
pub async fn issuer_sign_out(
    ctx: &Ctx,
    logout: IssuerLogout<'_>,
    facts: &RequestFacts,
) -> Result<bool, AppError> {
    let IssuerLogout {
        channel,
        issuer,
        subject,
        sid,
        token,
    } = logout;
    let now = ctx.clock.now();
    let mut tx = ctx.store.begin_auth().await?;
    if let Some((token, expires_at)) = token {
        let id = sha256(format!("{} {token}", issuer.unwrap_or_default()).as_bytes());
        if !logout_token_use(&mut tx, &id, expires_at, now).await? {
            return Ok(false);
        }
    }
    let ended = session_revoke_by_issuer(&mut tx, issuer, subject, sid, now).await?;
    commit_ended(ctx, tx, &ended, channel, facts).await?;
    Ok(true)
}

/// Audits the ended sessions in each organisation and commits.
async fn commit_ended(
    ctx: &Ctx,
    mut tx: AuthTx,
    ended: &[EndedSession],
    channel: LogoutChannel,
    facts: &RequestFacts,
) -> Result<(), StoreError> {
    let mut by_tenant: BTreeMap<TenantId, Vec<AuditEvent>> = BTreeMap::new();
    for session in ended {
        let event = AuditTarget::of(session.id)
            .with_note("channel", channel.key())
            .with_note("user_id", session.user_id.to_string())
            .event(issuer_event(ctx, Outcome::Success, facts));
        by_tenant.entry(session.tenant_id).or_default().push(event);
    }
    // A fixed order, so that two of these can't deadlock.
    for (tenant_id, events) in by_tenant {
        let mut tenant = tx.enter_as_system(tenant_id).await?;
        audit_append(&mut tenant, &events).await?;
        tx = tenant.into_auth().await?;
    }
    tx.commit().await
}

/// Audits a rejected logout message in the first organisation of `issuer`.
pub async fn issuer_sign_out_rejection_audit(
    ctx: &Ctx,
    issuer: Option<&IssuerPolicy<'_>>,
    channel: LogoutChannel,
    reason: &str,
    facts: &RequestFacts,
) -> Result<(), AppError> {
    let mut tx = ctx.store.begin_auth().await?;
    let Some(tenant) = audit_tenant(&mut tx, issuer).await? else {
        return Ok(());
    };
    let event = issuer_event(ctx, Outcome::Denied, facts)
        .with("channel", channel.key())
        .with("reason", reason);
    let mut tx = tx.enter_as_system(tenant).await?;
    audit_append(&mut tx, &[event]).await?;
    Ok(tx.commit().await?)
}

/// Ends a session that its issuer no longer confirms, for this reason.
pub(super) async fn session_end(
    ctx: &Ctx,
    session: &StoredSession,
    reason: &'static str,
    facts: &RequestFacts,
) -> Result<(), AppError> {
    tracing::info!(reason, session = %session.id, "the issuer ended a session");
    let now = ctx.clock.now();
    let mut tx = ctx.store.begin_auth().await?;
    match session_revoke(&mut tx, session.tenant_id, session.user_id, session.id, now).await {
        Err(StoreError::NotFound) => return Ok(()),
        other => other?,
    }
    let event = AuditTarget::of(session.id)
        .with_note("reason", reason)
        .with_note("user_id", session.user_id.to_string())
        .event(issuer_event(ctx, Outcome::Success, facts));
    let mut tx = tx.enter_as_system(session.tenant_id).await?;
    audit_append(&mut tx, &[event]).await?;
    Ok(tx.commit().await?)
}

/// An audit event done by the issuer.
fn issuer_event(ctx: &Ctx, outcome: Outcome, facts: &RequestFacts) -> AuditEvent {
    AuditEvent {
        actor_label: "Identity provider".to_owned(),
        ip: facts.ip,
        user_agent: facts.user_agent.clone(),
        request_id: Some(facts.request_id),
        ..AuditEvent::by_system(SIGN_OUT, outcome, ctx.clock.now())
    }
}
