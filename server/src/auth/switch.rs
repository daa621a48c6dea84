//! Switching to another organisation of the same person: a new session there
//! replaces the old one (SEC-B2).

use axum::{
    Extension, Form,
    extract::{State, rejection::FormRejection},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use domain::{AppError, RequestFacts};
use serde::Deserialize;
use service::identity::{self, SwitchError};

use super::Auth;
use crate::http::error_response;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Switch {
    #[serde(default)]
    organisation: String,
}

/// Switches to the organisation with the slug in the form.
pub(super) async fn switch(
    State(auth): State<Auth>,
    Extension(facts): Extension<RequestFacts>,
    headers: HeaderMap,
    form: Result<Form<Switch>, FormRejection>,
) -> Response {
    let Form(Switch { organisation }) = form.unwrap_or_default();
    let (ctx, sessions) = (&auth.0.ctx, &auth.0.sessions);
    let switched = match auth.session_token(&headers) {
        Some(token) => {
            let issuer_of = |session: &_| Some(auth.issuer_of(session)?.settings().policy());
            identity::switch(ctx, sessions, &token, &organisation, issuer_of, &facts).await
        }
        None => Err(SwitchError::SignedOut),
    };
    match switched {
        Ok(issued) => {
            let mut response = Redirect::to("/").into_response();
            auth.set_session(response.headers_mut(), &issued);
            response
        }
        Err(SwitchError::SignedOut) => Redirect::to("/sign-in").into_response(),
        Err(SwitchError::NotFound) => error_response(&headers, &AppError::NotFound),
        Err(SwitchError::Failed(error)) => error_response(&headers, &error),
        Err(SwitchError::Closed(problem)) => {
            Redirect::to(&format!("/organisations?error={}", problem.code())).into_response()
        }
    }
}
