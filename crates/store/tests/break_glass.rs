//! Break-glass: private memories are readable only with a grant, a permission and
//! a setting together, and notifications can't be forged.

use domain::{
    Actor, ActorKind, ApiKeyId, BreakGlassId, MemoryId, Permission, RequestFacts, SessionId,
    Timestamp, UserId,
    access::SystemRole,
    memory::{MemoryChange, MemoryCriteria, MemoryText, NewMemory, Origin, SearchMode},
    notification::{BreakGlassOpened, NotificationData},
    role::{ParsedRole, RoleSource},
};
use sqlx::{Connection as _, PgConnection};
use store::{
    Login, StoreError, TenantTx,
    actor::actor_load,
    break_glass::{
        break_glass_close, break_glass_find, break_glass_get, break_glass_list, break_glass_open,
        break_glass_reports,
    },
    memory::{
        MemoryPage, SearchParams, SearchQuery, memory_create, memory_delete, memory_get,
        memory_list, memory_search, memory_update,
    },
    notification::{
        notification_create, notification_list, notification_read, notification_read_all,
        notification_unread_count,
    },
    role::{role_create, user_role_grant},
    testing::{NOW, TestDb, TestTenant, id},
};
use time::Duration;

const REASON: &str = "Customer 41 asks what was agreed.";
const TERM: Duration = Duration::minutes(15);

/// An organisation in which Mia has private memories, and members who try to
/// read them.
struct Scene {
    db: TestDb,
    acme: TestTenant,
    mia: Actor,
    /// Has the break-glass permission.
    rita: Actor,
    owner: Actor,
    private: MemoryId,
    shared: MemoryId,
}

impl Scene {
    async fn new() -> Self {
        let db = TestDb::new().await;
        let acme = db.tenant("acme").await;
        let mia = acme.actor(SystemRole::Member, "Mia").await;
        let rita = entrusted(acme.actor(SystemRole::Member, "Rita").await);
        let owner = acme.actor(SystemRole::Owner, "Olga").await;
        let private = write(&db, &mia, "the canary sings").await;
        let mut tx = db.store.begin(&mia).await.unwrap();
        memory_update(&mut tx, private, 1, &change("the canary sings"), NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let shared = write(&db, &mia, "the canary is yellow").await;
        sqlx::query("UPDATE memories SET visibility = 'org' WHERE id = $1")
            .bind(shared)
            .execute(&db.admin)
            .await
            .unwrap();
        let trashed = write(&db, &mia, "the canary is gone").await;
        let mut tx = db.store.begin(&mia).await.unwrap();
        memory_delete(&mut tx, trashed, NOW).await.unwrap();
        tx.commit().await.unwrap();
        Self {
            db,
            acme,
            mia,
            rita,
            owner,
            private,
            shared,
        }
    }

    async fn begin(&self, actor: &Actor) -> TenantTx {
        self.db.store.begin(actor).await.unwrap()
    }

    /// Opens Mia's memories to `actor`.
    async fn open(&self, actor: &Actor) -> BreakGlassId {
        let grant = id();
        let mut tx = self.begin(actor).await;
        break_glass_open(&mut tx, grant, self.mia.user_id, REASON, TERM, NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        grant
    }

    /// The private memories of Mia that `actor` can list at `now`.
    async fn shown(&self, actor: &Actor, now: Timestamp) -> Result<Vec<MemoryId>, StoreError> {
        let mut tx = self.begin(actor).await;
        let page = break_glass_list(&mut tx, self.mia.user_id, now, None, 50).await?;
        Ok(page.items.into_iter().map(|memory| memory.id).collect())
    }

    /// A connection with the settings that the store sets for `actor`, and the
    /// setting that names the member whose memories are opened.
    async fn connection(&self, actor: &Actor, subject: Option<UserId>) -> PgConnection {
        let mut conn = PgConnection::connect_with(&self.db.login_options(Login::App))
            .await
            .unwrap();
        let keys: Vec<_> = actor.permissions.iter().map(|p| p.key()).collect();
        sqlx::query(
            "SELECT set_config('role', 'atrium_app', false), set_config('app.current_tenant_id', $1, false),
                    set_config('app.current_user_id', $2, false), set_config('app.current_team_ids', '{}', false),
                    set_config('app.permissions', $3, false), set_config('app.break_glass_user_id', $4, false)",
        )
        .bind(actor.tenant_id.to_string())
        .bind(actor.user_id.to_string())
        .bind(keys.join(","))
        .bind(subject.map(|id| id.to_string()).unwrap_or_default())
        .execute(&mut conn)
        .await
        .unwrap();
        conn
    }
}

fn entrusted(mut actor: Actor) -> Actor {
    actor.permissions.insert(Permission::MemoryBreakGlass);
    actor
}

fn change(content: &str) -> MemoryChange {
    MemoryChange::of(text(content))
}

fn text(content: &str) -> MemoryText {
    MemoryText::new("", content.into(), "fact", &[]).unwrap()
}

async fn write(db: &TestDb, actor: &Actor, content: &str) -> MemoryId {
    let memory = id();
    let mut tx = db.store.begin(actor).await.unwrap();
    memory_create(
        &mut tx,
        memory,
        &NewMemory::of(text(content), Origin::Dashboard),
        NOW,
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    memory
}

fn is_not_found<T: std::fmt::Debug>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::NotFound))
}

/// The number of rows that a statement reached, or the error code of Postgres.
async fn tried(conn: &mut PgConnection, sql: &'static str) -> Result<u64, String> {
    let mut tx = conn.begin().await.unwrap();
    let done = sqlx::raw_sql(sql).execute(&mut *tx).await;
    tx.rollback().await.unwrap();
    match done {
        Ok(done) => Ok(done.rows_affected()),
        Err(error) => {
            let error = error.into_database_error().unwrap();
            Err(error.code().unwrap().into_owned())
        }
    }
}

// SEC-C3
#[tokio::test]
async fn policy_requires_both_the_permission_and_the_setting() {
    let scene = Scene::new().await;
    let (mia, rita) = (&scene.mia, &scene.rita);
    let globex = scene.db.tenant("globex").await;
    let gus = entrusted(globex.actor(SystemRole::Owner, "Gus").await);
    let own = write(&scene.db, &scene.owner, "the owner's own").await;
    let private = "SELECT FROM memories WHERE visibility = 'private'
                     AND user_id::text <> current_setting('app.current_user_id')";
    for (who, actor, subject, expected) in [
        ("permission and setting", rita, Some(mia.user_id), 1),
        ("no setting", rita, None, 0),
        ("no permission", &scene.owner, Some(mia.user_id), 0),
        ("another member's setting", rita, Some(rita.user_id), 0),
        ("another tenant", &gus, Some(mia.user_id), 0),
    ] {
        let mut conn = scene.connection(actor, subject).await;
        assert_eq!(tried(&mut conn, private).await, Ok(expected), "{who}");
    }

    // Only that member's memories, read-only, without the trash and earlier
    // versions. A search does not find them.
    let mut conn = scene.connection(rita, Some(mia.user_id)).await;
    for (sql, expected) in [
        ("SELECT FROM memories WHERE deleted_at IS NOT NULL", Ok(0)),
        ("SELECT FROM memory_versions", Ok(0)),
        (
            "SELECT FROM memories WHERE visibility = 'private' FOR UPDATE",
            Ok(0),
        ),
        (
            "UPDATE memories SET persona_id = NULL WHERE visibility = 'private'",
            Ok(0),
        ),
        (
            "DELETE FROM memories WHERE visibility = 'private'",
            Err("42501".to_owned()),
        ),
        (
            "SELECT FROM memory_search_words('{sing}', NULL, NULL, '{}', 9, 9)",
            Ok(0),
        ),
        (
            "SELECT FROM memory_search_words('{yellow}', NULL, NULL, '{}', 9, 9)",
            Ok(1),
        ),
    ] {
        assert_eq!(tried(&mut conn, sql).await, expected, "{sql}");
    }
    let foreign: i64 = sqlx::query_scalar("SELECT count(*) FROM memories WHERE id = $1")
        .bind(own)
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(foreign, 0);
}

// SEC-C3
#[tokio::test]
async fn only_an_own_open_grant_shows_private_memories() {
    let scene = Scene::new().await;
    let private = scene.private;
    let before = scene.shown(&scene.rita, NOW).await;
    assert!(is_not_found(&before), "{before:?}");
    scene.open(&scene.rita).await;
    assert_eq!(scene.shown(&scene.rita, NOW).await.unwrap(), [private]);

    // Somebody else's grant has no effect, whatever the permissions.
    let rolf = entrusted(scene.acme.actor(SystemRole::Owner, "Rolf").await);
    let globex = scene.db.tenant("globex").await;
    let gus = entrusted(globex.actor(SystemRole::Owner, "Gus").await);
    for other in [&rolf, &gus, &scene.owner] {
        let shown = scene.shown(other, NOW).await;
        assert!(is_not_found(&shown), "{}: {shown:?}", other.label);
    }

    // A grant without the permission, which was removed since, has no effect.
    let mut taken = scene.rita.clone();
    taken.permissions.remove(&Permission::MemoryBreakGlass);
    assert_eq!(scene.shown(&taken, NOW).await.unwrap(), []);

    let last = NOW + TERM - Duration::SECOND;
    assert_eq!(scene.shown(&scene.rita, last).await.unwrap(), [private]);
    let expired = scene.shown(&scene.rita, NOW + TERM).await;
    assert!(is_not_found(&expired), "{expired:?}");

    let mut tx = scene.begin(&scene.rita).await;
    let closed = break_glass_close(&mut tx, scene.mia.user_id, NOW).await;
    assert_eq!(closed.unwrap(), 1);
    tx.commit().await.unwrap();
    let closed = scene.shown(&scene.rita, NOW).await;
    assert!(is_not_found(&closed), "{closed:?}");
}

// SEC-C3, SEC-C6
#[tokio::test]
async fn one_private_memory_is_read_and_nothing_else() {
    let scene = Scene::new().await;
    scene.open(&scene.rita).await;
    let subject = scene.mia.user_id;
    let own = write(&scene.db, &scene.rita, "Rita's own").await;
    let owners = write(&scene.db, &scene.owner, "the owner's own").await;
    let mut tx = scene.begin(&scene.rita).await;
    let read = break_glass_get(&mut tx, subject, scene.private, NOW)
        .await
        .unwrap();
    assert_eq!(read.content, "the canary sings");
    assert!(!read.is_own);
    for other in [scene.shared, own, owners, id()] {
        let read = break_glass_get(&mut tx, subject, other, NOW).await;
        assert!(is_not_found(&read), "{read:?}");
    }
    let elsewhere = break_glass_get(&mut tx, scene.owner.user_id, owners, NOW).await;
    assert!(is_not_found(&elsewhere), "{elsewhere:?}");

    // Other reads in the same transaction show no more than usual.
    let list = memory_list(
        &mut tx,
        &MemoryCriteria::default(),
        MemoryPage::first(50),
        NOW,
    )
    .await
    .unwrap();
    let mut seen: Vec<_> = list.items.iter().map(|memory| memory.id).collect();
    seen.sort();
    assert_eq!(seen, [scene.shared, own]);
    let read = memory_get(&mut tx, scene.private).await;
    assert!(is_not_found(&read), "{read:?}");
    let (query, filter) = (SearchQuery::parse("canary"), MemoryCriteria::default());
    let request = SearchParams {
        query: &query,
        vector: None,
        mode: SearchMode::Words,
        criteria: &filter,
        limit: 9,
        now: NOW,
    };
    let hits = memory_search(&mut tx, &request).await.unwrap();
    let hits: Vec<_> = hits.iter().map(|hit| hit.memory.id).collect();
    assert_eq!(hits, [scene.shared]);
}

#[tokio::test]
async fn private_memories_are_paginated() {
    let scene = Scene::new().await;
    for n in 0..4 {
        write(&scene.db, &scene.mia, &format!("note {n}")).await;
    }
    scene.open(&scene.rita).await;
    let mut tx = scene.begin(&scene.rita).await;
    let (mut all, mut after, mut pages) = (Vec::new(), None::<String>, 0);
    loop {
        let subject = scene.mia.user_id;
        let page = break_glass_list(&mut tx, subject, NOW, after.as_deref(), 2)
            .await
            .unwrap();
        pages += 1;
        all.extend(page.items.into_iter().map(|memory| memory.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((pages, all.len()), (3, 5));
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 5);
    let broken = break_glass_list(&mut tx, scene.mia.user_id, NOW, Some("x"), 2).await;
    assert!(matches!(broken, Err(StoreError::Cursor)), "{broken:?}");
}

// SEC-C3: neither for others, nor without the permission, nor for longer than allowed.
#[tokio::test]
async fn grants_are_opened_in_ones_own_name_and_can_not_be_extended() {
    let scene = Scene::new().await;
    let (subject, rita) = (scene.mia.user_id, &scene.rita);
    let mut tx = scene.begin(&scene.owner).await;
    let refused = break_glass_open(&mut tx, id(), subject, REASON, TERM, NOW).await;
    assert!(matches!(refused, Err(StoreError::Other(_))), "{refused:?}");
    drop(tx);
    for (reason, term, whose, rule) in [
        ("Because", TERM, subject, "break_glass_grants_reason_check"),
        (
            REASON,
            Duration::hours(5),
            subject,
            "break_glass_grants_term_check",
        ),
        (
            REASON,
            Duration::ZERO,
            subject,
            "break_glass_grants_term_check",
        ),
        (REASON, TERM, rita.user_id, "break_glass_grants_other_check"),
        (
            REASON,
            TERM,
            id(),
            "break_glass_grants_subject_user_id_fkey",
        ),
    ] {
        let mut tx = scene.begin(rita).await;
        let refused = break_glass_open(&mut tx, id(), whose, reason, term, NOW).await;
        assert!(
            matches!(&refused, Err(StoreError::Constraint(name)) if name == rule),
            "{rule}: {refused:?}"
        );
    }

    let grant = scene.open(rita).await;
    let mut conn = scene.connection(rita, None).await;
    let denied = Err("42501".to_owned());
    for sql in [
        "UPDATE break_glass_grants SET expires_at = expires_at + interval '1 hour'",
        "UPDATE break_glass_grants SET reason = 'Something more harmless'",
        "DELETE FROM break_glass_grants",
        "INSERT INTO break_glass_grants
         SELECT tenant_id, gen_random_uuid(), subject_user_id,
                (SELECT id FROM users WHERE display_name = 'Olga'), reason, opened_at, expires_at, NULL
           FROM break_glass_grants",
    ] {
        assert_eq!(tried(&mut conn, sql).await, denied, "{sql}");
    }
    // The reader and the member see it; the member can't end it.
    let close = "UPDATE break_glass_grants SET closed_at = now()";
    for (actor, sees, ends) in [(rita, 1, 1), (&scene.mia, 1, 0), (&scene.owner, 0, 0)] {
        let mut conn = scene.connection(actor, None).await;
        let seen = tried(&mut conn, "SELECT FROM break_glass_grants").await;
        assert_eq!(seen, Ok(sees), "{}", actor.label);
        assert_eq!(tried(&mut conn, close).await, Ok(ends), "{}", actor.label);
    }
    let mut tx = scene.begin(rita).await;
    let found = break_glass_find(&mut tx, subject, NOW).await.unwrap();
    assert_eq!(found.map(|found| found.id), Some(grant));
    let mut tx = scene.begin(&scene.mia).await;
    let about = break_glass_reports(&mut tx, 9).await.unwrap();
    assert_eq!(about.len(), 1);
    assert_eq!(about[0].grant.reader_name, "Rita");
    let mut tx = scene.begin(&scene.owner).await;
    assert_eq!(break_glass_reports(&mut tx, 9).await.unwrap(), []);
}

// SEC-D5, SEC-B3: break-glass needs the person, in a browser.
#[tokio::test]
async fn keys_agents_and_jobs_have_no_break_glass_permission() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let (user, agent) = (acme.user("Rita").await, acme.user("Crawler").await);
    sqlx::query("UPDATE users SET kind = 'agent' WHERE id = $1")
        .bind(agent)
        .execute(&db.admin)
        .await
        .unwrap();
    let text = ParsedRole {
        name: "Reader".into(),
        description: String::new(),
        permissions: [Permission::MemoryBreakGlass, Permission::MemoryRead].into(),
    };
    let mut tx = acme.enter().await;
    role_create(&mut tx, id(), &text, NOW).await.unwrap();
    for holder in [user, agent] {
        user_role_grant(&mut tx, holder, "reader", RoleSource::Manual, NOW)
            .await
            .unwrap();
    }
    let facts = |session: bool, key: bool| RequestFacts {
        session_id: session.then(id::<SessionId>),
        api_key_id: key.then(id::<ApiKeyId>),
        ..RequestFacts {
            request_id: id(),
            ip: None,
            user_agent: None,
            session_id: None,
            api_key_id: None,
        }
    };
    for (holder, kind, session, key, may) in [
        (user, ActorKind::Human, true, false, true),
        (user, ActorKind::Human, false, false, false),
        (user, ActorKind::Human, false, true, false),
        (user, ActorKind::Human, true, true, false),
        (agent, ActorKind::Agent, true, false, false),
    ] {
        let record = actor_load(&mut tx, holder).await.unwrap();
        assert_eq!(record.kind, kind);
        let actor = record.to_actor(facts(session, key));
        let held = actor.permissions.contains(&Permission::MemoryBreakGlass);
        assert_eq!(held, may, "{kind:?} session {session} key {key}");
        assert!(actor.permissions.contains(&Permission::MemoryRead));
    }
}

fn notice(scene: &Scene) -> NotificationData {
    NotificationData::BreakGlassOpened(BreakGlassOpened {
        grant: id(),
        reader: scene.rita.label.clone(),
        reason: REASON.into(),
        until: NOW + TERM,
    })
}

// SEC-C3
#[tokio::test]
async fn members_read_their_own_notifications_and_can_not_forge_any() {
    let scene = Scene::new().await;
    let (mia, rita) = (&scene.mia, &scene.rita);
    let told = notice(&scene);
    let mut tx = scene.begin(rita).await;
    notification_create(&mut tx, id(), mia.user_id, &told, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut tx = scene.acme.enter().await;
    notification_create(&mut tx, id(), mia.user_id, &told, NOW + TERM)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for actor in [mia, &scene.owner] {
        let mut tx = scene.begin(actor).await;
        let whom = scene.owner.user_id;
        let forged = notification_create(&mut tx, id(), whom, &told, NOW).await;
        assert!(matches!(forged, Err(StoreError::Other(_))), "{forged:?}");
    }
    let mut conn = scene.connection(rita, None).await;
    let denied = Err("42501".to_owned());
    for sql in [
        // In Atrium's name, in another member's, and of another kind.
        "INSERT INTO notifications (tenant_id, id, user_id, created_by, kind, data, created_at)
         SELECT tenant_id, gen_random_uuid(), id, NULL, 'break_glass_opened', '{}', now() FROM users",
        "INSERT INTO notifications (tenant_id, id, user_id, created_by, kind, data, created_at)
         SELECT tenant_id, gen_random_uuid(), id, id, 'break_glass_opened', '{}', now()
           FROM users WHERE display_name = 'Olga'",
        "INSERT INTO notifications (tenant_id, id, user_id, created_by, kind, data, created_at)
         SELECT tenant_id, gen_random_uuid(), id, current_setting('app.current_user_id')::uuid, 'party', '{}', now()
           FROM users",
        "UPDATE notifications SET data = '{}'",
        "DELETE FROM notifications",
    ] {
        assert_eq!(tried(&mut conn, sql).await, denied, "{sql}");
    }

    let mut tx = scene.begin(mia).await;
    let list = notification_list(&mut tx, None, 1).await.unwrap();
    assert_eq!(list.items[0].notice.as_ref(), Some(&told));
    assert_eq!(list.items[0].created_at, NOW + TERM);
    let after = list.next.unwrap();
    let list = notification_list(&mut tx, Some(&after), 1).await.unwrap();
    assert!(list.next.is_none());
    let first = list.items[0].id;
    assert_eq!(notification_unread_count(&mut tx).await.unwrap(), 2);
    // Other members neither see these notifications nor mark them as read.
    let mut theirs = scene.begin(&scene.owner).await;
    let seen = notification_list(&mut theirs, None, 9).await.unwrap();
    assert_eq!(seen.items, []);
    let read = notification_read(&mut theirs, first, NOW).await;
    assert!(is_not_found(&read), "{read:?}");
    assert_eq!(notification_read_all(&mut theirs, NOW).await.unwrap(), 0);

    notification_read(&mut tx, first, NOW).await.unwrap();
    assert_eq!(notification_unread_count(&mut tx).await.unwrap(), 1);
    let again = notification_read(&mut tx, first, NOW).await;
    assert!(is_not_found(&again), "{again:?}");
    assert_eq!(notification_read_all(&mut tx, NOW).await.unwrap(), 1);
    assert_eq!(notification_unread_count(&mut tx).await.unwrap(), 0);
}

#[tokio::test]
async fn notification_of_an_unknown_kind_does_not_break_the_list() {
    let scene = Scene::new().await;
    for (kind, data) in [("party", "{}"), ("break_glass_opened", r#"{"x": 1}"#)] {
        sqlx::query(
            "INSERT INTO notifications (tenant_id, id, user_id, kind, data, created_at)
             VALUES ($1, gen_random_uuid(), $2, $3, $4::jsonb, now())",
        )
        .bind(scene.acme.id)
        .bind(scene.mia.user_id)
        .bind(kind)
        .bind(data)
        .execute(&scene.db.admin)
        .await
        .unwrap();
    }
    let mut tx = scene.begin(&scene.mia).await;
    let list = notification_list(&mut tx, None, 9).await.unwrap();
    assert_eq!(list.items.len(), 2);
    assert!(list.items.iter().all(|item| item.notice.is_none()));
}
