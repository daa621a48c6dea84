//! Signing out: first here, then at the issuer (SEC-A13).

use std::time::Duration;

use axum::{Extension, extract::State, http::HeaderMap, response::Response};
use domain::RequestFacts;
use openidconnect::{LogoutRequest, PostLogoutRedirectUrl};
use service::identity::{StoredSession, Tokens, sign_out};

use super::{Auth, sign_in_error::redirect_to_sign_in, token::Token};
use crate::http::{error_response, redirect_to_issuer};

/// Timeout for the issuer's metadata; after it, sign-out is only local.
const METADATA_TIMEOUT: Duration = Duration::from_secs(3);

/// Ends the session and redirects the browser to the issuer's logout.
pub(super) async fn logout(
    State(auth): State<Auth>,
    Extension(facts): Extension<RequestFacts>,
    headers: HeaderMap,
) -> Response {
    let token = auth.session_token(&headers);
    let signed_out = match &token {
        Some(token) => sign_out(&auth.0.ctx, &auth.0.sessions.sealer, token, &facts).await,
        None => Ok(None),
    };
    let signed_out = match signed_out {
        Ok(signed_out) => signed_out,
        // The session still exists, so don't pretend otherwise.
        Err(error) => return error_response(&headers, &error),
    };
    let mut response = match auth.end_session_url(signed_out).await {
        Some(url) => redirect_to_issuer(&url),
        None => redirect_to_sign_in(None, None),
    };
    if token.is_some() {
        auth.remove_session(response.headers_mut());
    }
    response
}

impl Auth {
    /// The issuer's logout URL, if it has one.
    async fn end_session_url(&self, signed_out: Option<(StoredSession, Tokens)>) -> Option<String> {
        let (session, tokens) = signed_out?;
        let issuer = self.issuer_of(&session)?;
        let provider = tokio::time::timeout(METADATA_TIMEOUT, issuer.provider())
            .await
            .ok()?
            .ok()?;
        let back = PostLogoutRedirectUrl::from_url(self.0.settings.site.at("/sign-in"));
        let mut request = LogoutRequest::from(provider.end_session.clone()?)
            .set_client_id(issuer.client_id().clone())
            .set_post_logout_redirect_uri(back);
        if let Ok(token) = tokens.id_token.parse::<Token>() {
            request = request.set_id_token_hint(&token);
        }
        Some(request.http_get_url().to_string())
    }
}
