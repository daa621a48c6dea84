//! Earlier versions: read, compare, restore.

use axum::http::Method;
use serde_json::{Value, json};

use super::{
    AT, at, create, fields, member, ok,
    support::program::{World, problem},
};

async fn change(world: &World, key: &str, memory: &Value, version: i32, content: &str) {
    let patch =
        json!({ "version": version, "content": content, "reason": format!("To {content}") });
    world.done(Method::PATCH, &at(memory), key, &patch).await;
}

fn joined(spans: &Value, without: &str) -> String {
    let spans = spans.as_array().unwrap().iter();
    let kept = spans.filter(|span| span["kind"] != without);
    kept.map(|span| span["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn earlier_version_is_read_compared_and_restored() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let new = json!({ "title": "Tea", "content": "Tea at three, with milk", "tags": ["tea"], "importance": 0.9 });
    let made = create(&world, &key, &new).await;
    change(&world, &key, &made, 1, "Tea at four, with milk").await;
    change(&world, &key, &made, 2, "No tea").await;
    let versions = format!("{}/versions", at(&made));

    let first = world.look(&format!("{versions}/1"), &key).await;
    assert_eq!(
        (
            &first["content"],
            &first["reason"],
            &first["changed_by_name"]
        ),
        (
            &json!("Tea at three, with milk"),
            &json!("To Tea at four, with milk"),
            &json!("Mia")
        )
    );
    let diff = world.look(&format!("{versions}/1/diff"), &key).await;
    assert_eq!(
        (&diff["before"]["version"], &diff["after"]["version"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(
        joined(&diff["content"], "inserted"),
        "Tea at three, with milk"
    );
    assert_eq!(
        joined(&diff["content"], "deleted"),
        "Tea at four, with milk"
    );
    // The version after the last earlier one is the memory itself.
    let diff = world.look(&format!("{versions}/2/diff"), &key).await;
    assert_eq!(
        (&diff["after"]["version"], &diff["after"]["title"]),
        (&json!(3), &json!("Tea"))
    );
    assert_eq!(joined(&diff["content"], "deleted"), "No tea");

    let restore = format!("{versions}/1/restore");
    let stale = json!({ "current": 2 });
    problem(
        &world.call(Method::POST, &restore, &key, &stale).await,
        409,
        "conflict",
    );
    let back = world
        .done(Method::POST, &restore, &key, &json!({ "current": 3 }))
        .await;
    assert_eq!(
        (&back["content"], &back["version"]),
        (&json!("Tea at three, with milk"), &json!(4))
    );
    // Fields other than the text are kept, and no version is lost.
    assert_eq!(back["importance"], made["importance"]);
    let third = world.look(&format!("{versions}/3"), &key).await;
    assert_eq!(
        (&third["content"], &third["reason"]),
        (&json!("No tea"), &json!("Restored version 1"))
    );
}

#[tokio::test]
async fn unknown_or_foreign_version_is_not_found() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let (_, noahs) = member(&world, "Noah").await;
    let made = create(&world, &key, &json!({ "content": "Tea" })).await;
    change(&world, &key, &made, 1, "Coffee").await;
    let versions = format!("{}/versions", at(&made));
    sqlx::query("UPDATE memories SET visibility = 'org', shared_at = created_at")
        .execute(&world.app.db.admin)
        .await
        .unwrap();
    for (version, key) in [
        ("0", &key),
        ("2", &key),
        ("3", &key),
        ("-1", &key),
        ("99999999999", &key),
        ("x", &key),
        ("1%00", &key),
        ("%ff", &key),
        // Shared with him; its earlier versions are Mia's alone.
        ("1", &noahs),
    ] {
        for path in ["", "/diff"] {
            let path = format!("{versions}/{version}{path}");
            problem(&world.get(&path, key).await, 404, "not_found");
        }
        let restore = format!("{versions}/{version}/restore");
        let answer = world
            .call(Method::POST, &restore, key, &json!({ "current": 2 }))
            .await;
        problem(&answer, 404, "not_found");
    }
    for (body, field) in [
        (json!({}), "current"),
        (json!({ "current": "2" }), "current"),
        (json!({ "current": 2, "version": 1 }), "version"),
        (json!({ "current": 99_999_999_999_i64 }), "current"),
        (json!([2]), ""),
        (json!(2), ""),
    ] {
        let restore = format!("{versions}/1/restore");
        let answer = world.call(Method::POST, &restore, &key, &body).await;
        assert_eq!(fields(&answer), [field], "{body}");
    }
    // It must be restored from the trash first.
    world
        .done(Method::DELETE, &at(&made), &key, &json!({}))
        .await;
    let restore = format!("{versions}/1/restore");
    let answer = world
        .call(Method::POST, &restore, &key, &json!({ "current": 2 }))
        .await;
    problem(&answer, 409, "conflict");
    let now = world.look(&at(&made), &key).await;
    assert_eq!(now["content"], "Coffee");
}

// SEC-C6
#[tokio::test]
async fn versions_are_paginated() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let made = create(&world, &key, &json!({ "content": "Tea 1" })).await;
    for n in 1..=55 {
        change(&world, &key, &made, n, &format!("Tea {}", n + 1)).await;
    }
    let versions = format!("{}/versions", at(&made));
    let first = world.look(&versions, &key).await;
    let next = first["next"].as_str().unwrap();
    let second = world.look(&format!("{versions}?after={next}"), &key).await;
    let numbers: Vec<_> = [&first, &second]
        .iter()
        .flat_map(|page| page["items"].as_array().unwrap())
        .map(|version| version["version"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=55).rev().collect::<Vec<i64>>());
    assert!(second["next"].is_null());

    let other = world.app.db.tenant("other").await;
    let eve = other.actor(domain::access::SystemRole::Owner, "Eve").await;
    let eves = world.key_of(&eve, super::SCOPES).await.key;
    let theirs = create(&world, &eves, &json!({ "content": "Eve's" })).await;
    for path in [
        format!("{}/versions?after={next}", at(&theirs)),
        format!("{AT}?after={next}"),
    ] {
        assert_eq!(fields(&world.get(&path, &eves).await), ["after"], "{path}");
    }
    let wrong = format!("{versions}?after=x");
    assert_eq!(fields(&world.get(&wrong, &key).await), ["after"]);
    ok(&world.get(&format!("{versions}?after="), &key).await, 422);
}
