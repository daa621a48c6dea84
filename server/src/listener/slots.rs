//! Counts open connections, in total and for each IP address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ConnectionLimits;
use crate::http::network;

/// Permits for all connections, and the number in use by each address.
#[derive(Debug)]
pub(super) struct Slots {
    permits: Arc<Semaphore>,
    per_address: usize,
    trusted_proxies: Arc<[IpNet]>,
    open: OpenByAddress,
}

/// Number of connections of each address on which nobody has signed in.
#[derive(Clone, Debug, Default)]
struct OpenByAddress(Arc<Mutex<HashMap<IpAddr, usize>>>);

impl OpenByAddress {
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The slot of one connection, released on drop.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    pub(super) address: AddressSlot,
    _permit: Option<OwnedSemaphorePermit>,
}

/// A connection's share of its address's limit, an extension of each of its
/// requests.
#[derive(Clone, Debug)]
pub(crate) struct AddressSlot(Arc<AddressCount>);

#[derive(Debug)]
struct AddressCount {
    open: OpenByAddress,
    /// `None` for a trusted proxy, which has no limit.
    address: Option<IpAddr>,
    is_released: AtomicBool,
}

impl AddressSlot {
    /// Stops counting the connection towards its address's limit, because a
    /// member has signed in on it: an office shares an address.
    pub(crate) fn release(&self) {
        self.0.release();
    }
}

impl AddressCount {
    fn release(&self) {
        let Some(address) = self.address else {
            return;
        };
        if self.is_released.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut open = self.open.lock();
        if let Some(count) = open.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&address);
            }
        }
    }
}

impl Drop for AddressCount {
    fn drop(&mut self) {
        self.release();
    }
}

impl Slots {
    pub(super) fn new(limits: &ConnectionLimits) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(limits.connections)),
            per_address: limits.connections_per_address,
            trusted_proxies: limits.trusted_proxies.clone(),
            open: OpenByAddress::default(),
        }
    }

    /// Waits until another connection is allowed.
    pub(super) async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        self.permits.clone().acquire_owned().await.ok()
    }

    /// Assigns a slot to a connection of `peer`; `None` if its address has too
    /// many.
    pub(super) fn try_acquire(
        &self,
        permit: Option<OwnedSemaphorePermit>,
        peer: IpAddr,
    ) -> Option<ConnectionSlot> {
        let peer = peer.to_canonical();
        let is_proxy = self
            .trusted_proxies
            .iter()
            .any(|proxy| proxy.contains(&peer));
        let address = (!is_proxy).then(|| network(peer));
        if let Some(address) = address {
            let mut open = self.open.lock();
            let count = open.entry(address).or_default();
            if *count >= self.per_address {
                return None;
            }
            *count += 1;
        }
        Some(ConnectionSlot {
            address: AddressSlot(Arc::new(AddressCount {
                open: self.open.clone(),
                address,
                is_released: AtomicBool::new(false),
            })),
            _permit: permit,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn slots() -> Slots {
        Slots::new(&ConnectionLimits {
            connections: 10,
            connections_per_address: 2,
            trusted_proxies: Arc::new(["10.0.0.0/8".parse().unwrap()]),
            header_timeout: Duration::from_secs(1),
            write_timeout: Duration::from_secs(1),
        })
    }

    #[test]
    fn connections_per_address_are_limited_and_released() {
        let slots = slots();
        let acquire = |peer: &str| slots.try_acquire(None, peer.parse().unwrap());
        let first = acquire("203.0.113.1").unwrap();
        let _second = acquire("203.0.113.1").unwrap();
        assert!(acquire("203.0.113.1").is_none());
        assert!(acquire("::ffff:203.0.113.1").is_none());
        assert!(acquire("203.0.113.2").is_some());
        drop(first);
        let third = acquire("203.0.113.1").unwrap();
        assert!(acquire("203.0.113.1").is_none());
        // Released after a sign-in, and not a second time when it closes.
        third.address.release();
        third.address.release();
        let _fourth = acquire("203.0.113.1").unwrap();
        drop(third);
        assert!(acquire("203.0.113.1").is_none());
    }

    #[test]
    fn proxies_are_unlimited_and_closed_connections_are_removed() {
        let slots = slots();
        let connections: Vec<_> = (0..5)
            .map(|_| {
                slots
                    .try_acquire(None, "10.1.2.3".parse().unwrap())
                    .unwrap()
            })
            .collect();
        assert!(slots.open.lock().is_empty());
        drop(connections);
        drop(slots.try_acquire(None, "203.0.113.1".parse().unwrap()));
        assert!(slots.open.lock().is_empty());
    }
}
