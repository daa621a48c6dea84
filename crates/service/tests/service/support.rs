//! A context like the server's, with a separate database for each test.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
};

use domain::{
    Actor, ActorKind, ImportId, Permission, RequestFacts, RoleId, SessionId, UserId,
    access::SystemRole,
    audit::{AuditEntry, AuditListInput},
    import::{Import, ImportFormat, ImportOptions, ImportStarted},
    memory::{MemoryChange, MemoryText, NewMemory, Origin},
    role::ParsedRole,
};
use service::{Clock, Ctx, Embedder, Entropy, Upload, UploadError, WorkerSettings};
use store::{
    role::role_create,
    session::{NewSession, session_create, session_list},
    testing::{NOW, TestDb, TestTenant},
    user::{NewUser, user_create},
};
use time::Duration;
use tokio::{task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::call_import::{import_confirm, import_get};

/// A database, a context on it and an organisation.
pub(crate) struct World {
    pub(crate) db: TestDb,
    pub(crate) ctx: Ctx,
    pub(crate) tenant: TestTenant,
    offset: Arc<AtomicI64>,
}

impl World {
    /// With the real model, as in the server.
    pub(crate) async fn new() -> Self {
        Self::with(Embedder::open(&model_dir()).await).await
    }

    pub(crate) async fn without_model() -> Self {
        Self::with(Embedder::off("There is no model here. Fetch it.")).await
    }

    pub(crate) async fn with(embedder: Embedder) -> Self {
        let db = TestDb::new().await;
        let tenant = db.tenant("acme").await;
        let offset = Arc::new(AtomicI64::new(0));
        let clock = Clock::from_fn({
            let offset = offset.clone();
            // Each reading of the clock is a millisecond later, so that lists have an order.
            move || NOW + Duration::milliseconds(offset.fetch_add(1, Relaxed))
        });
        let ctx = Ctx::new(db.store.clone(), clock, Entropy::system(), embedder)
            .with_public_url("https://atrium.example");
        Self {
            db,
            ctx,
            tenant,
            offset,
        }
    }

    /// Moves the clock forward.
    pub(crate) fn pass(&self, time: Duration) {
        let millis = i64::try_from(time.whole_milliseconds()).unwrap();
        self.offset.fetch_add(millis, Relaxed);
    }

    pub(crate) async fn member(&self, name: &str) -> Actor {
        self.tenant.actor(SystemRole::Member, name).await
    }

    /// A member without a role.
    pub(crate) async fn anyone(&self) -> UserId {
        self.tenant.user("Anyone").await
    }

    /// An owner who is also an operator, in a browser.
    pub(crate) async fn operator(&self, name: &str) -> Actor {
        let owner = self.tenant.actor(SystemRole::Owner, name).await;
        let mut tx = self.ctx.store.begin_operator().await.unwrap();
        let now = self.ctx.clock.now();
        store::operator::operator_add(&mut tx, self.tenant.id, owner.user_id, now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let session_id = Some(self.session(owner.user_id).await);
        self.acting_in(
            owner.user_id,
            RequestFacts {
                session_id,
                ..owner.request
            },
        )
        .await
    }

    /// A member as the actor of this request.
    pub(crate) async fn acting_in(&self, user_id: UserId, request: RequestFacts) -> Actor {
        service::actor_find(&self.ctx, self.tenant.id, user_id, request)
            .await
            .unwrap()
            .unwrap()
    }

    /// The number of API keys.
    pub(crate) async fn keys(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM api_keys")
            .fetch_one(&self.db.admin)
            .await
            .unwrap()
    }

    /// A worker that runs until it is dropped.
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

    /// A signed-in browser of a member.
    pub(crate) async fn session(&self, user_id: UserId) -> SessionId {
        let ctx = &self.ctx;
        let now = ctx.clock.now();
        let id = ctx.ids.id();
        let new = NewSession {
            id,
            id_hash: ctx.ids.bytes(),
            tenant_id: self.tenant.id,
            user_id,
            idle_expires_at: now + Duration::HOUR,
            absolute_expires_at: now + Duration::DAY,
            ip: None,
            user_agent: None,
            identity_id: None,
            issuer_name: None,
            oidc_issuer: None,
            oidc_subject: None,
            oidc_sid: None,
            tokens_encrypted: None,
            refresh_at: None,
        };
        let mut tx = ctx.store.begin_auth().await.unwrap();
        session_create(&mut tx, &new, now).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// The sessions of a member that have not ended.
    pub(crate) async fn live_sessions(&self, user_id: UserId) -> Vec<SessionId> {
        let mut tx = self.ctx.store.begin_auth().await.unwrap();
        let now = self.ctx.clock.now();
        let live = session_list(&mut tx, self.tenant.id, user_id, None, now)
            .await
            .unwrap();
        live.into_iter().map(|session| session.id).collect()
    }

    /// The id of the tenant's role with this key.
    pub(crate) async fn role(&self, key: &str) -> RoleId {
        let mut tx = self.tenant.enter().await;
        let roles = store::role::role_list(&mut tx).await.unwrap();
        roles.into_iter().find(|role| role.key == key).unwrap().id
    }

    /// A new custom role whose name begins with `name`.
    pub(crate) async fn custom_role(&self, name: &str, permissions: &[Permission]) -> RoleId {
        let id: RoleId = self.ctx.ids.id();
        let text = ParsedRole {
            name: format!("{name} {id}"),
            description: String::new(),
            permissions: permissions.iter().copied().collect(),
        };
        let mut tx = self.tenant.enter().await;
        let now = self.ctx.clock.now();
        role_create(&mut tx, id, &text, now).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// A member that is an agent.
    pub(crate) async fn agent(&self, name: &str) -> UserId {
        let id = self.ctx.ids.id();
        let new = NewUser {
            id,
            display_name: name,
            email: None,
            kind: ActorKind::Agent,
        };
        let mut tx = self.tenant.enter().await;
        user_create(&mut tx, &new, self.ctx.clock.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Denials of an action that repeat one in the audit log and are only counted.
    pub(crate) async fn repeated_denials(&self, action: &str) -> i64 {
        sqlx::query_scalar(
            "SELECT coalesce(sum(repeats), 0)::bigint FROM audit_denials WHERE action = $1",
        )
        .bind(action)
        .fetch_one(&self.db.admin)
        .await
        .unwrap()
    }

    /// The tenant's audit rows, newest first.
    pub(crate) async fn audit(&self) -> Vec<AuditEntry> {
        let mut tx = self.tenant.enter().await;
        let filter = AuditListInput::default();
        store::audit::audit_list(&mut tx, &filter, 500)
            .await
            .unwrap()
            .items
    }

    /// Imports `text` and waits for the end.
    pub(crate) async fn import(&self, actor: &Actor, format: ImportFormat, text: &str) -> Import {
        let id = self
            .give(actor, "notes", Some(format), text)
            .await
            .unwrap()
            .id;
        import_confirm(&self.ctx, actor, id, &ImportOptions::default())
            .await
            .unwrap();
        self.import_ended(actor, id).await
    }

    /// Starts an import of `count` notes in plain text.
    pub(crate) async fn import_notes(&self, actor: &Actor, count: usize) -> ImportId {
        let text: String = (0..count)
            .map(|n| format!("note {n}\n\n"))
            .collect::<Vec<_>>()
            .concat();
        let id = self.give(actor, "notes.txt", None, text).await.unwrap().id;
        import_confirm(&self.ctx, actor, id, &ImportOptions::default())
            .await
            .unwrap();
        id
    }

    /// Uploads a file, which then waits for review.
    pub(crate) async fn give(
        &self,
        actor: &Actor,
        name: &str,
        format: Option<ImportFormat>,
        content: impl AsRef<[u8]>,
    ) -> Result<ImportStarted, UploadError> {
        let mut upload = Upload::begin(&self.ctx, actor, name).await?;
        for piece in content.as_ref().chunks(300_000) {
            upload.write(piece).await?;
        }
        upload.finish(format).await
    }

    pub(crate) async fn import_ended(&self, actor: &Actor, id: ImportId) -> Import {
        for _ in 0..1_000 {
            let import = import_get(&self.ctx, actor, id).await.unwrap();
            if import.is_settled() {
                return import;
            }
            sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("the import did not end in 20 s");
    }

    /// Waits until all of the actor's memories have an embedding.
    pub(crate) async fn embedded(&self, actor: &Actor) {
        for _ in 0..1_000 {
            let overview = crate::call::overview_get(&self.ctx, actor).await.unwrap();
            if overview.memories.unwrap().waiting_for_embedding == 0 {
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
    /// Stops the worker as the server does.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// The text of a fact.
pub(crate) fn text(content: &str) -> MemoryText {
    MemoryText::new("", content.to_owned(), "fact", &[]).unwrap()
}

/// A new memory with this text.
pub(crate) fn draft(content: &str) -> NewMemory {
    NewMemory::of(text(content), Origin::Dashboard)
}

/// A change to this text.
pub(crate) fn change(content: &str) -> MemoryChange {
    MemoryChange::of(text(content))
}

pub(crate) fn model_dir() -> PathBuf {
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

/// The JSON of an audit row as compact text, to search in it.
pub(crate) fn json_text(value: Option<&serde_json::Value>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}
