//! The steps that signing in and switching share: opening a session, and what
//! is committed with it.

use domain::{
    RequestFacts, SessionId, TenantId, Timestamp, UserId, audit::Outcome,
    group_mapping::GroupClaims,
};
use store::{
    AuthTx, StoreError, TenantTx,
    actor::actor_load,
    audit::{AuditEvent, audit_append},
    identity::Identity,
    session::{NewSession, session_create},
    settings::settings_of,
    user::user_touch,
};

use super::{
    grants::{grants_events, grants_set},
    seal::Tokens,
    session::with_session,
    settings::SessionSettings,
    token::{IssuedToken, SessionToken},
};
use crate::{Ctx, authorized_tx::AuditTarget};

/// The session at the issuer that a session here is based on.
#[derive(Debug)]
pub(super) struct IssuerSession {
    /// The configured name of the issuer.
    pub name: Option<String>,
    /// `iss` of the ID token.
    pub issuer: Option<String>,
    /// `sub` of the ID token.
    pub subject: Option<String>,
    /// The issuer's own id of its session.
    pub sid: Option<String>,
    pub tokens: Option<Tokens>,
    /// When the tokens are due for renewal; `None` if they can't be renewed.
    pub refresh_at: Option<Timestamp>,
}

/// A session that was written and not committed yet.
pub(super) struct OpenedSession {
    id: SessionId,
    user_id: UserId,
    issued: IssuedToken,
}

/// Writes a session of a member. It ends at `latest_end`, or earlier if the
/// organisation's settings say so.
pub(super) async fn session_open(
    ctx: &Ctx,
    settings: &SessionSettings,
    tx: &mut AuthTx,
    (tenant_id, identity): (TenantId, Identity),
    issuer: IssuerSession,
    latest_end: Option<Timestamp>,
    facts: &RequestFacts,
) -> Result<OpenedSession, StoreError> {
    let now = ctx.clock.now();
    let id: SessionId = ctx.ids.id();
    let token = SessionToken::generate(&ctx.ids);
    let lifetimes = settings
        .lifetimes
        .within(&settings_of(tx, tenant_id).await?);
    let end = now + lifetimes.absolute;
    let expires_at = latest_end.map_or(end, |latest| latest.min(end));
    let tokens = issuer.tokens.and_then(|tokens| {
        let nonce = ctx.ids.bytes();
        settings.sealer.seal(nonce, tenant_id, id, &tokens)
    });
    let session = NewSession {
        id,
        id_hash: token.hash(),
        tenant_id,
        user_id: identity.user_id,
        idle_expires_at: now + lifetimes.idle,
        absolute_expires_at: expires_at,
        ip: facts.ip,
        user_agent: facts.user_agent.clone(),
        identity_id: Some(identity.id),
        issuer_name: issuer.name,
        oidc_issuer: issuer.issuer,
        oidc_subject: issuer.subject,
        oidc_sid: issuer.sid,
        tokens_encrypted: tokens,
        refresh_at: issuer.refresh_at,
    };
    session_create(tx, &session, now).await?;
    Ok(OpenedSession {
        id,
        user_id: identity.user_id,
        issued: IssuedToken { token, expires_at },
    })
}

/// Grants the roles and teams of the issuer's `claims`, audits `done` and, as
/// `action`, the new session, and commits.
pub(super) async fn session_commit(
    ctx: &Ctx,
    mut tx: TenantTx,
    session: OpenedSession,
    claims: Option<&GroupClaims>,
    action: &'static str,
    mut done: Vec<(&'static str, AuditTarget)>,
    facts: &RequestFacts,
) -> Result<IssuedToken, StoreError> {
    let user_id = session.user_id;
    let changed = match claims {
        Some(claims) => Some(grants_set(ctx, &mut tx, user_id, claims).await?),
        None => None,
    };
    let now = ctx.clock.now();
    user_touch(&mut tx, user_id, now).await?;
    let record = actor_load(&mut tx, user_id).await?;
    let actor = record.to_actor(with_session(facts, session.id));
    done.push((action, AuditTarget::of(session.id)));
    let mut events: Vec<_> = done
        .into_iter()
        .map(|(action, target)| {
            let target = target.with_note("roles", record.role_keys.clone());
            target.event(AuditEvent::by_actor(&actor, action, Outcome::Success, now))
        })
        .collect();
    if let Some(changed) = changed {
        events.extend(grants_events(ctx, &actor, &changed));
    }
    audit_append(&mut tx, &events).await?;
    tx.commit().await?;
    Ok(session.issued)
}
