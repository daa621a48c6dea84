//! Asks the issuer to renew the tokens of a session (SEC-A12).
//!
//! It runs in the background: a request that finds a renewal due starts it and
//! continues. If the issuer is unreachable nothing changes; if it rejects the
//! grant, the session ends.

use std::time::Duration;

use domain::{AppError, RequestFacts, Timestamp, group_mapping::GroupClaims};
use openidconnect::{
    OAuth2TokenResponse as _, RefreshToken, RequestTokenError, TokenResponse as _,
    core::CoreErrorResponseType,
};
use service::identity::{
    REFRESH_LEASE, Renewal, SignInError, StoredSession, Tokens, refresh_claim, refresh_finish,
};

use super::{
    Auth,
    issuer::Issuer,
    token::{Nonces, TokenResponse},
};

/// Timeout of a renewal, well within the lease.
const RENEWAL_TIMEOUT: Duration = Duration::from_mins(2);
/// Token lifetime if the issuer doesn't send one.
const DEFAULT_TOKEN_LIFETIME: Duration = Duration::from_hours(1);
const MIN_TOKEN_LIFETIME: Duration = Duration::from_mins(1);

/// When to renew the tokens; `None` without a refresh token.
pub(super) fn refresh_at(answer: &TokenResponse, now: Timestamp) -> Option<Timestamp> {
    answer.refresh_token()?;
    Some(expiry(answer, now))
}

fn expiry(answer: &TokenResponse, now: Timestamp) -> Timestamp {
    now + answer
        .expires_in()
        .unwrap_or(DEFAULT_TOKEN_LIFETIME)
        .max(MIN_TOKEN_LIFETIME)
}

impl Auth {
    /// Renews a session's tokens in the background.
    pub(super) fn refresh_in_background(&self, session: StoredSession, facts: RequestFacts) {
        let auth = self.clone();
        tokio::spawn(async move {
            if let Err(error) = auth.refresh(&session, &facts).await {
                tracing::warn!(%error, "a session's tokens could not be renewed");
            }
        });
    }

    async fn refresh(&self, session: &StoredSession, facts: &RequestFacts) -> Result<(), AppError> {
        let (ctx, sealer) = (&self.0.ctx, &self.0.sessions.sealer);
        let Some(claim) = refresh_claim(ctx, sealer, session).await? else {
            return Ok(());
        };
        let renewal = match (&claim.tokens, self.issuer_of(session)) {
            (Some(tokens), Some(issuer)) => {
                let renewal = self.renew(issuer, session, tokens);
                tokio::time::timeout(RENEWAL_TIMEOUT, renewal)
                    .await
                    .unwrap_or(Renewal::Unknown)
            }
            // Encrypted with another key, or the issuer is no longer
            // configured: the session can't be verified any more.
            _ => Renewal::Ended("tokens_unreadable"),
        };
        refresh_finish(ctx, sealer, session, &claim, renewal, facts).await
    }

    async fn renew(&self, issuer: &Issuer, session: &StoredSession, old: &Tokens) -> Renewal {
        let (Ok(provider), Some(secret)) = (issuer.provider().await, &old.refresh_token) else {
            return Renewal::Unknown;
        };
        let token = RefreshToken::new(secret.clone());
        let Ok(request) = provider.relying_party.exchange_refresh_token(&token) else {
            return Renewal::Unknown;
        };
        let answer = match request.request_async(issuer.transport()).await {
            Ok(answer) => answer,
            Err(RequestTokenError::ServerResponse(answer))
                if *answer.error() == CoreErrorResponseType::InvalidGrant =>
            {
                return Renewal::Ended("invalid_grant");
            }
            Err(error) => {
                let kind = match error {
                    RequestTokenError::ServerResponse(answer) => answer.error().to_string(),
                    RequestTokenError::Request(_) => "unreachable".to_owned(),
                    _ => "unusable".to_owned(),
                };
                tracing::warn!(kind, "the issuer did not renew a session's tokens");
                return Renewal::Unknown;
            }
        };
        let now = self.0.ctx.clock.now();
        let identity = self
            .verify_refreshed_identity(issuer, session, &answer)
            .await;
        let (id_token, groups, refresh_at) = match identity {
            Ok(RefreshedIdentity::SamePerson(id_token, groups)) => {
                (id_token, groups, expiry(&answer, now))
            }
            Ok(RefreshedIdentity::OtherPerson) => return Renewal::Ended("another_person"),
            // The old refresh token may be used up, so the new one is stored;
            // the invalid rest is ignored and requested again soon.
            Err(_) => (None, None, now + REFRESH_LEASE),
        };
        let refresh_token = answer.refresh_token().map(|token| token.secret().clone());
        Renewal::Done {
            tokens: Tokens {
                id_token: id_token.unwrap_or_else(|| old.id_token.clone()),
                refresh_token: refresh_token.or_else(|| old.refresh_token.clone()),
            },
            groups,
            refresh_at,
        }
    }

    /// Verifies the new ID token and compares its person with the session's. An
    /// issuer need not send one (OpenID Connect Core, section 12.2).
    async fn verify_refreshed_identity(
        &self,
        issuer: &Issuer,
        session: &StoredSession,
        answer: &TokenResponse,
    ) -> Result<RefreshedIdentity, SignInError> {
        let Some(id_token) = answer.id_token() else {
            return Ok(RefreshedIdentity::SamePerson(None, None));
        };
        let provider = issuer.provider().await?;
        let claims = self
            .verify_id_token(issuer, &provider, answer, id_token, Nonces::Unchecked)
            .await?;
        let is_same = session.oidc_issuer.as_deref() == Some(claims.issuer().as_str())
            && session.oidc_subject.as_deref() == Some(claims.subject().as_str());
        if !is_same {
            return Ok(RefreshedIdentity::OtherPerson);
        }
        let groups = issuer
            .group_claims(claims.additional_claims(), answer.access_token())
            .await?;
        Ok(RefreshedIdentity::SamePerson(
            Some(id_token.to_string()),
            Some(groups),
        ))
    }
}

/// The person in a new ID token.
enum RefreshedIdentity {
    /// The session's person: the token and groups, if a token was sent.
    SamePerson(Option<String>, Option<GroupClaims>),
    /// Somebody else.
    OtherPerson,
}
