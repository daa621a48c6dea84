//! Rate limit of each member for pages and server functions (SEC-B9).

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use domain::{Actor, TenantId, UserId};
use service::Clock;
use time::Duration;

use super::{
    answer,
    rate::{RateLimiter, too_many_requests},
};
use crate::listener::AddressSlot;

/// Rate limit of each member, over all sessions.
#[derive(Clone, Debug)]
pub struct MemberLimit(RateLimiter<(TenantId, UserId)>);

impl MemberLimit {
    /// Allows each member `calls_per_minute`.
    pub fn new(calls_per_minute: u32, clock: Clock) -> Self {
        Self(RateLimiter::new(calls_per_minute, Duration::MINUTE, clock))
    }
}

/// Responds 429 with `Retry-After` beyond the limit. Must run after
/// authentication; anonymous requests pass.
pub(crate) async fn member_rate_layer(
    State(MemberLimit(calls)): State<MemberLimit>,
    request: Request,
    next: Next,
) -> Response {
    let actor = request.extensions().get::<Option<Actor>>();
    let member = actor
        .and_then(Option::as_ref)
        .map(|actor| (actor.tenant_id, actor.user_id));
    let Some(member) = member else {
        return next.run(request).await;
    };
    if let Some(slot) = request.extensions().get::<AddressSlot>() {
        slot.release();
    }
    match calls.try_acquire(member) {
        Ok(_) => next.run(request).await,
        Err(wait) => {
            tracing::warn!(user_id = %member.1, "too many calls of a member");
            answer::error_response(request.headers(), &too_many_requests(wait))
        }
    }
}
