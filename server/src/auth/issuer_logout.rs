//! Logout that begins at the issuer (SEC-A13): through the back channel or the
//! front channel, it ends the named sessions here.

use std::collections::BTreeMap;

use axum::{
    Extension, Form, Json,
    extract::{Query, State, rejection::FormRejection, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use domain::{AppError, RequestFacts, TenantId, audit::Outcome};
use serde::Deserialize;
use serde_json::json;
use store::{
    AuthTx, StoreError,
    audit::{AuditEvent, audit_append},
    logout_token::logout_token_use,
    session::{EndedSession, session_revoke_by_issuer},
};

use super::{
    Auth,
    issuer::{Issuer, IssuerError},
    logout_token::{Expected, LogoutFault, LogoutTarget, LogoutToken},
    session::hash,
};
use crate::http::{AllowsFraming, error_response};

/// Audit action for signing out.
pub(super) const SIGN_OUT: &str = "session.sign_out";

/// The channel of a logout message.
#[derive(Clone, Copy, Debug)]
enum Channel {
    Back,
    Front,
}

impl Channel {
    const fn key(self) -> &'static str {
        match self {
            Self::Back => "back_channel",
            Self::Front => "front_channel",
        }
    }
}

/// The reason why no session was ended.
#[derive(Debug)]
enum LogoutError {
    Token(LogoutFault),
    /// Temporary: the issuer should try again.
    Unavailable,
    Store(StoreError),
}

impl From<LogoutFault> for LogoutError {
    fn from(fault: LogoutFault) -> Self {
        Self::Token(fault)
    }
}

impl From<IssuerError> for LogoutError {
    fn from(error: IssuerError) -> Self {
        tracing::warn!(%error, "the issuer's keys are not known");
        Self::Unavailable
    }
}

impl From<StoreError> for LogoutError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct BackChannel {
    #[serde(default)]
    logout_token: String,
}

/// Back-channel logout: the issuer's server sends a signed logout token.
pub(super) async fn backchannel_logout(
    State(auth): State<Auth>,
    Extension(facts): Extension<RequestFacts>,
    headers: HeaderMap,
    form: Result<Form<BackChannel>, FormRejection>,
) -> Response {
    let form = form.map(|Form(form)| form).unwrap_or_default();
    match auth.backchannel_end(&form.logout_token, &facts).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => {
            auth.reject_logout(error, Channel::Back, &facts, &headers)
                .await
        }
    }
}

/// Parameters of OpenID Connect Front-Channel Logout 1.0. Entra sends only
/// `sid`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct FrontChannel {
    iss: Option<String>,
    sid: Option<String>,
}

/// Front-channel logout, loaded by the issuer's page in a frame. The browser
/// sends none of our cookies there, so `sid`, which only the issuer and we
/// know, must suffice.
pub(super) async fn frontchannel_logout(
    State(auth): State<Auth>,
    Extension(facts): Extension<RequestFacts>,
    headers: HeaderMap,
    query: Result<Query<FrontChannel>, QueryRejection>,
) -> Response {
    let query = query.map(|Query(query)| query).unwrap_or_default();
    let mut response = match auth.frontchannel_end(&query, &facts).await {
        // Doesn't reveal whether a session existed.
        Ok(()) => Html("<!DOCTYPE html><title>Signed out</title>").into_response(),
        Err(error) => {
            auth.reject_logout(error, Channel::Front, &facts, &headers)
                .await
        }
    };
    if let Ok(policy) = HeaderValue::from_str(&auth.frame_policy()) {
        response
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, policy);
        response.extensions_mut().insert(AllowsFraming);
    }
    response
}

impl Auth {
    async fn backchannel_end(&self, text: &str, facts: &RequestFacts) -> Result<(), LogoutError> {
        let token = LogoutToken::parse(text)?;
        let iss = token.claimed_issuer();
        // Two clients of one issuer are told apart by the audience.
        let mut matching = self
            .issuers()
            .filter(|issuer| issuer.settings().matches_issuer(iss));
        let first = matching.next().ok_or(LogoutFault::Issuer)?;
        let issuer = std::iter::once(first)
            .chain(matching)
            .find(|issuer| token.has_audience(issuer.client_id()))
            .unwrap_or(first);
        let target = self.verify_logout_token(issuer, &token).await?;

        let now = self.0.ctx.clock.now();
        let mut tx = self.0.ctx.store.begin_auth().await?;
        let id = hash(format!("{} {}", target.issuer, target.token_id).as_bytes());
        if !logout_token_use(&mut tx, &id, target.expires_at, now).await? {
            return Err(LogoutFault::Replayed.into());
        }
        let ended = session_revoke_by_issuer(
            &mut tx,
            Some(target.issuer),
            target.subject,
            target.sid,
            now,
        )
        .await?;
        self.audit_ended(tx, &ended, Channel::Back, facts).await?;
        Ok(())
    }

    /// Verifies the token and returns its target. If its key is unknown,
    /// fetches the keys again and retries once.
    async fn verify_logout_token<'t>(
        &self,
        issuer: &Issuer,
        token: &'t LogoutToken,
    ) -> Result<LogoutTarget<'t>, LogoutError> {
        let provider = issuer.provider().await?;
        let verify = |keys: &_| {
            token.verify(&Expected {
                directory: issuer.settings().directory_in(token.claimed_issuer()),
                client_id: issuer.client_id(),
                keys,
                algorithms: &provider.algorithms,
                now: self.0.ctx.clock.now(),
            })
        };
        let keys = issuer.keys().await?;
        match verify(&keys) {
            Err(fault) if fault.may_be_stale_keys() => {
                match issuer.newer_keys_for_logout(&provider, &keys).await {
                    Some(newer) => Ok(verify(&newer)?),
                    None => Err(fault.into()),
                }
            }
            other => Ok(other?),
        }
    }

    async fn frontchannel_end(
        &self,
        query: &FrontChannel,
        facts: &RequestFacts,
    ) -> Result<(), LogoutError> {
        let sid = query.sid.as_deref().unwrap_or_default();
        if sid.is_empty() {
            return Err(LogoutFault::NoSubject.into());
        }
        match &query.iss {
            Some(iss)
                if !self
                    .issuers()
                    .any(|issuer| issuer.settings().matches_issuer(iss)) =>
            {
                return Err(LogoutFault::Issuer.into());
            }
            None if !self.issuers().any(Issuer::is_entra) => return Err(LogoutFault::Issuer.into()),
            _ => {}
        }
        let now = self.0.ctx.clock.now();
        let mut tx = self.0.ctx.store.begin_auth().await?;
        let ended =
            session_revoke_by_issuer(&mut tx, query.iss.as_deref(), None, Some(sid), now).await?;
        self.audit_ended(tx, &ended, Channel::Front, facts).await?;
        Ok(())
    }

    /// Audits the ended sessions in each organisation and commits.
    async fn audit_ended(
        &self,
        mut tx: AuthTx,
        ended: &[EndedSession],
        channel: Channel,
        facts: &RequestFacts,
    ) -> Result<(), StoreError> {
        let mut by_tenant: BTreeMap<TenantId, Vec<AuditEvent>> = BTreeMap::new();
        for session in ended {
            let event = AuditEvent {
                resource_type: Some("session".to_owned()),
                resource_id: Some(session.id.to_string()),
                metadata: Some(json!({ "channel": channel.key(), "user_id": session.user_id })),
                ..self.issuer_event(Outcome::Success, facts)
            };
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

    /// An audit event done by the issuer.
    pub(super) fn issuer_event(&self, outcome: Outcome, facts: &RequestFacts) -> AuditEvent {
        AuditEvent {
            actor_label: "Identity provider".to_owned(),
            ip: facts.ip,
            user_agent: facts.user_agent.clone(),
            request_id: Some(facts.request_id),
            ..AuditEvent::by_system(SIGN_OUT, outcome, self.0.ctx.clock.now())
        }
    }

    /// Audits the rejection and responds to the issuer (section 2.8).
    /// Rate-limited by address, because anybody can send requests here and must
    /// not fill the audit log.
    async fn reject_logout(
        &self,
        error: LogoutError,
        channel: Channel,
        facts: &RequestFacts,
        headers: &HeaderMap,
    ) -> Response {
        let fault = match error {
            LogoutError::Token(fault) => fault,
            LogoutError::Store(error) => return error_response(headers, &error.into()),
            LogoutError::Unavailable => {
                let message = "The issuer's keys are not known at the moment.".to_owned();
                return error_response(headers, &AppError::Unavailable { message });
            }
        };
        tracing::warn!(reason = %fault, channel = channel.key(), "no session was ended for the issuer");
        if let Err(wait) = self.0.logout_errors.try_acquire(facts.ip) {
            let seconds = u32::try_from(wait.whole_seconds()).unwrap_or(u32::MAX);
            let retry_after_seconds = seconds.saturating_add(1);
            return error_response(
                headers,
                &AppError::TooManyRequests {
                    retry_after_seconds,
                },
            );
        }
        if let Err(error) = self.audit_rejected_logout(fault, channel, facts).await {
            return error_response(headers, &error.into());
        }
        let body = json!({ "error": "invalid_request", "error_description": fault.to_string() });
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    }

    async fn audit_rejected_logout(
        &self,
        fault: LogoutFault,
        channel: Channel,
        facts: &RequestFacts,
    ) -> Result<(), StoreError> {
        let mut tx = self.0.ctx.store.begin_auth().await?;
        let Some(tenant) = self.audit_tenant(&mut tx, None).await? else {
            return Ok(());
        };
        let mut tx = tx.enter_as_system(tenant).await?;
        let event = AuditEvent {
            metadata: Some(json!({ "channel": channel.key(), "reason": fault.to_string() })),
            ..self.issuer_event(Outcome::Denied, facts)
        };
        audit_append(&mut tx, &[event]).await?;
        tx.commit().await
    }

    /// Only pages of the configured issuers may frame ours.
    fn frame_policy(&self) -> String {
        let origins: Vec<_> = self.issuers().filter_map(Issuer::origin).collect();
        format!(
            "default-src 'none'; base-uri 'none'; form-action 'none'; object-src 'none'; frame-ancestors {}",
            if origins.is_empty() {
                "'none'".to_owned()
            } else {
                origins.join(" ")
            }
        )
    }
}
