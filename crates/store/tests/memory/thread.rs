//! Replies: who can write them, and that they follow their root.

use domain::{
    Actor, AppError, MemoryId, Permission, Vendor,
    access::SystemRole,
    memory::{
        AllowedVendors, Memory, MemoryAttributes, MemoryCriteria, NewMemory, Origin, SearchMode,
        Visibility,
    },
};
use store::{
    StoreError,
    memory::{
        MemoryPage, SearchParams, SearchQuery, memory_delete, memory_get, memory_list,
        memory_replies, memory_reply, memory_restore, memory_search, memory_thread_follow,
        memory_update,
    },
    testing::{NOW, TestDb, TestTenant, id},
};
use time::Duration;

use crate::support::{change, create, share, text};

struct World {
    db: TestDb,
    acme: TestTenant,
    mia: Actor,
    max: Actor,
}

impl World {
    async fn new() -> Self {
        let db = TestDb::new().await;
        let acme = db.tenant("acme").await;
        let mia = acme.actor(SystemRole::Member, "Mia").await;
        let max = acme.actor(SystemRole::Member, "Max").await;
        Self { db, acme, mia, max }
    }

    async fn reply(
        &self,
        actor: &Actor,
        root: MemoryId,
        content: &str,
    ) -> Result<MemoryId, StoreError> {
        let id = id();
        let reply = NewMemory::of(text(content), Origin::Dashboard);
        let mut tx = self.db.store.begin(actor).await?;
        memory_reply(&mut tx, id, root, &reply, NOW).await?;
        tx.commit().await?;
        Ok(id)
    }

    async fn get(&self, actor: &Actor, id: MemoryId) -> Result<Memory, StoreError> {
        let mut tx = self.db.store.begin(actor).await?;
        memory_get(&mut tx, id).await
    }

    async fn replies(&self, actor: &Actor, root: MemoryId) -> Vec<MemoryId> {
        let mut tx = self.db.store.begin(actor).await.unwrap();
        let replies = memory_replies(&mut tx, root, NOW).await.unwrap();
        replies.iter().map(|reply| reply.id).collect()
    }

    async fn delete(&self, actor: &Actor, id: MemoryId, after: i64) -> Result<(), StoreError> {
        let mut tx = self.db.store.begin(actor).await?;
        memory_delete(&mut tx, id, NOW + Duration::seconds(after)).await?;
        tx.commit().await
    }

    async fn restore(&self, actor: &Actor, id: MemoryId) -> Result<(), StoreError> {
        let mut tx = self.db.store.begin(actor).await?;
        memory_restore(&mut tx, id, NOW + Duration::HOUR).await?;
        tx.commit().await
    }

    async fn follow(&self, actor: &Actor, root: MemoryId) -> Result<i64, StoreError> {
        let mut tx = self.db.store.begin(actor).await?;
        let count = memory_thread_follow(&mut tx, root, None).await?;
        tx.commit().await?;
        Ok(count)
    }
}

#[tokio::test]
async fn new_reply_is_as_visible_as_its_root_and_other_replies_are_unchanged() {
    let world = World::new().await;
    let team = world
        .acme
        .team("Garden", &[world.mia.user_id, world.max.user_id])
        .await;
    let mia = world.acme.actor_of(world.mia.user_id).await;
    let max = world.acme.actor_of(world.max.user_id).await;
    let outsider = world.acme.actor(SystemRole::Owner, "Olga").await;
    for (visibility, shared_with) in [("private", None), ("team", Some(team)), ("org", None)] {
        let root = create(&world.db, &mia, "Where is the key").await;
        share(&world.db, root, visibility, shared_with).await;
        let others = world.reply(&max, root, "In the cellar").await;
        if visibility == "private" {
            assert!(matches!(others, Err(StoreError::NotFound)), "{others:?}");
            let own = world.reply(&mia, root, "Asked myself").await.unwrap();
            assert_eq!(world.replies(&mia, root).await, [own]);
            assert!(world.get(&max, own).await.is_err());
            continue;
        }
        let reply = others.unwrap();
        let seen = world.get(&mia, reply).await.unwrap();
        assert_eq!(seen.visibility.key(), visibility);
        assert_eq!(seen.team_id, shared_with);
        assert_eq!((seen.parent_id, seen.is_own), (Some(root), false));
        assert_eq!(
            world.get(&outsider, reply).await.is_ok(),
            visibility == "org",
            "{visibility}"
        );
    }
}

// SEC-C3: enforced by the database.
#[tokio::test]
async fn changing_a_shared_reply_needs_the_permission_to_share() {
    let world = World::new().await;
    let root = create(&world.db, &world.mia, "Root").await;
    share(&world.db, root, "org", None).await;
    let earlier = world.reply(&world.max, root, "Earlier").await.unwrap();
    let mut silent = world.max.clone();
    silent.permissions.remove(&Permission::MemoryShare);
    let mut tx = world.db.store.begin(&silent).await.unwrap();
    let edited = memory_update(&mut tx, earlier, 1, &change("Other"), NOW).await;
    assert!(matches!(edited, Err(StoreError::Other(_))), "{edited:?}");
    drop(tx);
    let mut tx = world.db.store.begin(&world.max).await.unwrap();
    memory_update(&mut tx, earlier, 1, &change("Other"), NOW)
        .await
        .unwrap();
}

#[tokio::test]
async fn reply_to_a_shared_memory_needs_the_permission_to_share() {
    let world = World::new().await;
    let root = create(&world.db, &world.mia, "Where is the key").await;
    let mut writer = world.max.clone();
    writer.permissions.remove(&Permission::MemoryShare);
    let mut owner = world.mia.clone();
    owner.permissions.remove(&Permission::MemoryShare);
    // A reply to an own private memory doesn't need it.
    world.reply(&owner, root, "Asked myself").await.unwrap();
    share(&world.db, root, "org", None).await;
    for actor in [&writer, &owner] {
        let refused = world.reply(actor, root, "In the cellar").await.unwrap_err();
        assert_eq!(AppError::from(refused).status(), 403);
    }
    world
        .reply(&world.max, root, "In the cellar")
        .await
        .unwrap();
}

#[tokio::test]
async fn only_visible_memories_that_are_no_replies_can_be_replied_to() {
    let world = World::new().await;
    let root = create(&world.db, &world.mia, "Root").await;
    share(&world.db, root, "org", None).await;
    let reply = world.reply(&world.max, root, "Reply").await.unwrap();
    for actor in [&world.mia, &world.max] {
        let deeper = world.reply(actor, reply, "Deeper").await;
        assert!(matches!(deeper, Err(StoreError::NotFound)), "{deeper:?}");
    }
    let stranger = world
        .db
        .tenant("globex")
        .await
        .actor(SystemRole::Owner, "Gus")
        .await;
    for (actor, root) in [(&stranger, root), (&world.mia, id())] {
        let refused = world.reply(actor, root, "Hello").await;
        assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    }
    world.delete(&world.mia, root, 0).await.unwrap();
    let refused = world.reply(&world.mia, root, "Too late").await;
    assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
}

#[tokio::test]
async fn deleting_the_root_deletes_its_replies_and_restoring_restores_them() {
    let world = World::new().await;
    let root = create(&world.db, &world.mia, "Root").await;
    share(&world.db, root, "org", None).await;
    let gone_before = world.reply(&world.max, root, "First").await.unwrap();
    let others = world.reply(&world.max, root, "Second").await.unwrap();
    let own = world.reply(&world.mia, root, "Third").await.unwrap();
    world.delete(&world.max, gone_before, 1).await.unwrap();
    assert_eq!(world.replies(&world.mia, root).await, [others, own]);

    world.delete(&world.mia, root, 2).await.unwrap();
    let theirs = world.get(&world.max, others).await.unwrap();
    assert_eq!(theirs.deleted_at, Some(NOW + Duration::seconds(2)));
    assert!(matches!(
        world.get(&world.mia, others).await,
        Err(StoreError::NotFound)
    ));
    // The author of a reply can't restore it without its root.
    for reply in [others, gone_before] {
        let alone = world.restore(&world.max, reply).await;
        assert!(matches!(alone, Err(StoreError::Conflict)), "{alone:?}");
    }
    world.restore(&world.mia, root).await.unwrap();
    assert_eq!(world.replies(&world.max, root).await, [others, own]);
    assert!(
        world
            .get(&world.max, gone_before)
            .await
            .unwrap()
            .deleted_at
            .is_some()
    );
    world.restore(&world.max, gone_before).await.unwrap();
    assert_eq!(
        world.replies(&world.mia, root).await,
        [gone_before, others, own]
    );
}

#[tokio::test]
async fn only_the_roots_owner_makes_replies_follow() {
    let world = World::new().await;
    let root = create(&world.db, &world.mia, "Root").await;
    share(&world.db, root, "org", None).await;
    let reply = world.reply(&world.max, root, "Reply").await.unwrap();
    let admin = world.acme.actor(SystemRole::Owner, "Olga").await;
    let stranger = world
        .db
        .tenant("globex")
        .await
        .actor(SystemRole::Owner, "Gus")
        .await;
    // Changed as superuser, so that following would have an effect.
    share(&world.db, root, "private", None).await;
    for actor in [&world.max, &admin, &stranger] {
        let refused = world.follow(actor, root).await;
        assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
        let kept = world.get(&world.max, reply).await.unwrap();
        assert_eq!(kept.visibility, Visibility::Org);
    }
    // A reply has no followers.
    let refused = world.follow(&world.max, reply).await;
    assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");

    assert_eq!(world.follow(&world.mia, root).await.unwrap(), 1);
    let followed = world.get(&world.max, reply).await.unwrap();
    assert_eq!(followed.visibility, Visibility::Private);
    assert!(world.get(&world.mia, reply).await.is_err());
}

#[tokio::test]
async fn retention_and_vendors_of_a_reply_follow_its_root() {
    let world = World::new().await;
    // A reviewer changes the root.
    let ada = world.acme.actor(SystemRole::Admin, "Ada").await;
    let root = create(&world.db, &ada, "Root").await;
    share(&world.db, root, "org", None).await;
    let reply = world.reply(&world.max, root, "Reply").await.unwrap();
    let attributes = MemoryAttributes {
        expires_at: Some(NOW + Duration::DAY),
        allowed_vendors: AllowedVendors::Only(vec![Vendor::Claude]),
        ..MemoryAttributes::default()
    };
    let with = |attributes: &MemoryAttributes| domain::memory::MemoryChange {
        attributes: Some(attributes.clone()),
        ..change("Same")
    };
    let mut tx = world.db.store.begin(&ada).await.unwrap();
    memory_update(&mut tx, root, 1, &with(&attributes), NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let followed = world.get(&world.max, reply).await.unwrap();
    assert_eq!(followed.attributes.expires_at, attributes.expires_at);
    assert_eq!(
        followed.attributes.allowed_vendors,
        attributes.allowed_vendors
    );

    // The author of the reply can change neither.
    let mut tx = world.db.store.begin(&world.max).await.unwrap();
    memory_update(&mut tx, reply, 1, &with(&MemoryAttributes::default()), NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let kept = world.get(&world.max, reply).await.unwrap();
    assert_eq!(kept.attributes.expires_at, attributes.expires_at);
    assert_eq!(kept.attributes.allowed_vendors, attributes.allowed_vendors);
}

#[tokio::test]
async fn lists_show_roots_with_reply_counts_and_searches_find_replies() {
    let world = World::new().await;
    let root = create(&world.db, &world.mia, "Root").await;
    share(&world.db, root, "org", None).await;
    let reply = world.reply(&world.max, root, "Zeppelin").await.unwrap();
    world.reply(&world.mia, root, "Balloon").await.unwrap();
    for actor in [&world.mia, &world.max] {
        let mut tx = world.db.store.begin(actor).await.unwrap();
        let page = memory_list(
            &mut tx,
            &MemoryCriteria::default(),
            MemoryPage::first(10),
            NOW,
        )
        .await;
        let listed: Vec<_> = page
            .unwrap()
            .items
            .iter()
            .map(|m| (m.id, m.replies))
            .collect();
        assert_eq!(listed, [(root, 2)], "{}", actor.label);
        let request = SearchParams {
            query: &SearchQuery::parse("zeppelin"),
            vector: None,
            mode: SearchMode::Words,
            criteria: &MemoryCriteria::default(),
            limit: 10,
            now: NOW,
        };
        let hits = memory_search(&mut tx, &request).await.unwrap();
        let found: Vec<_> = hits
            .iter()
            .map(|h| (h.memory.id, h.memory.parent_id))
            .collect();
        assert_eq!(found, [(reply, Some(root))], "{}", actor.label);
    }
    // A reply whose root is not visible is listed by itself, or it would be lost.
    share(&world.db, root, "private", None).await;
    let mut tx = world.db.store.begin(&world.max).await.unwrap();
    let page = memory_list(
        &mut tx,
        &MemoryCriteria::default(),
        MemoryPage::first(10),
        NOW,
    )
    .await;
    let listed: Vec<_> = page.unwrap().items.iter().map(|m| m.id).collect();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed, [reply]);
}

/// A reply that is written while the root is being deleted waits or fails, so that
/// none is left without its root.
#[tokio::test]
async fn reply_during_a_deletion_is_not_left_behind() {
    let world = World::new().await;
    let root = create(&world.db, &world.mia, "Root").await;
    share(&world.db, root, "org", None).await;
    let reply: MemoryId = id();
    let mut replying = world.db.store.begin(&world.max).await.unwrap();
    let words = NewMemory::of(text("Meanwhile"), Origin::Dashboard);
    memory_reply(&mut replying, reply, root, &words, NOW)
        .await
        .unwrap();
    let deleting = world.delete(&world.mia, root, 5);
    let committing = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        replying.commit().await
    };
    let (deleted, committed) = tokio::join!(deleting, committing);
    committed.unwrap();
    deleted.unwrap();
    let gone = world.get(&world.max, reply).await.unwrap();
    assert_eq!(gone.deleted_at, Some(NOW + Duration::seconds(5)));
}
