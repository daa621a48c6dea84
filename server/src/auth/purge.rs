//! Deleting expired rows: unfinished login attempts, ended sessions and logout
//! tokens that would be rejected for their age.

use std::sync::atomic::{AtomicI64, Ordering};

use store::{
    StoreError, login_attempt::login_attempt_purge, logout_token::logout_token_purge,
    session::session_purge,
};

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
        if is_mine && let Err(error) = self.purge().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "ended sessions could not be removed");
        }
    }

    async fn purge(&self) -> Result<(), StoreError> {
        let now = self.0.ctx.clock.now();
        let mut tx = self.0.ctx.store.begin_auth().await?;
        let attempts = login_attempt_purge(&mut tx, now).await?;
        let sessions = session_purge(&mut tx, now).await?;
        let tokens = logout_token_purge(&mut tx, now).await?;
        tx.commit().await?;
        tracing::debug!(attempts, sessions, tokens, "removed what ended");
        Ok(())
    }
}
