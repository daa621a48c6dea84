//! Logout that begins at the issuer (SEC-A13): through the back channel or the
//! front channel, it ends the named sessions here.

use axum::{
    Extension, Form, Json,
    extract::{Query, State, rejection::FormRejection, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use domain::{AppError, RequestFacts};
use serde::Deserialize;
use serde_json::json;
use service::identity::{
    IssuerLogout, LogoutChannel, issuer_sign_out, issuer_sign_out_rejection_audit,
};

use super::{
    Auth,
    issuer::{Issuer, IssuerError},
    logout_token::{Expected, LogoutFault, LogoutTarget, LogoutToken},
};
use crate::http::{AllowsFraming, error_response};

/// The reason why no session was ended.
#[derive(Debug)]
enum LogoutError {
    Token(LogoutFault),
    /// Temporary: the issuer should try again.
    Unavailable,
    Failed(AppError),
}

impl From<LogoutFault> for LogoutError {
    fn from(fault: LogoutFault) -> Self {
        Self::Token(fault)
    }
}

impl From<IssuerError> for LogoutError {
    fn from(error: IssuerError) -> Self {
        tracing::warn!(%error, "the issuer's keys are unavailable");
        Self::Unavailable
    }
}

impl From<AppError> for LogoutError {
    fn from(error: AppError) -> Self {
        Self::Failed(error)
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
            auth.reject_logout(error, LogoutChannel::Back, &facts, &headers)
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
            auth.reject_logout(error, LogoutChannel::Front, &facts, &headers)
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
        let logout = IssuerLogout {
            channel: LogoutChannel::Back,
            issuer: Some(target.issuer),
            subject: target.subject,
            sid: target.sid,
            token: Some((target.token_id, target.expires_at)),
        };
        if issuer_sign_out(&self.0.ctx, logout, facts).await? {
            Ok(())
        } else {
            Err(LogoutFault::Replayed.into())
        }
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
        let logout = IssuerLogout {
            channel: LogoutChannel::Front,
            issuer: query.iss.as_deref(),
            subject: None,
            sid: Some(sid),
            token: None,
        };
        issuer_sign_out(&self.0.ctx, logout, facts).await?;
        Ok(())
    }

    /// Audits the rejection and responds to the issuer (section 2.8).
    /// Rate-limited by address, because anybody can send requests here and must
    /// not fill the audit log.
    async fn reject_logout(
        &self,
        error: LogoutError,
        channel: LogoutChannel,
        facts: &RequestFacts,
        headers: &HeaderMap,
    ) -> Response {
        let fault = match error {
            LogoutError::Token(fault) => fault,
            LogoutError::Failed(error) => return error_response(headers, &error),
            LogoutError::Unavailable => {
                let message = "The issuer's keys are not known at the moment.".to_owned();
                return error_response(headers, &AppError::Unavailable { message });
            }
        };
        tracing::warn!(reason = %fault, channel = channel.key(), "a logout message of the issuer was rejected");
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
        let issuer = self.issuers().next();
        let policy = issuer.map(|issuer| issuer.settings().policy());
        let (ctx, reason) = (&self.0.ctx, fault.to_string());
        if let Err(error) =
            issuer_sign_out_rejection_audit(ctx, policy.as_ref(), channel, &reason, facts).await
        {
            return error_response(headers, &error);
        }
        let body = json!({ "error": "invalid_request", "error_description": reason });
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
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
