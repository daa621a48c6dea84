//! Switching to another organisation of the same person: a new session there
//! replaces the old one (SEC-B2).

use domain::{
    AppError, RequestFacts, SessionId, SignInProblem, audit::Outcome, settings::TenantSettings,
};
use serde_json::json;
use store::{
    StoreError,
    actor::actor_load,
    audit::{AuditEvent, audit_append},
    group_mapping::user_claims_get,
    session::{NewSession, StoredSession, session_create, session_delete, session_load},
    settings::settings_of,
    tenant::{Membership, session_memberships},
    user::user_touch,
};

use super::{
    grants::{grants_events, grants_set},
    issuer::IssuerPolicy,
    session::with_session,
    settings::SessionSettings,
    token::{IssuedToken, SessionToken},
};
use crate::Ctx;

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

    let new_token = SessionToken::generate(&ctx.ids);
    let tenant_settings = settings_of(&mut tx, target.tenant.id).await?;
    let new = session_after(
        ctx,
        settings,
        &old,
        &target,
        &tenant_settings,
        &new_token,
        facts,
    );
    session_create(&mut tx, &new, now).await?;
    session_delete(&mut tx, &old_hash, now).await?;

    // The claims are also evaluated with the rules of the other organisation.
    let mut tx = tx.enter_as_member(old.tenant_id, old.user_id).await?;
    let stored_claims = user_claims_get(&mut tx, old.user_id).await?;
    let old_actor = actor_load(&mut tx, old.user_id)
        .await?
        .to_actor(facts.clone());
    let event = AuditEvent {
        resource_type: Some("session".to_owned()),
        resource_id: Some(old.id.to_string()),
        metadata: Some(json!({ "to": target.tenant.slug })),
        ..AuditEvent::by_actor(&old_actor, SWITCH, Outcome::Success, now)
    };
    audit_append(&mut tx, &[event]).await?;

    let tx = tx.into_auth().await?;
    let mut tx = tx.enter_as_system(target.tenant.id).await?;
    if !actor_load(&mut tx, target.user_id).await?.may_act() {
        return Err(SwitchError::Closed(SignInProblem::Suspended));
    }
    let changed = match stored_claims {
        Some((claims, _)) => Some(grants_set(ctx, &mut tx, target.user_id, &claims).await?),
        None => None,
    };
    user_touch(&mut tx, target.user_id, now).await?;
    let record = actor_load(&mut tx, target.user_id).await?;
    let new_actor = record.to_actor(with_session(facts, new.id));
    let mut events = vec![AuditEvent {
        resource_type: Some("session".to_owned()),
        resource_id: Some(new.id.to_string()),
        metadata: Some(json!({ "roles": record.role_keys })),
        ..AuditEvent::by_actor(&new_actor, SWITCH, Outcome::Success, now)
    }];
    events.extend(
        changed
            .iter()
            .flat_map(|changed| grants_events(ctx, &new_actor, changed)),
    );
    audit_append(&mut tx, &events).await?;
    tx.commit().await?;
    Ok(IssuedToken {
        token: new_token,
        expires_at: new.absolute_expires_at,
    })
}

/// The session in the other organisation. It ends when the old one would have,
/// or earlier if that organisation's settings say so.
fn session_after(
    ctx: &Ctx,
    settings: &SessionSettings,
    old: &StoredSession,
    target: &Membership,
    tenant_settings: &TenantSettings,
    token: &SessionToken,
    facts: &RequestFacts,
) -> NewSession {
    let now = ctx.clock.now();
    let lifetimes = settings.lifetimes.within(tenant_settings);
    let (ids, sealer) = (&ctx.ids, &settings.sealer);
    let id: SessionId = ids.id();
    let tenant_id = target.tenant.id;
    let tokens = old
        .tokens_encrypted
        .as_ref()
        .and_then(|sealed| sealer.open(old.tenant_id, old.id, sealed))
        .and_then(|tokens| sealer.seal(ids.bytes(), tenant_id, id, &tokens));
    NewSession {
        id,
        id_hash: token.hash(),
        tenant_id,
        user_id: target.user_id,
        identity_id: Some(target.identity_id),
        idle_expires_at: now + lifetimes.idle,
        absolute_expires_at: old.absolute_expires_at.min(now + lifetimes.absolute),
        ip: facts.ip,
        user_agent: facts.user_agent.clone(),
        issuer_name: old.issuer_name.clone(),
        oidc_issuer: old.oidc_issuer.clone(),
        oidc_subject: old.oidc_subject.clone(),
        oidc_sid: old.oidc_sid.clone(),
        tokens_encrypted: tokens,
        refresh_at: old.refresh_at,
    }
}
