//! Authentication by API key, with rate limits for keys and for addresses that
//! try invalid ones.
//!
//! Only invalid keys are limited by address: a valid one is accepted whatever
//! else its address tries.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{Actor, ApiKeyId, AppError, RequestFacts, Timestamp};
use secrecy::SecretString;
use service::{ApiKeyError, Ctx, api_key_check, api_key_is_well_formed, api_key_rejection_audit};
use time::Duration;

use super::problem::ApiError;
use crate::{
    http::{FailureLimit, RateLimiter, Remaining, audit_unknown_id, too_many_requests},
    listener::AddressSlot,
};

/// Invalid keys that one address may try in a minute.
const TRIES_PER_MINUTE: u32 = 30;

/// The headers that can carry a key.
const KEY_HEADERS: [HeaderName; 2] = [header::AUTHORIZATION, HeaderName::from_static("x-api-key")];

/// The key as sent, from which encryption keys are derived.
#[derive(Clone, Debug)]
pub(super) struct PresentedKey(pub(super) SecretString);

/// How long a valid key counts as known.
const KNOWN_FOR: Duration = Duration::minutes(10);
/// Known keys in memory; beyond that number all are forgotten.
const MAX_KNOWN: usize = 20_000;

/// Authenticates requests by API key and limits their rate, and the number of
/// invalid keys from one address.
#[derive(Clone, Debug)]
pub struct ApiKeyAuth {
    ctx: Ctx,
    calls: RateLimiter<ApiKeyId>,
    tries: FailureLimit,
    known: KnownKeys,
}

/// Keys that were valid a short while ago. They are looked up like all others,
/// but don't wait behind other lookups for their address.
#[derive(Clone, Debug, Default)]
struct KnownKeys {
    hasher: RandomState,
    until: Arc<Mutex<HashMap<u64, Timestamp>>>,
}

impl KnownKeys {
    fn has(&self, key: &str, now: Timestamp) -> bool {
        let until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let until = until.get(&self.hasher.hash_one(key));
        until.is_some_and(|until| *until > now)
    }

    fn insert(&self, key: &str, now: Timestamp) {
        let mut all = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_KNOWN {
            all.clear();
        }
        all.insert(self.hasher.hash_one(key), now + KNOWN_FOR);
    }
}

impl ApiKeyAuth {
    pub fn new(ctx: Ctx, calls_per_minute: u32) -> Self {
        let clock = || ctx.clock.clone();
        Self {
            calls: RateLimiter::new(calls_per_minute, Duration::MINUTE, clock()),
            tries: FailureLimit::new(TRIES_PER_MINUTE, clock()),
            known: KnownKeys::default(),
            ctx,
        }
    }
}

/// Adds the [`Actor`] behind the key to the request, or rejects it. Counts the
/// key's calls and sends the remaining number.
pub(crate) async fn key_layer(
    State(auth): State<ApiKeyAuth>,
    mut request: Request,
    next: Next,
) -> Response {
    let facts = request.extensions().get::<RequestFacts>().cloned();
    let Some(facts) = facts else {
        return ApiError::from(AppError::Internal).into_response();
    };
    let key = match presented(request.headers()) {
        Ok(key) => key.to_owned(),
        Err(error) => return error.into_response(),
    };
    let actor = match auth.actor(&key, &facts).await {
        Ok(actor) => actor,
        Err(error) => return error.into_response(),
    };
    let Some(id) = actor.request.api_key_id else {
        return ApiError::from(AppError::Internal).into_response();
    };
    if let Some(slot) = request.extensions().get::<AddressSlot>() {
        slot.release();
    }
    let remaining = match auth.calls.try_acquire(id) {
        Ok(remaining) => remaining,
        Err(wait) => {
            let error = ApiError::from(too_many_requests(wait)).into_response();
            return auth.with_limits(
                error,
                Remaining {
                    calls: 0,
                    full_in: wait,
                },
            );
        }
    };
    // No inner layer needs it, and none can log it.
    for name in KEY_HEADERS {
        request.headers_mut().remove(name);
    }
    request.extensions_mut().insert(actor.request.clone());
    request.extensions_mut().insert(PresentedKey(key.into()));
    request.extensions_mut().insert(actor.clone());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    if response.status() == StatusCode::NOT_FOUND {
        audit_unknown_id(&auth.ctx, &actor, &method, &path).await;
    }
    auth.with_limits(response, remaining)
}

impl ApiKeyAuth {
    async fn actor(&self, key: &str, facts: &RequestFacts) -> Result<Actor, ApiError> {
        if !api_key_is_well_formed(key) {
            return Err(explain(ApiKeyError::Malformed));
        }
        let now = self.ctx.clock.now();
        let slot = if self.known.has(key, now) {
            None
        } else {
            self.tries.look_up_slot(facts.ip).await
        };
        let checked = api_key_check(&self.ctx, key, facts).await;
        drop(slot);
        let rejected = match checked {
            Ok(actor) => {
                self.known.insert(key, now);
                return Ok(actor);
            }
            Err(rejected) => rejected,
        };
        if !matches!(rejected.error, ApiKeyError::Failed(_)) {
            self.tries.count(facts.ip)?;
            api_key_rejection_audit(&self.ctx, &rejected, facts).await?;
        }
        Err(explain(rejected.error))
    }

    /// As in draft-ietf-httpapi-ratelimit-headers.
    fn with_limits(&self, mut response: Response, remaining: Remaining) -> Response {
        let (calls, seconds) = (self.calls.calls(), self.calls.period().whole_seconds());
        let reset = remaining.full_in.whole_seconds().max(1);
        let values = [
            ("ratelimit-policy", format!("\"key\";q={calls};w={seconds}")),
            (
                "ratelimit",
                format!("\"key\";r={};t={reset}", remaining.calls),
            ),
        ];
        for (name, value) in values {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

fn explain(error: ApiKeyError) -> ApiError {
    let detail = match error {
        ApiKeyError::Failed(error) => return error.into(),
        ApiKeyError::Malformed => {
            "This is not a whole API key: it begins with atr_ and has 37 characters. Copy it again."
        }
        ApiKeyError::Unknown => "Unknown API key.",
        ApiKeyError::Expired => "This API key has expired. Create a new one.",
        ApiKeyError::Revoked => "This API key is revoked. Create a new one.",
        ApiKeyError::OwnerInactive => {
            "The member or the organisation that this API key acts for is not active."
        }
    };
    ApiError::saying(AppError::Unauthenticated, detail)
}

/// The request's key. It may be sent in several headers if they agree (SEC-G: a
/// second header must not name another key).
fn presented(headers: &HeaderMap) -> Result<&str, ApiError> {
    let unreadable = || {
        ApiError::saying(
            AppError::Unauthenticated,
            "The Authorization header is not of the form “Bearer atr_…”.",
        )
    };
    let mut keys = Vec::new();
    for value in headers.get_all(header::AUTHORIZATION) {
        let (scheme, key) = value
            .to_str()
            .ok()
            .and_then(|value| value.trim().split_once(' '))
            .ok_or_else(unreadable)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(unreadable());
        }
        keys.push(key.trim());
    }
    for value in headers.get_all(&KEY_HEADERS[1]) {
        keys.push(value.to_str().map_err(|_| unreadable())?.trim());
    }
    let Some(first) = keys.first().copied() else {
        return Err(ApiError::saying(
            AppError::Unauthenticated,
            "Send an API key as “Authorization: Bearer atr_…” or as “X-Api-Key: atr_…”.",
        ));
    };
    if keys.iter().any(|key| *key != first) {
        return Err(ApiError {
            error: AppError::Transport {
                message: "The request has two different API keys. Send only one.".to_owned(),
            },
            status: Some(StatusCode::BAD_REQUEST),
            detail: None,
        });
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(headers: &[(&'static str, &str)]) -> Result<String, u16> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        presented(&map)
            .map(str::to_owned)
            .map_err(|error| error.into_response().status().as_u16())
    }

    // SEC-D5, SEC-G: scope bypass through a second header.
    #[test]
    fn key_is_read_from_each_header_and_two_keys_are_rejected() {
        for headers in [
            &[("authorization", "Bearer atr_a")][..],
            &[("authorization", "bearer   atr_a ")],
            &[("x-api-key", "atr_a")],
            &[("x-api-key", "atr_a"), ("authorization", "Bearer atr_a")],
            &[("x-api-key", "atr_a"), ("x-api-key", "atr_a")],
        ] {
            assert_eq!(key(headers).as_deref(), Ok("atr_a"), "{headers:?}");
        }
        for (headers, status) in [
            (&[][..], 401),
            (&[("authorization", "Basic YTpi")], 401),
            (&[("authorization", "atr_a")], 401),
            (
                &[("x-api-key", "atr_a"), ("authorization", "Basic YTpi")],
                401,
            ),
            (
                &[("x-api-key", "atr_a"), ("authorization", "Bearer atr_b")],
                400,
            ),
            (&[("x-api-key", "atr_a"), ("x-api-key", "atr_b")], 400),
            (
                &[
                    ("authorization", "Bearer atr_a"),
                    ("authorization", "Bearer atr_b"),
                ],
                400,
            ),
            (&[("x-api-key", ""), ("authorization", "Bearer atr_b")], 400),
        ] {
            assert_eq!(key(headers), Err(status), "{headers:?}");
        }
    }
}
