//! The way to the issuer (SEC-A1, A2).

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::SignInProblem;
use openidconnect::{
    AuthenticationFlow, CsrfToken, LoginHint, Nonce, PkceCodeChallenge, PkceCodeVerifier, Scope,
    core::CoreResponseType,
};
use serde::Deserialize;
use store::login_attempt::{FollowedInvite, LoginAttempt, login_attempt_create};

use super::{
    Auth,
    issuer::{Issuer, IssuerError},
    session::{cookie_value, hash},
    sign_in_error::{SignInError, to_sign_in},
};
use crate::http::{ReturnTo, redirect_to_issuer};

/// How long somebody may take at the issuer.
const LIFETIME: time::Duration = time::Duration::minutes(10);

#[derive(Debug, Default, Deserialize)]
pub(super) struct LoginQuery {
    #[serde(default)]
    return_to: String,
    /// One of the configured issuers by its name; the primary one without.
    #[serde(default)]
    issuer: String,
}

/// What somebody wants by signing in.
#[derive(Debug)]
pub(super) struct LoginParams {
    /// The page that they want to see.
    pub return_to: ReturnTo,
    /// The invite whose link they follow.
    pub invite: Option<FollowedInvite>,
    /// Who they probably are, to save them typing. Nothing follows from it.
    pub login_hint: Option<String>,
}

/// Sends the browser to the issuer.
pub(super) async fn login(
    State(auth): State<Auth>,
    headers: HeaderMap,
    query: Result<Query<LoginQuery>, QueryRejection>,
) -> Response {
    let query = query.map(|Query(query)| query).unwrap_or_default();
    let return_to = ReturnTo::parse(&auth.0.settings.site, &query.return_to);
    let return_to = return_to.unwrap_or_else(ReturnTo::home);
    let params = LoginParams {
        return_to: return_to.clone(),
        invite: None,
        login_hint: None,
    };
    let begun = match auth.issuer_asked_for(&query.issuer) {
        Ok(issuer) => auth.login_begin(&headers, issuer, params).await,
        Err(refusal) => Err(refusal),
    };
    match begun {
        Ok(response) => response,
        // Nobody has claimed to be anyone yet: the log is enough.
        Err(SignInError {
            problem, reason, ..
        }) => {
            tracing::warn!(problem = problem.code(), reason, "no sign-in was begun");
            to_sign_in(Some(problem), Some(&return_to))
        }
    }
}

impl Auth {
    /// The issuer with this name, or without any the primary one.
    fn issuer_asked_for(&self, name: &str) -> Result<&Issuer, SignInError> {
        match name {
            "" => self.issuers().next(),
            name => self.issuer_named(name),
        }
        .ok_or_else(|| SignInError::new(SignInProblem::NotConfigured, "no_issuer"))
    }

    /// Remembers a sign-in and sends the browser to the issuer.
    pub(super) async fn login_begin(
        &self,
        headers: &HeaderMap,
        issuer: &Issuer,
        params: LoginParams,
    ) -> Result<Response, SignInError> {
        let provider = issuer.provider().await?;
        let ids = &self.0.ctx.ids;
        let secret = || URL_SAFE_NO_PAD.encode(ids.bytes::<32>());

        // A second tab must not spoil the first one's sign-in, so a browser
        // that has a secret keeps it.
        let browser = cookie_value(headers, self.login_cookie())
            .filter(|value| is_secret(value))
            .map_or_else(secret, str::to_owned);
        let (state, nonce) = (secret(), secret());
        let verifier = PkceCodeVerifier::new(secret());

        let mut request = provider
            .relying_party
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                {
                    let state = CsrfToken::new(state.clone());
                    move || state
                },
                {
                    let nonce = Nonce::new(nonce.clone());
                    move || nonce
                },
            )
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        for scope in &issuer.settings().scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        if let Some(hint) = params.login_hint {
            request = request.set_login_hint(LoginHint::new(hint));
        }
        let (url, _, _) = request.url();

        let now = self.0.ctx.clock.now();
        let attempt = LoginAttempt {
            browser_hash: hash(browser.as_bytes()),
            issuer_name: issuer.settings().name.clone(),
            issuer: provider.issuer.to_string(),
            nonce,
            pkce_verifier: verifier.into_secret(),
            return_to: params.return_to.as_str().to_owned(),
            invite: params.invite,
            expires_at: now + LIFETIME,
        };
        let mut tx = self.0.ctx.store.begin_auth().await?;
        login_attempt_create(&mut tx, &hash(state.as_bytes()), &attempt, now).await?;
        tx.commit().await?;
        self.purge_if_due().await;

        let mut response = redirect_to_issuer(url.as_str());
        let cookie = self.cookie(self.login_cookie(), &browser, LIFETIME.whole_seconds());
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }
}

/// A secret as we make them: 32 bytes in base64.
fn is_secret(text: &str) -> bool {
    URL_SAFE_NO_PAD
        .decode(text)
        .is_ok_and(|bytes| bytes.len() == 32)
}

impl From<IssuerError> for SignInError {
    fn from(error: IssuerError) -> Self {
        tracing::warn!(%error, "the issuer can't be used");
        match error {
            IssuerError::Unreachable(_) => {
                Self::new(SignInProblem::IssuerUnreachable, "issuer_unreachable")
            }
            IssuerError::Unusable(_) => Self::new(SignInProblem::Token, "discovery"),
        }
    }
}
