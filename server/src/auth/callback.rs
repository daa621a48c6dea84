//! The callback from the issuer, which completes a sign-in (SEC-A1 to A8).

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use domain::{RequestFacts, SignInProblem, Timestamp};
use openidconnect::{
    AuthorizationCode, Nonce, OAuth2TokenResponse as _, PkceCodeVerifier, RequestTokenError,
    TokenResponse as _,
};
use serde::Deserialize;
use service::identity::{
    IssuedToken, LoginAttempt, SignIn, SignInError, Tokens, VerifiedPerson, login_take, sign_in,
};

use super::{
    Auth,
    issuer::{Issuer, Provider, with_causes},
    keys::KeySet,
    person::{account_hash, person_from_claims},
    refresh::refresh_at,
    session::{append_cookie, cookie_value},
    settings::PRIMARY,
    sign_in_error::FailedSignIn,
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
    headers: HeaderMap,
    query: Result<Query<CallbackQuery>, QueryRejection>,
) -> Response {
    let primary = Path(PRIMARY.to_owned());
    callback_of(auth, primary, facts, headers, query).await
}

/// Callback of the issuer with this name.
pub(super) async fn callback_of(
    State(auth): State<Auth>,
    Path(issuer): Path<String>,
    Extension(facts): Extension<RequestFacts>,
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
            .complete_sign_in(&attempt, query, &headers, &facts)
            .await
        {
            Ok(token) => Ok((token, return_to)),
            Err(failure) => Err(FailedSignIn {
                issuer: Some(attempt.issuer_name),
                // An invite's destination makes no sense if the invite wasn't
                // accepted.
                return_to: attempt.invite.is_none().then_some(return_to),
                ..failure
            }),
        }
    };
    match signed_in.await {
        Ok((token, return_to)) => {
            let mut response = Redirect::to(return_to.as_str()).into_response();
            auth.set_session(response.headers_mut(), &token);
            let cookie = auth.cookie(auth.login_cookie(), "", 0);
            append_cookie(response.headers_mut(), &cookie);
            response
        }
        Err(failure) => auth.reject_sign_in(failure, &facts, &headers).await,
    }
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
        let Some(state) = query.state.as_deref().filter(|state| !state.is_empty()) else {
            return Err(SignInError::new(SignInProblem::State, "state_missing"));
        };
        let browser = cookie_value(headers, self.login_cookie()).unwrap_or_default();
        login_take(&self.0.ctx, state, browser, issuer).await
    }

    /// Completes the sign-in: from the issuer's response to a new session.
    async fn complete_sign_in(
        &self,
        attempt: &LoginAttempt,
        query: CallbackQuery,
        headers: &HeaderMap,
        facts: &RequestFacts,
    ) -> Result<IssuedToken, FailedSignIn> {
        let Some(issuer) = self.issuer_named(&attempt.issuer_name) else {
            return Err(SignInError::new(SignInProblem::NotConfigured, "no_issuer").into());
        };
        let (person, tokens, refresh_at) = self.redeem_and_verify(issuer, attempt, query).await?;
        let verified = SignIn {
            issuer: issuer.settings().policy(),
            person: &person,
            tokens,
            refresh_at,
            invite: attempt.invite,
            replaces: self.session_token(headers),
            facts,
        };
        sign_in(&self.0.ctx, &self.0.sessions, &verified)
            .await
            .map_err(|error| FailedSignIn {
                account: Some(account_hash(&person.key)),
                ..error.into()
            })
    }

    /// Redeems the code and verifies the tokens.
    async fn redeem_and_verify(
        &self,
        issuer: &Issuer,
        attempt: &LoginAttempt,
        query: CallbackQuery,
    ) -> Result<(VerifiedPerson, Tokens, Option<Timestamp>), SignInError> {
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
        let person = person_from_claims(claims, groups, issuer.settings())?;
        let tokens = Tokens {
            id_token: id_token.to_string(),
            refresh_token: answer.refresh_token().map(|token| token.secret().clone()),
        };
        let refresh_at = refresh_at(&answer, self.0.ctx.clock.now());
        Ok((person, tokens, refresh_at))
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
        tracing::warn!(%fault, "the ID token is invalid");
        Self::new(SignInProblem::Token, fault.key())
    }
}
