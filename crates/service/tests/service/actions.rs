//! Every action, by every role: refused or done, and audited either way.

use domain::{
    Action, Actor, ApiKeyId, AppError, ImportId, JobId, MemoryId, MemoryViewId, NotificationId,
    Permission, PersonaId, ProposalId, TeamId, TenantId, UserId,
    access::SystemRole,
    action::Effect,
    api_key::{ApiKeyFilter, KeyReach, NewApiKey, ServiceAccountDraft},
    audit::{AuditFilter, Outcome},
    group_mapping::Proposal,
    import::{ImportChoice, ImportFormat},
    invite::{InviteDraft, InviteFilter},
    member::{MemberChange, MemberFilter, UserStatus},
    memory::{MemoryFilter, SearchMode},
    memory_view::{MemoryViewQuery, ViewName},
    notification::{BreakGlassOpened, Notice},
    offboard::OffboardOrder,
    persona::{PersonaDraft, PersonaText},
    preferences::PreferencesDraft,
    role::RoleDraft,
    settings::OrganisationDraft,
    share::{Audience, Comment},
    team::{TeamChange, TeamRole},
    tenant::{TenantFilter, TenantStatus, TenantTier},
};
use service::{By, Ctx, ExportFormat, NewOrganisation, Owner, Upload, UploadError};
use store::{
    api_key::{KeyMark, api_key_create},
    break_glass::break_glass_open,
    notification::notification_create,
    proposal::proposal_create,
    team::team_role_set,
    user::user_status_set,
};

use crate::{
    api_key::{key_draft, service_account},
    break_glass::{REASON, reason},
    invite::stored_invite,
    support::{World, change, draft},
};

async fn view(ctx: &Ctx, actor: &Actor, name: &str) -> Result<MemoryViewId, AppError> {
    let query = MemoryViewQuery {
        q: "tea".into(),
        ..MemoryViewQuery::default()
    };
    service::memory_view_create(ctx, actor, name, &query).await
}

/// A view of the actor's, written below the service whatever the actor may do.
async fn stored_view(world: &World, actor: &Actor) -> MemoryViewId {
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

/// Performs `action` on things that `actor` owns. A new action doesn't
/// compile until it is here.
#[expect(clippy::too_many_lines, reason = "one arm an action")]
async fn perform(world: &World, actor: &Actor, action: Action) -> Result<(), AppError> {
    let ctx = &world.ctx;
    let filter = MemoryFilter::default();
    match action {
        Action::MemoryList => service::memory_list(ctx, actor, &filter, None)
            .await
            .map(drop),
        Action::MemorySearch => {
            service::memory_search(ctx, actor, "tea", SearchMode::Words, &filter)
                .await
                .map(drop)
        }
        Action::MemoryViewList => service::memory_view_list(ctx, actor).await.map(drop),
        Action::MemoryViewCreate => view(ctx, actor, "Tea").await.map(drop),
        Action::MemoryViewRename => {
            let id = stored_view(world, actor).await;
            service::memory_view_rename(ctx, actor, id, "Coffee").await
        }
        Action::MemoryViewDelete => {
            let id = stored_view(world, actor).await;
            service::memory_view_delete(ctx, actor, id).await
        }
        Action::MemoryGet => {
            service::memory_get(ctx, actor, memory(world, actor).await).await?;
            service::memory_versions(ctx, actor, memory(world, actor).await)
                .await
                .map(drop)
        }
        Action::MemoryCreate => service::memory_create(ctx, actor, &draft("Tea at four"))
            .await
            .map(drop),
        Action::MemoryUpdate => {
            let id = memory(world, actor).await;
            service::memory_update(ctx, actor, id, 1, &change("Tea at five")).await
        }
        Action::MemoryDelete => {
            service::memory_delete(ctx, actor, memory(world, actor).await).await
        }
        Action::MemoryRestore => {
            let id = memory(world, actor).await;
            let mut tx = ctx.store.begin(actor).await?;
            store::memory::memory_delete(&mut tx, id, ctx.clock.now()).await?;
            tx.commit().await?;
            service::memory_restore(ctx, actor, id).await
        }
        Action::MemoryShare => {
            let (team, actor) = team(world, actor).await;
            let id = memory(world, &actor).await;
            service::memory_share(ctx, &actor, id, 1, &Audience::Team(team), "")
                .await
                .map(drop)
        }
        Action::MemoryUnshare => {
            let id = memory(world, actor).await;
            sqlx::query("UPDATE memories SET visibility = 'org' WHERE id = $1")
                .bind(id.0)
                .execute(&world.db.admin)
                .await
                .unwrap();
            service::memory_unshare(ctx, actor, id).await
        }
        Action::ProposalList => {
            service::proposals_waiting(ctx, actor).await?;
            service::proposal_list(ctx, actor, None, None)
                .await
                .map(drop)
        }
        Action::ProposalGet => {
            let (id, actor) = proposal_to_decide(world, actor).await;
            service::proposal_get(ctx, &actor, id).await.map(drop)
        }
        // Who decides for everyone would share at once.
        Action::ProposalCreate => {
            let id = memory(world, actor).await;
            let mut actor = actor.clone();
            actor.permissions.remove(&Permission::MemoryReview);
            service::memory_share(ctx, &actor, id, 1, &Audience::Org, "")
                .await
                .map(drop)
        }
        Action::ProposalAccept => {
            let (id, actor) = proposal_to_decide(world, actor).await;
            service::proposal_accept(ctx, &actor, id, "").await
        }
        Action::ProposalDecline => {
            let (id, actor) = proposal_to_decide(world, actor).await;
            service::proposal_decline(ctx, &actor, id, "").await
        }
        Action::ProposalWithdraw => {
            let memory = memory(world, actor).await;
            let id = proposed(world, actor, memory, Audience::Org).await;
            service::proposal_withdraw(ctx, actor, id).await
        }
        Action::MemoryReply => {
            let root = memory(world, actor).await;
            service::memory_reply(ctx, actor, root, &draft("Tea with milk"))
                .await
                .map(drop)
        }
        Action::MemoryVersionRestore => {
            let id = memory(world, actor).await;
            let mut tx = ctx.store.begin(actor).await?;
            let now = ctx.clock.now();
            store::memory::memory_update(&mut tx, id, 1, &change("Tea at six"), now).await?;
            tx.commit().await?;
            service::memory_version_restore(ctx, actor, id, 1, 2).await
        }
        Action::MemoryPurge => {
            let id = trashed(world, actor).await;
            service::memory_purge(ctx, actor, id).await?;
            trashed(world, actor).await;
            let gone = service::memory_trash_empty(ctx, actor).await?;
            assert!(gone > 0);
            Ok(())
        }
        Action::PersonaList => {
            let id = persona(world, actor).await;
            service::persona_get(ctx, actor, id).await?;
            service::persona_list(ctx, actor).await.map(drop)
        }
        Action::PersonaCreate => service::persona_create(ctx, actor, &persona_draft(world))
            .await
            .map(drop),
        Action::PersonaUpdate => {
            let id = persona(world, actor).await;
            service::persona_update(ctx, actor, id, &persona_draft(world)).await
        }
        Action::PersonaDelete => {
            service::persona_delete(ctx, actor, persona(world, actor).await).await
        }
        Action::ImportStart => match import(ctx, actor).await {
            Ok(_) => Ok(()),
            Err(UploadError::App(error)) => Err(error),
            Err(UploadError::Problem(problem)) => panic!("{problem:?}"),
        },
        Action::ImportConfirm => {
            let id = waiting_import(world, actor).await;
            service::import_confirm(ctx, actor, id, &ImportChoice::default()).await
        }
        Action::ImportDiscard => {
            service::import_discard(ctx, actor, waiting_import(world, actor).await).await
        }
        Action::MemoryExport => {
            let mut export =
                service::memory_export(ctx, actor, &filter, ExportFormat::JsonLines).await?;
            while let Some(chunk) = export.next().await {
                chunk?;
            }
            Ok(())
        }
        Action::ImportGet => {
            service::import_list(ctx, actor).await?;
            service::import_get(ctx, actor, stored_import(world, actor).await)
                .await
                .map(drop)
        }
        Action::ImportCancel => {
            service::import_cancel(ctx, actor, stored_import(world, actor).await).await
        }
        Action::ImportRetry => {
            let id = stored_import(world, actor).await;
            let mut tx = ctx.store.begin(actor).await?;
            let job = store::import::import_get(&mut tx, id)
                .await?
                .job
                .unwrap()
                .id;
            store::job::job_cancel(&mut tx, job, ctx.clock.now()).await?;
            tx.commit().await?;
            service::import_retry(ctx, actor, id).await
        }
        // Both are bodies of jobs: done by a worker in the actor's name.
        Action::ImportApply | Action::MemoryEmbed => {
            let mut missing = actor.clone();
            missing.permissions.retain(|p| *p == action.permission());
            missing.authorize(action.permission())?;
            stored_import(world, actor).await;
            let worker = world.worker();
            world.embedded(actor).await;
            let import = service::import_list(ctx, actor).await?.remove(0);
            world.import_ended(actor, import.id).await;
            world.embedded(actor).await;
            worker.stop().await;
            Ok(())
        }
        Action::AuditList => service::audit_list(ctx, actor, &AuditFilter::default(), None)
            .await
            .map(drop),
        Action::IsolationProbe => {
            let report = service::isolation_probe(ctx, actor).await?;
            assert!(report.holds(), "{report:?}");
            Ok(())
        }
        Action::ApiKeyList => {
            let filter = ApiKeyFilter::default();
            service::api_key_list(ctx, actor, &filter, None).await?;
            let own = own_key(world, actor).await;
            service::api_key_get(ctx, actor, KeyReach::Own, own)
                .await
                .map(drop)
        }
        Action::ApiKeyListAll => {
            let filter = ApiKeyFilter {
                all: true,
                ended: false,
            };
            service::api_key_list(ctx, actor, &filter, None).await?;
            service::service_account_list(ctx, actor).await.map(drop)
        }
        Action::ApiKeyCreate => {
            service::api_key_owner(ctx, actor, None).await?;
            let draft = key_draft(&[Permission::MemoryRead]);
            service::api_key_create(ctx, actor, None, &draft)
                .await
                .map(drop)
        }
        Action::ApiKeyCreateFor => {
            let service = service_account(world, SystemRole::Viewer).await;
            service::api_key_owner(ctx, actor, Some(service)).await?;
            let draft = key_draft(&[Permission::MemoryRead]);
            service::api_key_create(ctx, actor, Some(service), &draft)
                .await
                .map(drop)
        }
        Action::ApiKeyRevoke => {
            let own = own_key(world, actor).await;
            service::api_key_revoke(ctx, actor, KeyReach::Own, own).await
        }
        Action::ServiceAccountCreate => {
            let draft = ServiceAccountDraft {
                name: "Exporter".into(),
                kind: "service".into(),
            };
            service::service_account_create(ctx, actor, &draft)
                .await
                .map(drop)
        }
        Action::ApiKeyRevokeAny => {
            let other = world.member("Max").await;
            let others = own_key(world, &other).await;
            service::api_key_revoke(ctx, actor, KeyReach::Any, others).await
        }
        Action::ProfileGet => {
            service::profile_get(ctx, actor).await?;
            service::session_list(ctx, actor).await?;
            service::overview_get(ctx, actor).await.map(drop)
        }
        Action::SessionRevoke => {
            service::session_revoke(ctx, actor, world.session(actor.user_id).await).await?;
            service::session_revoke_others(ctx, actor).await.map(drop)
        }
        Action::MemberList => {
            let filter = MemberFilter::default();
            service::member_list(ctx, actor, &filter, None)
                .await
                .map(drop)
        }
        Action::MemberGet => service::member_get(ctx, actor, colleague(world).await)
            .await
            .map(drop),
        Action::MemberSuspend => {
            service::member_change(ctx, actor, colleague(world).await, MemberChange::Suspend).await
        }
        Action::MemberDeactivate => {
            service::member_change(ctx, actor, colleague(world).await, MemberChange::Deactivate)
                .await
        }
        Action::MemberReactivate => {
            let id = colleague(world).await;
            let mut tx = world.tenant.enter().await;
            user_status_set(&mut tx, id, UserStatus::Suspended, ctx.clock.now()).await?;
            tx.commit().await?;
            service::member_change(ctx, actor, id, MemberChange::Reactivate).await
        }
        Action::MemberOffboard => {
            let id = colleague(world).await;
            service::offboard_preview(ctx, actor, id).await?;
            let order = OffboardOrder {
                confirm: "Cleo".into(),
                heir: None,
            };
            service::offboard(ctx, actor, id, &order).await
        }
        Action::MemberSessionRevoke => {
            let id = colleague(world).await;
            let one = world.session(id).await;
            service::member_session_revoke(ctx, actor, id, one).await?;
            service::member_session_revoke_all(ctx, actor, id)
                .await
                .map(drop)
        }
        Action::InviteList => {
            let filter = InviteFilter::default();
            service::invite_list(ctx, actor, &filter, None).await?;
            service::invite_offer(ctx, actor).await?;
            let id = stored_invite(world).await;
            service::invite_get(ctx, actor, id).await.map(drop)
        }
        Action::InviteCreate => {
            let draft = InviteDraft {
                days: "7".into(),
                ..InviteDraft::default()
            };
            service::invite_create(ctx, actor, &draft, "https://atrium.example")
                .await
                .map(drop)
        }
        Action::InviteRenew => {
            let id = stored_invite(world).await;
            service::invite_renew(ctx, actor, id, "1", "https://atrium.example")
                .await
                .map(drop)
        }
        Action::InviteRevoke => {
            service::invite_revoke(ctx, actor, stored_invite(world).await).await
        }
        Action::RoleList => service::role_list(ctx, actor).await.map(drop),
        Action::RoleGet => service::role_get(ctx, actor, world.role("viewer").await)
            .await
            .map(drop),
        Action::PreferencesUpdate => {
            let draft = PreferencesDraft::default();
            service::preferences_update(ctx, actor, &draft)
                .await
                .map(drop)
        }
        Action::SettingsGet => service::settings_get(ctx, actor).await.map(drop),
        Action::SettingsUpdate => {
            let mut tx = world.tenant.enter().await;
            let version = store::settings::organisation_get(&mut tx).await?.version;
            let draft = OrganisationDraft {
                name: "Acme".into(),
                ..OrganisationDraft::default()
            };
            service::settings_update(ctx, actor, version, &draft).await
        }
        Action::GroupMappingList => service::group_mapping_list(ctx, actor).await.map(drop),
        Action::GroupMappingSimulate => {
            service::group_mapping_simulate(ctx, actor, &Proposal::default())
                .await
                .map(drop)
        }
        Action::GroupMappingCreate => {
            let draft = world.rule("finance").await;
            service::group_mapping_create(ctx, actor, &draft)
                .await
                .map(drop)
        }
        Action::GroupMappingUpdate => {
            let (id, draft) = world.stored_rule("sales").await;
            service::group_mapping_update(ctx, actor, id, &draft).await
        }
        Action::GroupMappingDelete => {
            let (id, _) = world.stored_rule("legal").await;
            service::group_mapping_delete(ctx, actor, id).await
        }
        Action::RoleCreate => service::role_create(ctx, actor, &role_draft(world))
            .await
            .map(drop),
        Action::RoleUpdate => {
            let id = world.custom_role("Clerk", &[Permission::MemoryRead]).await;
            service::role_update(ctx, actor, id, 1, &role_draft(world)).await
        }
        Action::RoleDelete => {
            let id = world.custom_role("Clerk", &[Permission::MemoryRead]).await;
            service::role_delete(ctx, actor, id, 1, 0).await
        }
        Action::TeamList => {
            service::team_names(ctx, actor).await?;
            service::team_list(ctx, actor, "", None).await.map(drop)
        }
        Action::TeamGet => service::team_get(ctx, actor, team(world, actor).await.0)
            .await
            .map(drop),
        Action::TeamCreate => service::team_create(ctx, actor, &fresh_name(world))
            .await
            .map(drop),
        Action::TeamRename => {
            let (id, actor) = team(world, actor).await;
            service::team_rename(ctx, &actor, id, &fresh_name(world)).await
        }
        Action::TeamMemberChange => {
            let (id, actor) = team(world, actor).await;
            let join = TeamChange::Join(TeamRole::Member);
            service::team_member_change(ctx, &actor, id, colleague(world).await, join).await
        }
        Action::TeamDelete => {
            let (id, actor) = team(world, actor).await;
            let mut tx = world.tenant.enter().await;
            let name = store::team::team_get(&mut tx, id).await?.name;
            service::team_delete(ctx, &actor, id, &name).await
        }
        Action::BreakGlassOpen => {
            let id = colleague(world).await;
            service::break_glass_open(ctx, actor, id, &reason())
                .await
                .map(drop)
        }
        Action::BreakGlassClose => {
            let (id, _) = opened(world, actor).await;
            service::break_glass_close(ctx, actor, id).await
        }
        Action::BreakGlassList => {
            let (id, _) = opened(world, actor).await;
            let shown = service::break_glass_list(ctx, actor, id, None).await?;
            assert_eq!(shown.open.unwrap().1.items.len(), 1);
            Ok(())
        }
        Action::BreakGlassRead => {
            let (id, memory) = opened(world, actor).await;
            let shown = service::break_glass_read(ctx, actor, id, memory).await?;
            assert!(shown.open.is_some());
            Ok(())
        }
        Action::NotificationList => {
            service::notification_unread(ctx, actor).await?;
            service::break_glass_about(ctx, actor).await?;
            service::notification_list(ctx, actor, None).await.map(drop)
        }
        Action::NotificationRead => {
            let id = notification(world, actor).await;
            service::notification_read(ctx, actor, id).await?;
            service::notification_read_all(ctx, actor).await.map(drop)
        }
        Action::TenantList => {
            service::tenant_page(ctx, actor, &TenantFilter::default(), None).await?;
            service::tenant_get(ctx, actor, tenant(world, TenantStatus::Active).await)
                .await
                .map(drop)
        }
        Action::TenantCreate => {
            let organisation = NewOrganisation {
                slug: "fresh",
                name: "Fresh",
                is_demo: false,
                directory: None,
            };
            let owner = Owner::Invited { email: None };
            service::tenant_create(ctx, By::Operator(actor), &organisation, owner)
                .await
                .map(drop)
        }
        Action::TenantSuspend => {
            let id = tenant(world, TenantStatus::Active).await;
            service::tenant_suspend(ctx, By::Operator(actor), id, "Unpaid").await
        }
        Action::TenantResume => {
            let id = tenant(world, TenantStatus::Suspended).await;
            service::tenant_resume(ctx, By::Operator(actor), id).await
        }
        Action::TenantDelete => {
            let id = tenant(world, TenantStatus::Active).await;
            service::tenant_delete(ctx, By::Operator(actor), id, None, "Left", None).await
        }
        Action::TenantTierSet => {
            let id = tenant(world, TenantStatus::Active).await;
            service::tenant_tier_set(ctx, By::Operator(actor), id, TenantTier::Starter).await
        }
        Action::RoleGrant => {
            let role = world.role("viewer").await;
            service::member_role_grant(ctx, actor, colleague(world).await, role).await
        }
        Action::RoleRevoke => {
            let role = world.role("member").await;
            service::member_role_revoke(ctx, actor, colleague(world).await, role).await
        }
    }
}

/// Another organisation, with this status.
async fn tenant(world: &World, status: TenantStatus) -> TenantId {
    let number = world.ctx.ids.id::<uuid::Uuid>().simple().to_string();
    let id = world.db.tenant(&format!("t{number}")).await.id;
    sqlx::query("UPDATE tenants SET status = $2 WHERE id = $1")
        .bind(id.0)
        .bind(status.key())
        .execute(&world.db.admin)
        .await
        .unwrap();
    id
}

/// A memory of the actor's, written below the service.
async fn memory(world: &World, actor: &Actor) -> domain::MemoryId {
    let id = world.ctx.ids.id();
    let mut tx = world.ctx.store.begin(actor).await.unwrap();
    let now = world.ctx.clock.now();
    store::memory::memory_create(&mut tx, id, &draft("Tea at three"), now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

/// The same, in the trash.
async fn trashed(world: &World, actor: &Actor) -> domain::MemoryId {
    let id = memory(world, actor).await;
    let mut tx = world.ctx.store.begin(actor).await.unwrap();
    store::memory::memory_delete(&mut tx, id, world.ctx.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

fn persona_draft(world: &World) -> PersonaDraft {
    PersonaDraft {
        name: fresh_name(world),
        description: "At Tea".into(),
    }
}

/// A persona of the actor's, written below the service.
async fn persona(world: &World, actor: &Actor) -> PersonaId {
    let id = world.ctx.ids.id();
    let text = PersonaText::parse(&persona_draft(world)).unwrap();
    let mut tx = world.ctx.store.begin(actor).await.unwrap();
    store::persona::persona_create(&mut tx, id, &text, world.ctx.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

/// An API key of the actor's, written below the service.
async fn own_key(world: &World, actor: &Actor) -> ApiKeyId {
    let ctx = &world.ctx;
    let id = ctx.ids.id();
    let mut able = actor.clone();
    able.permissions.insert(Permission::ApiKeyOwn);
    let mark = KeyMark {
        hash: &ctx.ids.bytes(),
        prefix: "atr_abcd",
    };
    let new = NewApiKey::parse(&key_draft(&[Permission::MemoryRead])).unwrap();
    let mut tx = ctx.store.begin(&able).await.unwrap();
    let now = ctx.clock.now();
    api_key_create(&mut tx, id, actor.user_id, mark, &new, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

async fn import(ctx: &Ctx, actor: &Actor) -> Result<ImportId, UploadError> {
    let text = format!("Tea at {}", ctx.clock.now());
    let mut upload = Upload::begin(ctx, actor, "tea.txt").await?;
    upload.write(text.as_bytes()).await?;
    Ok(upload.finish(None).await?.id)
}

/// A file of the actor's that waits for a look, written below the service.
async fn waiting_import(world: &World, actor: &Actor) -> ImportId {
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
    store::import::import_arrived(&mut tx, id, size, ctx.ids.bytes(), format)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

/// An import of the actor's with its job, written below the service.
async fn stored_import(world: &World, actor: &Actor) -> ImportId {
    let ctx = &world.ctx;
    let now = ctx.clock.now();
    let id = waiting_import(world, actor).await;
    let mut tx = ctx.store.begin(actor).await.unwrap();
    let choice = ImportChoice::default();
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

/// A name that nothing has yet.
fn fresh_name(world: &World) -> String {
    format!("Clerks {}", world.ctx.ids.id::<TeamId>())
}

/// A team that the actor leads, and the actor as the next request finds them,
/// with no more permissions than before.
async fn team(world: &World, actor: &Actor) -> (TeamId, Actor) {
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

/// What `actor` proposes of an own memory, written below the service.
async fn proposed(
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

/// What a colleague proposes for a team that the actor leads, and the actor as
/// the next request finds them.
async fn proposal_to_decide(world: &World, actor: &Actor) -> (ProposalId, Actor) {
    let (team, actor) = team(world, actor).await;
    let mut cleo = world.member("Cleo").await;
    cleo.team_ids.push(team);
    let memory = memory(world, &cleo).await;
    let id = proposed(world, &cleo, memory, Audience::Team(team)).await;
    (id, actor)
}

/// A colleague whose private memories the actor has opened below the service,
/// and one of those.
async fn opened(world: &World, actor: &Actor) -> (UserId, MemoryId) {
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

/// Something that the actor was told by Atrium.
async fn notification(world: &World, actor: &Actor) -> NotificationId {
    let ctx = &world.ctx;
    let (id, now) = (ctx.ids.id(), ctx.clock.now());
    let notice = Notice::BreakGlassOpened(BreakGlassOpened {
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

fn role_draft(world: &World) -> RoleDraft {
    RoleDraft {
        name: fresh_name(world),
        description: String::new(),
        permissions: vec!["memory.read".into()],
    }
}

/// Somebody else in the organisation, who holds the member's role.
async fn colleague(world: &World) -> UserId {
    world.member("Cleo").await.user_id
}

/// The role × action matrix as the service enforces it: `domain`'s golden
/// file says what the roles hold, this says that nothing else counts.
#[tokio::test]
async fn each_role_does_what_it_holds_and_nothing_else() {
    let world = World::new().await;
    for role in SystemRole::ALL {
        let actor = world.tenant.actor(*role, role.name()).await;
        for action in Action::ALL {
            let allowed = role.permissions().contains(&action.permission());
            let outcome = perform(&world, &actor, *action).await;
            match (allowed, outcome) {
                (true, Ok(())) => {}
                (false, Err(AppError::Forbidden { permission })) => {
                    assert_eq!(permission, action.permission(), "{role:?} {action}");
                }
                (_, outcome) => panic!("{role:?} {action}: {outcome:?}"),
            }
        }
    }
}

// SEC-E1: and so does every look at what is somebody else's alone.
#[tokio::test]
async fn every_mutation_writes_its_audit_row() {
    let world = World::new().await;
    let mut actor = world.tenant.actor(SystemRole::Owner, "Olga").await;
    actor.permissions.insert(Permission::MemoryBreakGlass);
    actor.permissions.insert(Permission::PlatformOperate);
    for action in Action::ALL
        .iter()
        .filter(|action| action.effect() != Effect::Read)
    {
        let before = world.audit().await.len();
        perform(&world, &actor, *action).await.unwrap();
        let after = world.audit().await;
        let new = &after[..after.len() - before];
        let row = new.iter().find(|row| row.action == action.key());
        let row = row.unwrap_or_else(|| panic!("{action} wrote no audit row: {new:?}"));
        assert_eq!(row.outcome, Outcome::Success);
        assert_eq!(row.actor_user_id, Some(actor.user_id));
        assert!(row.resource_type.is_some(), "{row:?}");
        // The words of a private memory are nobody else's.
        let changes = row.changes.as_deref().unwrap_or_default();
        assert!(!changes.contains("Tea"), "{changes}");
    }
    let mut tx = world.tenant.enter().await;
    let verdict = store::audit::audit_verify(&mut tx, None).await.unwrap();
    assert!(
        matches!(verdict, store::audit::AuditVerdict::Intact(_)),
        "{verdict:?}"
    );
}

// SEC-E1
#[tokio::test]
async fn every_refusal_is_audited_and_changes_nothing() {
    let world = World::new().await;
    let mut actor = world.tenant.actor(SystemRole::Owner, "Nobody").await;
    actor.permissions.clear();
    let jobs = [Action::ImportApply, Action::MemoryEmbed];
    for action in Action::ALL.iter().filter(|action| !jobs.contains(action)) {
        let before = world.audit().await.len();
        let refusal = perform(&world, &actor, *action).await.unwrap_err();
        assert_eq!(
            refusal,
            AppError::Forbidden {
                permission: action.permission()
            },
            "{action}"
        );
        let after = world.audit().await;
        assert_eq!(after.len(), before + 1, "{action}");
        assert_eq!(
            (after[0].action.as_str(), after[0].outcome),
            (action.key(), Outcome::Denied)
        );
    }
}

// SEC-E1
#[tokio::test]
async fn an_act_that_cannot_be_audited_does_not_happen() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    sqlx::query("REVOKE EXECUTE ON FUNCTION audit_append FROM atrium_app")
        .execute(&world.db.admin)
        .await
        .unwrap();
    let refused = service::memory_create(&world.ctx, &actor, &draft("Tea")).await;
    assert_eq!(refused, Err(AppError::Internal));
    let counts = service::overview_get(&world.ctx, &actor).await.unwrap();
    assert_eq!(counts.own_memories, 0);
}
