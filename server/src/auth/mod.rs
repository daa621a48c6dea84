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
mod issuer;
mod issuer_logout;
mod login;
mod logout;
mod logout_token;
mod purge;
mod refresh;
mod refusal;
mod seal;
mod session;
mod settings;
mod sign_in;
mod token;
mod transport;

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use service::{Clock, Ids};
use store::Store;

pub use seal::{MasterKey, MasterKeyError};
pub use settings::{AuthSettings, AuthSettingsError, IssuerKind, OidcSettings, SessionLifetimes};

use crate::http::{RateLimit, rate_layer};

/// Everything about who makes a request. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Auth(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    clock: Clock,
    ids: Ids,
    settings: AuthSettings,
    issuer: Option<issuer::Issuer>,
    sealer: seal::Sealer,
    purge: purge::Purge,
    /// How often one address may bring a logout message that is none.
    logout_refusals: RateLimit,
}

impl Auth {
    /// Puts the parts together. The issuer is asked when somebody first signs
    /// in, so that one that is away does not keep Atrium from starting.
    ///
    /// # Errors
    /// An issuer's setting under which signing in can't be safe.
    pub fn new(
        store: Store,
        clock: Clock,
        ids: Ids,
        settings: AuthSettings,
    ) -> Result<Self, AuthSettingsError> {
        let issuer = settings
            .oidc
            .clone()
            .map(|oidc| issuer::Issuer::new(oidc, &settings.site, clock.clone()))
            .transpose()?;
        let sealer = seal::Sealer::new(&settings.master_key);
        let logout_refusals = RateLimit::new(
            settings.sign_ins_per_minute,
            time::Duration::MINUTE,
            clock.clone(),
        );
        Ok(Self(Arc::new(Inner {
            store,
            clock,
            ids,
            settings,
            issuer,
            sealer,
            purge: purge::Purge::default(),
            logout_refusals,
        })))
    }

    /// What the operator decided.
    pub fn settings(&self) -> &AuthSettings {
        &self.0.settings
    }

    /// Everything under `/auth`.
    pub fn routes(&self) -> Router {
        let limit = || {
            let calls = self.0.settings.sign_ins_per_minute;
            RateLimit::new(calls, time::Duration::MINUTE, self.0.clock.clone())
        };
        Router::new()
            .route(
                "/auth/login",
                get(login::login).layer(from_fn_with_state(limit(), rate_layer)),
            )
            .route(
                "/auth/callback",
                get(callback::callback).layer(from_fn_with_state(limit(), rate_layer)),
            )
            .route("/auth/logout", post(logout::logout))
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
        self.0.issuer.iter()
    }

    /// The one whose tokens have this `iss`.
    fn issuer_of(&self, iss: &str) -> Option<&issuer::Issuer> {
        self.issuers()
            .find(|issuer| issuer.settings().issuer == iss)
    }

    /// Whether the issuer answers and can be used, for `atrium doctor`.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    pub async fn issuer_check(&self) -> Result<(), String> {
        match &self.0.issuer {
            None => Err("no issuer is configured".to_owned()),
            Some(issuer) => issuer
                .provider()
                .await
                .map(drop)
                .map_err(|error| error.to_string()),
        }
    }
}
