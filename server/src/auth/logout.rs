//! Signing out: first here, then at the issuer (SEC-A13).

use std::time::Duration;

use axum::{Extension, extract::State, http::HeaderMap, response::Response};
use domain::{AppError, RequestFacts, audit::Outcome};
use openidconnect::{LogoutRequest, PostLogoutRedirectUrl};
use store::{
    StoreError,
    actor::actor_load,
    audit::{AuditEvent, audit_append},
    session::{StoredSession, session_delete, session_load},
};
use tower_sessions::Session;

use super::{
    Auth, issuer_logout::SIGN_OUT, seal::Tokens, session::id_hash,
    sign_in_error::redirect_to_sign_in, token::Token,
};
use crate::http::{error_response, redirect_to_issuer};

/// Timeout for the issuer's metadata; after it, sign-out is only local.
const METADATA_TIMEOUT: Duration = Duration::from_secs(3);

/// Ends the session and redirects the browser to the issuer's logout.
pub(super) async fn logout(
    State(auth): State<Auth>,
    Extension(facts): Extension<RequestFacts>,
    session: Session,
    headers: HeaderMap,
) -> Response {
    let signed_out = match auth.sign_out(&session, &facts).await {
        Ok(signed_out) => signed_out,
        // The session still exists, so don't pretend otherwise.
        Err(error) => return error_response(&headers, &AppError::from(error)),
    };
    // The row is deleted; this removes the cookie.
    if let Err(error) = session.flush().await {
        tracing::warn!(%error, "the session's cookie can't be removed");
    }
    match auth.end_session_url(signed_out).await {
        Some(url) => redirect_to_issuer(&url),
        None => redirect_to_sign_in(None, None),
    }
}

/// An ended session with its tokens.
struct SignedOut {
    session: StoredSession,
    tokens: Tokens,
}

impl Auth {
    async fn sign_out(
        &self,
        session: &Session,
        facts: &RequestFacts,
    ) -> Result<Option<SignedOut>, StoreError> {
        let Some(id) = session.id() else {
            return Ok(None);
        };
        let now = self.0.ctx.clock.now();
        let hash = id_hash(id);
        let mut tx = self.0.ctx.store.begin_auth().await?;
        let Some(stored) = session_load(&mut tx, &hash, now).await? else {
            return Ok(None);
        };
        session_delete(&mut tx, &hash, now).await?;
        let mut tx = tx.enter_as_member(stored.tenant_id, stored.user_id).await?;
        let actor = actor_load(&mut tx, stored.user_id)
            .await?
            .to_actor(facts.clone());
        let event = AuditEvent {
            resource_type: Some("session".to_owned()),
            resource_id: Some(stored.id.to_string()),
            ..AuditEvent::by_actor(&actor, SIGN_OUT, Outcome::Success, now)
        };
        audit_append(&mut tx, &[event]).await?;
        tx.commit().await?;
        let sealed = stored.tokens_encrypted.as_ref();
        let tokens =
            sealed.and_then(|sealed| self.0.sealer.open(stored.tenant_id, stored.id, sealed));
        Ok(tokens.map(|tokens| SignedOut {
            session: stored,
            tokens,
        }))
    }

    /// The issuer's logout URL, if it has one.
    async fn end_session_url(&self, signed_out: Option<SignedOut>) -> Option<String> {
        let SignedOut { session, tokens } = signed_out?;
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
