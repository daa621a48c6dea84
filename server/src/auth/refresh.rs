//! Renews the issuer's tokens during a session (SEC-A12), so that access
//! revoked at the issuer ends here within the lifetime of a token and not only
//! at the next sign-in.
//!
//! It runs in the background: a request that finds a renewal due starts it and
//! continues. A lease on the session's row ensures that one process does it. If
//! the issuer is unreachable nothing changes; if it rejects the grant, the
//! session ends.

use std::time::Duration;

use domain::{RequestFacts, Timestamp, audit::Outcome, group_mapping::GroupClaims};
use openidconnect::{
    OAuth2TokenResponse as _, RefreshToken, RequestTokenError, TokenResponse as _,
    core::CoreErrorResponseType,
};
use serde_json::json;
use store::{
    StoreError,
    actor::actor_load,
    audit::{AuditEvent, audit_append},
    session::{
        RefreshedTokens, StoredSession, session_refresh_claim, session_refresh_finish,
        session_revoke,
    },
};

use super::{
    Auth,
    issuer::Issuer,
    seal::Tokens,
    sign_in_error::SignInError,
    token::{Nonces, TokenResponse},
};

/// How long one process may take, and the delay after a failed attempt.
const LEASE: time::Duration = time::Duration::minutes(5);
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

/// The result of a renewal.
enum Renewal {
    /// New tokens, and current groups if the issuer sent any.
    Done {
        tokens: Tokens,
        groups: Option<GroupClaims>,
        refresh_at: Timestamp,
    },
    /// The issuer ended the grant, for this reason.
    Ended(&'static str),
    /// Failed temporarily; tried again later.
    Unknown,
}

impl Auth {
    /// Starts renewing a session's tokens in the background if it is due and no
    /// process holds the lease.
    pub(super) fn refresh_if_due(&self, session: &StoredSession, facts: &RequestFacts) {
        let now = self.0.ctx.clock.now();
        let is_due = session.refresh_at.is_some_and(|at| at <= now)
            && session.refresh_lease_until.is_none_or(|until| until <= now);
        if !is_due {
            return;
        }
        let (auth, session, facts) = (self.clone(), session.clone(), facts.clone());
        tokio::spawn(async move {
            if let Err(error) = auth.refresh(&session, &facts).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "a session's tokens could not be renewed");
            }
        });
    }

    async fn refresh(
        &self,
        session: &StoredSession,
        facts: &RequestFacts,
    ) -> Result<(), StoreError> {
        let now = self.0.ctx.clock.now();
        let lease = now + LEASE;
        let mut tx = self.0.ctx.store.begin_auth().await?;
        // The claim also returns tokens that another process wrote meanwhile.
        let claimed =
            session_refresh_claim(&mut tx, session.tenant_id, session.id, lease, now).await?;
        tx.commit().await?;
        let Some(sealed) = claimed else {
            return Ok(());
        };
        let tokens = self.0.sealer.open(session.tenant_id, session.id, &sealed);
        let (Some(tokens), Some(issuer)) = (tokens, self.issuer_of(session)) else {
            // Encrypted with another key, or the issuer is no longer
            // configured: the session can't be verified any more.
            return self.end_session(session, "tokens_unreadable", facts).await;
        };
        let renewal = tokio::time::timeout(RENEWAL_TIMEOUT, self.renew(issuer, session, &tokens))
            .await
            .unwrap_or(Renewal::Unknown);
        match renewal {
            Renewal::Done {
                tokens,
                groups,
                refresh_at,
            } => {
                self.store_renewed(session, lease, &tokens, groups.as_ref(), refresh_at, facts)
                    .await
            }
            Renewal::Ended(reason) => self.end_session(session, reason, facts).await,
            Renewal::Unknown => Ok(()),
        }
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
            Err(_) => (None, None, now + LEASE),
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

    /// Stores new tokens and updates the member's roles in one transaction. A
    /// session that ended meanwhile stays ended.
    async fn store_renewed(
        &self,
        session: &StoredSession,
        lease: Timestamp,
        tokens: &Tokens,
        groups: Option<&GroupClaims>,
        refresh_at: Timestamp,
        facts: &RequestFacts,
    ) -> Result<(), StoreError> {
        let now = self.0.ctx.clock.now();
        let (tenant_id, id) = (session.tenant_id, session.id);
        let tokens = RefreshedTokens {
            sealed: self
                .0
                .sealer
                .seal(self.0.ctx.ids.bytes(), tenant_id, id, tokens),
            refresh_at,
        };
        let mut tx = self.0.ctx.store.begin_auth().await?;
        if !session_refresh_finish(&mut tx, tenant_id, id, lease, &tokens, now).await? {
            return Ok(());
        }
        let mut tx = tx.enter_as_system(tenant_id).await?;
        if let Some(groups) = groups {
            let changed = self.grants_set(&mut tx, session.user_id, groups).await?;
            let record = actor_load(&mut tx, session.user_id).await?;
            let events = self.grants_events(&record.to_actor(facts.clone()), &changed);
            audit_append(&mut tx, &events).await?;
        }
        tx.commit().await
    }

    /// Ends a session that the issuer no longer confirms.
    async fn end_session(
        &self,
        session: &StoredSession,
        reason: &'static str,
        facts: &RequestFacts,
    ) -> Result<(), StoreError> {
        tracing::info!(reason, session = %session.id, "the issuer ended a session");
        let now = self.0.ctx.clock.now();
        let mut tx = self.0.ctx.store.begin_auth().await?;
        match session_revoke(&mut tx, session.tenant_id, session.user_id, session.id, now).await {
            Err(StoreError::NotFound) => return Ok(()),
            other => other?,
        }
        let mut tx = tx.enter_as_system(session.tenant_id).await?;
        let event = AuditEvent {
            resource_type: Some("session".to_owned()),
            resource_id: Some(session.id.to_string()),
            metadata: Some(json!({ "reason": reason, "user_id": session.user_id })),
            ..self.issuer_event(Outcome::Success, facts)
        };
        audit_append(&mut tx, &[event]).await?;
        tx.commit().await
    }
}

/// The person in a new ID token.
enum RefreshedIdentity {
    /// The session's person: the token and groups, if a token was sent.
    SamePerson(Option<String>, Option<GroupClaims>),
    /// Somebody else.
    OtherPerson,
}
