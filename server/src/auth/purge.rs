//! When expired rows are deleted.

use std::sync::atomic::{AtomicI64, Ordering};

use service::identity::identity_purge;

use super::Auth;

const INTERVAL_SECONDS: i64 = 3_600;

/// When this process purges next, in seconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Purge(AtomicI64);

impl Auth {
    /// Deletes expired rows once an hour, triggered by logins: without logins
    /// there is nothing to delete.
    pub(super) async fn purge_if_due(&self) {
        let now = self.0.ctx.clock.now().unix_timestamp();
        let due = self.0.purge.0.load(Ordering::Relaxed);
        let next = now + INTERVAL_SECONDS;
        let is_mine = now >= due
            && self
                .0
                .purge
                .0
                .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if is_mine && let Err(error) = identity_purge(&self.0.ctx).await {
            tracing::warn!(%error, "ended sessions could not be removed");
        }
    }
}
