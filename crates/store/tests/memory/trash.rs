//! Expiry and permanent deletion, and that nothing else is deleted.

use domain::{
    Actor, MemoryId, TenantId, Timestamp,
    access::SystemRole,
    memory::{MemoryAttributes, MemoryCriteria, NewMemory, Origin, SearchMode},
};
use sqlx::{Connection as _, PgConnection};
use store::{
    StoreError, TenantTx,
    memory::{
        MemoryPage, SearchParams, SearchQuery, memory_create, memory_delete, memory_expire,
        memory_get, memory_list, memory_reply, memory_restore, memory_search, memory_trash_empty,
        memory_trash_purge, memory_update, tenants_with_expired_memories,
    },
    testing::{NOW, TestDb, id},
};
use time::Duration;

use crate::support::{change, create, share, text};

fn until(content: &str, expires_at: Timestamp) -> NewMemory {
    NewMemory {
        attributes: MemoryAttributes {
            expires_at: Some(expires_at),
            ..MemoryAttributes::default()
        },
        ..NewMemory::of(text(content), Origin::Dashboard)
    }
}

async fn keep_until(db: &TestDb, actor: &Actor, expires_at: Timestamp) -> MemoryId {
    let id = id();
    let mut tx = db.store.begin(actor).await.unwrap();
    memory_create(&mut tx, id, &until("a common word", expires_at), NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

async fn reply(db: &TestDb, actor: &Actor, root: MemoryId) -> MemoryId {
    let id = id();
    let mut tx = db.store.begin(actor).await.unwrap();
    let words = NewMemory::of(text("a common word"), Origin::Dashboard);
    memory_reply(&mut tx, id, root, &words, NOW).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn delete(db: &TestDb, actor: &Actor, id: MemoryId, at: Timestamp) {
    let mut tx = db.store.begin(actor).await.unwrap();
    memory_delete(&mut tx, id, at).await.unwrap();
    tx.commit().await.unwrap();
}

/// A system transaction in an organisation.
async fn system(db: &TestDb, tenant: TenantId) -> TenantTx {
    db.store.begin_as_system(tenant).await.unwrap()
}

/// All memories, with whether they are in the trash.
async fn all(db: &TestDb) -> Vec<(MemoryId, bool)> {
    let rows: Vec<(uuid::Uuid, bool)> =
        sqlx::query_as("SELECT id, deleted_at IS NOT NULL FROM memories ORDER BY id")
            .fetch_all(&db.admin)
            .await
            .unwrap();
    rows.into_iter()
        .map(|(id, gone)| (MemoryId(id), gone))
        .collect()
}

#[tokio::test]
async fn expired_memory_is_hidden_from_lists_and_searches_before_any_sweep() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let max = acme.actor(SystemRole::Member, "Max").await;
    let end = NOW + Duration::HOUR;
    let memory = keep_until(&db, &mia, end).await;
    share(&db, memory, "org", None).await;
    for actor in [&mia, &max] {
        for (now, seen) in [
            (NOW, true),
            (end - Duration::MICROSECOND, true),
            (end, false),
        ] {
            let mut tx = db.store.begin(actor).await.unwrap();
            let page = memory_list(
                &mut tx,
                &MemoryCriteria::default(),
                MemoryPage::first(10),
                now,
            )
            .await;
            assert_eq!(!page.unwrap().items.is_empty(), seen, "list at {now}");
            let request = SearchParams {
                query: &SearchQuery::parse("word"),
                vector: None,
                mode: SearchMode::Words,
                criteria: &MemoryCriteria::default(),
                limit: 10,
                now,
            };
            let hits = memory_search(&mut tx, &request).await.unwrap();
            assert_eq!(!hits.is_empty(), seen, "search at {now}");
        }
    }
}

#[tokio::test]
async fn expired_memory_moves_to_the_trash_with_its_replies_and_is_restored_without_expiry() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let max = acme.actor(SystemRole::Member, "Max").await;
    let end = NOW + Duration::HOUR;
    let ended = keep_until(&db, &mia, end).await;
    share(&db, ended, "org", None).await;
    let answer = reply(&db, &max, ended).await;
    let later = keep_until(&db, &mia, end + Duration::SECOND).await;
    let lasting = create(&db, &mia, "for good").await;

    let mut tx = system(&db, acme.id).await;
    assert_eq!(memory_expire(&mut tx, NOW, 10).await.unwrap(), []);
    // One at a time, together with its reply.
    let mut moved = memory_expire(&mut tx, end, 1).await.unwrap();
    moved.sort();
    let mut expected = vec![ended, answer];
    expected.sort();
    assert_eq!(moved, expected);
    assert_eq!(memory_expire(&mut tx, end, 10).await.unwrap(), []);
    tx.commit().await.unwrap();
    let trashed: Vec<_> = all(&db)
        .await
        .into_iter()
        .filter(|(_, gone)| *gone)
        .collect();
    assert_eq!(trashed.len(), 2);
    assert!(!trashed.iter().any(|(id, _)| [later, lasting].contains(id)));

    let mut tx = db.store.begin(&mia).await.unwrap();
    memory_restore(&mut tx, ended, end + Duration::MINUTE)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for (actor, memory) in [(&mia, ended), (&max, answer)] {
        let mut tx = db.store.begin(actor).await.unwrap();
        let back = memory_get(&mut tx, memory).await.unwrap();
        assert_eq!((back.deleted_at, back.attributes.expires_at), (None, None));
    }
}

#[tokio::test]
async fn purge_deletes_memories_long_enough_in_the_trash_and_nothing_else() {
    let db = TestDb::new().await;
    let (acme, globex) = (db.tenant("acme").await, db.tenant("globex").await);
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let max = acme.actor(SystemRole::Member, "Max").await;
    let gus = globex.actor(SystemRole::Member, "Gus").await;
    let before = NOW + Duration::DAY;
    let kept = create(&db, &mia, "kept").await;
    let theirs = create(&db, &gus, "theirs").await;
    delete(&db, &gus, theirs, NOW).await;
    let recent = create(&db, &mia, "recent").await;
    delete(&db, &mia, recent, before + Duration::SECOND).await;
    let old = create(&db, &mia, "old").await;
    let mut tx = db.store.begin(&mia).await.unwrap();
    memory_update(&mut tx, old, 1, &change("older"), NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    share(&db, old, "org", None).await;
    let answer = reply(&db, &max, old).await;
    delete(&db, &mia, old, before).await;
    // A deactivated owner's are purged as well.
    sqlx::query("UPDATE users SET status = 'deactivated' WHERE id = $1")
        .bind(mia.user_id)
        .execute(&db.admin)
        .await
        .unwrap();

    let mut tx = db.store.begin_worker().await.unwrap();
    let due = tenants_with_expired_memories(&mut tx, NOW, before, 10)
        .await
        .unwrap();
    assert!(due.contains(&acme.id) && due.contains(&globex.id));
    drop(tx);
    let mut tx = system(&db, acme.id).await;
    let mut gone = memory_trash_purge(&mut tx, before, 1).await.unwrap();
    gone.sort();
    let mut expected = vec![old, answer];
    expected.sort();
    assert_eq!(gone, expected);
    assert_eq!(memory_trash_purge(&mut tx, before, 10).await.unwrap(), []);
    tx.commit().await.unwrap();
    let mut left = vec![(kept, false), (theirs, true), (recent, true)];
    left.sort();
    assert_eq!(all(&db).await, left);
    let versions: i64 = sqlx::query_scalar("SELECT count(*) FROM memory_versions")
        .fetch_one(&db.admin)
        .await
        .unwrap();
    assert_eq!(versions, 0);
}

/// SEC-C5: row security protects living memories, whatever the functions say and
/// whoever may call them.
#[tokio::test]
async fn trash_role_deletes_and_moves_only_what_policies_allow() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let max = acme.actor(SystemRole::Member, "Max").await;
    let lasting = create(&db, &mia, "lasting").await;
    let trashed = create(&db, &mia, "trashed").await;
    delete(&db, &mia, trashed, NOW).await;

    let mut admin = PgConnection::connect_with(&db.admin.connect_options())
        .await
        .unwrap();
    for (user, permissions, deleted, moved) in [
        // A system transaction: the trash, and expired memories.
        (None, "system", vec![trashed], 0),
        // The owner: the own trash.
        (Some(mia.user_id), "memory.write", vec![trashed], 0),
        (Some(max.user_id), "memory.write", vec![], 0),
        (None, "", vec![], 0),
    ] {
        let mut tx = admin.begin().await.unwrap();
        sqlx::query(
            "SELECT set_config('role', 'atrium_trash', true), set_config('app.current_tenant_id', $1, true),
                    set_config('app.current_user_id', $2, true), set_config('app.permissions', $3, true)",
        )
        .bind(acme.id.to_string())
        .bind(user.map(|id| id.to_string()).unwrap_or_default())
        .bind(permissions)
        .execute(&mut *tx)
        .await
        .unwrap();
        let changed = sqlx::query("UPDATE memories SET deleted_at = '2026-01-01'")
            .execute(&mut *tx)
            .await
            .unwrap();
        assert_eq!(changed.rows_affected(), moved, "{user:?} {permissions}");
        let gone: Vec<MemoryId> = sqlx::query_scalar("DELETE FROM memories RETURNING id")
            .fetch_all(&mut *tx)
            .await
            .unwrap();
        assert_eq!(gone, deleted, "{user:?} {permissions}");
        tx.rollback().await.unwrap();
    }

    // And members can't run the sweep.
    for member in [&mia, &max] {
        let mut tx = db.store.begin(member).await.unwrap();
        let far = NOW + Duration::days(365);
        assert!(memory_trash_purge(&mut tx, far, 10).await.is_err());
        let mut tx = db.store.begin(member).await.unwrap();
        assert!(memory_expire(&mut tx, far, 10).await.is_err());
    }
    assert!(all(&db).await.contains(&(lasting, false)));
}

#[tokio::test]
async fn members_empty_their_own_trash_only() {
    let db = TestDb::new().await;
    let (acme, globex) = (db.tenant("acme").await, db.tenant("globex").await);
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let max = acme.actor(SystemRole::Member, "Max").await;
    let gus = globex.actor(SystemRole::Owner, "Gus").await;
    let living = create(&db, &mia, "living").await;
    let root = create(&db, &mia, "root").await;
    share(&db, root, "org", None).await;
    let answer = reply(&db, &max, root).await;
    let other = create(&db, &max, "other").await;
    delete(&db, &mia, root, NOW).await;
    delete(&db, &max, other, NOW).await;

    for (actor, memory) in [(&max, root), (&gus, root), (&gus, other), (&mia, other)] {
        let mut tx = db.store.begin(actor).await.unwrap();
        let refused = memory_trash_empty(&mut tx, Some(memory), 10).await;
        assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    }
    let mut tx = db.store.begin(&mia).await.unwrap();
    let refused = memory_trash_empty(&mut tx, Some(living), 10).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    drop(tx);
    let mut tx = db.store.begin(&gus).await.unwrap();
    assert_eq!(memory_trash_empty(&mut tx, None, 10).await.unwrap(), []);
    drop(tx);

    let mut tx = db.store.begin(&mia).await.unwrap();
    let mut gone = memory_trash_empty(&mut tx, None, 10).await.unwrap();
    tx.commit().await.unwrap();
    gone.sort();
    let mut expected = vec![root, answer];
    expected.sort();
    assert_eq!(gone, expected);
    let mut left = vec![(living, false), (other, true)];
    left.sort();
    assert_eq!(all(&db).await, left);
}
