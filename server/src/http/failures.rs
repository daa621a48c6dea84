//! Holding back those who fail too often, and nobody else (SEC-B9).

use std::{net::IpAddr, sync::Arc};

use domain::AppError;
use service::Clock;
use time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::rate::{RateLimit, too_many};

/// Look-ups at a time for all addresses that are held back.
const LOOK_UPS_AT_ONCE: usize = 2;

/// Counts failed attempts by address. What succeeds is never refused: people
/// and programs of one office share an address with whoever guesses there.
#[derive(Clone, Debug)]
pub struct FailureLimit {
    failures: RateLimit,
    look_ups: Arc<Semaphore>,
}

impl FailureLimit {
    /// Allows each address so many failures a minute.
    pub fn new(failures_per_minute: u32, clock: Clock) -> Self {
        Self {
            failures: RateLimit::new(failures_per_minute, Duration::MINUTE, clock),
            look_ups: Arc::new(Semaphore::new(LOOK_UPS_AT_ONCE)),
        }
    }

    /// Counts a failure of `address`.
    ///
    /// # Errors
    /// [`AppError::TooManyRequests`] when it has failed too often: then the
    /// failure is answered with this, and written down nowhere.
    pub fn count(&self, address: Option<IpAddr>) -> Result<(), AppError> {
        self.failures
            .try_acquire(address)
            .map(drop)
            .map_err(too_many)
    }

    /// Waits for a place to look up in the database what `address` brings, in
    /// order of arrival. Only an address that is held back has to: its guesses
    /// can't take the connections that others need, and what is right among
    /// them still gets through.
    pub async fn look_up_slot(&self, address: Option<IpAddr>) -> Option<OwnedSemaphorePermit> {
        self.failures.is_exhausted(address)?;
        // Never closed.
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
    async fn only_an_address_that_fails_too_often_waits_for_its_look_ups() {
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
        for _ in 0..LOOK_UPS_AT_ONCE {
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
