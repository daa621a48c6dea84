//! Notifies subscribers that something changed in an organisation: directly in
//! this process, and in other processes with `NOTIFY`.
//!
//! A notification names only the organisation; subscribers read what they may
//! see. A transaction collects its changes and publishes them after its commit,
//! in a separate statement for all organisations at once, so that writers
//! neither wait nor queue for it. A notification may get lost, e.g. if the
//! process dies or behind a pooler in transaction mode, so subscribers also
//! have to poll now and then.

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

/// The `NOTIFY` channel.
const CHANNEL: &str = "atrium_changes";
/// Minimum time between two notifications to other processes.
const PUBLISH_INTERVAL: Duration = Duration::from_millis(250);
const RECONNECT_DELAY: Duration = Duration::from_secs(2);

/// The subscribers in this process and the changes that other processes don't
/// know yet. Clones share the state.
#[derive(Clone, Debug, Default)]
pub struct Changes(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// The organisations with subscribers.
    subscribers: Mutex<HashMap<TenantId, watch::Sender<()>>>,
    /// Changes that other processes were not notified of yet.
    unpublished: Mutex<BTreeSet<TenantId>>,
    has_unpublished: Notify,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for changes in one organisation.
#[derive(Debug)]
pub struct Subscription(watch::Receiver<()>);

impl Subscription {
    /// Resolves when something changed since the last call.
    pub async fn changed(&mut self) {
        // The sender exists as long as there is a subscription.
        let _ = self.0.changed().await;
    }
}

impl Changes {
    /// Subscribes to changes in the organisation from now on.
    pub fn subscribe(&self, tenant_id: TenantId) -> Subscription {
        let mut subscribers = lock(&self.0.subscribers);
        subscribers.retain(|_, sender| sender.receiver_count() > 0);
        let sender = subscribers.entry(tenant_id).or_default();
        Subscription(sender.subscribe())
    }

    /// Called after a commit in this process.
    fn publish(&self, tenant_id: TenantId) {
        self.wake(tenant_id);
        lock(&self.0.unpublished).insert(tenant_id);
        self.0.has_unpublished.notify_one();
    }

    fn wake(&self, tenant_id: TenantId) {
        if let Some(sender) = lock(&self.0.subscribers).get(&tenant_id) {
            sender.send_replace(());
        }
    }

    /// Wakes all subscribers, because notifications may have been missed.
    fn wake_all(&self) {
        for sender in lock(&self.0.subscribers).values() {
            sender.send_replace(());
        }
    }
}

/// The changes of a transaction, published after its commit.
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
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Exchanges change notifications with other processes for as long as it is
    /// polled. `process` identifies this process.
    pub async fn changes_relay(&self, process: Uuid) {
        tokio::join!(self.changes_send(process), self.changes_receive(process));
    }

    async fn changes_send(&self, process: Uuid) {
        loop {
            self.changes.0.has_unpublished.notified().await;
            if let Err(error) = self.changes_flush(process).await {
                tracing::debug!(%error, "other processes could not be notified of changes");
            }
            // Collects the changes that happen meanwhile.
            sleep(PUBLISH_INTERVAL).await;
        }
    }

    /// Notifies other processes of unpublished changes.
    pub(crate) async fn changes_flush(&self, process: Uuid) -> Result<(), StoreError> {
        let tenants: Vec<TenantId> = std::mem::take(&mut *lock(&self.changes.0.unpublished))
            .into_iter()
            .collect();
        if !tenants.is_empty() {
            sqlx::query!(
                "SELECT pg_notify($1, $2 || ' ' || tenant_id) FROM unnest($3::uuid[]) AS changed (tenant_id)",
                CHANNEL,
                process.to_string(),
                tenants as _,
            )
            .fetch_all(&self.pools.app)
            .await?;
        }
        Ok(())
    }

    async fn changes_receive(&self, process: Uuid) {
        loop {
            let Err(error) = self.changes_listen(process).await;
            tracing::debug!(%error, "notifications of changes are unavailable");
            sleep(RECONNECT_DELAY).await;
        }
    }

    async fn changes_listen(&self, process: Uuid) -> Result<Infallible, sqlx::Error> {
        // Uses its own connection, which the pool would never get back.
        let options = self.pools.app.connect_options().as_ref().clone();
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(CHANNEL).await?;
        let process = process.to_string();
        self.changes.wake_all();
        loop {
            let Some(notification) = listener.try_recv().await? else {
                // The connection was lost for a moment.
                self.changes.wake_all();
                continue;
            };
            match notification.payload().split_once(' ') {
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
