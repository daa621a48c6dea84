use domain::{
    Actor, MemoryId,
    access::SystemRole,
    memory::{MemoryCriteria, MemoryHit, MemoryKind, MemoryText, SearchMode},
};
use store::{
    StoreError,
    memory::{SearchParams, SearchQuery, memory_search},
    testing::{NOW, TestDb},
};

use crate::support::{DIMENSIONS, create, create_at, embed, fill, model, toward};

async fn search_in(
    db: &TestDb,
    actor: &Actor,
    question: &str,
    vector: Option<&[f32]>,
    mode: SearchMode,
    criteria: &MemoryCriteria,
) -> Vec<MemoryHit> {
    let model = model(db, actor).await;
    let mut tx = db.store.begin(actor).await.unwrap();
    let query = SearchQuery::parse(question);
    let request = SearchParams {
        query: &query,
        vector: vector.map(|vector| (&model, vector)),
        mode,
        criteria,
        limit: 50,
        now: NOW,
    };
    let hits = memory_search(&mut tx, &request).await.unwrap();
    for hit in &hits {
        assert!((0.0..=1.0).contains(&hit.score), "{hit:?}");
        assert!(
            hit.similarity.is_none_or(|s| (-1.001..=1.001).contains(&s)),
            "{hit:?}"
        );
        assert!(hit.memory.excerpt.chars().count() <= 280);
    }
    assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
    hits
}

async fn search(
    db: &TestDb,
    actor: &Actor,
    question: &str,
    vector: Option<&[f32]>,
    mode: SearchMode,
) -> Vec<MemoryHit> {
    search_in(
        db,
        actor,
        question,
        vector,
        mode,
        &MemoryCriteria::default(),
    )
    .await
}

async fn by_words(db: &TestDb, actor: &Actor, question: &str) -> Vec<MemoryId> {
    ids(&search(db, actor, question, None, SearchMode::Both).await)
}

fn ids(hits: &[MemoryHit]) -> Vec<MemoryId> {
    hits.iter().map(|hit| hit.memory.id).collect()
}

#[tokio::test]
async fn words_and_meaning_are_combined() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let both = create(&db, &mia, "The spare keys hang in the cellar").await;
    let words = create(&db, &mia, "A key signature tells the scale").await;
    let meaning = create(&db, &mia, "How to get in when locked out").await;
    let neither = create(&db, &mia, "Bread needs salt").await;
    let fresh = create(&db, &mia, "Keys were ordered, not embedded yet").await;
    embed(&db, &mia, both, toward(0, 1, 0.3)).await;
    embed(&db, &mia, words, toward(5, 6, 0.0)).await;
    embed(&db, &mia, meaning, toward(0, 1, 0.1)).await;
    embed(&db, &mia, neither, toward(7, 8, 0.0)).await;
    let vector = toward(0, 1, 0.0);

    let hits = search(&db, &mia, "spare key", Some(&vector), SearchMode::Both).await;
    assert_eq!(ids(&hits)[0], both);
    assert_eq!(hits.len(), 4);
    assert!(
        !ids(&hits).contains(&neither),
        "it has no word in common and is far"
    );
    let of = |hits: &[MemoryHit], id| hits.iter().find(|hit| hit.memory.id == id).unwrap().clone();
    assert_eq!(of(&hits, both).matched_words, ["spare", "keys"]);
    assert!((of(&hits, meaning).similarity.unwrap() - 0.995).abs() < 0.001);
    assert!(of(&hits, meaning).matched_words.is_empty());
    assert_eq!(of(&hits, fresh).similarity, None);

    let hits = search(&db, &mia, "spare key", Some(&vector), SearchMode::Meaning).await;
    assert_eq!(ids(&hits)[..2], [meaning, both]);
    assert_eq!(
        hits.len(),
        2,
        "the others are far, or have no embedding yet"
    );
    assert_eq!(of(&hits, both).matched_words, ["spare", "keys"]);

    let hits = search(&db, &mia, "spare key", Some(&vector), SearchMode::Words).await;
    assert_eq!(ids(&hits)[0], both);
    assert_eq!(hits.len(), 3);
    assert!(
        of(&hits, both).similarity.is_some(),
        "shown, but not part of the score"
    );
    assert_eq!(
        ids(&search(&db, &mia, "spare key", None, SearchMode::Both).await).len(),
        3
    );
}

#[tokio::test]
async fn phrases_and_minus_are_strict() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let phrase = create(&db, &mia, "The red door sticks").await;
    let apart = create(&db, &mia, "The door is painted red").await;
    let other = create(&db, &mia, "The red door of the neighbour").await;
    for memory in [phrase, apart, other] {
        embed(&db, &mia, memory, toward(0, 1, 0.0)).await;
    }
    let vector = toward(0, 1, 0.0);
    for vector in [None, Some(vector.as_slice())] {
        let found = |question: &'static str| {
            let (db, mia) = (&db, &mia);
            async move {
                let mut found = ids(&search(db, mia, question, vector, SearchMode::Both).await);
                found.sort();
                found
            }
        };
        assert_eq!(found("red door").await, [phrase, apart, other]);
        assert_eq!(found("\"red door\"").await, [phrase, other]);
        assert_eq!(
            found("“red doors”").await,
            [phrase, other],
            "phrases match by stem too"
        );
        assert_eq!(found("\"red door\" -neighbours").await, [phrase]);
        assert_eq!(found("door -\"red door\"").await, [apart]);
        assert_eq!(found("\"red door\" \"door sticks\"").await, [phrase]);
        assert_eq!(found("\"door red\"").await, []);
        assert_eq!(
            found("-sticks \"of the\" door").await,
            [apart, other],
            "a phrase of stop words is ignored"
        );
    }
    assert_eq!(by_words(&db, &mia, "-door").await, []);
}

// SEC-G (SQL injection through memory text)
#[tokio::test]
async fn unusual_queries_cause_no_error() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let memory = create(
        &db,
        &mia,
        "O'Brien's path C:\\temp\\x, 100% & <b>bold</b> 👩‍🚀 naïve café",
    )
    .await;
    embed(&db, &mia, memory, toward(0, 1, 0.0)).await;
    let vector = toward(0, 1, 0.0);
    let long = "word ".repeat(200);
    let distinct = (1000..1140)
        .map(|n| format!("w{n}"))
        .collect::<Vec<_>>()
        .join(" ");
    for question in [
        "",
        " ",
        "the and of",
        "\"the of\"",
        "' OR 1=1 --",
        ":*&|",
        "!!!",
        "a & b | !c <-> (d",
        "👩‍🚀",
        "\\",
        "''",
        "'\\'",
        "C:\\temp\\x",
        "$1 $2 %s {}",
        "\0",
        "-",
        "--",
        "-\"",
        "\"",
        "<b>",
        "&amp;",
        "\u{202e}abc",
        "\u{feff}",
        "/a'b/c.html",
        "http://x.example/a?b='c'&d=\\e",
        &long,
        &distinct,
    ] {
        for vector in [None, Some(vector.as_slice())] {
            for mode in SearchMode::ALL {
                search(&db, &mia, question, vector, *mode).await;
            }
        }
    }
    assert_eq!(
        by_words(&db, &mia, "the and of").await,
        [],
        "stop words only"
    );
    assert_eq!(by_words(&db, &mia, "O'Brien").await, [memory]);
    assert_eq!(by_words(&db, &mia, "naïve").await, [memory]);
    let hits = search(&db, &mia, "the and of", Some(&vector), SearchMode::Both).await;
    assert_eq!(ids(&hits), [memory], "meaning still counts");
}

#[tokio::test]
async fn zero_or_nan_vectors_do_not_disturb_others() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let zero = create(&db, &mia, "empty of meaning").await;
    let good = create(&db, &mia, "full of meaning").await;
    embed(&db, &mia, zero, vec![0.0; DIMENSIONS]).await;
    embed(&db, &mia, good, toward(0, 1, 0.0)).await;
    let hits = search(
        &db,
        &mia,
        "full",
        Some(&toward(0, 1, 0.0)),
        SearchMode::Both,
    )
    .await;
    assert_eq!(ids(&hits)[0], good);
    let hits = search(
        &db,
        &mia,
        "meaning",
        Some(&[0.0; DIMENSIONS]),
        SearchMode::Both,
    )
    .await;
    assert!(hits.iter().all(|hit| hit.similarity.is_none()));

    let model = model(&db, &mia).await;
    let mut tx = db.store.begin(&mia).await.unwrap();
    let (query, filter) = (SearchQuery::parse("full"), MemoryCriteria::default());
    let nan = [f32::NAN; DIMENSIONS];
    let request = SearchParams {
        query: &query,
        vector: Some((&model, &nan)),
        mode: SearchMode::Both,
        criteria: &filter,
        limit: 10,
        now: NOW,
    };
    assert!(matches!(
        memory_search(&mut tx, &request).await,
        Err(StoreError::Other(_))
    ));
}

#[tokio::test]
async fn excerpt_is_where_the_words_are() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let content = format!(
        "{} the <i>Harvests</i> of 1998 were good {}",
        "filler ".repeat(300),
        "more ".repeat(300)
    );
    let text = MemoryText::new("Grapes & harvest", content, "fact", &["wine".into()]).unwrap();
    create_at(&db, &mia, text, NOW).await;
    let hits = search(&db, &mia, "wines harvested in 1998", None, SearchMode::Both).await;
    assert_eq!(
        hits[0].matched_words,
        ["harvest", "wine", "Harvests", "1998"]
    );
    let passage = &hits[0].memory.excerpt;
    assert!(
        passage.contains("the <i>Harvests</i> of 1998 were good"),
        "{passage}"
    );
    assert!(
        passage.starts_with('…') && passage.ends_with('…'),
        "{passage}"
    );

    let hits = search(&db, &mia, "grapes", None, SearchMode::Both).await;
    assert!(
        hits[0].memory.excerpt.starts_with("filler filler"),
        "a match in the title shows the beginning"
    );
}

#[tokio::test]
async fn rare_words_choose_the_candidates() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    fill(&db, &mia, 400, "weekly meeting about budget").await;
    fill(&db, &mia, 200, "weekly meeting about hiring").await;
    let rare = create(&db, &mia, "meeting with the beekeeper").await;

    let found = by_words(&db, &mia, "meeting beekeeper").await;
    assert_eq!(found, [rare], "the common word adds no candidates");
    let hits = search(&db, &mia, "weekly meeting hiring", None, SearchMode::Both).await;
    assert_eq!(hits.len(), 50, "without a rare word, the rarest chooses");
    assert!(hits.iter().all(|hit| hit.memory.excerpt.contains("hiring")));
}

#[tokio::test]
async fn large_collection_is_searched_by_the_graph_and_then_exactly() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    fill(&db, &mia, 25_200, "ballast").await;
    let mut made = Vec::new();
    for n in 0..60_u8 {
        let kind = if n < 3 { "event" } else { "fact" };
        let text = MemoryText::new("", format!("numbered {n}"), kind, &[]).unwrap();
        let memory = create_at(&db, &mia, text, NOW).await;
        embed(&db, &mia, memory, toward(0, 1, f32::from(n) / 10.0)).await;
        made.push(memory);
    }
    sqlx::query("ANALYZE memories")
        .execute(&db.admin)
        .await
        .unwrap();
    let vector = toward(0, 1, 0.0);
    let hits = search(&db, &mia, "", Some(&vector), SearchMode::Meaning).await;
    assert_eq!(ids(&hits), made[..50]);
    let events = MemoryCriteria {
        kind: Some(MemoryKind::Event),
        ..MemoryCriteria::default()
    };
    let hits = search_in(&db, &mia, "", Some(&vector), SearchMode::Meaning, &events).await;
    assert_eq!(ids(&hits), made[..3]);
}

#[tokio::test]
async fn words_between_angle_brackets_are_found_and_shown_literally() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let generic = create(&db, &mia, "The argument is a Vec<String> of names").await;
    let script = create(&db, &mia, "<script>alert('teapot')</script>").await;
    create(&db, &mia, "Bread needs salt").await;
    assert_eq!(by_words(&db, &mia, "string").await, [generic]);
    assert_eq!(by_words(&db, &mia, "teapot").await, [script]);
    assert_eq!(by_words(&db, &mia, "Vec<String>").await, [generic]);
    let hits = search(&db, &mia, "string", None, SearchMode::Words).await;
    assert_eq!(hits[0].matched_words, ["String"]);
    assert_eq!(
        hits[0].memory.excerpt,
        "The argument is a Vec<String> of names"
    );
}
