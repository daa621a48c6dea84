//! Middleware for every request: request id and facts, security headers,
//! limits, cross-site checks. Authentication is in `auth`.

mod answer;
mod compress;
mod csrf;
mod detach;
mod facts;
mod failures;
mod headers;
mod limits;
mod member_rate;
mod rate;
mod redirect;
mod return_to;
mod secret_path;
mod site;
mod slow_body;
mod unknown_id;
mod validator;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
};
use ipnet::IpNet;
use service::{Clock, Ids};
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;

pub(crate) use answer::{error_response, error_response_with_status, escape, wants_html};
pub(crate) use csrf::{CrossSite, check as check_cross_site, is_read};
pub(crate) use headers::AllowsFraming;
pub(crate) use member_rate::member_rate_layer;
pub(crate) use rate::{network, rate_layer, too_many_requests};
pub(crate) use redirect::redirect_to_issuer;
pub(crate) use secret_path::{INVITE_PATH, loggable_path};
pub(crate) use site::is_loopback;
pub(crate) use unknown_id::{audit_not_found, audit_unknown_id};
pub(crate) use validator::Fixed;
pub use {
    failures::FailureLimit,
    member_rate::MemberLimit,
    rate::{RateLimit, RateLimiter, Remaining},
    return_to::ReturnTo,
    site::{Site, SiteError},
};

/// Settings of the middleware.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The public URL.
    pub site: Site,
    /// Networks whose `X-Forwarded-For` header is trusted.
    pub trusted_proxies: Arc<[IpNet]>,
    /// Time without progress after which a request's body is aborted.
    pub body_timeout: Duration,
    /// Maximum size of a request's body in bytes.
    pub body_bytes: u64,
    /// Paths with a higher limit.
    pub larger_bodies: Arc<[LargerBody]>,
    /// Measures the duration of requests.
    pub clock: Clock,
    /// Generates request ids.
    pub ids: Ids,
    /// Tracks running requests, which outlive their connection.
    pub requests: TaskTracker,
}

/// A path with a higher limit for request bodies.
#[derive(Clone, Debug)]
pub struct LargerBody {
    pub path: &'static str,
    /// Maximum size of the body in bytes.
    pub bytes: u64,
    /// Path to which a browser is redirected if it sends more.
    pub refused: String,
}

impl HttpSettings {
    fn larger_body(&self, path: &str) -> Option<&LargerBody> {
        self.larger_bodies.iter().find(|larger| larger.path == path)
    }
}

/// Wraps `router` in all layers. Must be outermost, so that every response has
/// a request id and security headers.
pub fn protect(router: Router, settings: HttpSettings) -> Router {
    router
        .layer(CatchPanicLayer::custom(answer::panic_response))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .layer(from_fn_with_state(settings.clone(), detach::detach_layer))
        .layer(from_fn_with_state(settings.clone(), limits::referer_layer))
        .layer(from_fn_with_state(settings.clone(), limits::body_layer))
        .layer(from_fn_with_state(settings.clone(), limits::host_layer))
        .layer(from_fn_with_state(
            settings.clone(),
            redirect::redirect_layer,
        ))
        .layer(from_fn(compress::mark_layer))
        .layer(compress::compression_layer())
        .layer(from_fn_with_state(settings.clone(), headers::headers_layer))
        .layer(from_fn_with_state(settings, facts::facts_layer))
}
