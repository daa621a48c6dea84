//! Creating, searching and updating memories.

use domain::{
    AppError,
    access::SystemRole,
    memory::{MemoryAttributes, MemoryFilter, NewMemory, SearchMode},
};
use service::memory_versions;

use crate::call_memory::{memory_create, memory_get, memory_search, memory_update};
use crate::support::{World, change, draft};

#[tokio::test]
async fn memory_is_found_by_a_query_that_shares_no_word_with_it() {
    let world = World::new().await;
    let actor = world.member("Mia").await;
    let texts = [
        "Suppliers are paid thirty days after their bill arrived.",
        "The coffee machine is descaled on Mondays.",
        "Trains are preferred below six hours.",
        "Passwords live in the shared vault.",
    ];
    for text in texts {
        memory_create(&world.ctx, &actor, &draft(text))
            .await
            .unwrap();
    }
    let worker = world.worker();
    world.embedded(&actor).await;
    worker.stop().await;

    let question = "when do vendors receive money?";
    let filter = MemoryFilter::default();
    for mode in [SearchMode::Both, SearchMode::Meaning] {
        let found = memory_search(&world.ctx, &actor, question, mode, &filter)
            .await
            .unwrap();
        assert_eq!(found.hits[0].memory.excerpt, texts[0], "{mode:?}");
        assert!(found.hits[0].matched_words.is_empty());
        assert!(
            found.hits[0].similarity.is_some_and(|s| s > 0.2),
            "{:?}",
            found.hits[0]
        );
        assert_eq!(
            (found.mode, found.notice, found.waiting_for_embedding),
            (mode, None, 0)
        );
    }
    let words = memory_search(&world.ctx, &actor, question, SearchMode::Words, &filter)
        .await
        .unwrap();
    assert!(words.hits.is_empty(), "{words:?}");
}

#[tokio::test]
async fn search_without_a_model_uses_keywords_and_says_why() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    memory_create(&world.ctx, &actor, &draft("The vault holds passwords"))
        .await
        .unwrap();
    let filter = MemoryFilter::default();
    let found = memory_search(&world.ctx, &actor, "passwords", SearchMode::Both, &filter)
        .await
        .unwrap();
    assert_eq!(found.hits.len(), 1);
    assert_eq!(found.hits[0].matched_words, ["passwords"]);
    assert_eq!(found.mode, SearchMode::Words);
    assert!(found.notice.unwrap().contains("Fetch it"));
}

#[tokio::test]
async fn query_length_is_limited() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let filter = MemoryFilter::default();
    for question in ["", "  ", "nul\0", &"x".repeat(1_001)] {
        let error = memory_search(&world.ctx, &actor, question, SearchMode::Both, &filter).await;
        assert!(error.unwrap_err().for_field("query").is_some());
    }
    let longest = "tea ".repeat(250);
    memory_search(&world.ctx, &actor, &longest, SearchMode::Both, &filter)
        .await
        .unwrap();
}

#[tokio::test]
async fn edit_from_a_stale_version_is_a_conflict_and_loses_nothing() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let id = memory_create(&world.ctx, &actor, &draft("one"))
        .await
        .unwrap();
    memory_update(&world.ctx, &actor, id, 1, &change("two"))
        .await
        .unwrap();
    let stale = memory_update(&world.ctx, &actor, id, 1, &change("three"))
        .await
        .unwrap_err();
    assert_eq!(stale.status(), 409);
    assert_eq!(
        memory_get(&world.ctx, &actor, id).await.unwrap().content,
        "two"
    );
    let versions = memory_versions(&world.ctx, &actor, id).await.unwrap();
    assert_eq!(versions.len(), 1);
    assert_eq!(
        (versions[0].version, versions[0].content.as_str()),
        (1, "one")
    );
}

// SEC-C6
#[tokio::test]
async fn another_members_and_another_tenants_memory_do_not_exist() {
    let world = World::without_model().await;
    let mia = world.member("Mia").await;
    let id = memory_create(&world.ctx, &mia, &draft("mine"))
        .await
        .unwrap();
    let owner = world.tenant.actor(SystemRole::Owner, "Olga").await;
    let other = world
        .db
        .tenant("other")
        .await
        .actor(SystemRole::Owner, "Otto")
        .await;
    for stranger in [&owner, &other] {
        let ctx = &world.ctx;
        assert_eq!(memory_get(ctx, stranger, id).await, Err(AppError::NotFound));
        assert_eq!(
            memory_versions(ctx, stranger, id).await,
            Err(AppError::NotFound)
        );
        let update = memory_update(ctx, stranger, id, 1, &change("theirs")).await;
        assert_eq!(update, Err(AppError::NotFound));
        assert_eq!(
            crate::call_memory::memory_delete(ctx, stranger, id).await,
            Err(AppError::NotFound)
        );
        assert_eq!(
            crate::call_memory::memory_restore(ctx, stranger, id).await,
            Err(AppError::NotFound)
        );
        let list = crate::call_memory::memory_list(ctx, stranger, &MemoryFilter::default(), None)
            .await
            .unwrap();
        assert!(list.items.is_empty());
    }
    assert_eq!(
        memory_get(&world.ctx, &mia, id).await.unwrap().content,
        "mine"
    );
}

#[tokio::test]
async fn invalid_memory_is_rejected_by_field_name_and_not_stored() {
    let world = World::without_model().await;
    let (ctx, actor) = (&world.ctx, &world.member("Mia").await);
    let attributes = |importance, expires_at, persona_id| NewMemory {
        attributes: MemoryAttributes {
            importance,
            expires_at,
            ..MemoryAttributes::default()
        },
        persona_id,
        ..draft("Tea")
    };
    let session = |name: String| NewMemory {
        source_session_id: Some(name),
        ..draft("Tea")
    };
    for (field, bad) in [
        ("importance", attributes(1.5, None, None)),
        ("importance", attributes(f32::NAN, None, None)),
        ("expires_at", attributes(0.5, Some(ctx.clock.now()), None)),
        ("persona_id", attributes(0.5, None, Some(ctx.ids.id()))),
        ("source_session_id", session(String::new())),
        ("source_session_id", session("s".repeat(201))),
        ("source_session_id", session("a\0b".into())),
    ] {
        let error = memory_create(ctx, actor, &bad).await.unwrap_err();
        assert!(error.for_field(field).is_some(), "{field}: {error:?}");
    }
    assert_eq!(
        crate::call::overview_get(&world.ctx, actor)
            .await
            .unwrap()
            .memories
            .unwrap()
            .own,
        0
    );
}
