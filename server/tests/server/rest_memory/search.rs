//! Search: by keyword, with filters, and similar memories.

use axum::http::Method;
use serde_json::{Value, json};

use super::{
    AT, create, fields, member, ok,
    support::program::{World, problem},
};

#[tokio::test]
async fn search_finds_keywords_within_its_filters() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let green = create(
        &world,
        &key,
        &json!({ "content": "Green tea", "tags": ["drink"] }),
    )
    .await;
    create(
        &world,
        &key,
        &json!({ "content": "Green paint", "kind": "event" }),
    )
    .await;
    let search = format!("{AT}/search");
    let found = world
        .call(
            Method::POST,
            &search,
            &key,
            &json!({ "query": "tea", "mode": "words" }),
        )
        .await;
    let found = ok(&found, 200);
    assert_eq!(found["mode"], "words");
    assert_eq!(found["hits"].as_array().unwrap().len(), 1);
    let hit = &found["hits"][0];
    assert_eq!(hit["memory"]["id"], green["id"]);
    assert_eq!(hit["matched_words"], json!(["tea"]));
    assert!(hit["score"].as_f64().is_some() && hit["similarity"].is_null());
    // The score is the sum of its parts.
    let part = |name: &str| hit["parts"][name].as_f64().unwrap();
    let score = part("meaning") * part("meaning_weight") + part("words") * part("words_weight");
    assert!(
        (hit["score"].as_f64().unwrap() - score).abs() < 1e-6,
        "{hit}"
    );
    assert!(part("words_weight") > 0.0, "{hit}");

    for (filter, hits) in [
        (json!({}), 2),
        (json!({ "kind": "event" }), 1),
        (json!({ "tag": "drink" }), 1),
        (json!({ "origin": "import" }), 0),
        (json!({ "owner": "shared" }), 0),
    ] {
        let question = json!({ "query": "green", "filter": filter });
        let found = ok(
            &world.call(Method::POST, &search, &key, &question).await,
            200,
        );
        assert_eq!(found["hits"].as_array().unwrap().len(), hits, "{filter}");
        // Without a model, the search falls back to keywords and the response says so.
        assert_eq!(
            (&found["mode"], found["notice"].is_string()),
            (&json!("words"), true)
        );
    }
    let one = json!({ "query": "green", "limit": 1 });
    let found = ok(&world.call(Method::POST, &search, &key, &one).await, 200);
    assert_eq!(found["hits"].as_array().unwrap().len(), 1);
    for (question, field) in [
        (json!({ "query": " " }), "query"),
        (json!({ "query": "x".repeat(1_001) }), "query"),
        (json!({ "query": "nul\0" }), "query"),
        (json!({ "query": "x", "limit": 0 }), "limit"),
        (json!({ "query": "x", "limit": 51 }), "limit"),
        (json!({ "query": "x", "mode": "guess" }), "mode"),
        (
            json!({ "query": "x", "filter": { "kind": "song" } }),
            "kind",
        ),
        (json!({ "query": "x", "filter": { "tag": "nul\0" } }), "tag"),
        (
            json!({ "query": "x", "filter": { "colour": "green" } }),
            "filter.colour",
        ),
        (
            json!({ "query": "x", "filter": { "kind": 7 } }),
            "filter.kind",
        ),
    ] {
        let answer = world.call(Method::POST, &search, &key, &question).await;
        assert_eq!(fields(&answer), [field], "{question}");
    }
}

#[tokio::test]
async fn search_returns_the_whole_text_of_hits_up_to_a_total() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let content = format!("canary {}", "x".repeat(99_000));
    for _ in 0..6 {
        create(&world, &key, &json!({ "content": content })).await;
    }
    let search = format!("{AT}/search");
    let question =
        |include: Value| json!({ "query": "canary", "mode": "words", "include": include });
    let found = world
        .done(Method::POST, &search, &key, &question(json!(["content"])))
        .await;
    let contents: Vec<_> = found["hits"].as_array().unwrap().iter().collect();
    assert_eq!(contents.len(), 6);
    for hit in &contents[..5] {
        assert_eq!(hit["content"], content);
    }
    assert!(contents[5]["content"].is_null());
    let found = world
        .done(Method::POST, &search, &key, &question(json!([])))
        .await;
    assert!(found["hits"][0].get("content").is_none());
    for (include, field) in [
        (json!(["score"]), "include[0]"),
        (json!("content"), "include"),
    ] {
        let answer = world
            .call(Method::POST, &search, &key, &question(include))
            .await;
        assert_eq!(fields(&answer), [field]);
    }
}

#[tokio::test]
async fn similar_memories_are_filtered_and_never_another_members() {
    let world = World::new().await;
    let (mia, key) = member(&world, "Mia").await;
    let (_, noahs) = member(&world, "Noah").await;
    let one = world
        .memory_of(&mia, "The canary sings in the kitchen")
        .await;
    let like = create(&world, &key, &json!({ "content": "A canary flies" })).await;
    let event = json!({ "content": "The canary escaped", "kind": "event" });
    create(&world, &key, &event).await;
    create(&world, &key, &json!({ "content": "Something else" })).await;
    create(&world, &noahs, &json!({ "content": "My canary is yellow" })).await;
    let path = format!("{AT}/{one}/similar");
    let found = world.look(&path, &key).await;
    assert_eq!(found["hits"].as_array().unwrap().len(), 2, "{found}");
    let facts = world
        .look(&format!("{path}?kind=fact&owner=mine"), &key)
        .await;
    assert_eq!(facts["hits"].as_array().unwrap().len(), 1);
    assert_eq!(facts["hits"][0]["memory"]["id"], like["id"]);
    let first = world.look(&format!("{path}?limit=1"), &key).await;
    assert_eq!(first["hits"].as_array().unwrap().len(), 1);
    problem(&world.get(&path, &noahs).await, 404, "not_found");
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=51", "limit"),
        ("limit=some", "limit"),
        ("kind=song", "kind"),
        ("after=x", "after"),
    ] {
        let answer = world.get(&format!("{path}?{query}"), &key).await;
        assert_eq!(fields(&answer), [field], "{query}");
    }
}
