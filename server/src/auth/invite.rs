//! Starting a login by an invite's link.

use axum::{
    Extension, Form,
    extract::{State, rejection::FormRejection},
    http::HeaderMap,
    response::Response,
};
use domain::{RequestFacts, SignInProblem};
use serde::Deserialize;
use service::{
    FoundInvite,
    identity::{FollowedInvite, SignInError},
    invite_find,
};

use super::{Auth, login::LoginParams};
use crate::http::ReturnTo;

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
        Err(error) => auth.reject_sign_in(error.into(), &facts, &headers).await,
    }
}

impl Auth {
    async fn invite_begin(
        &self,
        headers: &HeaderMap,
        form: &InviteForm,
    ) -> Result<Response, SignInError> {
        let known = invite_find(&self.0.ctx, &form.token).await?;
        let (tenant_id, invite) = (known.tenant_id, known.id);
        self.invite_login(headers, &form.issuer, known)
            .await
            .map_err(|error| error.with_invite(tenant_id, invite))
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
