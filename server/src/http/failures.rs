//! Rate limit for failed authentication attempts (SEC-B9).

use std::{net::IpAddr, sync::Arc};

use domain::AppError;
use service::Clock;
use time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::rate::{RateLimit, too_many_requests};

/// Concurrent look-ups for all addresses over the limit together.
const MAX_LOOK_UPS: usize = 2;

/// Counts failed attempts by address. Never rejects a successful attempt,
/// because members and programs of an office share an address with an attacker
/// there.
#[derive(Clone, Debug)]
pub struct FailureLimit {
    failures: RateLimit,
    look_ups: Arc<Semaphore>,
}

impl FailureLimit {
    /// Allows each address `failures_per_minute`.
    pub fn new(failures_per_minute: u32, clock: Clock) -> Self {
        Self {
            failures: RateLimit::new(failures_per_minute, Duration::MINUTE, clock),
            look_ups: Arc::new(Semaphore::new(MAX_LOOK_UPS)),
        }
    }

    /// Counts a failure of `address`.
    ///
    /// # Errors
    /// [`AppError::TooManyRequests`] if it has failed too often: the caller
    /// responds with this error and does not audit the failure.
    pub fn count(&self, address: Option<IpAddr>) -> Result<(), AppError> {
        self.failures
            .try_acquire(address)
            .map(drop)
            .map_err(too_many_requests)
    }

    /// Waits for a permit to look up the credential of `address` in the
    /// database, first come, first served. Returns `None` at once for an
    /// address within the limit. Guesses over the limit thereby can't exhaust
    /// the connections, and a valid credential among them still succeeds.
    pub async fn look_up_slot(&self, address: Option<IpAddr>) -> Option<OwnedSemaphorePermit> {
        self.failures.retry_after(address)?;
        // The semaphore is never closed.
        self.look_ups.clone().acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;
    use futures::FutureExt as _;

    use super::*;

    // SEC-B9
    #[tokio::test]
    async fn only_addresses_over_the_limit_wait_for_look_ups() {
        let limit = FailureLimit::new(2, Clock::from_fn(|| Timestamp::UNIX_EPOCH));
        let [attacker, other] = ["203.0.113.1", "203.0.113.2"].map(|ip| Some(ip.parse().unwrap()));
        for _ in 0..2 {
            assert!(limit.look_up_slot(attacker).await.is_none());
            assert_eq!(limit.count(attacker), Ok(()));
        }
        assert_eq!(
            limit.count(attacker),
            Err(AppError::TooManyRequests {
                retry_after_seconds: 31
            })
        );
        let mut held = Vec::new();
        for _ in 0..MAX_LOOK_UPS {
            held.push(limit.look_up_slot(attacker).await.unwrap());
        }
        assert!(limit.look_up_slot(attacker).now_or_never().is_none());
        assert_eq!(
            limit
                .look_up_slot(other)
                .now_or_never()
                .map(|p| p.is_none()),
            Some(true)
        );
        held.pop();
        assert!(limit.look_up_slot(attacker).await.is_some());
    }
}
