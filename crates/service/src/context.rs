//! What every use case needs, injected once at boot: the store, the clock,
//! randomness and the embedding model.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use domain::Timestamp;
use mail::Mailer;
use store::Store;
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{CheckpointFolder, Embedder, export::Exports};

/// The context of all use cases. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// The way to the database.
    pub store: Store,
    /// The way to the time.
    pub clock: Clock,
    /// The way to ids and randomness.
    pub ids: Ids,
    /// The way to vectors.
    pub embedder: Embedder,
    /// The way to people's mailboxes.
    pub mailer: Mailer,
    /// How much one organisation or member may have at a time.
    pub quotas: Quotas,
    /// The exports that are being made.
    pub exports: Exports,
    /// Wakes this process's workers when a job was put in the table.
    pub jobs_wake: Arc<Notify>,
    /// Where checkpoints of audit logs are kept outside the database, if they
    /// are.
    pub checkpoints: Option<CheckpointFolder>,
    /// Cancelled when the process stops: what would go on forever ends.
    pub stop: CancellationToken,
    /// Requests that are being answered, waited for when the process stops.
    pub requests: TaskTracker,
}

impl Ctx {
    /// Puts the parts together.
    pub fn new(store: Store, clock: Clock, entropy: Entropy, embedder: Embedder) -> Self {
        let ids = Ids::new(clock.clone(), entropy);
        Self {
            store,
            clock,
            ids,
            embedder,
            mailer: Mailer::off(),
            quotas: Quotas::default(),
            exports: Exports::default(),
            jobs_wake: Arc::default(),
            checkpoints: None,
            stop: CancellationToken::new(),
            requests: TaskTracker::new(),
        }
    }

    /// With other quotas than the usual ones.
    #[must_use]
    pub fn with_quotas(self, quotas: Quotas) -> Self {
        Self { quotas, ..self }
    }

    /// With a folder for checkpoints of audit logs.
    #[must_use]
    pub fn with_checkpoints(self, folder: CheckpointFolder) -> Self {
        Self {
            checkpoints: Some(folder),
            ..self
        }
    }

    /// With a way to people's mailboxes; without, none.
    #[must_use]
    pub fn with_mailer(self, mailer: Mailer) -> Self {
        Self { mailer, ..self }
    }
}

/// How much one organisation or member may have at a time.
#[derive(Clone, Copy, Debug)]
pub struct Quotas {
    /// Files of an organisation that wait to be imported.
    pub waiting_files: u32,
    /// Bytes that these have together.
    pub waiting_bytes: u64,
    /// Exports that one member may have made at the same time.
    pub exports: usize,
    /// How long one may take as a whole.
    pub export_time: Duration,
    /// How long whoever takes it off may take for one piece.
    pub export_patience: Duration,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            waiting_files: 100,
            waiting_bytes: 2 * 1024 * 1024 * 1024,
            exports: 2,
            export_time: Duration::from_hours(1),
            export_patience: Duration::from_mins(1),
        }
    }
}

/// Tells the time. Tests set it.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock, cut to the microseconds that Postgres keeps, so
    /// that what was written equals what is read.
    pub fn system() -> Self {
        Self::from_fn(|| {
            #[expect(
                clippy::disallowed_methods,
                reason = "the one place that reads the clock"
            )]
            let now = Timestamp::now_utc();
            now.replace_microsecond(now.microsecond()).unwrap_or(now)
        })
    }

    /// A clock that tells what `now` returns.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time in UTC.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Overwrites a buffer with random bytes.
type Fill = dyn Fn(&mut [u8]) + Send + Sync;

/// Fills buffers with unpredictable bytes. Tests may make them predictable.
#[derive(Clone)]
pub struct Entropy(Arc<Fill>);

impl Entropy {
    /// The operating system's generator.
    ///
    /// # Panics
    /// When the operating system has no randomness to give: nothing that
    /// needs it could be done safely.
    pub fn system() -> Self {
        Self(Arc::new(|buffer| {
            getrandom::fill(buffer).expect("the operating system gives random bytes");
        }))
    }

    /// A source that `fill` fills from.
    pub fn from_fn(fill: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy")
    }
}

/// Makes ids and secrets.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Clock,
    entropy: Entropy,
    /// The millisecond and count of the last id.
    last: Arc<AtomicU64>,
}

impl Ids {
    /// Ids from a clock and a source of randomness.
    pub fn new(clock: Clock, entropy: Entropy) -> Self {
        Self {
            clock,
            entropy,
            last: Arc::default(),
        }
    }

    /// A new id: a UUID version 7. Ids sort in the order in which they were
    /// made, within a millisecond too: the twelve bits behind the time count
    /// up (RFC 9562, section 6.2, method 1).
    pub fn id<T: From<Uuid>>(&self) -> T {
        const COUNT_BITS: u32 = 12;
        let millis = self.clock.now().unix_timestamp_nanos() / 1_000_000;
        let now = u64::try_from(millis).unwrap_or(0) << COUNT_BITS;
        let next = |last: u64| now.max(last + 1);
        let last = self
            .last
            .fetch_update(Relaxed, Relaxed, |last| Some(next(last)));
        // The closure always gives a value, so this is one either way.
        let (Ok(last) | Err(last)) = last;
        let this = next(last);

        let mut random: [u8; 10] = self.bytes();
        let count = this & ((1 << COUNT_BITS) - 1);
        [random[0], random[1]] = u16::try_from(count).unwrap_or(0).to_be_bytes();
        let id = uuid::Builder::from_unix_timestamp_millis(this >> COUNT_BITS, &random).into_uuid();
        T::from(id)
    }

    /// `N` unpredictable bytes, for secrets.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.entropy.0)(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use domain::MemoryId;

    use super::*;

    #[test]
    fn ids_are_uuid_v7_that_sort_in_the_order_they_were_made() {
        let clock = Clock::system();
        let ids = Ids::new(clock.clone(), Entropy::system());
        let many: Vec<MemoryId> = (0..10_000).map(|_| ids.id()).collect();
        assert!(many.is_sorted_by(|a, b| a < b));
        assert!(many.iter().all(|id| id.0.get_version_num() == 7));
        let b = many[many.len() - 1];

        let later = Ids::new(
            Clock::from_fn(move || clock.now() + std::time::Duration::from_secs(1)),
            Entropy::system(),
        );
        assert!(later.id::<MemoryId>() > b);
    }

    #[test]
    fn the_system_clock_has_whole_microseconds() {
        assert_eq!(Clock::system().now().nanosecond() % 1_000, 0);
    }
}
