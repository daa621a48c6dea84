//! How many streams may be open.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{AppError, TenantId, UserId};

/// Of one member, keys included.
const OF_ONE: usize = 12;
/// Of one organisation, so that it leaves some to the others.
const OF_ORGANISATION: usize = 500;
/// Of all.
const OF_ALL: usize = 2_000;
/// When to try again.
const RETRY_SECONDS: u32 = 30;

/// Open streams by organisation and member.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    all: usize,
    of_organisations: HashMap<TenantId, usize>,
    of_members: HashMap<(TenantId, UserId), usize>,
}

/// The right to one open stream; given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Slots,
    tenant_id: TenantId,
    user_id: UserId,
}

impl Slots {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// [`AppError::TooManyRequests`] when too many are open.
    pub(super) fn try_acquire(
        &self,
        tenant_id: TenantId,
        user_id: UserId,
    ) -> Result<Slot, AppError> {
        let mut open = self.open();
        let own = count(&open.of_members, (tenant_id, user_id));
        let organisation = count(&open.of_organisations, tenant_id);
        if own >= OF_ONE || organisation >= OF_ORGANISATION || open.all >= OF_ALL {
            return Err(AppError::TooManyRequests {
                retry_after_seconds: RETRY_SECONDS,
            });
        }
        open.all += 1;
        open.of_organisations.insert(tenant_id, organisation + 1);
        open.of_members.insert((tenant_id, user_id), own + 1);
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

/// Nothing is kept of who has none.
fn release<K: Copy + Eq + Hash>(counts: &mut HashMap<K, usize>, key: K) {
    match count(counts, key) {
        0 | 1 => counts.remove(&key),
        more => counts.insert(key, more - 1),
    };
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.slots.open();
        open.all -= 1;
        release(&mut open.of_organisations, self.tenant_id);
        release(&mut open.of_members, (self.tenant_id, self.user_id));
    }
}

#[cfg(test)]
mod tests {
    use store::testing::id;

    use super::*;

    fn is_empty(slots: &Slots) -> bool {
        let open = slots.open();
        open.all == 0 && open.of_organisations.is_empty() && open.of_members.is_empty()
    }

    #[test]
    fn one_member_has_so_many_and_gets_them_back() {
        let slots = Slots::default();
        let (acme, one, other) = (id(), id(), id());
        let mut held: Vec<_> = (0..OF_ONE)
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
    fn one_organisation_has_so_many_and_leaves_the_rest_to_others() {
        let slots = Slots::default();
        let (acme, other) = (id(), id());
        let mut held: Vec<_> = (0..OF_ORGANISATION)
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
    fn all_together_have_so_many() {
        let slots = Slots::default();
        let held: Vec<_> = (0..OF_ALL)
            .map(|_| slots.try_acquire(id(), id()).unwrap())
            .collect();
        assert!(slots.try_acquire(id(), id()).is_err());
        assert_eq!(
            slots.open().of_members.len(),
            OF_ALL,
            "a refusal leaves nothing"
        );
        drop(held);
        assert!(slots.try_acquire(id(), id()).is_ok());
    }
}
