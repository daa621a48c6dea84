//! A limit on how often one address may call a route (SEC-B9).

use std::{
    collections::HashMap,
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

/// Addresses remembered at once; beyond that those that are long quiet go,
/// and failing that everyone starts afresh, so that memory stays bounded.
const MAX_ADDRESSES: usize = 20_000;

/// So many calls at once, refilled evenly over a period.
#[derive(Clone, Debug)]
pub struct RateLimit {
    burst: u32,
    interval: Duration,
    clock: Clock,
    /// Per address, when its allowance will be full again.
    full_at: Arc<Mutex<HashMap<Option<IpAddr>, Timestamp>>>,
}

impl RateLimit {
    /// Allows `calls` in each `period`, all at once if need be.
    pub fn new(calls: u32, period: Duration, clock: Clock) -> Self {
        let burst = calls.max(1);
        Self {
            burst,
            interval: period / burst,
            clock,
            full_at: Arc::default(),
        }
    }

    /// Takes one call of `address`' allowance.
    ///
    /// # Errors
    /// How long to wait, when nothing is left.
    pub fn take(&self, address: Option<IpAddr>) -> Result<(), Duration> {
        let now = self.clock.now();
        let key = address.map(network);
        let mut all = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_ADDRESSES && !all.contains_key(&key) {
            all.retain(|_, full_at| *full_at > now);
            if all.len() >= MAX_ADDRESSES {
                all.clear();
            }
        }
        let full_at = all.entry(key).or_insert(now);
        let next = (*full_at).max(now) + self.interval;
        let ahead = next - now;
        let allowance = self.interval * self.burst;
        if ahead > allowance {
            return Err(ahead - allowance);
        }
        *full_at = next;
        Ok(())
    }
}

/// One household or machine has a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
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
    match limit.take(address) {
        Ok(()) => next.run(request).await,
        Err(wait) => {
            let seconds = u32::try_from(wait.whole_seconds())
                .unwrap_or(u32::MAX)
                .saturating_add(1);
            tracing::warn!(?address, "too many calls");
            let error = AppError::TooManyRequests {
                retry_after_seconds: seconds,
            };
            answer::refuse(request.headers(), &error)
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
        for _ in 0..3 {
            assert_eq!(limit.take(one), Ok(()));
        }
        assert_eq!(limit.take(one), Err(Duration::seconds(10)));
        assert_eq!(limit.take(Some("203.0.113.2".parse().unwrap())), Ok(()));
        assert_eq!(limit.take(None), Ok(()));
        seconds.store(9, Ordering::Relaxed);
        assert_eq!(limit.take(one), Err(Duration::seconds(1)));
        seconds.store(10, Ordering::Relaxed);
        assert_eq!(limit.take(one), Ok(()));
        assert_eq!(limit.take(one), Err(Duration::seconds(10)));
    }

    #[test]
    fn a_whole_ipv6_network_is_one_address_and_memory_is_bounded() {
        let limit = RateLimit::new(
            1,
            Duration::hours(1),
            Clock::from_fn(|| Timestamp::UNIX_EPOCH),
        );
        assert!(limit.take(Some("2001:db8::1".parse().unwrap())).is_ok());
        assert!(limit.take(Some("2001:db8::2".parse().unwrap())).is_err());
        for n in 0..50_000_u32 {
            let _ = limit.take(Some(IpAddr::from(n.to_be_bytes())));
        }
        assert!(limit.full_at.lock().unwrap().len() <= MAX_ADDRESSES);
    }
}
