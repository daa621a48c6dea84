use domain::{
    Actor, MemoryId,
    access::SystemRole,
    memory::{MemoryCriteria, MemorySort, MemorySummary},
    overview::OVERVIEW_DAYS,
};
use store::{
    StoreError,
    memory::{MemoryPage, memory_counts, memory_delete, memory_get, memory_list},
    testing::{NOW, TestDb},
};
use time::Duration;

use crate::support::{create, create_at, embed, share, text, toward};

async fn list_all(
    db: &TestDb,
    actor: &Actor,
    criteria: &MemoryCriteria,
    size: u16,
) -> Vec<MemoryId> {
    let mut tx = db.store.begin(actor).await.unwrap();
    let mut listed = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = MemoryPage {
            after: after.as_deref(),
            ..MemoryPage::first(size)
        };
        let page = memory_list(&mut tx, criteria, page, NOW).await.unwrap();
        assert!(page.items.len() <= size.into());
        listed.extend(page.items.iter().map(|memory| memory.id));
        let Some(next) = page.next else { return listed };
        after = Some(next);
    }
}

#[tokio::test]
async fn pages_show_each_memory_once_in_order() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let noah = acme.actor(SystemRole::Member, "Noah").await;
    let mut expected = Vec::new();
    for n in 0..23 {
        let owner = if n % 3 == 0 { &noah } else { &mia };
        // Several at the same moment, as an import creates them.
        let at = NOW + Duration::minutes(n / 4);
        let memory = create_at(&db, owner, text(&format!("number {n}")), at).await;
        if n % 3 == 0 && n % 2 == 0 {
            share(&db, memory, "org", None).await;
        }
        if n % 3 != 0 || n % 2 == 0 {
            expected.push((at, memory));
        }
    }
    expected.sort_by(|a, b| b.cmp(a));
    let expected: Vec<_> = expected.into_iter().map(|(_, memory)| memory).collect();
    for size in [1, 2, 5, 18, 50] {
        assert_eq!(
            list_all(&db, &mia, &MemoryCriteria::default(), size).await,
            expected,
            "pages of {size}"
        );
    }
}

#[tokio::test]
async fn list_shows_an_excerpt_and_the_owner() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    create(&db, &mia, &"ä".repeat(400)).await;
    let mut tx = db.store.begin(&mia).await.unwrap();
    let page = memory_list(
        &mut tx,
        &MemoryCriteria::default(),
        MemoryPage::first(10),
        NOW,
    )
    .await
    .unwrap();
    assert_eq!(page.items[0].excerpt, "ä".repeat(280));
    assert_eq!(page.items[0].owner_name, "Mia");
    assert_eq!(page.next, None);
}

// SEC-C6
#[tokio::test]
async fn memories_of_others_are_not_visible() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let owner = acme.actor(SystemRole::Owner, "Olga").await;
    let stranger = db
        .tenant("globex")
        .await
        .actor(SystemRole::Owner, "Gus")
        .await;
    let private = create(&db, &mia, "private").await;
    let org = create(&db, &mia, "for everyone").await;
    share(&db, org, "org", None).await;

    let mut tx = db.store.begin(&stranger).await.unwrap();
    for memory in [private, org] {
        assert!(matches!(
            memory_get(&mut tx, memory).await,
            Err(StoreError::NotFound)
        ));
    }
    let counts = memory_counts(&mut tx, NOW).await.unwrap();
    assert_eq!((counts.own, counts.shared), (0, 0));
    let created = counts.daily.iter().map(|day| day.own + day.shared);
    assert_eq!(created.sum::<i64>(), 0);
    assert!(
        list_all(&db, &stranger, &MemoryCriteria::default(), 10)
            .await
            .is_empty()
    );

    let mut tx = db.store.begin(&owner).await.unwrap();
    assert!(matches!(
        memory_get(&mut tx, private).await,
        Err(StoreError::NotFound)
    ));
    let counts = memory_counts(&mut tx, NOW).await.unwrap();
    assert_eq!((counts.own, counts.shared), (0, 1));
    assert_eq!((counts.daily[0].own, counts.daily[0].shared), (0, 1));
    assert_eq!(
        list_all(&db, &owner, &MemoryCriteria::default(), 10).await,
        [org]
    );
}

#[tokio::test]
async fn team_sees_what_is_shared_with_it() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let (mia, noah) = (acme.user("Mia").await, acme.user("Noah").await);
    let team = acme.team("Garden", &[mia, noah]).await;
    let (mia, noah) = (acme.actor_of(mia).await, acme.actor_of(noah).await);
    let outsider = acme.actor(SystemRole::Owner, "Olga").await;
    let memory = create(&db, &mia, "for the team").await;
    share(&db, memory, "team", Some(team)).await;

    let mut tx = db.store.begin(&noah).await.unwrap();
    let seen = memory_get(&mut tx, memory).await.unwrap();
    assert_eq!(
        (seen.team_name.as_deref(), seen.owner_name.as_str()),
        (Some("Garden"), "Mia")
    );
    assert!(
        list_all(&db, &outsider, &MemoryCriteria::default(), 10)
            .await
            .is_empty()
    );

    // A member who leaves the team can't view it any more, except the owner.
    let left = |actor: &Actor| Actor {
        team_ids: Vec::new(),
        led_team_ids: Vec::new(),
        ..actor.clone()
    };
    assert!(
        list_all(&db, &left(&noah), &MemoryCriteria::default(), 10)
            .await
            .is_empty()
    );
    let mut tx = db.store.begin(&left(&mia)).await.unwrap();
    memory_delete(&mut tx, memory, NOW).await.unwrap();
    tx.commit().await.unwrap();
    assert!(
        list_all(&db, &noah, &MemoryCriteria::default(), 10)
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn counts_exclude_the_trash() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let embedded = create(&db, &mia, "one").await;
    create(&db, &mia, "two").await;
    let gone = create(&db, &mia, "three").await;
    embed(&db, &mia, embedded, toward(0, 1, 0.0)).await;
    let mut tx = db.store.begin(&mia).await.unwrap();
    memory_delete(&mut tx, gone, NOW).await.unwrap();
    let counts = memory_counts(&mut tx, NOW).await.unwrap();
    assert_eq!((counts.own, counts.shared), (2, 0));
}

#[tokio::test]
async fn counts_have_the_day_of_creation() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let noah = acme.actor(SystemRole::Member, "Noah").await;
    let first_day = NOW.replace_time(time::Time::MIDNIGHT);
    let last = i64::from(OVERVIEW_DAYS) - 1;
    let second = Duration::SECOND;
    for (owner, at) in [
        (&mia, first_day - second),
        (&mia, first_day),
        (&mia, first_day + Duration::days(1) - second),
        (&mia, first_day + Duration::days(last)),
        // The clock of another process may be ahead.
        (&mia, first_day + Duration::days(last + 2)),
        (&noah, first_day - second),
        (&noah, first_day + Duration::days(1)),
    ] {
        let id = create_at(&db, owner, text("a memory"), at).await;
        if owner.user_id == noah.user_id {
            share(&db, id, "org", None).await;
        }
    }
    let mut tx = db.store.begin(&mia).await.unwrap();
    let counts = memory_counts(&mut tx, first_day).await.unwrap();
    assert_eq!((counts.own, counts.shared), (5, 2));
    assert_eq!(counts.daily.len(), usize::from(OVERVIEW_DAYS));
    let days: Vec<_> = (counts.daily.iter())
        .filter(|day| day.own + day.shared > 0)
        .map(|day| ((day.day - first_day).whole_days(), day.own, day.shared))
        .collect();
    assert_eq!(days, [(0, 2, 0), (1, 0, 1), (last, 2, 0)]);
}

#[tokio::test]
async fn every_order_is_read_forward_and_back() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let noah = acme.actor(SystemRole::Member, "Noah").await;
    for n in 0..17 {
        let owner = if n % 3 == 0 { &noah } else { &mia };
        // In another order than their texts, and several at the same moment.
        let at = NOW + Duration::minutes((n * 7) % 5);
        let memory = create_at(&db, owner, text(&format!("number {n:02}")), at).await;
        if n % 3 == 0 {
            share(&db, memory, "org", None).await;
        }
    }
    let mut tx = db.store.begin(&mia).await.unwrap();
    for sort in MemorySort::ALL {
        let mut pages = Vec::new();
        let mut after: Option<String> = None;
        let last = loop {
            let page = MemoryPage {
                sort: *sort,
                after: after.as_deref(),
                size: 5,
                is_counted: true,
            };
            let page = memory_list(&mut tx, &MemoryCriteria::default(), page, NOW)
                .await
                .unwrap();
            assert_eq!(page.total, Some(17), "{sort:?}");
            pages.push(page.items.clone());
            if page.next.is_none() {
                break page;
            }
            after = page.next;
        };
        let rows = pages.concat();
        assert_eq!(rows.len(), 17, "{sort:?}");
        let key = |row: &MemorySummary| match sort.sort().column {
            "title" => row.excerpt.clone(),
            "kind" => row.kind.key().to_owned(),
            "created_at" => row.created_at.to_string(),
            _ => row.updated_at.to_string(),
        };
        let mut keys: Vec<_> = rows.iter().map(key).collect();
        if sort.sort().is_descending {
            keys.reverse();
        }
        assert!(keys.is_sorted(), "{sort:?}: {keys:?}");
        let mut before = last.prev;
        for expected in pages.iter().rev().skip(1) {
            let page = MemoryPage {
                sort: *sort,
                after: before.as_deref(),
                size: 5,
                is_counted: false,
            };
            let page = memory_list(&mut tx, &MemoryCriteria::default(), page, NOW)
                .await
                .unwrap();
            assert_eq!(page.items, *expected, "{sort:?}");
            before = page.prev;
        }
        assert_eq!(before, None, "{sort:?}");
    }
}
