//! The callback from the issuer, which completes a sign-in (SEC-A1 to A8).

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use domain::{RequestFacts, SignInProblem};
use openidconnect::{
    AuthorizationCode, Nonce, OAuth2TokenResponse as _, PkceCodeVerifier, RequestTokenError,
    TokenResponse as _,
};
use serde::Deserialize;
use store::login_attempt::{LoginAttempt, login_attempt_take};
use subtle::ConstantTimeEq as _;
use tower_sessions::Session;

use super::{
    Auth,
    issuer::{Issuer, Provider, with_causes},
    keys::KeySet,
    refresh::refresh_at,
    seal::Tokens,
    session::{adopt, cookie_value, hash},
    settings::PRIMARY,
    sign_in::{NewTokens, Person},
    sign_in_error::SignInError,
    token::{self, Claims, Expected, Nonces, Token, TokenFault, TokenResponse},
};
use crate::http::ReturnTo;

/// The issuer's response (RFC 6749, RFC 9207). A duplicate parameter makes the
/// query invalid, which is rejected like a missing one.
#[derive(Debug, Default, Deserialize)]
pub(super) struct CallbackQuery {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// Callback of the primary issuer.
pub(super) async fn callback(
    auth: State<Auth>,
    facts: Extension<RequestFacts>,
    session: Session,
    headers: HeaderMap,
    query: Result<Query<CallbackQuery>, QueryRejection>,
) -> Response {
    let primary = Path(PRIMARY.to_owned());
    callback_of(auth, primary, facts, session, headers, query).await
}

/// Callback of the issuer with this name.
pub(super) async fn callback_of(
    State(auth): State<Auth>,
    Path(issuer): Path<String>,
    Extension(facts): Extension<RequestFacts>,
    session: Session,
    headers: HeaderMap,
    query: Result<Query<CallbackQuery>, QueryRejection>,
) -> Response {
    let query = query.map(|Query(query)| query).unwrap_or_default();
    let signed_in = async {
        let slot = auth.0.failures.look_up_slot(facts.ip).await;
        let attempt = auth.take_attempt(&headers, &issuer, &query).await?;
        drop(slot);
        // Parsed again, because it comes from the database.
        let site = &auth.0.settings.site;
        let return_to = ReturnTo::parse(site, &attempt.return_to).unwrap_or_else(ReturnTo::home);
        match auth
            .complete_sign_in(&attempt, query, &session, &facts)
            .await
        {
            Ok(()) => Ok(return_to),
            // An invite's destination makes no sense if the invite wasn't
            // accepted.
            Err(error) if attempt.invite.is_some() => Err(error.by(&attempt.issuer_name)),
            Err(error) => Err(error.by(&attempt.issuer_name).back_to(return_to)),
        }
    };
    match signed_in.await {
        Ok(return_to) => {
            let mut response = Redirect::to(return_to.as_str()).into_response();
            if let Ok(cookie) = HeaderValue::from_str(&auth.cookie(auth.login_cookie(), "", 0)) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(error) => auth.reject_sign_in(error, &facts, &headers).await,
    }
}

fn session_error(error: &tower_sessions::session::Error) -> SignInError {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "the session can't be kept"
    );
    SignInError::new(SignInProblem::Unavailable, "session")
}

impl Auth {
    /// Takes the login attempt that `state` names, if this browser began it
    /// with this issuer. It is consumed even if the sign-in fails.
    async fn take_attempt(
        &self,
        headers: &HeaderMap,
        issuer: &str,
        query: &CallbackQuery,
    ) -> Result<LoginAttempt, SignInError> {
        let reject = |reason| Err(SignInError::new(SignInProblem::State, reason));
        let Some(state) = query.state.as_deref().filter(|state| !state.is_empty()) else {
            return reject("state_missing");
        };
        let mut tx = self.0.ctx.store.begin_auth().await?;
        let attempt =
            login_attempt_take(&mut tx, &hash(state.as_bytes()), self.0.ctx.clock.now()).await?;
        tx.commit().await?;
        let Some(attempt) = attempt else {
            return reject("state_unknown");
        };
        let browser = cookie_value(headers, self.login_cookie()).unwrap_or_default();
        if !bool::from(hash(browser.as_bytes()).ct_eq(&attempt.browser_hash)) {
            return reject("other_browser");
        }
        if attempt.issuer_name != issuer {
            return reject("other_issuer");
        }
        Ok(attempt)
    }

    /// Completes the sign-in: from the issuer's response to a new session.
    async fn complete_sign_in(
        &self,
        attempt: &LoginAttempt,
        query: CallbackQuery,
        session: &Session,
        facts: &RequestFacts,
    ) -> Result<(), SignInError> {
        let Some(issuer) = self.issuer_named(&attempt.issuer_name) else {
            return Err(SignInError::new(SignInProblem::NotConfigured, "no_issuer"));
        };
        let (person, tokens) = self.redeem_and_verify(issuer, attempt, query).await?;
        // The browser's earlier session ends before the new one is written.
        session
            .cycle_id()
            .await
            .map_err(|error| session_error(&error))?;
        let id = self
            .sign_in(issuer, &person, tokens, attempt.invite, facts)
            .await
            .map_err(|error| error.with_account(person.account()))?;
        adopt(session, id)
            .await
            .map_err(|error| session_error(&error))
    }

    /// Redeems the code and verifies the tokens.
    async fn redeem_and_verify(
        &self,
        issuer: &Issuer,
        attempt: &LoginAttempt,
        query: CallbackQuery,
    ) -> Result<(Person, NewTokens), SignInError> {
        let provider = issuer.provider().await?;
        if attempt.issuer != *provider.issuer {
            return Err(SignInError::new(SignInProblem::State, "other_issuer"));
        }
        match query.iss {
            Some(iss) if !issuer.settings().matches_issuer(&iss) => {
                return Err(SignInError::new(SignInProblem::Token, "response_issuer"));
            }
            None if provider.sends_iss => {
                return Err(SignInError::new(
                    SignInProblem::Token,
                    "response_issuer_missing",
                ));
            }
            _ => {}
        }
        if query.error.is_some() {
            return Err(SignInError::new(SignInProblem::Refused, "issuer_refused"));
        }
        let Some(code) = query.code else {
            return Err(SignInError::new(SignInProblem::Token, "code_missing"));
        };
        let answer = redeem(issuer, &provider, code, &attempt.pkce_verifier).await?;
        let Some(id_token) = answer.id_token() else {
            return Err(TokenFault::Missing.into());
        };
        let nonce = Nonce::new(attempt.nonce.clone());
        let claims = self
            .verify_id_token(
                issuer,
                &provider,
                &answer,
                id_token,
                Nonces::Expected(&nonce),
            )
            .await?;
        let groups = issuer
            .group_claims(claims.additional_claims(), answer.access_token())
            .await?;
        let person = Person::from_claims(claims, groups, issuer.settings())?;
        let tokens = NewTokens {
            refresh_at: refresh_at(&answer, self.0.ctx.clock.now()),
            kept: Tokens {
                id_token: id_token.to_string(),
                refresh_token: answer.refresh_token().map(|token| token.secret().clone()),
            },
        };
        Ok((person, tokens))
    }

    /// Verifies the ID token and returns its claims. If its key is unknown,
    /// fetches the keys again and retries once.
    pub(super) async fn verify_id_token<'t>(
        &self,
        issuer: &Issuer,
        provider: &Provider,
        answer: &TokenResponse,
        id_token: &'t Token,
        nonce: Nonces<'_>,
    ) -> Result<&'t Claims, SignInError> {
        let directory = token::claimed_directory(id_token);
        let Some(expected_issuer) = provider.issuer_for(directory) else {
            return Err(TokenFault::Rule("tid is no directory's id").into());
        };
        let verify = |keys: &Arc<KeySet>| {
            let expected = Expected {
                issuer: &expected_issuer,
                client_id: issuer.client_id(),
                keys,
                algorithms: &provider.algorithms,
                nonce,
                access_token: answer.access_token(),
                now: self.0.ctx.clock.now(),
            };
            token::verify(id_token, &expected)
        };
        let keys = issuer.keys().await?;
        match verify(&keys) {
            Err(fault) if fault.may_be_stale_keys(id_token) => {
                match issuer.newer_keys(provider, &keys).await {
                    Some(newer) => Ok(verify(&newer)?),
                    None => Err(fault.into()),
                }
            }
            other => Ok(other?),
        }
    }
}

/// Redeems the code with its PKCE verifier (SEC-A2).
async fn redeem(
    issuer: &Issuer,
    provider: &Provider,
    code: String,
    verifier: &str,
) -> Result<TokenResponse, SignInError> {
    let request = provider
        .relying_party
        .exchange_code(AuthorizationCode::new(code))
        .map_err(|error| {
            tracing::error!(%error, "the code can't be redeemed");
            SignInError::new(SignInProblem::Internal, "configuration")
        })?
        .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()));
    request
        .request_async(issuer.transport())
        .await
        .map_err(|error| match error {
            RequestTokenError::Request(error) => {
                tracing::warn!(
                    error = with_causes(&error),
                    "the token endpoint can't be reached"
                );
                SignInError::new(
                    SignInProblem::IssuerUnreachable,
                    "token_endpoint_unreachable",
                )
            }
            RequestTokenError::ServerResponse(answer) => {
                tracing::warn!(code = %answer.error(), "the token endpoint refused the code");
                SignInError::new(SignInProblem::Token, "token_endpoint_refused")
            }
            RequestTokenError::Parse(error, _) => {
                // Logs only the path: the message could contain part of a
                // token.
                tracing::warn!(at = %error.path(), "the token endpoint's answer can't be read");
                SignInError::new(SignInProblem::Token, "token_answer")
            }
            RequestTokenError::Other(why) => {
                tracing::warn!(why, "the token endpoint's answer can't be used");
                SignInError::new(SignInProblem::Token, "token_answer")
            }
        })
}

impl From<TokenFault> for SignInError {
    fn from(fault: TokenFault) -> Self {
        tracing::warn!(%fault, "the ID token does not hold");
        Self::new(SignInProblem::Token, fault.key())
    }
}
