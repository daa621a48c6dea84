//! The objects that actions are performed on, written by the store whatever
//! permissions the actor has.

use domain::{
    Actor, ApiKeyId, AppError, ImportId, JobId, MemoryId, MemoryViewId, NotificationId, Permission,
    PersonaId, ProposalId, TeamId, TenantId, UserId,
    api_key::NewApiKey,
    import::{ImportFormat, ImportOptions},
    memory_view::{MemoryViewQuery, ViewName},
    notification::{BreakGlassOpened, NotificationData},
    persona::{ParsedPersona, PersonaInput},
    role::RoleInput,
    share::{Audience, Comment},
    team::TeamRole,
    tenant::TenantStatus,
};
use service::{Ctx, Upload, UploadError};
use store::{
    api_key::{ApiKeySecret, api_key_create},
    break_glass::break_glass_open,
    notification::notification_create,
    proposal::proposal_create,
    team::team_role_set,
};

use crate::{
    api_key::key_draft,
    break_glass::REASON,
    support::{World, draft},
};

pub(super) async fn view(ctx: &Ctx, actor: &Actor, name: &str) -> Result<MemoryViewId, AppError> {
    let query = MemoryViewQuery {
        query: "tea".into(),
        ..MemoryViewQuery::default()
    };
    crate::call::memory_view_create(ctx, actor, name, &query).await
}

/// A saved view of the actor, written by the store.
pub(super) async fn stored_view(world: &World, actor: &Actor) -> MemoryViewId {
    let mut able = actor.clone();
    able.permissions.insert(Permission::MemoryRead);
    let id: MemoryViewId = world.ctx.ids.id();
    let mut tx = world.ctx.store.begin(&able).await.unwrap();
    let name = ViewName::parse(&id.to_string()).unwrap();
    let query = MemoryViewQuery::default();
    store::memory::memory_view_create(&mut tx, id, &name, &query, world.ctx.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

/// Another organisation with this status.
pub(super) async fn tenant(world: &World, status: TenantStatus) -> TenantId {
    let number = world.ctx.ids.id::<uuid::Uuid>().simple().to_string();
    let id = world.db.tenant(&format!("t{number}")).await.id;
    sqlx::query("UPDATE tenants SET status = $2 WHERE id = $1")
        .bind(id)
        .bind(status)
        .execute(&world.db.admin)
        .await
        .unwrap();
    id
}

/// A memory of the actor, written by the store.
pub(super) async fn memory(world: &World, actor: &Actor) -> domain::MemoryId {
    let id = world.ctx.ids.id();
    let mut tx = world.ctx.store.begin(actor).await.unwrap();
    let now = world.ctx.clock.now();
    store::memory::memory_create(&mut tx, id, &draft("Tea at three"), now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

/// A memory of the actor in the trash, written by the store.
pub(super) async fn trashed(world: &World, actor: &Actor) -> domain::MemoryId {
    let id = memory(world, actor).await;
    let mut tx = world.ctx.store.begin(actor).await.unwrap();
    store::memory::memory_delete(&mut tx, id, world.ctx.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

pub(super) fn persona_input(world: &World) -> PersonaInput {
    PersonaInput {
        name: fresh_name(world),
        description: "At Tea".into(),
    }
}

/// A persona of the actor, written by the store.
pub(super) async fn persona(world: &World, actor: &Actor) -> PersonaId {
    let id = world.ctx.ids.id();
    let text = ParsedPersona::parse(&persona_input(world)).unwrap();
    let mut tx = world.ctx.store.begin(actor).await.unwrap();
    store::persona::persona_create(&mut tx, id, &text, world.ctx.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

/// A model of the actor's organisation that is being prepared or active. Every
/// model but the active one is removed first.
pub(super) async fn next_model(
    world: &World,
    actor: &Actor,
    is_active: bool,
) -> domain::EmbeddingModelId {
    let id = world.ctx.ids.id();
    let statement = if is_active {
        "UPDATE embedding_models SET id = $2, source = 'endpoint', endpoint = 'x', model = 'x'
          WHERE tenant_id = $1 AND status = 'active'"
    } else {
        "INSERT INTO embedding_models (
             tenant_id, id, source, endpoint, model, dimensions, is_shortened, slot, status, failures, created_at
         )
         VALUES ($1, $2, 'endpoint', 'x', 'x', 100, false, 'b', 'building', 0, now())"
    };
    for clear in [
        "DELETE FROM embedding_models WHERE tenant_id = $1 AND status <> 'active'",
        statement,
    ] {
        let mut query = sqlx::query(clear).bind(actor.tenant_id);
        if clear == statement {
            query = query.bind(id);
        }
        query.execute(&world.db.admin).await.unwrap();
    }
    id
}

/// Makes the built-in model active again.
pub(super) async fn local_again(world: &World, actor: &Actor) {
    for statement in [
        "DELETE FROM embedding_models WHERE tenant_id = $1 AND status <> 'active'",
        "UPDATE embedding_models SET source = 'local', endpoint = NULL, model = 'all-MiniLM-L6-v2'
          WHERE tenant_id = $1",
    ] {
        sqlx::query(statement)
            .bind(actor.tenant_id)
            .execute(&world.db.admin)
            .await
            .unwrap();
    }
}

/// An API key of the actor, written by the store.
pub(super) async fn own_key(world: &World, actor: &Actor) -> ApiKeyId {
    let ctx = &world.ctx;
    let id = ctx.ids.id();
    let mut able = actor.clone();
    let scope = Permission::MemoryRead;
    able.permissions.extend([Permission::ApiKeyOwn, scope]);
    let mark = ApiKeySecret {
        hash: &ctx.ids.bytes(),
        prefix: "atr_abcd",
    };
    let new = NewApiKey::parse(&key_draft(&[scope])).unwrap();
    let mut tx = ctx.store.begin(&able).await.unwrap();
    let now = ctx.clock.now();
    api_key_create(&mut tx, id, actor.user_id, mark, &new, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

pub(super) async fn import(ctx: &Ctx, actor: &Actor) -> Result<ImportId, UploadError> {
    let text = format!("Tea at {}", ctx.clock.now());
    let mut upload = Upload::begin(ctx, actor, "tea.txt").await?;
    upload.write(text.as_bytes()).await?;
    Ok(upload.finish(None).await?.id)
}

/// A file of the actor that waits for review, written by the store.
pub(super) async fn waiting_import(world: &World, actor: &Actor) -> ImportId {
    let ctx = &world.ctx;
    let (id, job_id) = (ctx.ids.id(), ctx.ids.id::<JobId>());
    let now = ctx.clock.now();
    let mut tx = ctx.store.begin(actor).await.unwrap();
    let content = format!("Tea at {now}");
    let format = ImportFormat::PlainText;
    let new = store::import::NewImport {
        id,
        job_id,
        file_name: "tea.txt",
        format,
    };
    store::import::import_create(&mut tx, &new, now)
        .await
        .unwrap();
    store::import::import_chunk_put(&mut tx, id, 0, content.as_bytes())
        .await
        .unwrap();
    let size = content.len() as u64;
    store::import::import_upload_complete(&mut tx, id, size, ctx.ids.bytes(), format)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

/// An import of the actor with its job, written by the store.
pub(super) async fn stored_import(world: &World, actor: &Actor) -> ImportId {
    let ctx = &world.ctx;
    let now = ctx.clock.now();
    let id = waiting_import(world, actor).await;
    let mut tx = ctx.store.begin(actor).await.unwrap();
    let choice = ImportOptions::default();
    let job_id = store::import::import_confirm(&mut tx, id, ImportFormat::PlainText, &choice)
        .await
        .unwrap();
    let job = store::job::NewJob {
        id: job_id,
        kind: "memory.import",
        payload: serde_json::json!({ "import_id": id }),
        dedupe_key: None,
        run_at: now,
        max_attempts: 3,
        priority: 0,
        progress_total: 0,
    };
    store::job::job_enqueue(&mut tx, &job, now).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// A name that is not in use.
pub(super) fn fresh_name(world: &World) -> String {
    format!("Clerks {}", world.ctx.ids.id::<TeamId>())
}

/// A team that the actor leads, and the actor as the next request resolves them,
/// with the same permissions as before.
pub(super) async fn team(world: &World, actor: &Actor) -> (TeamId, Actor) {
    let id = world
        .tenant
        .team(&fresh_name(world), &[actor.user_id])
        .await;
    let mut tx = world.tenant.enter().await;
    let now = world.ctx.clock.now();
    team_role_set(&mut tx, id, actor.user_id, TeamRole::Lead, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut actor = actor.clone();
    actor.team_ids.push(id);
    actor.led_team_ids.push(id);
    (id, actor)
}

/// The proposal of an own memory by `actor`, written by the store.
pub(super) async fn proposed(
    world: &World,
    actor: &Actor,
    memory: MemoryId,
    audience: Audience,
) -> ProposalId {
    let (id, now) = (world.ctx.ids.id(), world.ctx.clock.now());
    let mut able = actor.clone();
    able.permissions.insert(Permission::MemoryShare);
    let mut tx = world.ctx.store.begin(&able).await.unwrap();
    let comment = Comment::default();
    proposal_create(&mut tx, id, memory, 1, audience, &comment, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

/// A colleague's proposal for a team that the actor leads, and the actor as the
/// next request resolves them.
pub(super) async fn proposal_to_decide(world: &World, actor: &Actor) -> (ProposalId, Actor) {
    let (team, actor) = team(world, actor).await;
    let mut cleo = world.member("Cleo").await;
    cleo.team_ids.push(team);
    let memory = memory(world, &cleo).await;
    let id = proposed(world, &cleo, memory, Audience::Team(team)).await;
    (id, actor)
}

/// A colleague whose private memories the actor has opened by break-glass,
/// written by the store, and one of those memories.
pub(super) async fn opened(world: &World, actor: &Actor) -> (UserId, MemoryId) {
    let cleo = world.member("Cleo").await;
    let memory = memory(world, &cleo).await;
    let mut able = actor.clone();
    able.permissions.insert(Permission::MemoryBreakGlass);
    let ctx = &world.ctx;
    let mut tx = ctx.store.begin(&able).await.unwrap();
    let (id, now) = (ctx.ids.id(), ctx.clock.now());
    let term = time::Duration::HOUR;
    break_glass_open(&mut tx, id, cleo.user_id, REASON, term, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    (cleo.user_id, memory)
}

/// A notification of the actor.
pub(super) async fn notification(world: &World, actor: &Actor) -> NotificationId {
    let ctx = &world.ctx;
    let (id, now) = (ctx.ids.id(), ctx.clock.now());
    let notice = NotificationData::BreakGlassOpened(BreakGlassOpened {
        grant: ctx.ids.id(),
        reader: "Rita".into(),
        reason: REASON.into(),
        until: now,
    });
    let mut tx = world.tenant.enter().await;
    notification_create(&mut tx, id, actor.user_id, &notice, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

pub(super) fn role_input(world: &World) -> RoleInput {
    RoleInput {
        name: fresh_name(world),
        description: String::new(),
        permissions: vec!["memory.read".into()],
    }
}

/// Another member of the organisation with the role Member.
pub(super) async fn colleague(world: &World) -> UserId {
    world.member("Cleo").await.user_id
}
