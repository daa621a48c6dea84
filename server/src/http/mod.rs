//! What every request passes before it reaches a page: its id and facts,
//! security headers, limits. Who makes the request is `auth`'s question.

mod answer;
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

use std::{sync::Arc, time::Duration};

use axum::{Router, middleware::from_fn_with_state};
use ipnet::IpNet;
use service::{Clock, Ids};
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;

pub(crate) use answer::{error_response, error_response_with_status, escape, wants_html};
pub(crate) use csrf::{CrossSite, check as check_cross_site, is_read};
pub(crate) use headers::Framed;
pub(crate) use member_rate::member_rate_layer;
pub(crate) use rate::{network, rate_layer, too_many};
pub(crate) use redirect::redirect_to_issuer;
pub(crate) use secret_path::{INVITE_PATH, loggable_path};
pub(crate) use site::is_loopback;
pub(crate) use unknown_id::{note_not_found, note_unknown_id};
pub use {
    failures::FailureLimit,
    member_rate::MemberLimit,
    rate::{RateLimit, RateLimiter, Remaining},
    return_to::ReturnTo,
    site::{Site, SiteError},
};

/// What the layers need to know.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Where people reach us.
    pub site: Site,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Arc<[IpNet]>,
    /// How long a client may send nothing of a body.
    pub body_timeout: Duration,
    /// Bytes that a request's body may have.
    pub body_bytes: u64,
    /// Paths that take more.
    pub larger_bodies: Arc<[LargerBody]>,
    /// For the time that a request took.
    pub clock: Clock,
    /// For request ids.
    pub ids: Ids,
    /// Where requests run to their end.
    pub requests: TaskTracker,
}

/// A path that takes larger bodies than others.
#[derive(Clone, Debug)]
pub struct LargerBody {
    /// The path.
    pub path: &'static str,
    /// Bytes that it takes.
    pub bytes: u64,
    /// Where a browser that sends more is told so.
    pub refused: String,
}

impl HttpSettings {
    fn larger_body(&self, path: &str) -> Option<&LargerBody> {
        self.larger_bodies.iter().find(|larger| larger.path == path)
    }
}

/// Puts everything in front of `router`. The outermost layer: nothing is
/// answered without a request id and security headers.
pub fn protect(router: Router, settings: HttpSettings) -> Router {
    router
        .layer(CatchPanicLayer::custom(answer::panicked))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .layer(from_fn_with_state(settings.clone(), detach::detach_layer))
        .layer(from_fn_with_state(settings.clone(), limits::referer_layer))
        .layer(from_fn_with_state(settings.clone(), limits::body_layer))
        .layer(from_fn_with_state(settings.clone(), limits::host_layer))
        .layer(from_fn_with_state(
            settings.clone(),
            redirect::redirect_layer,
        ))
        .layer(from_fn_with_state(settings.clone(), headers::headers_layer))
        .layer(from_fn_with_state(settings, facts::facts_layer))
}
