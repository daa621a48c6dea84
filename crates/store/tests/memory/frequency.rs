//! Word frequencies: counted for each tenant, readable by nobody, and used to
//! choose the candidates of a search.

use domain::{
    Actor, MemoryId, TenantId,
    access::SystemRole,
    embedding_model::EmbeddingSlot,
    memory::{MemoryCriteria, SearchMode},
};
use store::{
    StoreError,
    memory::{
        SearchParams, SearchQuery, collection_refresh, memory_search, memory_similar,
        tenants_with_stale_collection,
    },
    testing::{NOW, TestDb},
};
use time::Duration;

use crate::support::{create, embed, fill, share, toward};

async fn refresh(db: &TestDb, tenant: TenantId, days: i64) -> bool {
    let mut tx = db.store.begin_as_system(tenant).await.unwrap();
    let counted = collection_refresh(&mut tx, NOW + Duration::days(days))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    counted
}

async fn counted(db: &TestDb, tenant: TenantId, lexeme: &str) -> Option<i64> {
    sqlx::query_scalar("SELECT memories FROM memory_lexemes WHERE tenant_id = $1 AND lexeme = $2")
        .bind(tenant)
        .bind(lexeme)
        .fetch_optional(&db.admin)
        .await
        .unwrap()
}

async fn by_words(db: &TestDb, actor: &Actor, question: &str) -> Vec<MemoryId> {
    let mut tx = db.store.begin(actor).await.unwrap();
    let (query, criteria) = (SearchQuery::parse(question), MemoryCriteria::default());
    let request = SearchParams {
        query: &query,
        vector: None,
        mode: SearchMode::Words,
        criteria: &criteria,
        limit: 50,
        now: NOW,
    };
    let hits = memory_search(&mut tx, &request).await.unwrap();
    hits.iter().map(|hit| hit.memory.id).collect()
}

#[tokio::test]
async fn words_are_counted_again_when_enough_has_changed() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    fill(&db, &mia, 100, "weekly meeting").await;
    assert!(
        !refresh(&db, acme.id, 0).await,
        "a small collection is counted when it is searched"
    );
    assert_eq!(counted(&db, acme.id, "meet").await, None);

    fill(&db, &mia, 300, "weekly budget").await;
    assert!(refresh(&db, acme.id, 0).await);
    assert_eq!(counted(&db, acme.id, "week").await, Some(400));
    assert_eq!(counted(&db, acme.id, "budget").await, Some(300));
    create(&db, &mia, "One zebra").await;
    assert!(
        !refresh(&db, acme.id, 1).await,
        "hardly anything has changed"
    );
    assert_eq!(counted(&db, acme.id, "zebra").await, None);
    fill(&db, &mia, 200, "weekly hiring").await;
    assert!(refresh(&db, acme.id, 1).await, "a third is new");
    assert_eq!(counted(&db, acme.id, "week").await, Some(600));
    assert!(!refresh(&db, acme.id, 7).await);
    assert!(refresh(&db, acme.id, 9).await, "a week has passed");
}

#[tokio::test]
async fn collections_are_counted_in_turn() {
    let db = TestDb::new().await;
    let (acme, globex) = (db.tenant("acme").await, db.tenant("globex").await);
    let due = |minutes: i64| {
        let db = &db;
        async move {
            let mut tx = db.store.begin_worker().await.unwrap();
            let before = NOW + Duration::minutes(minutes);
            tenants_with_stale_collection(&mut tx, before, 10)
                .await
                .unwrap()
        }
    };
    let all = due(0).await;
    assert!(all.contains(&acme.id) && all.contains(&globex.id));
    refresh(&db, acme.id, 0).await;
    assert_eq!(due(0).await, [globex.id]);
    assert_eq!(due(10).await, [globex.id, acme.id]);
}

#[tokio::test]
async fn rare_words_choose_the_candidates() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    fill(&db, &mia, 400, "weekly meeting about budget").await;
    fill(&db, &mia, 200, "weekly meeting about hiring").await;
    let rare = create(&db, &mia, "meeting with the beekeeper").await;
    assert!(refresh(&db, acme.id, 0).await);
    assert_eq!(by_words(&db, &mia, "meeting beekeeper").await, [rare]);
    let hits = by_words(&db, &mia, "weekly meeting hiring").await;
    assert_eq!(hits.len(), 50, "without a rare word, the rarest chooses");
    let hits = by_words(&db, &mia, "meeting hiring zebra").await;
    assert_eq!(hits.len(), 50, "a word without matches is ignored");
    let fresh = create(&db, &mia, "meeting the ornithologist").await;
    assert_eq!(
        by_words(&db, &mia, "ornithologist meeting").await,
        [fresh],
        "a word that is newer than the counts is rare"
    );
}

// SEC-C5: words are counted over all memories, so no member and no tenant may
// read the counts, not even their own tenant's.
#[tokio::test]
async fn counts_are_readable_by_nobody_and_separate_for_each_tenant() {
    let db = TestDb::new().await;
    let (acme, globex) = (db.tenant("acme").await, db.tenant("globex").await);
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let gus = globex.actor(SystemRole::Owner, "Gus").await;
    fill(&db, &mia, 300, "canary").await;
    fill(&db, &gus, 300, "falcon").await;
    assert!(refresh(&db, acme.id, 0).await && refresh(&db, globex.id, 0).await);
    for (tenant, own, other) in [
        (acme.id, "canari", "falcon"),
        (globex.id, "falcon", "canari"),
    ] {
        assert_eq!(counted(&db, tenant, own).await, Some(300));
        assert_eq!(counted(&db, tenant, other).await, None);
    }
    for role in [
        "atrium_app",
        "atrium_auth",
        "atrium_worker",
        "atrium_operator",
    ] {
        let mut conn = db.connection_for(role).await.unwrap();
        sqlx::query(
            "SELECT set_config('role', $1, false), set_config('app.current_tenant_id', $2, false)",
        )
        .bind(role)
        .bind(acme.id.to_string())
        .execute(&mut conn)
        .await
        .unwrap();
        for read in [
            "SELECT count(*) FROM memory_lexemes",
            "SELECT sum(memories) FROM memory_collections",
        ] {
            let refused = sqlx::query(read).execute(&mut conn).await.unwrap_err();
            let code = refused.as_database_error().unwrap().code();
            assert_eq!(code.as_deref(), Some("42501"), "{role}: {read}");
        }
        let refresh = sqlx::query("SELECT memory_collection_refresh(now())")
            .execute(&mut conn)
            .await;
        assert_eq!(refresh.is_ok(), role == "atrium_app", "{role}");
    }
    // Even a role that could read the table would see its own tenant's rows only.
    let mut tx = db.admin.begin().await.unwrap();
    sqlx::query("SELECT set_config('role', 'atrium_search', true), set_config('app.current_tenant_id', $1, true)")
        .bind(globex.id.to_string())
        .execute(&mut *tx)
        .await
        .unwrap();
    let seen: Vec<String> = sqlx::query_scalar(
        "SELECT lexeme FROM memory_lexemes WHERE lexeme IN ('canari', 'falcon')",
    )
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    assert_eq!(seen, ["falcon"]);
}

// SEC-C6
#[tokio::test]
async fn similar_memories_are_visible_and_exclude_the_memory_itself() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let noah = acme.actor(SystemRole::Member, "Noah").await;
    let gus = db
        .tenant("globex")
        .await
        .actor(SystemRole::Owner, "Gus")
        .await;
    let mut made = Vec::new();
    for (owner, words, lean) in [
        (&mia, "the heron by the lake", 0.0),
        (&mia, "a heron in the reeds", 0.1),
        (&mia, "birds at the water", 0.2),
        (&noah, "his heron, private", 0.05),
        (&noah, "his heron, for everyone", 0.3),
        (&gus, "their heron, for everyone", 0.0),
    ] {
        let memory = create(&db, owner, words).await;
        embed(&db, owner, memory, toward(0, 1, lean)).await;
        made.push(memory);
    }
    share(&db, made[4], "org", None).await;
    share(&db, made[5], "org", None).await;
    let all = MemoryCriteria::default();
    for counted in [false, true] {
        if counted {
            fill(&db, &mia, 300, "ballast at the lake").await;
            assert!(refresh(&db, acme.id, 0).await);
        }
        let mut tx = db.store.begin(&mia).await.unwrap();
        let hits = memory_similar(&mut tx, made[0], EmbeddingSlot::A, &all, 3, NOW)
            .await
            .unwrap();
        let mut found: Vec<_> = hits.iter().map(|hit| hit.memory.id).collect();
        assert_eq!(found[0], made[1], "words and meaning: {hits:?}");
        found.sort();
        assert_eq!(found, [made[1], made[2], made[4]]);
        for hidden in [made[3], made[5]] {
            let refused = memory_similar(&mut tx, hidden, EmbeddingSlot::A, &all, 3, NOW).await;
            assert!(matches!(refused, Err(StoreError::NotFound)));
            let words: Vec<String> =
                sqlx::query_scalar("SELECT unnest(memory_like_lexemes($1, 20))")
                    .bind(hidden)
                    .fetch_all(&db.admin)
                    .await
                    .unwrap();
            assert!(words.is_empty(), "{words:?}");
        }
    }
}

#[tokio::test]
async fn similarity_without_an_embedding_uses_words() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let one = create(&db, &mia, "the heron by the lake").await;
    let other = create(&db, &mia, "a heron in the reeds").await;
    create(&db, &mia, "bread needs salt").await;
    let mut tx = db.store.begin(&mia).await.unwrap();
    let hits = memory_similar(
        &mut tx,
        one,
        EmbeddingSlot::A,
        &MemoryCriteria::default(),
        9,
        NOW,
    )
    .await
    .unwrap();
    assert_eq!(
        hits.iter().map(|hit| hit.memory.id).collect::<Vec<_>>(),
        [other]
    );
    assert_eq!(hits[0].matched_words, ["heron"]);
}
