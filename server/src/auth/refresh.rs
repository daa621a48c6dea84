//! Renewing the issuer's tokens while a session lives (SEC-A12): what the
//! issuer took from a person counts here within the life of a token, not only
//! at the next sign-in.
//!
//! Off the request's path: a request that finds the time come starts it and
//! goes on. One process at a time does it, by a lease on the session's row.
//! An issuer that is away changes nothing; one that says that the grant is
//! over ends the session.

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
    token::{Nonces, TokenAnswer},
};

/// How long one process has, and how long a failed try rests.
const LEASE: time::Duration = time::Duration::minutes(5);
/// Well within the lease.
const PATIENCE: Duration = Duration::from_mins(2);
/// Where the issuer doesn't say how long its tokens live, or says too little.
const DEFAULT_LIFE: Duration = Duration::from_hours(1);
const SHORTEST_LIFE: Duration = Duration::from_mins(1);

/// When tokens are to be renewed; `None` where nothing could renew them.
pub(super) fn refresh_at(answer: &TokenAnswer, now: Timestamp) -> Option<Timestamp> {
    answer.refresh_token()?;
    Some(end_of_life(answer, now))
}

fn end_of_life(answer: &TokenAnswer, now: Timestamp) -> Timestamp {
    now + answer
        .expires_in()
        .unwrap_or(DEFAULT_LIFE)
        .max(SHORTEST_LIFE)
}

/// What came of asking.
enum Renewal {
    /// New tokens, and what the issuer says of groups now, if it could.
    Done {
        tokens: Tokens,
        groups: Option<GroupClaims>,
        refresh_at: Timestamp,
    },
    /// The issuer ends it, for this reason.
    Over(&'static str),
    /// Nothing is known: the next try may tell.
    Unknown,
}

impl Auth {
    /// Starts renewing a session's tokens when their time has come, unless
    /// somebody is at it.
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
        // What another process wrote in the meantime is read with the claim.
        let claimed =
            session_refresh_claim(&mut tx, session.tenant_id, session.id, lease, now).await?;
        tx.commit().await?;
        let Some(sealed) = claimed else {
            return Ok(());
        };
        let tokens = self.0.sealer.open(session.tenant_id, session.id, &sealed);
        let (Some(tokens), Some(issuer)) = (tokens, self.issuer_of(session)) else {
            // Sealed with another key, or of an issuer that is no longer
            // configured: nobody vouches for this session any more.
            return self.end(session, "tokens_unreadable", facts).await;
        };
        let renewal = tokio::time::timeout(PATIENCE, self.renew(issuer, session, &tokens))
            .await
            .unwrap_or(Renewal::Unknown);
        match renewal {
            Renewal::Done {
                tokens,
                groups,
                refresh_at,
            } => {
                self.renewed(session, lease, &tokens, groups.as_ref(), refresh_at, facts)
                    .await
            }
            Renewal::Over(reason) => self.end(session, reason, facts).await,
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
                return Renewal::Over("invalid_grant");
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
        let told = self.told_again(issuer, session, &answer).await;
        let (id_token, groups, refresh_at) = match told {
            Ok(RefreshedIdentity::Somebody(id_token, groups)) => {
                (id_token, groups, end_of_life(&answer, now))
            }
            Ok(RefreshedIdentity::SomebodyElse) => return Renewal::Over("another_person"),
            // The old refresh token may be spent by now, so the new one is
            // kept; what else came is not believed, and asked for again soon.
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

    /// Whom the new ID token names, and what it says of them. An issuer need
    /// not send one (OpenID Connect Core, section 12.2).
    async fn told_again(
        &self,
        issuer: &Issuer,
        session: &StoredSession,
        answer: &TokenAnswer,
    ) -> Result<RefreshedIdentity, SignInError> {
        let Some(id_token) = answer.id_token() else {
            return Ok(RefreshedIdentity::Somebody(None, None));
        };
        let provider = issuer.provider().await?;
        let claims = self
            .believe_id_token(issuer, &provider, answer, id_token, Nonces::NotAsked)
            .await?;
        let is_same = session.oidc_issuer.as_deref() == Some(claims.issuer().as_str())
            && session.oidc_subject.as_deref() == Some(claims.subject().as_str());
        if !is_same {
            return Ok(RefreshedIdentity::SomebodyElse);
        }
        let groups = issuer
            .group_claims(claims.additional_claims(), answer.access_token())
            .await?;
        Ok(RefreshedIdentity::Somebody(
            Some(id_token.to_string()),
            Some(groups),
        ))
    }

    /// Keeps new tokens and brings the member's roles in line, both or
    /// neither. A session that ended in the meantime stays ended.
    async fn renewed(
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

    /// The issuer vouches for the session no longer.
    async fn end(
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

/// What a new ID token says.
enum RefreshedIdentity {
    /// Of the same person: the token and the groups, if there was one.
    Somebody(Option<String>, Option<GroupClaims>),
    /// Of another person than the session's.
    SomebodyElse,
}
