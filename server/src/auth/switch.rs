//! Switching to another organisation of the same person: a new session there
//! replaces the old one (SEC-B2).

use axum::{
    Extension, Form,
    extract::{State, rejection::FormRejection},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    AppError, RequestFacts, SessionId, SignInProblem, audit::Outcome, settings::TenantSettings,
};
use serde::Deserialize;
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
use tower_sessions::{Session, session::Id};

use super::{
    Auth,
    session::{adopt, id_hash},
};
use crate::http::error_response;

/// Audit action, in both organisations.
const SWITCH: &str = "session.switch";

#[derive(Debug, Default, Deserialize)]
pub(super) struct Switch {
    #[serde(default)]
    organisation: String,
}

/// The reason why switching failed.
#[derive(Debug)]
enum SwitchError {
    /// The session has ended.
    SignedOut,
    /// No such organisation among the person's.
    NotFound,
    /// The organisation or their membership is not active.
    Closed(SignInProblem),
    Store(StoreError),
}

impl From<StoreError> for SwitchError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Switches to the organisation with the slug in the form.
pub(super) async fn switch(
    State(auth): State<Auth>,
    Extension(facts): Extension<RequestFacts>,
    session: Session,
    headers: HeaderMap,
    form: Result<Form<Switch>, FormRejection>,
) -> Response {
    let form = form.map(|Form(form)| form).unwrap_or_default();
    let error = match auth.switch(&session, &form.organisation, &facts).await {
        Ok(id) => {
            let adopted = async {
                session.cycle_id().await?;
                adopt(&session, id).await
            };
            return match adopted.await {
                Ok(()) => Redirect::to("/").into_response(),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "the session can't be kept");
                    error_response(&headers, &AppError::Internal)
                }
            };
        }
        Err(error) => error,
    };
    match error {
        SwitchError::SignedOut => Redirect::to("/sign-in").into_response(),
        SwitchError::NotFound => error_response(&headers, &AppError::NotFound),
        SwitchError::Store(error) => error_response(&headers, &error.into()),
        SwitchError::Closed(problem) => {
            Redirect::to(&format!("/organisations?error={}", problem.code())).into_response()
        }
    }
}

impl Auth {
    async fn switch(
        &self,
        session: &Session,
        slug: &str,
        facts: &RequestFacts,
    ) -> Result<Id, SwitchError> {
        let old_id = session.id().ok_or(SwitchError::SignedOut)?;
        let (now, old_hash) = (self.0.ctx.clock.now(), id_hash(old_id));
        let mut tx = self.0.ctx.store.begin_auth().await?;
        let old = session_load(&mut tx, &old_hash, now)
            .await?
            .ok_or(SwitchError::SignedOut)?;
        let issuer = self.issuer_of(&old).ok_or(SwitchError::NotFound)?;
        let target = session_memberships(&mut tx, old.tenant_id, old.id)
            .await?
            .into_iter()
            .find(|target| target.tenant.slug == slug && issuer.settings().serves(slug))
            .ok_or(SwitchError::NotFound)?;
        if let Some(problem) = SignInProblem::of_tenant(target.tenant.status) {
            return Err(SwitchError::Closed(problem));
        }

        let cookie = Id(i128::from_le_bytes(self.0.ctx.ids.bytes()));
        let settings = settings_of(&mut tx, target.tenant.id).await?;
        let new = self.session_after(&old, &target, &settings, cookie, facts);
        session_create(&mut tx, &new, now).await?;
        session_delete(&mut tx, &old_hash, now).await?;

        // The claims are also evaluated with the rules of the other
        // organisation.
        let mut tx = tx.enter_as_system(old.tenant_id).await?;
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
            Some((claims, _)) => Some(self.grants_set(&mut tx, target.user_id, &claims).await?),
            None => None,
        };
        user_touch(&mut tx, target.user_id, now).await?;
        let mut facts = facts.clone();
        facts.session_id = Some(new.id);
        let record = actor_load(&mut tx, target.user_id).await?;
        let new_actor = record.to_actor(facts);
        let mut events = vec![AuditEvent {
            resource_type: Some("session".to_owned()),
            resource_id: Some(new.id.to_string()),
            metadata: Some(json!({ "roles": record.role_keys })),
            ..AuditEvent::by_actor(&new_actor, SWITCH, Outcome::Success, now)
        }];
        events.extend(
            changed
                .iter()
                .flat_map(|changed| self.grants_events(&new_actor, changed)),
        );
        audit_append(&mut tx, &events).await?;
        tx.commit().await?;
        Ok(cookie)
    }

    /// The session in the other organisation. It ends when the old one would
    /// have, or earlier if that organisation's settings say so.
    fn session_after(
        &self,
        old: &StoredSession,
        target: &Membership,
        settings: &TenantSettings,
        cookie: Id,
        facts: &RequestFacts,
    ) -> NewSession {
        let now = self.0.ctx.clock.now();
        let lifetimes = self.0.settings.lifetimes.within(settings);
        let (ids, sealer) = (&self.0.ctx.ids, &self.0.sealer);
        let id: SessionId = ids.id();
        let tenant_id = target.tenant.id;
        let tokens = old
            .tokens_encrypted
            .as_ref()
            .and_then(|sealed| sealer.open(old.tenant_id, old.id, sealed))
            .and_then(|tokens| sealer.seal(ids.bytes(), tenant_id, id, &tokens));
        NewSession {
            id,
            id_hash: id_hash(cookie),
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
            data: Vec::new(),
            tokens_encrypted: tokens,
            refresh_at: old.refresh_at,
        }
    }
}
