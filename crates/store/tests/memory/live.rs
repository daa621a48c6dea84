//! Recent changes under row security.

use domain::{MemoryId, access::SystemRole, memory::Vendor};
use store::{
    memory::{
        ChangedMemory, memory_changes, memory_delete, memory_expire, memory_update, memory_visible,
    },
    testing::{NOW, TestDb, id},
};
use time::Duration;

use crate::support::{change, create, create_at, share, text};

const SECOND: Duration = Duration::SECOND;

async fn changes(db: &TestDb, actor: &domain::Actor, limit: u16) -> Vec<ChangedMemory> {
    let mut tx = db.store.begin(actor).await.unwrap();
    memory_changes(&mut tx, NOW, limit).await.unwrap()
}

async fn ids(db: &TestDb, actor: &domain::Actor) -> Vec<MemoryId> {
    let changed = changes(db, actor, 100).await;
    changed.iter().map(|memory| memory.id).collect()
}

#[tokio::test]
async fn changes_of_others_are_returned_to_viewers_only() {
    let db = TestDb::new().await;
    let (acme, other) = (db.tenant("acme").await, db.tenant("other").await);
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let max = acme.actor(SystemRole::Member, "Max").await;
    let team = acme.team("Kitchen", &[mia.user_id]).await;
    let closed = acme.team("Vault", &[max.user_id]).await;
    let mia = acme.actor_of(mia.user_id).await;
    let outsider = other.actor(SystemRole::Owner, "Otto").await;
    let at = |n| NOW + SECOND * n;

    let old = create(&db, &mia, "Before").await;
    let own = create_at(&db, &mia, text("Own"), at(1)).await;
    create_at(&db, &max, text("Private"), at(2)).await;
    let teams = create_at(&db, &max, text("For the kitchen"), at(3)).await;
    share(&db, teams, "team", Some(team)).await;
    let vaults = create_at(&db, &max, text("For the vault"), at(4)).await;
    share(&db, vaults, "team", Some(closed)).await;
    let all = create_at(&db, &max, text("For all"), at(5)).await;
    share(&db, all, "org", None).await;
    let theirs = create_at(&db, &outsider, text("Elsewhere"), at(6)).await;
    share(&db, theirs, "org", None).await;

    assert_eq!(ids(&db, &mia).await, [all, teams, own], "and not {old}");
    assert_eq!(ids(&db, &outsider).await, [theirs]);
    assert_eq!(changes(&db, &mia, 2).await.len(), 2);

    // With a key, only what its vendor may read.
    sqlx::query("UPDATE memories SET allowed_vendors = '{cursor}' WHERE id = $1")
        .bind(all)
        .execute(&db.admin)
        .await
        .unwrap();
    let mut claude = mia.clone();
    claude.vendor = Some(Vendor::Claude);
    assert_eq!(ids(&db, &claude).await, [teams, own]);

    // The visible ones among the given ids are the same.
    let asked = [own, teams, vaults, all, theirs, id()];
    let mut tx = db.store.begin(&mia).await.unwrap();
    let mut seen = memory_visible(&mut tx, &asked).await.unwrap();
    seen.sort_unstable();
    let mut expected = vec![own, teams, all];
    expected.sort_unstable();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn own_memory_that_moves_to_the_trash_is_returned() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let max = acme.actor(SystemRole::Member, "Max").await;
    let deleted = create(&db, &mia, "Deleted").await;
    share(&db, deleted, "org", None).await;
    let ended = create(&db, &mia, "Ended").await;
    let changed = create(&db, &mia, "Changed").await;
    sqlx::query("UPDATE memories SET expires_at = $2 WHERE id = $1")
        .bind(ended)
        .bind(NOW + SECOND * 2)
        .execute(&db.admin)
        .await
        .unwrap();

    let mut tx = db.store.begin(&mia).await.unwrap();
    memory_delete(&mut tx, deleted, NOW + SECOND).await.unwrap();
    memory_update(&mut tx, changed, 1, &change("Other"), NOW + SECOND * 3)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    // Expiry moves a memory to the trash without a new version.
    let mut tx = acme.enter().await;
    memory_expire(&mut tx, NOW + SECOND * 2, 10).await.unwrap();
    tx.commit().await.unwrap();

    let told: Vec<_> = changes(&db, &mia, 10)
        .await
        .iter()
        .map(|memory| (memory.id, memory.version, memory.trashed))
        .collect();
    assert_eq!(
        told,
        [(changed, 2, false), (ended, 1, true), (deleted, 1, true)]
    );
    assert_eq!(ids(&db, &max).await, []);
}
