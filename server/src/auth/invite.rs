//! Signing in by an invite's link: starting the login, and the organisation
//! that the invite is for.

use axum::{
    Extension, Form,
    extract::{State, rejection::FormRejection},
    http::HeaderMap,
    response::Response,
};
use domain::{InviteId, RequestFacts, SignInProblem, TenantId, UserId};
use serde::Deserialize;
use serde_json::Value;
use service::{FoundInvite, InviteError, invite_accept, invite_find};
use store::{AuthTx, TenantTx, login_attempt::FollowedInvite, tenant::Tenant};

use super::{
    Auth,
    issuer::Issuer,
    login::LoginParams,
    sign_in::{Person, allowed_tenants},
    sign_in_error::SignInError,
};
use crate::http::ReturnTo;

/// Audit action for joining by an invite.
pub(super) const ACCEPT: &str = "invite.accept";

/// An audit event: action, resource type, resource id and changes.
pub(super) type InviteEvent = (&'static str, &'static str, String, Option<Value>);

/// The page after joining.
const WELCOME: &str = "/?done=invite_accepted";

/// The form on the invite's page. The token is in no other URL than that
/// page's.
#[derive(Default, Deserialize)]
pub(super) struct InviteForm {
    #[serde(default)]
    token: String,
    /// Name of a configured issuer.
    #[serde(default)]
    issuer: String,
}

/// Redirects the browser to the issuer to accept the invite. Only by POST from
/// our own page: a link on another site could otherwise make people join an
/// organisation unseen, with the account that they are signed in with.
pub(super) async fn invite(
    State(auth): State<Auth>,
    Extension(facts): Extension<RequestFacts>,
    headers: HeaderMap,
    form: Result<Form<InviteForm>, FormRejection>,
) -> Response {
    let form = form.map(|Form(form)| form).unwrap_or_default();
    let slot = auth.0.failures.look_up_slot(facts.ip).await;
    let result = auth.invite_begin(&headers, &form).await;
    drop(slot);
    match result {
        Ok(response) => response,
        Err(error) => auth.reject_sign_in(error, &facts, &headers).await,
    }
}

impl Auth {
    async fn invite_begin(
        &self,
        headers: &HeaderMap,
        form: &InviteForm,
    ) -> Result<Response, SignInError> {
        let known = invite_find(&self.0.ctx, &form.token).await?;
        let invite = (known.tenant_id, known.id);
        self.invite_login(headers, &form.issuer, known)
            .await
            .map_err(|error| error.by_invite(Some(invite)))
    }

    async fn invite_login(
        &self,
        headers: &HeaderMap,
        issuer: &str,
        known: FoundInvite,
    ) -> Result<Response, SignInError> {
        let wrong_issuer =
            || SignInError::new(SignInProblem::InviteWrongIssuer, "invite_elsewhere");
        let issuer = self.issuer_named(issuer).ok_or_else(wrong_issuer)?;
        if !issuer.settings().reach().reaches(&known.reachable) {
            return Err(wrong_issuer());
        }
        let params = LoginParams {
            return_to: ReturnTo::parse(&self.0.settings.site, WELCOME)
                .unwrap_or_else(ReturnTo::home),
            invite: Some(FollowedInvite {
                tenant_id: known.tenant_id,
                id: known.id,
                renewals: known.renewals,
            }),
            login_hint: known.email,
        };
        self.login_begin(headers, issuer, params).await
    }
}

impl Auth {
    /// Accepts the invite of this sign-in, if any; true if it granted a role.
    pub(super) async fn accept_followed_invite(
        &self,
        tx: &mut TenantTx,
        invite: Option<FollowedInvite>,
        user_id: UserId,
        events: &mut Vec<InviteEvent>,
    ) -> Result<bool, SignInError> {
        let Some(followed) = invite else {
            return Ok(false);
        };
        let accepted = invite_accept(&self.0.ctx, tx, followed, user_id).await?;
        let id = followed.id.to_string();
        events.push((ACCEPT, "invite", id, Some(accepted.changes)));
        Ok(accepted.gives_role)
    }
}

/// The organisations that this person may sign in to (SEC-A3); with an invite,
/// only the invite's.
pub(super) async fn candidate_tenants(
    tx: &mut AuthTx,
    issuer: &Issuer,
    person: &Person,
    invite: Option<FollowedInvite>,
) -> Result<Vec<Tenant>, SignInError> {
    let Some(FollowedInvite { tenant_id, .. }) = invite else {
        return allowed_tenants(tx, issuer, person).await;
    };
    let tenants = match allowed_tenants(tx, issuer, person).await {
        // The directory belongs to another organisation, or to none.
        Err(error) if error.problem == SignInProblem::Directory => Vec::new(),
        other => other?,
    };
    tenants
        .into_iter()
        .find(|tenant| tenant.id == tenant_id)
        .map(|tenant| vec![tenant])
        .ok_or_else(|| SignInError::new(SignInProblem::InviteWrongIssuer, "invite_elsewhere"))
}

impl SignInError {
    /// Sets the invite of the failed attempt, whose organisation audits it.
    pub(super) fn by_invite(mut self, invite: Option<(TenantId, InviteId)>) -> Self {
        if let Some((tenant_id, id)) = invite {
            self.tenant = Some(tenant_id);
            self.invite = Some(id);
        }
        self
    }
}

impl From<InviteError> for SignInError {
    fn from(error: InviteError) -> Self {
        let InviteError {
            problem,
            reason,
            invite,
        } = error;
        Self::new(problem, reason).by_invite(invite)
    }
}
