//! Who makes a request: signing in with an OpenID Connect issuer, sessions,
//! and the member behind each request.
//!
//! [`Auth::routes`] holds sign-in and sign-out; [`Auth::protect`] goes around
//! everything that people use, so that a page finds `Option<Actor>` among its
//! request's extensions.

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
mod purge;
mod refresh;
mod seal;
mod session;
mod settings;
mod sign_in;
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
use service::Ctx;

pub use seal::{MasterKey, MasterKeyError};
pub use settings::{
    AuthSettings, AuthSettingsError, Directory, IssuerKind, OidcSettings, PRIMARY,
    SessionLifetimes, SignInLimits, is_for_directories,
};

use store::session::StoredSession;

use sign_in_error::AccountHash;

use crate::http::{FailureLimit, RateLimit, RateLimiter, rate_layer};

/// Everything about who makes a request. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Auth(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ctx: Ctx,
    settings: AuthSettings,
    /// The primary one first.
    issuers: Vec<issuer::Issuer>,
    sealer: seal::Sealer,
    purge: purge::Purge,
    /// How often one address may fail to sign in.
    failures: FailureLimit,
    /// How often one account may.
    account_failures: RateLimiter<AccountHash>,
    /// How often one address may bring a logout message that is none.
    logout_errors: RateLimit,
}

impl Auth {
    /// Puts the parts together. The issuer is asked when somebody first signs
    /// in, so that one that is away does not keep Atrium from starting.
    ///
    /// # Errors
    /// An issuer's setting under which signing in can't be safe.
    pub fn new(ctx: Ctx, settings: AuthSettings) -> Result<Self, AuthSettingsError> {
        let issuers = settings
            .issuers()
            .map(|oidc| issuer::Issuer::new(oidc.clone(), &settings.site, ctx.clock.clone()))
            .collect::<Result<_, _>>()?;
        let sealer = seal::Sealer::new(&settings.master_key);
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
            sealer,
            purge: purge::Purge::default(),
            failures,
            account_failures,
            logout_errors,
        })))
    }

    /// What the operator decided.
    pub fn settings(&self) -> &AuthSettings {
        &self.0.settings
    }

    /// Everything under `/auth`.
    pub fn routes(&self) -> Router {
        // Each start is a row of a table.
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

    /// Puts session, member and origin check around everything that people
    /// use. Assets and health stay outside: they never ask the database.
    pub fn protect(&self, router: Router) -> Router {
        router
            .layer(from_fn_with_state(self.clone(), actor::actor_layer))
            .layer(session::session_layer(self))
            .layer(from_fn_with_state(self.clone(), session::removal_layer))
    }

    /// Every issuer that is configured.
    fn issuers(&self) -> impl Iterator<Item = &issuer::Issuer> {
        self.0.issuers.iter()
    }

    /// The one with this name in the configuration.
    fn issuer_named(&self, name: &str) -> Option<&issuer::Issuer> {
        self.issuers().find(|issuer| issuer.settings().name == name)
    }

    /// The one that a session came from.
    fn issuer_of(&self, session: &StoredSession) -> Option<&issuer::Issuer> {
        self.issuer_named(session.issuer_name.as_deref().unwrap_or(PRIMARY))
    }

    /// Whether every issuer answers and can be used, for `atrium doctor`.
    ///
    /// # Errors
    /// What is wrong with which, as a sentence.
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
