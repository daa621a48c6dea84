//! Failed sign-ins and their audit row.

use domain::{AppError, InviteId, RequestFacts, SignInProblem, TenantId, audit::Outcome};
use serde_json::json;
use store::{
    StoreError,
    audit::{AuditEvent, audit_append},
};

use super::{
    issuer::{IssuerPolicy, audit_tenant},
    sign_in::{INVITE_ACCEPT, SIGN_IN},
};
use crate::Ctx;

/// The reason why a sign-in failed, or an invite can't be accepted.
#[derive(Debug)]
pub struct SignInError {
    /// Shown to the person.
    pub problem: SignInProblem,
    /// A stable name for the audit log; never part of a token.
    pub reason: &'static str,
    /// The organisation, if known.
    pub tenant: Option<TenantId>,
    /// The invite that was followed, if the failure is about it.
    pub invite: Option<InviteId>,
}

impl SignInError {
    pub fn new(problem: SignInProblem, reason: &'static str) -> Self {
        Self {
            problem,
            reason,
            tenant: None,
            invite: None,
        }
    }

    pub(super) fn with_tenant(mut self, tenant: TenantId) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// Sets the invite of the failed attempt, whose organisation audits it.
    #[must_use]
    pub fn with_invite(mut self, tenant: TenantId, invite: InviteId) -> Self {
        self.tenant = Some(tenant);
        self.invite = Some(invite);
        self
    }

    /// The problem to show on a page; an error if the request itself is not the
    /// cause.
    pub fn to_problem(&self) -> Result<SignInProblem, AppError> {
        match self.problem {
            SignInProblem::Unavailable => Err(AppError::Unavailable {
                message: "The database is unavailable. Try again shortly.".into(),
            }),
            SignInProblem::Internal => Err(AppError::Internal),
            problem => Ok(problem),
        }
    }
}

impl From<StoreError> for SignInError {
    fn from(error: StoreError) -> Self {
        AppError::from(error).into()
    }
}

impl From<AppError> for SignInError {
    fn from(error: AppError) -> Self {
        let problem = match error {
            AppError::Unavailable { .. } => SignInProblem::Unavailable,
            _ => SignInProblem::Internal,
        };
        tracing::error!(%error, "signing in failed");
        Self::new(problem, "store")
    }
}

/// Audits a failed sign-in: in the organisation of its invite or member, else
/// in the first one of `issuer`.
pub async fn sign_in_rejection_audit(
    ctx: &Ctx,
    failure: &SignInError,
    issuer: Option<&IssuerPolicy<'_>>,
    facts: &RequestFacts,
) -> Result<(), AppError> {
    let mut tx = ctx.store.begin_auth().await?;
    let tenant = match failure.tenant {
        Some(tenant) => Some(tenant),
        None => audit_tenant(&mut tx, issuer).await?,
    };
    let Some(tenant) = tenant else {
        tracing::warn!("there is no organisation in whose audit log the failure could be written");
        return Ok(());
    };
    let outcome = match failure.problem {
        SignInProblem::IssuerUnreachable | SignInProblem::Internal | SignInProblem::Unavailable => {
            Outcome::Failure
        }
        _ => Outcome::Denied,
    };
    let action = failure.invite.map_or(SIGN_IN, |_| INVITE_ACCEPT);
    let event = AuditEvent {
        resource_type: failure.invite.map(|_| "invite".to_owned()),
        resource_id: failure.invite.map(|id| id.to_string()),
        actor_label: "Visitor".to_owned(),
        ip: facts.ip,
        user_agent: facts.user_agent.clone(),
        request_id: Some(facts.request_id),
        metadata: Some(json!({ "problem": failure.problem.code(), "reason": failure.reason })),
        ..AuditEvent::by_system(action, outcome, ctx.clock.now())
    };
    let mut tx = tx.enter_as_system(tenant).await?;
    audit_append(&mut tx, &[event]).await?;
    Ok(tx.commit().await?)
}
