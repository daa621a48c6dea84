//! Places for connections.

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

/// Places for all connections, and how many of them each address has.
#[derive(Debug)]
pub(super) struct Slots {
    places: Arc<Semaphore>,
    per_address: usize,
    trusted_proxies: Arc<[IpNet]>,
    open: Open,
}

/// Connections of each address on which nobody has signed in.
#[derive(Clone, Debug, Default)]
struct Open(Arc<Mutex<HashMap<IpAddr, usize>>>);

impl Open {
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection, given back when dropped.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    pub(super) address: AddressSlot,
    _place: Option<OwnedSemaphorePermit>,
}

/// A connection's part of its address' limit; each of its requests carries it.
#[derive(Clone, Debug)]
pub(crate) struct AddressSlot(Arc<Counted>);

#[derive(Debug)]
struct Counted {
    open: Open,
    /// `None` for a proxy, which has no limit.
    address: Option<IpAddr>,
    is_released: AtomicBool,
}

impl AddressSlot {
    /// Somebody has signed in on the connection: it is a member's from now on
    /// and no longer the address'. An office shares an address.
    pub(crate) fn release(&self) {
        self.0.release();
    }
}

impl Counted {
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

impl Drop for Counted {
    fn drop(&mut self) {
        self.release();
    }
}

impl Slots {
    pub(super) fn new(limits: &ConnectionLimits) -> Self {
        Self {
            places: Arc::new(Semaphore::new(limits.connections)),
            per_address: limits.connections_per_address,
            trusted_proxies: limits.trusted_proxies.clone(),
            open: Open::default(),
        }
    }

    /// Waits for a place among all connections.
    pub(super) async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        // Never closed.
        self.places.clone().acquire_owned().await.ok()
    }

    /// A connection of `peer`, unless its address has too many.
    pub(super) fn try_acquire(
        &self,
        place: Option<OwnedSemaphorePermit>,
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
            address: AddressSlot(Arc::new(Counted {
                open: self.open.clone(),
                address,
                is_released: AtomicBool::new(false),
            })),
            _place: place,
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
    fn an_address_has_so_many_connections_and_gets_them_back() {
        let slots = slots();
        let take = |peer: &str| slots.try_acquire(None, peer.parse().unwrap());
        let first = take("203.0.113.1").unwrap();
        let _second = take("203.0.113.1").unwrap();
        assert!(take("203.0.113.1").is_none());
        assert!(take("::ffff:203.0.113.1").is_none());
        assert!(take("203.0.113.2").is_some());
        drop(first);
        let third = take("203.0.113.1").unwrap();
        assert!(take("203.0.113.1").is_none());
        // One on which somebody signed in counts no more, not even at its end.
        third.address.release();
        third.address.release();
        let _fourth = take("203.0.113.1").unwrap();
        drop(third);
        assert!(take("203.0.113.1").is_none());
    }

    #[test]
    fn a_proxy_has_no_limit_of_its_own_and_nothing_is_kept_of_who_left() {
        let slots = slots();
        let held: Vec<_> = (0..5)
            .map(|_| {
                slots
                    .try_acquire(None, "10.1.2.3".parse().unwrap())
                    .unwrap()
            })
            .collect();
        assert!(slots.open.lock().is_empty());
        drop(held);
        drop(slots.try_acquire(None, "203.0.113.1".parse().unwrap()));
        assert!(slots.open.lock().is_empty());
    }
}
