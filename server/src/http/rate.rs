//! Rate limits (SEC-B9).

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use domain::{AppError, RequestFacts, Timestamp};
use service::Clock;
use time::Duration;

use super::answer;

/// Maximum callers tracked at a time, to bound memory. Beyond it, those that
/// have used least of their limit are removed first, so that exhausted callers
/// remain.
const MAX_CALLERS: usize = 20_000;

/// Token bucket for each caller: `calls` at once, refilled evenly over a
/// period.
#[derive(Clone, Debug)]
pub struct RateLimiter<K> {
    calls: u32,
    interval: Duration,
    clock: Clock,
    /// Time at which each caller's bucket is full again.
    full_at: Arc<Mutex<HashMap<K, Timestamp>>>,
}

/// State of a caller's bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// Calls available now.
    pub calls: u32,
    /// Time until the bucket is full again.
    pub full_in: Duration,
}

impl<K: Copy + Eq + Hash> RateLimiter<K> {
    /// Allows `calls` in each `period`, also all at once.
    pub fn new(calls: u32, period: Duration, clock: Clock) -> Self {
        let calls = calls.max(1);
        Self {
            calls,
            interval: period / calls,
            clock,
            full_at: Arc::default(),
        }
    }

    /// Calls allowed in each period.
    pub fn calls(&self) -> u32 {
        self.calls
    }

    /// Time in which an empty bucket becomes full.
    pub fn period(&self) -> Duration {
        self.interval * self.calls
    }

    /// Takes one call from the caller's bucket.
    ///
    /// # Errors
    /// The time to wait if the bucket is empty.
    pub fn try_acquire(&self, caller: K) -> Result<Remaining, Duration> {
        let now = self.clock.now();
        let mut all = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_CALLERS && !all.contains_key(&caller) {
            evict(&mut all, now);
        }
        let full_at = all.entry(caller).or_insert(now);
        let next = (*full_at).max(now) + self.interval;
        let ahead = next - now;
        if ahead > self.period() {
            return Err(ahead - self.period());
        }
        *full_at = next;
        let calls = (self.period() - ahead).whole_microseconds()
            / self.interval.whole_microseconds().max(1);
        Ok(Remaining {
            calls: u32::try_from(calls).unwrap_or(self.calls),
            full_in: ahead,
        })
    }

    /// The time to wait for the next call; `None` if one is available.
    pub fn retry_after(&self, caller: K) -> Option<Duration> {
        let now = self.clock.now();
        let all = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let ahead = (*all.get(&caller)?).max(now) + self.interval - now;
        (ahead > self.period()).then(|| ahead - self.period())
    }
}

/// Removes callers with a full bucket and, if more than half of the capacity is
/// still in use, the excess callers that have used least.
fn evict<K: Eq + Hash>(all: &mut HashMap<K, Timestamp>, now: Timestamp) {
    all.retain(|_, full_at| *full_at > now);
    let mut excess = all.len().saturating_sub(MAX_CALLERS / 2);
    if excess == 0 {
        return;
    }
    let mut times: Vec<_> = all.values().copied().collect();
    let (_, threshold, _) = times.select_nth_unstable(excess - 1);
    let threshold = *threshold;
    all.retain(|_, full_at| {
        let is_removed = excess > 0 && *full_at <= threshold;
        excess -= usize::from(is_removed);
        !is_removed
    });
}

/// Rate limit of each IP address; a /64 network for IPv6.
#[derive(Clone, Debug)]
pub struct RateLimit(RateLimiter<Option<IpAddr>>);

impl RateLimit {
    /// Allows `calls` in each `period`, also all at once.
    pub fn new(calls: u32, period: Duration, clock: Clock) -> Self {
        Self(RateLimiter::new(calls, period, clock))
    }

    /// Takes one call from the bucket of `address`.
    ///
    /// # Errors
    /// The time to wait if the bucket is empty.
    pub fn try_acquire(&self, address: Option<IpAddr>) -> Result<Remaining, Duration> {
        self.0.try_acquire(address.map(network))
    }

    /// The time to wait for the next call; `None` if one is available.
    pub fn retry_after(&self, address: Option<IpAddr>) -> Option<Duration> {
        self.0.retry_after(address.map(network))
    }
}

/// Masks an IPv6 address to its /64 network, which belongs to one subscriber.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// The error for a call that can be retried after `wait`.
pub(crate) fn too_many_requests(wait: Duration) -> AppError {
    AppError::TooManyRequests {
        retry_after_seconds: u32::try_from(wait.whole_seconds())
            .unwrap_or(u32::MAX)
            .saturating_add(1),
    }
}

/// Responds 429 with `Retry-After` beyond the limit of the client's address.
pub(crate) async fn rate_layer(
    State(limit): State<RateLimit>,
    request: Request,
    next: Next,
) -> Response {
    let address = request
        .extensions()
        .get::<RequestFacts>()
        .and_then(|facts| facts.ip);
    match limit.try_acquire(address) {
        Ok(_) => next.run(request).await,
        Err(wait) => {
            tracing::warn!(?address, "too many calls");
            answer::error_response(request.headers(), &too_many_requests(wait))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[test]
    fn limit_is_per_address_and_refills() {
        let seconds = Arc::new(AtomicI64::new(0));
        let clock = {
            let seconds = seconds.clone();
            Clock::from_fn(move || {
                Timestamp::UNIX_EPOCH + Duration::seconds(seconds.load(Ordering::Relaxed))
            })
        };
        let limit = RateLimit::new(3, Duration::seconds(30), clock);
        let one: Option<IpAddr> = Some("203.0.113.1".parse().unwrap());
        for calls in [2, 1, 0] {
            assert_eq!(limit.retry_after(one), None);
            assert_eq!(
                limit.try_acquire(one).map(|remaining| remaining.calls),
                Ok(calls)
            );
        }
        assert_eq!(limit.try_acquire(one), Err(Duration::seconds(10)));
        assert_eq!(limit.retry_after(one), Some(Duration::seconds(10)));
        assert!(
            limit
                .try_acquire(Some("203.0.113.2".parse().unwrap()))
                .is_ok()
        );
        assert!(limit.try_acquire(None).is_ok());
        seconds.store(9, Ordering::Relaxed);
        assert_eq!(limit.try_acquire(one), Err(Duration::seconds(1)));
        seconds.store(10, Ordering::Relaxed);
        let remaining = Remaining {
            calls: 0,
            full_in: Duration::seconds(30),
        };
        assert_eq!(limit.try_acquire(one), Ok(remaining));
        assert_eq!(limit.try_acquire(one), Err(Duration::seconds(10)));
    }

    #[test]
    fn ipv6_network_counts_as_one_address_and_memory_is_bounded() {
        let limit = RateLimit::new(
            1,
            Duration::hours(1),
            Clock::from_fn(|| Timestamp::UNIX_EPOCH),
        );
        assert!(
            limit
                .try_acquire(Some("2001:db8::1".parse().unwrap()))
                .is_ok()
        );
        assert!(
            limit
                .try_acquire(Some("2001:db8::2".parse().unwrap()))
                .is_err()
        );
        for n in 0..50_000_u32 {
            let _ = limit.try_acquire(Some(IpAddr::from(n.to_be_bytes())));
        }
        assert!(limit.0.full_at.lock().unwrap().len() <= MAX_CALLERS);
    }

    // SEC-B9
    #[test]
    fn many_callers_do_not_evict_exhausted_ones() {
        let limit = RateLimiter::new(
            3,
            Duration::hours(1),
            Clock::from_fn(|| Timestamp::UNIX_EPOCH),
        );
        let exhausted = 1_000_000..1_000_100_u32;
        for caller in exhausted.clone() {
            while limit.try_acquire(caller).is_ok() {}
        }
        for caller in 0..100_000 {
            assert!(limit.try_acquire(caller).is_ok());
        }
        assert!(limit.full_at.lock().unwrap().len() <= MAX_CALLERS);
        for caller in exhausted {
            assert!(limit.try_acquire(caller).is_err(), "{caller} was forgotten");
        }
    }
}
