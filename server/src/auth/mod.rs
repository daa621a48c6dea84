//! Authentication: signing in with an OpenID Connect issuer, sessions, and the
//! member behind each request.
//!
//! [`Auth::routes`] has the routes for signing in and out; [`Auth::protect`]
//! wraps all others, whose handlers find `Option<Actor>` in the request's
//! extensions.

mod actor;
mod callback;
pub mod demo;
mod graph;
mod groups;
mod invite;
mod issuer;
mod issuer_logout;
mod keys;
mod login;
mod logout;
mod logout_token;
mod master_key;
mod person;
mod purge;
mod refresh;
mod session;
mod settings;
mod sign_in_error;
mod switch;
mod token;
mod transport;

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use service::{
    Ctx,
    identity::{SessionSettings, StoredSession, TokenSealer},
};

pub use master_key::{MasterKey, MasterKeyError};
pub use settings::{
    AuthSettings, AuthSettingsError, IssuerKind, OidcSettings, PRIMARY, SignInLimits,
    is_multi_tenant,
};

use sign_in_error::AccountHash;

use crate::http::{FailureLimit, RateLimit, RateLimiter, rate_layer};

/// Shared state of authentication. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Auth(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ctx: Ctx,
    settings: AuthSettings,
    issuers: Vec<issuer::Issuer>,
    sessions: SessionSettings,
    purge: purge::Purge,
    /// Limit of failed sign-ins by address.
    failures: FailureLimit,
    /// Limit of failed sign-ins by account.
    account_failures: RateLimiter<AccountHash>,
    /// Limit of invalid logout messages by address.
    logout_errors: RateLimit,
}

impl Auth {
    /// Issuers are first contacted when somebody signs in, so that one that is
    /// down doesn't prevent startup.
    ///
    /// # Errors
    /// For an insecure or invalid issuer setting.
    pub fn new(ctx: Ctx, settings: AuthSettings) -> Result<Self, AuthSettingsError> {
        let issuers = settings
            .issuers()
            .map(|oidc| issuer::Issuer::new(oidc.clone(), &settings.site, ctx.clock.clone()))
            .collect::<Result<_, _>>()?;
        let sessions = SessionSettings {
            lifetimes: settings.lifetimes,
            sealer: TokenSealer::new(&settings.master_key.derive(TokenSealer::PURPOSE)),
        };
        let limits = settings.limits;
        let clock = || ctx.clock.clone();
        let minute = time::Duration::MINUTE;
        let failures = FailureLimit::new(limits.failures, clock());
        let account_failures = RateLimiter::new(limits.account_failures, minute, clock());
        let logout_errors = RateLimit::new(limits.failures, minute, clock());
        Ok(Self(Arc::new(Inner {
            ctx,
            settings,
            issuers,
            sessions,
            purge: purge::Purge::default(),
            failures,
            account_failures,
            logout_errors,
        })))
    }

    pub fn settings(&self) -> &AuthSettings {
        &self.0.settings
    }

    /// The routes under `/auth`.
    pub fn routes(&self) -> Router {
        // Each login attempt inserts a row.
        let starts = self.0.settings.limits.starts;
        let starts = RateLimit::new(starts, time::Duration::MINUTE, self.0.ctx.clock.clone());
        let limit = || from_fn_with_state(starts.clone(), rate_layer);
        Router::new()
            .route("/auth/login", get(login::login).layer(limit()))
            .route("/auth/callback", get(callback::callback))
            .route("/auth/callback/{issuer}", get(callback::callback_of))
            .route("/auth/invite", post(invite::invite).layer(limit()))
            .route("/auth/logout", post(logout::logout))
            .route("/auth/switch", post(switch::switch))
            .route(
                "/auth/backchannel-logout",
                post(issuer_logout::backchannel_logout),
            )
            .route(
                "/auth/frontchannel-logout",
                get(issuer_logout::frontchannel_logout),
            )
            .with_state(self.clone())
    }

    /// Wraps routes for people with session, member and cross-site checks.
    /// Assets and health stay outside, because they never query the database.
    pub fn protect(&self, router: Router) -> Router {
        router.layer(from_fn_with_state(self.clone(), actor::actor_layer))
    }

    /// All configured issuers, the primary one first.
    fn issuers(&self) -> impl Iterator<Item = &issuer::Issuer> {
        self.0.issuers.iter()
    }

    fn issuer_named(&self, name: &str) -> Option<&issuer::Issuer> {
        self.issuers().find(|issuer| issuer.settings().name == name)
    }

    /// The issuer that a session came from.
    fn issuer_of(&self, session: &StoredSession) -> Option<&issuer::Issuer> {
        self.issuer_named(session.issuer_name.as_deref().unwrap_or(PRIMARY))
    }

    /// Checks that every issuer responds and is usable, for `atrium doctor`.
    /// The error is a sentence.
    pub async fn issuer_check(&self) -> Result<(), String> {
        if self.0.issuers.is_empty() {
            return Err("no issuer is configured".to_owned());
        }
        for issuer in self.issuers() {
            let name = &issuer.settings().name;
            issuer
                .provider()
                .await
                .map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(())
    }
}
