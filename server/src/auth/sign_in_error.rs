//! A sign-in that did not happen: told to the person, the log and the audit.

use std::net::IpAddr;

use axum::{
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use domain::{AppError, InviteId, RequestFacts, SignInProblem, TenantId, audit::Outcome};
use serde_json::json;
use store::{
    AuthTx, StoreError,
    audit::{AuditEvent, audit_append},
    tenant::{Tenant, tenant_find_by_slug, tenant_find_only},
};

use url::form_urlencoded;

use super::{Auth, invite::ACCEPT};
use crate::http::{ReturnTo, error_response, too_many};

/// The audit log's name for signing in.
pub(super) const SIGN_IN: &str = "session.sign_in";

/// Why nobody was signed in.
#[derive(Debug)]
pub(super) struct SignInError {
    /// What the person is told.
    pub problem: SignInProblem,
    /// What the audit log is told: a stable name, never a part of a token.
    pub reason: &'static str,
    /// In which organisation, where that is known.
    pub tenant: Option<TenantId>,
    /// The invite that was followed, where the refusal is about it.
    pub invite: Option<InviteId>,
    /// By which issuer's name, where that is known.
    pub issuer: Option<String>,
    /// Whose account was refused, where that is known.
    pub account: Option<AccountHash>,
    /// Where the person wanted to go, so that the next try leads there.
    pub return_to: Option<ReturnTo>,
}

/// An account at an issuer, as the half of its identity key's hash.
pub(super) type AccountHash = [u8; 16];

impl SignInError {
    pub(super) fn new(problem: SignInProblem, reason: &'static str) -> Self {
        Self {
            problem,
            reason,
            tenant: None,
            invite: None,
            issuer: None,
            account: None,
            return_to: None,
        }
    }

    pub(super) fn back_to(mut self, return_to: ReturnTo) -> Self {
        self.return_to = Some(return_to);
        self
    }

    /// Whose issuer was asked: its organisations hear of it.
    pub(super) fn by(mut self, issuer_name: &str) -> Self {
        self.issuer = Some(issuer_name.to_owned());
        self
    }

    pub(super) fn of_account(mut self, account: AccountHash) -> Self {
        self.account = Some(account);
        self
    }

    /// Whether it counts against the address and the account. What is out of
    /// order here or at the issuer is nobody's failure to sign in.
    fn is_visitors(&self) -> bool {
        !matches!(
            self.problem,
            SignInProblem::IssuerUnreachable
                | SignInProblem::NotConfigured
                | SignInProblem::Internal
                | SignInProblem::Unavailable
        )
    }

    pub(super) fn in_tenant(mut self, tenant: &Tenant) -> Self {
        self.tenant = Some(tenant.id);
        self
    }
}

impl From<StoreError> for SignInError {
    fn from(error: StoreError) -> Self {
        let problem = match &error {
            StoreError::Unavailable(_) => SignInProblem::Unavailable,
            _ => SignInProblem::Internal,
        };
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "signing in failed"
        );
        Self::new(problem, "store")
    }
}

/// Back to the sign-in page, which tells what happened and knows the way on.
pub(super) fn to_sign_in(problem: Option<SignInProblem>, return_to: Option<&ReturnTo>) -> Response {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(problem) = problem {
        query.append_pair("error", problem.code());
    }
    if let Some(return_to) = return_to.filter(|path| **path != ReturnTo::home()) {
        query.append_pair("return_to", return_to.as_str());
    }
    let query = query.finish();
    let target = if query.is_empty() {
        "/sign-in".to_owned()
    } else {
        format!("/sign-in?{query}")
    };
    Redirect::to(&target).into_response()
}

impl Auth {
    /// Writes the refusal down and sends the person back to the sign-in page;
    /// beyond what the address or the account may fail, 429 is all that comes
    /// of it (SEC-B9).
    pub(super) async fn refuse_sign_in(
        &self,
        refusal: SignInError,
        facts: &RequestFacts,
        headers: &HeaderMap,
    ) -> Response {
        let SignInError {
            problem, reason, ..
        } = &refusal;
        tracing::warn!(problem = problem.code(), reason, "nobody was signed in");
        if refusal.is_visitors()
            && let Err(error) = self.failure_count(refusal.account, facts.ip)
        {
            return error_response(headers, &error);
        }
        if let Err(error) = self.refusal_audit(&refusal, facts).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the refusal could not be written to the audit log");
        }
        to_sign_in(Some(refusal.problem), refusal.return_to.as_ref())
    }

    /// The account's failures beyond its own limit don't count against the
    /// address, which others share.
    fn failure_count(
        &self,
        account: Option<AccountHash>,
        address: Option<IpAddr>,
    ) -> Result<(), AppError> {
        if let Some(account) = account {
            let left = self.0.account_failures.try_acquire(account);
            left.map_err(too_many)?;
        }
        self.0.failures.count(address)
    }

    async fn refusal_audit(
        &self,
        refusal: &SignInError,
        facts: &RequestFacts,
    ) -> Result<(), StoreError> {
        let mut tx = self.0.ctx.store.begin_auth().await?;
        let tenant = match refusal.tenant {
            Some(tenant) => Some(tenant),
            None => {
                self.audit_tenant(&mut tx, refusal.issuer.as_deref())
                    .await?
            }
        };
        let Some(tenant) = tenant else {
            tracing::warn!("no organisation is there whose audit log could keep the refusal");
            return Ok(());
        };
        let mut tx = tx.enter_as_system(tenant).await?;
        let outcome = match refusal.problem {
            SignInProblem::IssuerUnreachable
            | SignInProblem::Internal
            | SignInProblem::Unavailable => Outcome::Failure,
            _ => Outcome::Denied,
        };
        let action = refusal.invite.map_or(SIGN_IN, |_| ACCEPT);
        let event = AuditEvent {
            resource_type: refusal.invite.map(|_| "invite".to_owned()),
            resource_id: refusal.invite.map(|id| id.to_string()),
            actor_label: "Visitor".to_owned(),
            ip: facts.ip,
            user_agent: facts.user_agent.clone(),
            request_id: Some(facts.request_id),
            metadata: Some(json!({ "problem": refusal.problem.code(), "reason": refusal.reason })),
            ..AuditEvent::by_system(action, outcome, self.0.ctx.clock.now())
        };
        audit_append(&mut tx, &[event]).await?;
        tx.commit().await
    }

    /// The organisation that hears of what can't be told to another: the first
    /// one of the issuer.
    pub(super) async fn audit_tenant(
        &self,
        tx: &mut AuthTx,
        issuer: Option<&str>,
    ) -> Result<Option<TenantId>, StoreError> {
        let issuer = match issuer {
            Some(name) => self.issuer_named(name),
            None => self.issuers().next(),
        };
        let slugs = issuer.map(|issuer| issuer.settings().tenants.as_slice());
        let tenants = tenants(tx, slugs.unwrap_or_default()).await?;
        Ok(tenants.first().map(|tenant| tenant.id))
    }
}

/// The organisations with these slugs; without any, the only one there is.
pub(super) async fn tenants(tx: &mut AuthTx, slugs: &[String]) -> Result<Vec<Tenant>, StoreError> {
    if slugs.is_empty() {
        return Ok(tenant_find_only(tx).await?.into_iter().collect());
    }
    let mut tenants = Vec::new();
    for slug in slugs {
        match tenant_find_by_slug(tx, slug).await? {
            Some(tenant) => tenants.push(tenant),
            None => {
                tracing::warn!(slug, "an issuer is for an organisation that is not there");
            }
        }
    }
    Ok(tenants)
}
