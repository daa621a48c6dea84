//! How many streams may be open.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{AppError, UserId};

/// Of one member, keys included.
const OF_ONE: usize = 12;
/// Of all.
const OF_ALL: usize = 2_000;
/// When to try again.
const RETRY_SECONDS: u32 = 30;

/// Open streams by member.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots(Arc<Mutex<HashMap<UserId, usize>>>);

/// The right to one open stream; given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Slots,
    user_id: UserId,
}

impl Slots {
    fn open(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// [`AppError::TooManyRequests`] when too many are open.
    pub(super) fn take(&self, user_id: UserId) -> Result<Slot, AppError> {
        let mut open = self.open();
        let all: usize = open.values().sum();
        let own = open.entry(user_id).or_default();
        if *own >= OF_ONE || all >= OF_ALL {
            let is_unused = *own == 0;
            if is_unused {
                open.remove(&user_id);
            }
            return Err(AppError::TooManyRequests {
                retry_after_seconds: RETRY_SECONDS,
            });
        }
        *own += 1;
        Ok(Slot {
            slots: self.clone(),
            user_id,
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.slots.open();
        if let Some(own) = open.get_mut(&self.user_id) {
            *own -= 1;
            if *own == 0 {
                open.remove(&self.user_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use store::testing::id;

    use super::*;

    #[test]
    fn one_member_has_so_many_and_gets_them_back() {
        let slots = Slots::default();
        let (one, other) = (id(), id());
        let mut held: Vec<_> = (0..OF_ONE).map(|_| slots.take(one).unwrap()).collect();
        assert!(slots.take(one).is_err());
        drop(slots.take(other).unwrap());
        held.pop();
        held.push(slots.take(one).unwrap());
        assert!(slots.take(one).is_err());
        drop(held);
        assert!(slots.open().is_empty(), "nothing is kept of who left");
    }

    #[test]
    fn all_together_have_so_many() {
        let slots = Slots::default();
        let held: Vec<_> = (0..OF_ALL).map(|_| slots.take(id()).unwrap()).collect();
        assert!(slots.take(id()).is_err());
        assert_eq!(slots.open().len(), OF_ALL, "a refusal leaves nothing");
        drop(held);
        assert!(slots.take(id()).is_ok());
    }
}
