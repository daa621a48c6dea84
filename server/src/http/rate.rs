//! Limits on how often one caller may call (SEC-B9).

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

/// Callers remembered at once, so that memory stays bounded. Beyond that those
/// who have used least of their allowance are forgotten, and never first those
/// who are being held back.
const MAX_CALLERS: usize = 20_000;

/// So many calls at once by each caller, refilled evenly over a period.
#[derive(Clone, Debug)]
pub struct RateLimiter<K> {
    calls: u32,
    interval: Duration,
    clock: Clock,
    /// Per caller, when the allowance will be full again.
    full_at: Arc<Mutex<HashMap<K, Timestamp>>>,
}

/// What is left of an allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// Calls that may follow at once.
    pub calls: u32,
    /// Until the allowance is full again.
    pub full_in: Duration,
}

impl<K: Copy + Eq + Hash> RateLimiter<K> {
    /// Allows `calls` in each `period`, all at once if need be.
    pub fn new(calls: u32, period: Duration, clock: Clock) -> Self {
        let calls = calls.max(1);
        Self {
            calls,
            interval: period / calls,
            clock,
            full_at: Arc::default(),
        }
    }

    /// Calls in each period.
    pub fn calls(&self) -> u32 {
        self.calls
    }

    /// The time in which all calls come back.
    pub fn period(&self) -> Duration {
        self.interval * self.calls
    }

    /// Takes one call of the caller's allowance.
    ///
    /// # Errors
    /// How long to wait, when nothing is left.
    pub fn try_acquire(&self, caller: K) -> Result<Remaining, Duration> {
        let now = self.clock.now();
        let mut all = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_CALLERS && !all.contains_key(&caller) {
            make_room(&mut all, now);
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

    /// How long the caller has to wait for the next call, if at all.
    pub fn is_exhausted(&self, caller: K) -> Option<Duration> {
        let now = self.clock.now();
        let all = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let ahead = (*all.get(&caller)?).max(now) + self.interval - now;
        (ahead > self.period()).then(|| ahead - self.period())
    }
}

/// Forgets callers with a full allowance and, if more than half of the room is
/// taken even so, the half that has used least.
fn make_room<K: Eq + Hash>(all: &mut HashMap<K, Timestamp>, now: Timestamp) {
    all.retain(|_, full_at| *full_at > now);
    let mut excess = all.len().saturating_sub(MAX_CALLERS / 2);
    if excess == 0 {
        return;
    }
    let mut times: Vec<_> = all.values().copied().collect();
    let (_, last_to_go, _) = times.select_nth_unstable(excess - 1);
    let last_to_go = *last_to_go;
    all.retain(|_, full_at| {
        let goes = excess > 0 && *full_at <= last_to_go;
        excess -= usize::from(goes);
        !goes
    });
}

/// An allowance of each address.
#[derive(Clone, Debug)]
pub struct RateLimit(RateLimiter<Option<IpAddr>>);

impl RateLimit {
    /// Allows `calls` in each `period`, all at once if need be.
    pub fn new(calls: u32, period: Duration, clock: Clock) -> Self {
        Self(RateLimiter::new(calls, period, clock))
    }

    /// Takes one call of `address`' allowance.
    ///
    /// # Errors
    /// How long to wait, when nothing is left.
    pub fn try_acquire(&self, address: Option<IpAddr>) -> Result<Remaining, Duration> {
        self.0.try_acquire(address.map(network))
    }

    /// How long `address` has to wait for its next call, if at all.
    pub fn is_exhausted(&self, address: Option<IpAddr>) -> Option<Duration> {
        self.0.is_exhausted(address.map(network))
    }
}

/// One household or machine has a whole /64 of IPv6.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// The refusal of a call that may be tried again after `wait`.
pub(crate) fn too_many(wait: Duration) -> AppError {
    AppError::TooManyRequests {
        retry_after_seconds: u32::try_from(wait.whole_seconds())
            .unwrap_or(u32::MAX)
            .saturating_add(1),
    }
}

/// Answers 429 with `Retry-After` beyond the limit.
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
            answer::error_response(request.headers(), &too_many(wait))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[test]
    fn the_allowance_is_per_address_and_comes_back_with_time() {
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
            assert_eq!(limit.is_exhausted(one), None);
            assert_eq!(
                limit.try_acquire(one).map(|remaining| remaining.calls),
                Ok(calls)
            );
        }
        assert_eq!(limit.try_acquire(one), Err(Duration::seconds(10)));
        assert_eq!(limit.is_exhausted(one), Some(Duration::seconds(10)));
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
    fn a_whole_ipv6_network_is_one_address_and_memory_is_bounded() {
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
    fn a_crowd_does_not_free_those_who_are_held_back() {
        let limit = RateLimiter::new(
            3,
            Duration::hours(1),
            Clock::from_fn(|| Timestamp::UNIX_EPOCH),
        );
        let held_back = 1_000_000..1_000_100_u32;
        for caller in held_back.clone() {
            while limit.try_acquire(caller).is_ok() {}
        }
        for caller in 0..100_000 {
            assert!(limit.try_acquire(caller).is_ok());
        }
        assert!(limit.full_at.lock().unwrap().len() <= MAX_CALLERS);
        for caller in held_back {
            assert!(limit.try_acquire(caller).is_err(), "{caller} was forgotten");
        }
    }
}
