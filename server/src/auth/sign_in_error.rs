//! Failed sign-ins: the response to the person, the log and the audit row.

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
use crate::http::{ReturnTo, error_response, too_many_requests};

/// Audit action for signing in.
pub(super) const SIGN_IN: &str = "session.sign_in";

/// The reason why a sign-in failed.
#[derive(Debug)]
pub(super) struct SignInError {
    /// Shown to the person.
    pub problem: SignInProblem,
    /// A stable name for the audit log; never part of a token.
    pub reason: &'static str,
    /// The organisation, if known.
    pub tenant: Option<TenantId>,
    /// The invite that was followed, if the failure is about it.
    pub invite: Option<InviteId>,
    /// The issuer's name, if known.
    pub issuer: Option<String>,
    /// The account, if known.
    pub account: Option<AccountHash>,
    /// The page that the person wanted, kept for the next attempt.
    pub return_to: Option<ReturnTo>,
}

/// The first half of the hash of an identity at an issuer.
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

    /// Sets the issuer, whose first organisation audits the failure.
    pub(super) fn by(mut self, issuer_name: &str) -> Self {
        self.issuer = Some(issuer_name.to_owned());
        self
    }

    pub(super) fn with_account(mut self, account: AccountHash) -> Self {
        self.account = Some(account);
        self
    }

    /// True if it counts against the address and the account. Failures of the
    /// issuer or of this installation don't.
    fn counts_as_failure(&self) -> bool {
        !matches!(
            self.problem,
            SignInProblem::IssuerUnreachable
                | SignInProblem::NotConfigured
                | SignInProblem::Internal
                | SignInProblem::Unavailable
        )
    }

    pub(super) fn with_tenant(mut self, tenant: &Tenant) -> Self {
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

/// Redirects to the sign-in page, which shows the problem.
pub(super) fn redirect_to_sign_in(
    problem: Option<SignInProblem>,
    return_to: Option<&ReturnTo>,
) -> Response {
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
    /// Audits the failure and redirects to the sign-in page; above the limits
    /// of the address or the account, responds with 429 and does nothing else
    /// (SEC-B9).
    pub(super) async fn reject_sign_in(
        &self,
        failure: SignInError,
        facts: &RequestFacts,
        headers: &HeaderMap,
    ) -> Response {
        let SignInError {
            problem, reason, ..
        } = &failure;
        tracing::warn!(problem = problem.code(), reason, "nobody was signed in");
        if failure.counts_as_failure()
            && let Err(error) = self.count_failure(failure.account, facts.ip)
        {
            return error_response(headers, &error);
        }
        if let Err(error) = self.audit_failure(&failure, facts).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the refusal could not be written to the audit log");
        }
        redirect_to_sign_in(Some(failure.problem), failure.return_to.as_ref())
    }

    /// An account's failures above its limit don't count against the address,
    /// which others share.
    fn count_failure(
        &self,
        account: Option<AccountHash>,
        address: Option<IpAddr>,
    ) -> Result<(), AppError> {
        if let Some(account) = account {
            let acquired = self.0.account_failures.try_acquire(account);
            acquired.map_err(too_many_requests)?;
        }
        self.0.failures.count(address)
    }

    async fn audit_failure(
        &self,
        failure: &SignInError,
        facts: &RequestFacts,
    ) -> Result<(), StoreError> {
        let mut tx = self.0.ctx.store.begin_auth().await?;
        let tenant = match failure.tenant {
            Some(tenant) => Some(tenant),
            None => {
                self.audit_tenant(&mut tx, failure.issuer.as_deref())
                    .await?
            }
        };
        let Some(tenant) = tenant else {
            tracing::warn!("no organisation is there whose audit log could keep the refusal");
            return Ok(());
        };
        let mut tx = tx.enter_as_system(tenant).await?;
        let outcome = match failure.problem {
            SignInProblem::IssuerUnreachable
            | SignInProblem::Internal
            | SignInProblem::Unavailable => Outcome::Failure,
            _ => Outcome::Denied,
        };
        let action = failure.invite.map_or(SIGN_IN, |_| ACCEPT);
        let event = AuditEvent {
            resource_type: failure.invite.map(|_| "invite".to_owned()),
            resource_id: failure.invite.map(|id| id.to_string()),
            actor_label: "Visitor".to_owned(),
            ip: facts.ip,
            user_agent: facts.user_agent.clone(),
            request_id: Some(facts.request_id),
            metadata: Some(json!({ "problem": failure.problem.code(), "reason": failure.reason })),
            ..AuditEvent::by_system(action, outcome, self.0.ctx.clock.now())
        };
        audit_append(&mut tx, &[event]).await?;
        tx.commit().await
    }

    /// The organisation that audits what can't be attributed to another: the
    /// first one of the issuer.
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

/// The organisations with these slugs; for an empty list the only organisation
/// of the installation.
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
