//! Limits on open streams.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{AppError, TenantId, UserId};

/// Maximum streams of one member, including their API keys.
const MAX_PER_MEMBER: usize = 12;
/// Maximum streams of one organisation, so that others get some.
const MAX_PER_ORGANISATION: usize = 500;
/// Maximum streams of the process.
const MAX_TOTAL: usize = 2_000;
/// Suggested delay when a limit is reached.
const RETRY_SECONDS: u32 = 30;

/// Open streams, counted by organisation and member.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots(Arc<Mutex<OpenStreams>>);

#[derive(Debug, Default)]
struct OpenStreams {
    total: usize,
    by_organisation: HashMap<TenantId, usize>,
    by_member: HashMap<(TenantId, UserId), usize>,
}

/// Permission for one open stream, released on drop.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Slots,
    tenant_id: TenantId,
    user_id: UserId,
}

impl Slots {
    fn lock(&self) -> MutexGuard<'_, OpenStreams> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// [`AppError::TooManyRequests`] if a limit is reached.
    pub(super) fn try_acquire(
        &self,
        tenant_id: TenantId,
        user_id: UserId,
    ) -> Result<Slot, AppError> {
        let mut open = self.lock();
        let own = count(&open.by_member, (tenant_id, user_id));
        let organisation = count(&open.by_organisation, tenant_id);
        if own >= MAX_PER_MEMBER || organisation >= MAX_PER_ORGANISATION || open.total >= MAX_TOTAL
        {
            return Err(AppError::TooManyRequests {
                retry_after_seconds: RETRY_SECONDS,
            });
        }
        open.total += 1;
        open.by_organisation.insert(tenant_id, organisation + 1);
        open.by_member.insert((tenant_id, user_id), own + 1);
        Ok(Slot {
            slots: self.clone(),
            tenant_id,
            user_id,
        })
    }
}

fn count<K: Copy + Eq + Hash>(counts: &HashMap<K, usize>, key: K) -> usize {
    counts.get(&key).copied().unwrap_or_default()
}

/// Decrements a count and removes the entry when it reaches 0.
fn release<K: Copy + Eq + Hash>(counts: &mut HashMap<K, usize>, key: K) {
    match count(counts, key) {
        0 | 1 => counts.remove(&key),
        more => counts.insert(key, more - 1),
    };
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.slots.lock();
        open.total -= 1;
        release(&mut open.by_organisation, self.tenant_id);
        release(&mut open.by_member, (self.tenant_id, self.user_id));
    }
}

#[cfg(test)]
mod tests {
    use store::testing::id;

    use super::*;

    fn is_empty(slots: &Slots) -> bool {
        let open = slots.lock();
        open.total == 0 && open.by_organisation.is_empty() && open.by_member.is_empty()
    }

    #[test]
    fn member_limit_is_enforced_and_slots_are_released() {
        let slots = Slots::default();
        let (acme, one, other) = (id(), id(), id());
        let mut held: Vec<_> = (0..MAX_PER_MEMBER)
            .map(|_| slots.try_acquire(acme, one).unwrap())
            .collect();
        assert!(slots.try_acquire(acme, one).is_err());
        drop(slots.try_acquire(acme, other).unwrap());
        held.pop();
        held.push(slots.try_acquire(acme, one).unwrap());
        assert!(slots.try_acquire(acme, one).is_err());
        drop(held);
        assert!(is_empty(&slots), "nothing is kept of who left");
    }

    #[test]
    fn organisation_limit_leaves_slots_to_others() {
        let slots = Slots::default();
        let (acme, other) = (id(), id());
        let mut held: Vec<_> = (0..MAX_PER_ORGANISATION)
            .map(|_| slots.try_acquire(acme, id()).unwrap())
            .collect();
        assert!(slots.try_acquire(acme, id()).is_err());
        drop(slots.try_acquire(other, id()).unwrap());
        held.pop();
        held.push(slots.try_acquire(acme, id()).unwrap());
        drop(held);
        assert!(is_empty(&slots));
    }

    #[test]
    fn total_limit_is_enforced() {
        let slots = Slots::default();
        let held: Vec<_> = (0..MAX_TOTAL)
            .map(|_| slots.try_acquire(id(), id()).unwrap())
            .collect();
        assert!(slots.try_acquire(id(), id()).is_err());
        assert_eq!(
            slots.lock().by_member.len(),
            MAX_TOTAL,
            "a refusal leaves nothing"
        );
        drop(held);
        assert!(slots.try_acquire(id(), id()).is_ok());
    }
}
