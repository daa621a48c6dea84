//! The dependencies of every use case, injected once at boot: store, clock,
//! randomness, embedding model.

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

use crate::{CheckpointFolder, Embedder, export::Exports, page::PageSnapshot};

/// The context of all use cases. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ctx {
    pub store: Store,
    pub clock: Clock,
    pub ids: Ids,
    pub embedder: Embedder,
    pub mailer: Mailer,
    /// The site's base URL without a trailing slash, for links; empty if unknown.
    pub public_url: Arc<str>,
    pub quotas: Quotas,
    /// Running exports.
    pub exports: Exports,
    /// Wakes this process's workers when a job was enqueued.
    pub jobs_wake: Arc<Notify>,
    /// The place outside the database for checkpoints of audit logs, if set.
    pub checkpoints: Option<CheckpointFolder>,
    /// Cancelled when the process stops, to end endless work.
    pub stop: CancellationToken,
    /// Open requests; the process waits for them before it stops.
    pub requests: TaskTracker,
    /// The snapshot of the page that is rendered, in which operations read;
    /// `None` everywhere else.
    pub page: Option<PageSnapshot>,
}

impl Ctx {
    pub fn new(store: Store, clock: Clock, entropy: Entropy, embedder: Embedder) -> Self {
        let ids = Ids::new(clock.clone(), entropy);
        Self {
            store,
            clock,
            ids,
            embedder,
            mailer: Mailer::off(),
            public_url: Arc::default(),
            quotas: Quotas::default(),
            exports: Exports::default(),
            jobs_wake: Arc::default(),
            checkpoints: None,
            stop: CancellationToken::new(),
            requests: TaskTracker::new(),
            page: None,
        }
    }

    /// At another time: the demo's history is written with the times of the past.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self {
            ids: Ids::new(clock.clone(), self.ids.entropy),
            clock,
            ..self
        }
    }

    /// For rendering a page: reading operations run in its snapshot.
    #[must_use]
    pub fn with_page(self, page: Option<PageSnapshot>) -> Self {
        Self { page, ..self }
    }

    /// Ends the page's snapshot, if there is one; the next read begins another.
    pub(crate) fn pause_page(&self) {
        if let Some(page) = &self.page {
            page.pause();
        }
    }

    #[must_use]
    pub fn with_quotas(self, quotas: Quotas) -> Self {
        Self { quotas, ..self }
    }

    #[must_use]
    pub fn with_checkpoints(self, folder: CheckpointFolder) -> Self {
        Self {
            checkpoints: Some(folder),
            ..self
        }
    }

    /// Replaces the default mailer, which is off.
    #[must_use]
    pub fn with_mailer(self, mailer: Mailer) -> Self {
        Self { mailer, ..self }
    }

    #[must_use]
    pub fn with_public_url(self, public_url: &str) -> Self {
        Self {
            public_url: public_url.into(),
            ..self
        }
    }
}

/// Limits per organisation or member.
#[derive(Clone, Copy, Debug)]
pub struct Quotas {
    /// Files of an organisation that wait to be imported.
    pub waiting_files: u32,
    /// Total bytes of these files.
    pub waiting_bytes: u64,
    /// Concurrent exports of one member.
    pub exports: usize,
    /// Maximum duration of an export.
    pub export_time: Duration,
    /// Maximum time that the client may take to read one chunk.
    pub export_chunk_timeout: Duration,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            waiting_files: 100,
            waiting_bytes: 2 * 1024 * 1024 * 1024,
            exports: 2,
            export_time: Duration::from_hours(1),
            export_chunk_timeout: Duration::from_mins(1),
        }
    }
}

/// Source of the current time; tests replace it.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock, truncated to the microseconds that Postgres stores,
    /// so that a written time equals the one read.
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

    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

type Fill = dyn Fn(&mut [u8]) + Send + Sync;

/// Source of random bytes; tests may replace it with a predictable one.
#[derive(Clone)]
pub struct Entropy(Arc<Fill>);

impl Entropy {
    /// The operating system's generator.
    ///
    /// # Panics
    /// If the operating system provides no randomness, because nothing that
    /// needs it would be safe.
    pub fn system() -> Self {
        Self(Arc::new(|buffer| {
            getrandom::fill(buffer).expect("the operating system gives random bytes");
        }))
    }

    pub fn from_fn(fill: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy")
    }
}

/// Generates ids and secrets.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Clock,
    entropy: Entropy,
    /// Millisecond (upper bits) and counter (lower 12 bits) of the last id.
    last: Arc<AtomicU64>,
}

impl Ids {
    pub fn new(clock: Clock, entropy: Entropy) -> Self {
        Self {
            clock,
            entropy,
            last: Arc::default(),
        }
    }

    /// A new UUID version 7. Ids of one process sort by creation, also within a
    /// millisecond: the 12 bits after the time are a counter (RFC 9562, section
    /// 6.2, method 1).
    pub fn id<T: From<Uuid>>(&self) -> T {
        const COUNT_BITS: u32 = 12;
        let millis = self.clock.now().unix_timestamp_nanos() / 1_000_000;
        let now = u64::try_from(millis).unwrap_or(0) << COUNT_BITS;
        let next = |last: u64| now.max(last + 1);
        let last = self
            .last
            .fetch_update(Relaxed, Relaxed, |last| Some(next(last)));
        // The closure always returns `Some`, so both cases hold the last id.
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
    fn ids_are_uuid_v7_and_sort_by_creation() {
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
    fn system_clock_has_whole_microseconds() {
        assert_eq!(Clock::system().now().nanosecond() % 1_000, 0);
    }
}
