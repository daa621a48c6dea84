//! Failed sign-ins: the response to the person, the log and the limits.

use std::net::IpAddr;

use axum::{
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use domain::{AppError, RequestFacts, SignInProblem};
use service::identity::{SignInError, sign_in_rejection_audit};
use url::form_urlencoded;

use super::Auth;
use crate::http::{ReturnTo, error_response, too_many_requests};

/// A failed sign-in and what is known about it.
#[derive(Debug)]
pub(super) struct FailedSignIn {
    pub error: SignInError,
    /// The issuer's name, whose first organisation audits the failure.
    pub issuer: Option<String>,
    pub account: Option<AccountHash>,
    /// The page that the person wanted, kept for the next attempt.
    pub return_to: Option<ReturnTo>,
}

/// The first half of the hash of an identity at an issuer.
pub(super) type AccountHash = [u8; 16];

impl From<SignInError> for FailedSignIn {
    fn from(error: SignInError) -> Self {
        Self {
            error,
            issuer: None,
            account: None,
            return_to: None,
        }
    }
}

/// True if it counts against the address and the account. Failures of the
/// issuer or of this installation don't.
fn counts_as_failure(problem: SignInProblem) -> bool {
    !matches!(
        problem,
        SignInProblem::IssuerUnreachable
            | SignInProblem::NotConfigured
            | SignInProblem::Internal
            | SignInProblem::Unavailable
    )
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
        failure: FailedSignIn,
        facts: &RequestFacts,
        headers: &HeaderMap,
    ) -> Response {
        let SignInError {
            problem, reason, ..
        } = failure.error;
        tracing::warn!(problem = problem.code(), reason, "a sign-in failed");
        if counts_as_failure(problem)
            && let Err(error) = self.count_failure(failure.account, facts.ip)
        {
            return error_response(headers, &error);
        }
        let issuer = match &failure.issuer {
            Some(name) => self.issuer_named(name),
            None => self.issuers().next(),
        };
        let policy = issuer.map(|issuer| issuer.settings().policy());
        let ctx = &self.0.ctx;
        if let Err(error) =
            sign_in_rejection_audit(ctx, &failure.error, policy.as_ref(), facts).await
        {
            tracing::error!(%error, "the failure could not be written to the audit log");
        }
        redirect_to_sign_in(Some(problem), failure.return_to.as_ref())
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
}
