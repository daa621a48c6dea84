//! Switching to another organisation of the same person: a new session there
//! replaces the old one (SEC-B2).

use domain::{AppError, RequestFacts, SignInProblem, audit::Outcome};
use store::{
    StoreError,
    actor::actor_load,
    audit::{AuditEvent, audit_append},
    group_mapping::user_claims_get,
    identity::Identity,
    session::{StoredSession, session_delete, session_load},
    tenant::session_memberships,
};

use super::{
    issuer::IssuerPolicy,
    new_session::{IssuerSession, session_commit, session_open},
    settings::SessionSettings,
    token::{IssuedToken, SessionToken},
};
use crate::{Ctx, authorized_tx::AuditTarget};

/// Audit action, in both organisations.
const SWITCH: &str = "session.switch";

/// The reason why switching failed.
#[derive(Debug)]
pub enum SwitchError {
    /// The session has ended.
    SignedOut,
    /// No such organisation among the person's.
    NotFound,
    /// The organisation or their membership is not active.
    Closed(SignInProblem),
    Failed(AppError),
}

impl From<StoreError> for SwitchError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// Switches the session of `token` to the organisation with this slug and
/// returns the token of the new session. `issuer_of` is the configuration of
/// the session's issuer.
pub async fn switch<'i>(
    ctx: &Ctx,
    settings: &SessionSettings,
    token: &SessionToken,
    slug: &str,
    issuer_of: impl FnOnce(&StoredSession) -> Option<IssuerPolicy<'i>>,
    facts: &RequestFacts,
) -> Result<IssuedToken, SwitchError> {
    let (now, old_hash) = (ctx.clock.now(), token.hash());
    let mut tx = ctx.store.begin_auth().await?;
    let old = session_load(&mut tx, &old_hash, now)
        .await?
        .ok_or(SwitchError::SignedOut)?;
    let issuer = issuer_of(&old).ok_or(SwitchError::NotFound)?;
    let target = session_memberships(&mut tx, old.tenant_id, old.id)
        .await?
        .into_iter()
        .find(|target| target.tenant.slug == slug && issuer.serves(slug))
        .ok_or(SwitchError::NotFound)?;
    if let Some(problem) = SignInProblem::of_tenant(target.tenant.status) {
        return Err(SwitchError::Closed(problem));
    }

    let identity = Identity {
        id: target.identity_id,
        user_id: target.user_id,
    };
    let encrypted = old.tokens_encrypted.as_deref();
    let at_issuer = IssuerSession {
        name: old.issuer_name.clone(),
        issuer: old.oidc_issuer.clone(),
        subject: old.oidc_subject.clone(),
        sid: old.oidc_sid.clone(),
        tokens: encrypted.and_then(|bytes| settings.sealer.open(old.tenant_id, old.id, bytes)),
        refresh_at: old.refresh_at,
    };
    let member = (target.tenant.id, identity);
    // It ends when the old one would have.
    let latest_end = Some(old.absolute_expires_at);
    let new = session_open(ctx, settings, &mut tx, member, at_issuer, latest_end, facts).await?;
    session_delete(&mut tx, &old_hash, now).await?;

    // The claims are also evaluated with the rules of the other organisation.
    let mut tx = tx.enter_as_member(old.tenant_id, old.user_id).await?;
    let stored_claims = user_claims_get(&mut tx, old.user_id).await?;
    let old_actor = actor_load(&mut tx, old.user_id)
        .await?
        .to_actor(facts.clone());
    let event = AuditEvent::by_actor(&old_actor, SWITCH, Outcome::Success, now);
    let event = AuditTarget::of(old.id)
        .with_note("to", target.tenant.slug)
        .event(event);
    audit_append(&mut tx, &[event]).await?;

    let tx = tx.into_auth().await?;
    let mut tx = tx.enter_as_system(target.tenant.id).await?;
    if !actor_load(&mut tx, target.user_id).await?.may_act() {
        return Err(SwitchError::Closed(SignInProblem::Suspended));
    }
    let claims = stored_claims.as_ref().map(|(claims, _)| claims);
    Ok(session_commit(ctx, tx, new, claims, SWITCH, Vec::new(), facts).await?)
}
