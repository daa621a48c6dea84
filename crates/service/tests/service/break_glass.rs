//! Break-glass access to private memories: who may open it, what it leaves
//! behind, and when it ends.

use domain::{
    Action, Actor, AppError, MemoryId, Permission, RequestFacts, UserId,
    access::SystemRole,
    audit::{AuditEntry, Outcome},
    break_glass::{BreakGlassDraft, BreakGlassStatus},
    group_mapping::GroupMappingInput,
    notification::NotificationData,
    role::{RoleInput, RoleSource},
};
use service::{break_glass_close, break_glass_list, break_glass_open, break_glass_read};
use store::{
    actor::actor_load,
    role::{user_role_grant, user_role_revoke},
};
use time::Duration;

use crate::{
    call::{
        break_glass_reports, member_get, member_role_grant, member_role_revoke, notification_list,
    },
    support::{World, draft, json_text},
};

pub(crate) const REASON: &str = "Customer 41 asks what was agreed.";

pub(crate) fn reason() -> BreakGlassDraft {
    BreakGlassDraft {
        reason: REASON.into(),
        minutes: "15".into(),
    }
}

fn forbidden<T>(permission: Permission) -> Result<T, AppError> {
    Err(AppError::Forbidden { permission })
}

fn is_conflict<T: std::fmt::Debug>(result: &Result<T, AppError>) -> bool {
    matches!(result, Err(AppError::Conflict { .. }))
}

impl World {
    /// A member as the next request from their browser resolves them.
    async fn in_browser(&self, id: UserId) -> Actor {
        let facts = RequestFacts {
            session_id: Some(self.session(id).await),
            ..self.tenant.actor_of(id).await.request
        };
        let mut tx = self.tenant.enter().await;
        actor_load(&mut tx, id).await.unwrap().to_actor(facts)
    }

    /// A member who was granted the break-glass permission.
    async fn entrusted(&self, name: &str) -> Actor {
        let id = self.member(name).await.user_id;
        let key = self.reader_role("Reader").await;
        let mut tx = self.tenant.enter().await;
        let now = self.ctx.clock.now();
        user_role_grant(&mut tx, id, &key, RoleSource::Manual, now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        self.in_browser(id).await
    }

    /// The key of a new role with the break-glass permission.
    async fn reader_role(&self, name: &str) -> String {
        let id = self
            .custom_role(name, &[Permission::MemoryBreakGlass])
            .await;
        let mut tx = self.tenant.enter().await;
        store::role::role_get(&mut tx, id).await.unwrap().key
    }

    async fn count(&self, table: &'static str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
            .fetch_one(&self.db.admin)
            .await
            .unwrap()
    }

    /// The newest break-glass audit rows, oldest first.
    async fn break_glass_rows(&self, count: usize) -> Vec<AuditEntry> {
        let rows = self.audit().await;
        let mut rows: Vec<_> = rows
            .into_iter()
            .filter(|row| row.action.starts_with("break_glass."))
            .take(count)
            .collect();
        rows.reverse();
        rows
    }
}

async fn write(world: &World, actor: &Actor, content: &str) -> MemoryId {
    crate::call_memory::memory_create(&world.ctx, actor, &draft(content))
        .await
        .unwrap()
}

// SEC-E1
#[tokio::test]
async fn member_is_notified_of_reader_reason_and_memories_and_it_is_audited() {
    let world = World::without_model().await;
    let (ctx, mia, rita) = (
        &world.ctx,
        world.member("Mia").await,
        world.entrusted("Rita").await,
    );
    let memory = write(&world, &mia, "The canary sings at dawn").await;
    write(&world, &mia, "Another canary").await;
    let grant = break_glass_open(ctx, &rita, mia.user_id, &reason())
        .await
        .unwrap();

    let page = notification_list(ctx, &mia).await.unwrap();
    assert_eq!((page.items.len(), page.unread_count), (1, 1));
    let Some(NotificationData::BreakGlassOpened(opened)) = &page.items[0].notice else {
        panic!("{page:?}");
    };
    assert_eq!((opened.grant, opened.reason.as_str()), (grant, REASON));
    assert_eq!(opened.reader, "Rita");

    let list = break_glass_list(ctx, &rita, mia.user_id, None)
        .await
        .unwrap();
    assert_eq!(list.subject_name, "Mia");
    let (open, listed) = list.open.unwrap();
    assert_eq!((open.id, open.reason.as_str()), (grant, REASON));
    assert_eq!(open.expires_at, open.opened_at + Duration::minutes(15));
    assert_eq!(listed.items.len(), 2);
    let read = break_glass_read(ctx, &rita, mia.user_id, memory)
        .await
        .unwrap();
    assert_eq!(read.open.unwrap().1.content, "The canary sings at dawn");
    break_glass_close(ctx, &rita, mia.user_id).await.unwrap();

    let rows = world.break_glass_rows(9).await;
    let actions: Vec<_> = rows.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "break_glass.open",
            "break_glass.list",
            "break_glass.read",
            "break_glass.close"
        ]
    );
    for row in &rows {
        assert_eq!(row.outcome, Outcome::Success);
        assert_eq!(row.actor_user_id, Some(rita.user_id));
        let all = format!("{row:?}");
        assert!(!all.contains("canary"), "words of a memory: {all}");
        let about = match row.action.as_str() {
            "break_glass.open" | "break_glass.close" => ("user", mia.user_id.to_string()),
            _ => ("break_glass_grant", grant.to_string()),
        };
        let on = (row.resource_type.as_deref(), row.resource_id.as_deref());
        assert_eq!(on, (Some(about.0), Some(about.1.as_str())));
    }
    assert!(json_text(rows[0].changes.as_ref()).contains(REASON));
    let metadata = json_text(rows[2].metadata.as_ref());
    assert!(metadata.contains(&memory.to_string()), "{metadata}");

    // The member's own page shows it too.
    let about = break_glass_reports(ctx, &mia).await.unwrap();
    assert_eq!(about.len(), 1);
    assert_eq!(about[0].grant.reader_name, "Rita");
    assert!(about[0].grant.closed_at.is_some());
    let read: Vec<_> = about[0].read.iter().map(|read| read.id).collect();
    assert_eq!(read, [memory]);
    assert_eq!(break_glass_reports(ctx, &rita).await.unwrap(), []);

    let mut tx = world.tenant.enter().await;
    let verdict = store::audit::audit_verify(&mut tx, &[]).await.unwrap();
    assert!(
        matches!(verdict, store::audit::AuditVerdict::Intact(_)),
        "{verdict:?}"
    );
}

#[tokio::test]
async fn access_needs_a_reason_and_another_member_and_a_browser() {
    let world = World::without_model().await;
    let ctx = &world.ctx;
    let (mia, rita) = (world.member("Mia").await, world.entrusted("Rita").await);
    let agent = world.agent("Crawler").await;
    let stranger = world.db.tenant("other").await.user("Eve").await;
    for field in ["reason", "minutes"] {
        let mut draft = reason();
        if field == "reason" {
            draft.reason = "Because.".into();
        } else {
            draft.minutes = "1440".into();
        }
        let refused = break_glass_open(ctx, &rita, mia.user_id, &draft).await;
        assert!(refused.unwrap_err().for_field(field).is_some(), "{field}");
    }
    for subject in [rita.user_id, agent] {
        let refused = break_glass_open(ctx, &rita, subject, &reason()).await;
        assert!(is_conflict(&refused), "{refused:?}");
    }
    // SEC-C6
    for nobody in [stranger, ctx.ids.id()] {
        let refused = break_glass_open(ctx, &rita, nobody, &reason()).await;
        assert_eq!(refused, Err(AppError::NotFound));
        let refused = break_glass_list(ctx, &rita, nobody, None).await;
        assert_eq!(refused, Err(AppError::NotFound));
        let refused = break_glass_close(ctx, &rita, nobody).await;
        assert_eq!(refused, Err(AppError::NotFound));
    }
    let refused = break_glass_close(ctx, &rita, mia.user_id).await;
    assert!(is_conflict(&refused), "{refused:?}");
    assert_eq!(world.count("break_glass_grants").await, 0);
    assert_eq!(world.count("notifications").await, 0);

    break_glass_open(ctx, &rita, mia.user_id, &reason())
        .await
        .unwrap();
    let again = break_glass_open(ctx, &rita, mia.user_id, &reason()).await;
    assert!(is_conflict(&again), "{again:?}");
    assert_eq!(world.count("break_glass_grants").await, 1);
    assert_eq!(world.count("notifications").await, 1);
}

// SEC-E1
#[tokio::test]
async fn access_that_cannot_be_notified_or_audited_is_rolled_back() {
    let world = World::without_model().await;
    let ctx = &world.ctx;
    let (mia, rita) = (world.member("Mia").await, world.entrusted("Rita").await);
    let memory = write(&world, &mia, "The canary sings").await;
    let admin = &world.db.admin;
    sqlx::query("REVOKE INSERT ON notifications FROM atrium_app")
        .execute(admin)
        .await
        .unwrap();
    let refused = break_glass_open(ctx, &rita, mia.user_id, &reason()).await;
    assert_eq!(refused, Err(AppError::Internal));
    assert_eq!(world.count("break_glass_grants").await, 0);
    assert_eq!(world.break_glass_rows(9).await, []);
    sqlx::query("GRANT INSERT ON notifications TO atrium_app")
        .execute(admin)
        .await
        .unwrap();
    break_glass_open(ctx, &rita, mia.user_id, &reason())
        .await
        .unwrap();

    sqlx::query("REVOKE EXECUTE ON FUNCTION audit_append FROM atrium_app")
        .execute(admin)
        .await
        .unwrap();
    let listed = break_glass_list(ctx, &rita, mia.user_id, None).await;
    assert_eq!(listed, Err(AppError::Internal));
    let read = break_glass_read(ctx, &rita, mia.user_id, memory).await;
    assert_eq!(read, Err(AppError::Internal));
    let closed = break_glass_close(ctx, &rita, mia.user_id).await;
    assert_eq!(closed, Err(AppError::Internal));
    let left = break_glass_reports(ctx, &mia).await.unwrap();
    assert!(left[0].grant.closed_at.is_none());
}

// SEC-B3, SEC-E1
#[tokio::test]
async fn access_ends_with_its_time_its_role_and_when_it_is_closed() {
    let world = World::without_model().await;
    let ctx = &world.ctx;
    let (mia, rita) = (world.member("Mia").await, world.entrusted("Rita").await);
    let memory = write(&world, &mia, "The canary sings").await;
    let is_open = async |actor: &Actor| {
        let list = break_glass_list(ctx, actor, mia.user_id, None).await?;
        let read = break_glass_read(ctx, actor, mia.user_id, memory).await?;
        assert_eq!(list.open.is_some(), read.open.is_some());
        Ok::<_, AppError>(read.open.is_some())
    };
    let open = async || {
        break_glass_open(ctx, &rita, mia.user_id, &reason())
            .await
            .unwrap()
    };
    assert_eq!(is_open(&rita).await, Ok(false));
    let tried = world.break_glass_rows(2).await;
    for (row, action) in tried.iter().zip(["break_glass.list", "break_glass.read"]) {
        assert_eq!(
            (row.action.as_str(), row.outcome),
            (action, Outcome::Denied)
        );
        assert!(json_text(row.metadata.as_ref()).contains("not_open"));
        assert_eq!(row.resource_id, Some(mia.user_id.to_string()));
    }

    open().await;
    assert_eq!(is_open(&rita).await, Ok(true));
    world.pass(Duration::minutes(15));
    assert_eq!(is_open(&rita).await, Ok(false));
    open().await;
    break_glass_close(ctx, &rita, mia.user_id).await.unwrap();
    assert_eq!(is_open(&rita).await, Ok(false));

    open().await;
    assert_eq!(is_open(&rita).await, Ok(true));
    let role = member_get(ctx, &rita, rita.user_id).await.unwrap();
    let mut tx = world.tenant.enter().await;
    for held in role.member.roles {
        if held.role.key != "member" {
            user_role_revoke(&mut tx, rita.user_id, &held.role.key, RoleSource::Manual)
                .await
                .unwrap();
        }
    }
    tx.commit().await.unwrap();
    let rita = world.in_browser(rita.user_id).await;
    assert_eq!(
        is_open(&rita).await,
        forbidden(Permission::MemoryBreakGlass)
    );
    // Nor do ordinary pages show the memory.
    let got = crate::call_memory::memory_get(ctx, &rita, memory).await;
    assert_eq!(got.unwrap_err(), AppError::NotFound);
}

// The owner's role alone opens nothing, in a browser or otherwise.
#[tokio::test]
async fn no_system_role_grants_break_glass() {
    let world = World::without_model().await;
    let ctx = &world.ctx;
    let mia = world.member("Mia").await;
    let memory = write(&world, &mia, "The canary sings").await;
    for role in SystemRole::ALL {
        let id = world.tenant.actor(*role, role.label()).await.user_id;
        let actor = world.in_browser(id).await;
        let permission = Permission::MemoryBreakGlass;
        let refused = break_glass_open(ctx, &actor, mia.user_id, &reason()).await;
        assert_eq!(refused, forbidden(permission));
        let refused = break_glass_list(ctx, &actor, mia.user_id, None).await;
        assert_eq!(refused.unwrap_err(), AppError::Forbidden { permission });
        let refused = break_glass_read(ctx, &actor, mia.user_id, memory).await;
        assert_eq!(refused.unwrap_err(), AppError::Forbidden { permission });
        if role.permissions().contains(&Action::MemberGet.permission()) {
            let detail = member_get(ctx, &actor, mia.user_id).await.unwrap();
            assert_eq!(detail.break_glass, None);
        }
    }
    assert_eq!(world.count("break_glass_grants").await, 0);
}

#[tokio::test]
async fn member_page_shows_the_viewers_own_access() {
    let world = World::without_model().await;
    let ctx = &world.ctx;
    let (mia, rita) = (world.member("Mia").await, world.entrusted("Rita").await);
    let rolf = world.entrusted("Rolf").await;
    let standing = async |actor: &Actor, id: UserId| {
        let detail = member_get(ctx, actor, id).await.unwrap();
        detail.break_glass
    };
    let closed = Some(BreakGlassStatus::Closed);
    assert_eq!(standing(&rita, mia.user_id).await, closed);
    assert_eq!(standing(&rita, rita.user_id).await, None);
    assert_eq!(standing(&rita, world.agent("Crawler").await).await, None);
    break_glass_open(ctx, &rita, mia.user_id, &reason())
        .await
        .unwrap();
    let seen = standing(&rita, mia.user_id).await;
    assert!(matches!(seen, Some(BreakGlassStatus::Open(_))), "{seen:?}");
    assert_eq!(standing(&rolf, mia.user_id).await, closed);
}

// SEC-G: a permission granted by a member who may not grant it.
#[tokio::test]
async fn only_members_who_manage_owners_can_grant_break_glass() {
    let world = World::without_model().await;
    let ctx = &world.ctx;
    let olga = world.tenant.actor(SystemRole::Owner, "Olga").await;
    let ada = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let (mia, rita) = (world.member("Mia").await, world.entrusted("Rita").await);
    let error = AppError::Forbidden {
        permission: Permission::OwnerGrant,
    };
    let text = |name: &str, permissions: &[&str]| RoleInput {
        name: name.into(),
        description: String::new(),
        permissions: permissions.iter().map(|&key| key.to_owned()).collect(),
    };
    let reads = text("Investigator", &["memory.break_glass"]);
    // A reader may not grant it either.
    let mut reader = rita.clone();
    reader.permissions.extend([
        Permission::RoleManage,
        Permission::RoleGrant,
        Permission::GroupMappingManage,
    ]);
    for actor in [&ada, &reader] {
        let refused = crate::call::role_create(ctx, actor, &reads).await;
        assert_eq!(refused, Err(error.clone()));
    }
    let role = crate::call::role_create(ctx, &olga, &reads).await.unwrap();
    let plain = world.custom_role("Clerk", &[Permission::MemoryRead]).await;
    for actor in [&ada, &reader] {
        let refused = crate::call::role_update(ctx, actor, plain, 1, &reads).await;
        assert_eq!(refused, Err(error.clone()));
        let refused = member_role_grant(ctx, actor, mia.user_id, role).await;
        assert_eq!(refused, Err(error.clone()));
        let mapping = GroupMappingInput {
            role: role.to_string(),
            ..world.rule("finance").await
        };
        let refused = crate::call::group_mapping_create(ctx, actor, &mapping).await;
        assert_eq!(refused, Err(error.clone()));
    }
    let detail = crate::call::role_get(ctx, &ada, role).await.unwrap();
    assert!(!detail.grantable.contains(&Permission::MemoryBreakGlass));

    // An owner grants it to somebody else and still can't read.
    member_role_grant(ctx, &olga, mia.user_id, role)
        .await
        .unwrap();
    let mia = world.in_browser(mia.user_id).await;
    assert!(mia.permissions.contains(&Permission::MemoryBreakGlass));
    let olga = world.in_browser(olga.user_id).await;
    assert!(!olga.permissions.contains(&Permission::MemoryBreakGlass));
    member_role_revoke(ctx, &olga, mia.user_id, role)
        .await
        .unwrap();
}

// SEC-D5
#[tokio::test]
async fn no_key_holds_break_glass_and_no_operation_for_keys_offers_it() {
    let world = World::without_model().await;
    let ctx = &world.ctx;
    let olga = world.tenant.actor(SystemRole::Owner, "Olga").await;
    let key = world.reader_role("Reader").await;
    let agent = world.agent("Crawler").await;
    let mut tx = world.tenant.enter().await;
    for holder in [olga.user_id, agent] {
        let now = ctx.clock.now();
        user_role_grant(&mut tx, holder, &key, RoleSource::Manual, now)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let olga = world.in_browser(olga.user_id).await;
    assert!(olga.permissions.contains(&Permission::MemoryBreakGlass));
    for owner in [None, Some(agent)] {
        let offered = crate::call::api_key_owner(ctx, &olga, owner).await.unwrap();
        assert!(!offered.offered.contains(&Permission::MemoryBreakGlass));
        let draft = crate::api_key::key_draft(&[Permission::MemoryBreakGlass]);
        let refused = crate::call::api_key_create(ctx, &olga, owner, &draft).await;
        assert!(refused.unwrap_err().for_field("scopes").is_some());
    }
    assert_eq!(world.keys().await, 0);
    // A key that holds it in a database that was tampered with acts without it.
    let draft = crate::api_key::key_draft(&[Permission::MemoryRead]);
    let made = crate::call::api_key_create(ctx, &olga, None, &draft)
        .await
        .unwrap();
    sqlx::query("UPDATE api_keys SET scopes = '{memory.read,memory.break_glass}'")
        .execute(&world.db.admin)
        .await
        .unwrap();
    let program = service::api_key_actor(ctx, &made.key, &olga.request)
        .await
        .unwrap();
    let held: Vec<_> = program.permissions.into_iter().collect();
    assert_eq!(held, [Permission::MemoryRead]);
}
