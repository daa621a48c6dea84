//! Signing in by an invite's link: the way to the issuer, and what the invite
//! says of where the person belongs.

use axum::{
    Extension, Form,
    extract::{State, rejection::FormRejection},
    http::HeaderMap,
    response::Response,
};
use domain::{InviteId, RequestFacts, SignInProblem, TenantId, UserId};
use serde::Deserialize;
use serde_json::Value;
use service::{InviteError, KnownInvite, invite_accept, invite_known};
use store::{AuthTx, TenantTx, login_attempt::FollowedInvite, tenant::Tenant};

use super::{
    Auth,
    issuer::Issuer,
    login::LoginParams,
    sign_in::{Person, open_to},
    sign_in_error::SignInError,
};
use crate::http::ReturnTo;

/// The audit log's name for joining by an invite.
pub(super) const ACCEPT: &str = "invite.accept";

/// What the audit log is told of: the action, what it was done to and its id,
/// and what changed.
pub(super) type InviteEvent = (&'static str, &'static str, String, Option<Value>);

/// Where somebody who joined begins.
const WELCOME: &str = "/?done=invite_accepted";

/// What the invite's page sends. The token is in no URL of ours but the page's.
#[derive(Default, Deserialize)]
pub(super) struct InviteForm {
    #[serde(default)]
    token: String,
    /// One of the configured issuers by its name.
    #[serde(default)]
    issuer: String,
}

/// Sends the browser to the issuer, to come back as whoever accepts the
/// invite. By POST from our own page only: as a link on another site it would
/// make people join, with whatever account they are signed in with, what they
/// never saw.
pub(super) async fn invite(
    State(auth): State<Auth>,
    Extension(facts): Extension<RequestFacts>,
    headers: HeaderMap,
    form: Result<Form<InviteForm>, FormRejection>,
) -> Response {
    let form = form.map(|Form(form)| form).unwrap_or_default();
    let slot = auth.0.failures.look_up_slot(facts.ip).await;
    let begun = auth.invite_begin(&headers, &form).await;
    drop(slot);
    match begun {
        Ok(response) => response,
        Err(refusal) => auth.refuse_sign_in(refusal, &facts, &headers).await,
    }
}

impl Auth {
    async fn invite_begin(
        &self,
        headers: &HeaderMap,
        form: &InviteForm,
    ) -> Result<Response, SignInError> {
        let known = invite_known(&self.0.ctx, &form.token).await?;
        let invite = (known.tenant_id, known.id);
        self.invite_login(headers, &form.issuer, known)
            .await
            .map_err(|refusal| refusal.by_invite(Some(invite)))
    }

    async fn invite_login(
        &self,
        headers: &HeaderMap,
        issuer: &str,
        known: KnownInvite,
    ) -> Result<Response, SignInError> {
        let elsewhere = || SignInError::new(SignInProblem::InviteElsewhere, "invite_elsewhere");
        let issuer = self.issuer_named(issuer).ok_or_else(elsewhere)?;
        if !issuer.settings().reach().reaches(&known.reachable) {
            return Err(elsewhere());
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
    /// Accepts the invite by which somebody comes, if by any; tells whether it
    /// gave a role.
    pub(super) async fn invite_follow(
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

/// The organisations that take in this person (SEC-A3); by an invite, its own
/// and no other.
pub(super) async fn invited_or_open_to(
    tx: &mut AuthTx,
    issuer: &Issuer,
    person: &Person,
    invite: Option<FollowedInvite>,
) -> Result<Vec<Tenant>, SignInError> {
    let Some(FollowedInvite { tenant_id, .. }) = invite else {
        return open_to(tx, issuer, person).await;
    };
    let tenants = match open_to(tx, issuer, person).await {
        // A directory of another organisation, or of none.
        Err(refusal) if refusal.problem == SignInProblem::Directory => Vec::new(),
        other => other?,
    };
    tenants
        .into_iter()
        .find(|tenant| tenant.id == tenant_id)
        .map(|tenant| vec![tenant])
        .ok_or_else(|| SignInError::new(SignInProblem::InviteElsewhere, "invite_elsewhere"))
}

impl SignInError {
    /// In whose invite's name it was tried: that organisation hears of it.
    pub(super) fn by_invite(mut self, invite: Option<(TenantId, InviteId)>) -> Self {
        if let Some((tenant_id, id)) = invite {
            self.tenant = Some(tenant_id);
            self.invite = Some(id);
        }
        self
    }
}

impl From<InviteError> for SignInError {
    fn from(refusal: InviteError) -> Self {
        let InviteError {
            problem,
            reason,
            invite,
        } = refusal;
        Self::new(problem, reason).by_invite(invite)
    }
}
