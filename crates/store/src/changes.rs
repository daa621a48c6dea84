//! Word that something changed in an organisation, for those who wait for it:
//! in this process at once, in the others by `NOTIFY`.
//!
//! It says which organisation and nothing else: who is told reads what they
//! may see. What a transaction did is noted in it and passed on after its
//! commit, in a statement of its own and for all organisations at once, so
//! that writers neither wait nor queue for it. It may get lost, e.g. with the
//! process or behind a pooler that hands out connections by the transaction:
//! who waits also looks by themselves now and then.

use std::{
    collections::{BTreeSet, HashMap},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::TenantId;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::{
    sync::{Notify, watch},
    time::sleep,
};
use uuid::Uuid;

use crate::{Store, StoreError};

/// As other processes listen.
const CHANNEL: &str = "atrium_changes";
/// Between two words to the other processes.
const PUBLISH_INTERVAL: Duration = Duration::from_millis(250);
/// Until a lost connection is tried again.
const RECONNECT: Duration = Duration::from_secs(2);

/// Who waits for changes in this process, and what others are still to be
/// told. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Changes(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Organisations for which somebody waits.
    subscribers: Mutex<HashMap<TenantId, watch::Sender<()>>>,
    /// What other processes don't know yet.
    unpublished: Mutex<BTreeSet<TenantId>>,
    has_unpublished: Notify,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for changes in one organisation.
#[derive(Debug)]
pub struct Subscription(watch::Receiver<()>);

impl Subscription {
    /// Ends when something changed since it was last asked.
    pub async fn changed(&mut self) {
        // The sender stays for as long as somebody waits.
        let _ = self.0.changed().await;
    }
}

impl Changes {
    /// Waits for what changes in the organisation from now on.
    pub fn wait(&self, tenant_id: TenantId) -> Subscription {
        let mut subscribers = locked(&self.0.subscribers);
        subscribers.retain(|_, sender| sender.receiver_count() > 0);
        let sender = subscribers.entry(tenant_id).or_default();
        Subscription(sender.subscribe())
    }

    /// Something was committed in the organisation, here.
    fn publish(&self, tenant_id: TenantId) {
        self.wake(tenant_id);
        locked(&self.0.unpublished).insert(tenant_id);
        self.0.has_unpublished.notify_one();
    }

    fn wake(&self, tenant_id: TenantId) {
        if let Some(sender) = locked(&self.0.subscribers).get(&tenant_id) {
            sender.send_replace(());
        }
    }

    /// Something may have been missed.
    fn wake_all(&self) {
        for sender in locked(&self.0.subscribers).values() {
            sender.send_replace(());
        }
    }
}

/// What a transaction did, to be passed on once it counts.
#[derive(Debug)]
pub(crate) struct PendingNotify {
    changes: Changes,
    tenants: BTreeSet<TenantId>,
}

impl PendingNotify {
    pub(crate) fn none(changes: Changes) -> Self {
        Self {
            changes,
            tenants: BTreeSet::new(),
        }
    }

    pub(crate) fn note(&mut self, tenant_id: TenantId) {
        self.tenants.insert(tenant_id);
    }

    pub(crate) fn publish(self) {
        for tenant_id in self.tenants {
            self.changes.publish(tenant_id);
        }
    }
}

impl Store {
    /// Where to wait for changes.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Passes word of changes on to other processes and takes theirs, for as
    /// long as it is polled. `process` tells this one from the others.
    pub async fn changes_relay(&self, process: Uuid) {
        tokio::join!(self.changes_send(process), self.changes_receive(process));
    }

    async fn changes_send(&self, process: Uuid) {
        loop {
            self.changes.0.has_unpublished.notified().await;
            if let Err(error) = self.changes_flush(process).await {
                tracing::debug!(%error, "other processes could not be told of changes");
            }
            // What comes meanwhile is told together.
            sleep(PUBLISH_INTERVAL).await;
        }
    }

    /// Tells other processes what they don't know yet.
    pub(crate) async fn changes_flush(&self, process: Uuid) -> Result<(), StoreError> {
        let tenants: Vec<Uuid> = std::mem::take(&mut *locked(&self.changes.0.unpublished))
            .into_iter()
            .map(|tenant| tenant.0)
            .collect();
        if !tenants.is_empty() {
            sqlx::query!(
                "SELECT pg_notify($1, $2 || ' ' || tenant_id) FROM unnest($3::uuid[]) AS changed (tenant_id)",
                CHANNEL,
                process.to_string(),
                &tenants,
            )
            .fetch_all(&self.pools.app)
            .await?;
        }
        Ok(())
    }

    async fn changes_receive(&self, process: Uuid) {
        loop {
            let Err(error) = self.changes_listen(process).await;
            tracing::debug!(%error, "word of changes can't be had at the moment");
            sleep(RECONNECT).await;
        }
    }

    async fn changes_listen(&self, process: Uuid) -> Result<Infallible, sqlx::Error> {
        // A connection of its own beside the pool, which it would never go
        // back to.
        let options = self.pools.app.connect_options().as_ref().clone();
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(CHANNEL).await?;
        let process = process.to_string();
        self.changes.wake_all();
        loop {
            let Some(word) = listener.try_recv().await? else {
                // It was lost for a moment.
                self.changes.wake_all();
                continue;
            };
            match word.payload().split_once(' ') {
                Some((from, _)) if from == process => {}
                Some((_, tenant)) => {
                    if let Ok(tenant) = tenant.parse() {
                        self.changes.wake(tenant);
                    }
                }
                None => {}
            }
        }
    }
}
