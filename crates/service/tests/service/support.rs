//! A context like the server's, on a test's own database.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
};

use domain::{
    Actor, ImportId,
    access::SystemRole,
    audit::{AuditEntry, AuditFilter},
    import::{Import, ImportFormat},
    memory::MemoryDraft,
};
use service::{Clock, Ctx, Embedder, Entropy, ImportFile, WorkerSettings, import_get};
use store::testing::{NOW, TestDb, TestTenant};
use time::Duration;
use tokio::{task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

/// A database, a context on it and an organisation.
pub(crate) struct World {
    pub(crate) db: TestDb,
    pub(crate) ctx: Ctx,
    pub(crate) tenant: TestTenant,
    offset: Arc<AtomicI64>,
}

impl World {
    /// With the real model, as the server has it.
    pub(crate) async fn new() -> Self {
        Self::with(Embedder::open(&model_dir()).await).await
    }

    /// Without a model.
    pub(crate) async fn without_model() -> Self {
        Self::with(Embedder::off("There is no model here. Fetch it.")).await
    }

    async fn with(embedder: Embedder) -> Self {
        let db = TestDb::new().await;
        let tenant = db.tenant("acme").await;
        let offset = Arc::new(AtomicI64::new(0));
        let clock = Clock::from_fn({
            let offset = offset.clone();
            // Each look at the clock is a millisecond later, so that lists
            // have an order.
            move || NOW + Duration::milliseconds(offset.fetch_add(1, Relaxed))
        });
        let ctx = Ctx::new(db.store.clone(), clock, Entropy::system(), embedder);
        Self {
            db,
            ctx,
            tenant,
            offset,
        }
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, time: Duration) {
        let millis = i64::try_from(time.whole_milliseconds()).unwrap();
        self.offset.fetch_add(millis, Relaxed);
    }

    pub(crate) async fn member(&self, name: &str) -> Actor {
        self.tenant.actor(SystemRole::Member, name).await
    }

    /// A worker until it is dropped.
    pub(crate) fn worker(&self) -> Worker {
        let stop = CancellationToken::new();
        let settings = WorkerSettings {
            concurrency: 1,
            poll: Duration::milliseconds(20),
            ..WorkerSettings::default()
        };
        let task = tokio::spawn(service::work(self.ctx.clone(), settings, stop.clone()));
        Worker { stop, task }
    }

    /// The tenant's audit rows, newest first.
    pub(crate) async fn audit(&self) -> Vec<AuditEntry> {
        let mut tx = self.tenant.enter().await;
        let filter = AuditFilter::default();
        store::audit::audit_list(&mut tx, &filter, None, 500)
            .await
            .unwrap()
            .items
    }

    /// Starts the import of `text` and waits for its end.
    pub(crate) async fn import(&self, actor: &Actor, format: ImportFormat, text: &str) -> Import {
        let file = ImportFile::parse("notes", Some(format), text.as_bytes().to_vec()).unwrap();
        let started = service::import_start(&self.ctx, actor, &file)
            .await
            .unwrap();
        self.import_ended(actor, started.id).await
    }

    pub(crate) async fn import_ended(&self, actor: &Actor, id: ImportId) -> Import {
        for _ in 0..1_000 {
            let import = import_get(&self.ctx, actor, id).await.unwrap();
            if import.job.status.is_final() {
                return import;
            }
            sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("the import did not end in 20 s");
    }

    /// Waits until all of the actor's memories can be found by meaning.
    pub(crate) async fn embedded(&self, actor: &Actor) {
        for _ in 0..1_000 {
            let overview = service::overview_get(&self.ctx, actor).await.unwrap();
            if overview.waiting_for_embedding == 0 {
                return;
            }
            sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("the memories were not embedded in 20 s");
    }
}

pub(crate) struct Worker {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Worker {
    /// Stops it as the server does.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

pub(crate) fn draft(content: &str) -> MemoryDraft {
    MemoryDraft {
        content: content.into(),
        ..MemoryDraft::default()
    }
}

fn model_dir() -> PathBuf {
    std::env::var_os("ATRIUM_MODEL_DIR").map_or_else(
        || {
            let home = std::env::var_os("HOME").unwrap_or_default();
            PathBuf::from(home)
                .join(".cache/atrium")
                .join(embed::MODEL_ID)
        },
        PathBuf::from,
    )
}
