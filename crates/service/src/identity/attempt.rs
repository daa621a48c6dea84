//! Logins that were sent to the issuer and have not returned yet (SEC-A1).

use domain::{AppError, SignInProblem};
use store::{
    login_attempt::{
        FollowedInvite, LoginAttempt, login_attempt_create, login_attempt_purge, login_attempt_take,
    },
    logout_token::logout_token_purge,
    session::session_purge,
};
use subtle::ConstantTimeEq as _;
use time::Duration;

use super::{sign_in_error::SignInError, token::sha256};
use crate::Ctx;

/// The time that a login may take at the issuer.
pub const LOGIN_LIFETIME: Duration = Duration::minutes(10);

/// A login that begins.
#[derive(Debug)]
pub struct LoginStart<'a> {
    /// The `state` that the issuer returns; stored hashed.
    pub state: &'a str,
    /// The secret in the browser's cookie; stored hashed.
    pub browser: &'a str,
    /// The configured name of the issuer.
    pub issuer_name: &'a str,
    /// The issuer's own identifier.
    pub issuer: &'a str,
    pub nonce: String,
    pub pkce_verifier: String,
    /// The page to open after the sign-in.
    pub return_to: &'a str,
    /// The invite whose link was followed.
    pub invite: Option<FollowedInvite>,
}

/// Stores a login for its callback.
pub async fn login_begin(ctx: &Ctx, start: LoginStart<'_>) -> Result<(), SignInError> {
    let now = ctx.clock.now();
    let attempt = LoginAttempt {
        browser_hash: sha256(start.browser.as_bytes()),
        issuer_name: start.issuer_name.to_owned(),
        issuer: start.issuer.to_owned(),
        nonce: start.nonce,
        pkce_verifier: start.pkce_verifier,
        return_to: start.return_to.to_owned(),
        invite: start.invite,
        expires_at: now + LOGIN_LIFETIME,
    };
    let mut tx = ctx.store.begin_auth().await?;
    login_attempt_create(&mut tx, &sha256(start.state.as_bytes()), &attempt, now).await?;
    Ok(tx.commit().await?)
}

/// Takes the login that `state` names, if this browser began it with this
/// issuer. It is consumed even if the sign-in fails.
pub async fn login_take(
    ctx: &Ctx,
    state: &str,
    browser: &str,
    issuer_name: &str,
) -> Result<LoginAttempt, SignInError> {
    let reject = |reason| Err(SignInError::new(SignInProblem::State, reason));
    let mut tx = ctx.store.begin_auth().await?;
    let attempt = login_attempt_take(&mut tx, &sha256(state.as_bytes()), ctx.clock.now()).await?;
    tx.commit().await?;
    let Some(attempt) = attempt else {
        return reject("state_unknown");
    };
    if !bool::from(sha256(browser.as_bytes()).ct_eq(&attempt.browser_hash)) {
        return reject("other_browser");
    }
    if attempt.issuer_name != issuer_name {
        return reject("other_issuer");
    }
    Ok(attempt)
}

/// Deletes expired rows: unfinished logins, ended sessions and logout tokens
/// that would be rejected for their age.
pub async fn identity_purge(ctx: &Ctx) -> Result<(), AppError> {
    let now = ctx.clock.now();
    let mut tx = ctx.store.begin_auth().await?;
    let attempts = login_attempt_purge(&mut tx, now).await?;
    let sessions = session_purge(&mut tx, now).await?;
    let tokens = logout_token_purge(&mut tx, now).await?;
    tx.commit().await?;
    tracing::debug!(attempts, sessions, tokens, "removed expired rows");
    Ok(())
}
