//! Starting a login: the redirect to the issuer (SEC-A1, A2).

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::SignInProblem;
use openidconnect::{
    AuthenticationFlow, CsrfToken, LoginHint, Nonce, PkceCodeChallenge, PkceCodeVerifier, Scope,
    core::CoreResponseType,
};
use serde::Deserialize;
use service::identity::{FollowedInvite, LOGIN_LIFETIME, LoginStart, SignInError, login_begin};

use super::{
    Auth,
    issuer::{Issuer, IssuerError},
    session::{append_cookie, cookie_value},
    sign_in_error::redirect_to_sign_in,
};
use crate::http::{ReturnTo, redirect_to_issuer};

#[derive(Debug, Default, Deserialize)]
pub(super) struct LoginQuery {
    #[serde(default)]
    return_to: String,
    /// Name of a configured issuer; defaults to the primary one.
    #[serde(default)]
    issuer: String,
}

/// Parameters of a login.
#[derive(Debug)]
pub(super) struct LoginParams {
    /// The page to show afterwards.
    pub return_to: ReturnTo,
    /// The invite whose link was followed.
    pub invite: Option<FollowedInvite>,
    /// Prefills the issuer's form; not trusted for anything.
    pub login_hint: Option<String>,
}

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
    let result = match auth.requested_issuer(&query.issuer) {
        Ok(issuer) => auth.login_begin(&headers, issuer, params).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(response) => response,
        // No account is involved yet, so this is logged but not audited.
        Err(SignInError {
            problem, reason, ..
        }) => {
            tracing::warn!(
                problem = problem.code(),
                reason,
                "a sign-in could not be started"
            );
            redirect_to_sign_in(Some(problem), Some(&return_to))
        }
    }
}

impl Auth {
    /// The issuer with this name; the primary one for an empty name.
    fn requested_issuer(&self, name: &str) -> Result<&Issuer, SignInError> {
        match name {
            "" => self.issuers().next(),
            name => self.issuer_named(name),
        }
        .ok_or_else(|| SignInError::new(SignInProblem::NotConfigured, "no_issuer"))
    }

    /// Stores a login attempt and redirects the browser to the issuer.
    pub(super) async fn login_begin(
        &self,
        headers: &HeaderMap,
        issuer: &Issuer,
        params: LoginParams,
    ) -> Result<Response, SignInError> {
        let provider = issuer.provider().await?;
        let ids = &self.0.ctx.ids;
        let secret = || URL_SAFE_NO_PAD.encode(ids.bytes::<32>());

        // Reuses the browser's secret, so that logins in two tabs don't break
        // each other.
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

        let start = LoginStart {
            state: &state,
            browser: &browser,
            issuer_name: &issuer.settings().name,
            issuer: &provider.issuer,
            nonce,
            pkce_verifier: verifier.into_secret(),
            return_to: params.return_to.as_str(),
            invite: params.invite,
        };
        login_begin(&self.0.ctx, start).await?;
        self.purge_if_due().await;

        let mut response = redirect_to_issuer(url.as_str());
        let seconds = LOGIN_LIFETIME.whole_seconds();
        let cookie = self.cookie(self.login_cookie(), &browser, seconds);
        append_cookie(response.headers_mut(), &cookie);
        Ok(response)
    }
}

/// True for 32 bytes in unpadded URL-safe base64, the format of our secrets.
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
