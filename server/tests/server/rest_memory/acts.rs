//! One memory: create, update, delete, restore, find.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    AT, at, audited, create, fields, member, ok,
    support::program::{World, problem, without_ids},
};

#[tokio::test]
async fn memory_keeps_each_of_its_fields() {
    let world = World::new().await;
    let (mia, key) = member(&world, "Mia").await;
    let answer = world
        .call(
            Method::POST,
            AT,
            &key,
            &json!({
                "title": "Team tea", "content": "Tea at four.", "kind": "event", "tags": ["tea", "team"],
                "importance": 0.9, "allowed_vendors": ["claude", "other"], "source_session_id": "chat-7",
                "expires_at": "2099-01-01T00:00:00Z", "source_url": "https://Wiki.example/tea",
            }),
        )
        .await;
    let made = ok(&answer, 201);
    assert_eq!(answer.location(), at(&made));
    assert_eq!(
        (&made["owner_id"], &made["owner_name"]),
        (&json!(mia.user_id), &json!("Mia"))
    );
    without_ids().bind(|| insta::assert_json_snapshot!("memory", made));
    assert_eq!(ok(&world.get(&at(&made), &key).await, 200), made);
}

#[tokio::test]
async fn source_is_set_kept_removed_and_must_be_a_web_address() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let made = json!({ "content": "Tea", "source_url": "https://wiki.example/tea" });
    let made = create(&world, &key, &made).await;
    for (version, patch, expected) in [
        (
            1,
            json!({ "title": "Tea" }),
            json!("https://wiki.example/tea"),
        ),
        (2, json!({ "source_url": "" }), Value::Null),
        (
            3,
            json!({ "source_url": "http://A.example/B" }),
            json!("http://a.example/B"),
        ),
        (4, json!({ "source_url": null }), Value::Null),
    ] {
        let mut patch = patch;
        patch["version"] = version.into();
        let changed = world.call(Method::PATCH, &at(&made), &key, &patch).await;
        assert_eq!(ok(&changed, 200)["source_url"], expected, "{patch}");
    }
    let long = format!("https://a.example/{}", "x".repeat(2_000));
    for bad in [
        json!("javascript:alert(1)"),
        json!("https://mia:secret@a.example"),
        json!("a.example"),
        json!(long),
        json!(7),
    ] {
        let memory = json!({ "content": "Tea", "source_url": bad });
        let answer = world.call(Method::POST, AT, &key, &memory).await;
        assert_eq!(fields(&answer), ["source_url"], "{bad}");
    }
}

#[tokio::test]
async fn memory_is_changed_deleted_and_restored() {
    let world = World::new().await;
    let (mia, key) = member(&world, "Mia").await;
    let made = json!({
        "title": "Team tea", "content": "Tea at four.", "tags": ["tea", "team"], "importance": 0.9,
        "allowed_vendors": ["claude", "other"], "expires_at": "2099-01-01T00:00:00Z",
    });
    let made = create(&world, &key, &made).await;

    // A missing field stays as it is; null is a value.
    let patch = json!({
        "version": 1, "content": "Tea at five.", "expires_at": null, "allowed_vendors": ["*"], "reason": "Later",
    });
    let changed = ok(
        &world.call(Method::PATCH, &at(&made), &key, &patch).await,
        200,
    );
    assert_eq!(changed["content"], "Tea at five.");
    assert_eq!(changed["title"], "Team tea");
    assert_eq!(changed["tags"], json!(["tea", "team"]));
    assert_eq!(changed["importance"], made["importance"]);
    assert_eq!(changed["expires_at"], Value::Null);
    assert_eq!(changed["allowed_vendors"], json!(["*"]));
    assert_eq!(changed["version"], 2);
    let versions = ok(
        &world.get(&format!("{}/versions", at(&made)), &key).await,
        200,
    );
    assert_eq!(versions["items"].as_array().unwrap().len(), 1);
    assert_eq!(versions["items"][0]["content"], "Tea at four.");
    assert_eq!(versions["items"][0]["reason"], "Later");
    assert_eq!(versions["items"][0]["changed_by_name"], "Mia");

    let gone = world
        .call(Method::DELETE, &at(&made), &key, &json!({}))
        .await;
    assert_eq!(
        (gone.status, gone.body.as_str()),
        (StatusCode::NO_CONTENT, "")
    );
    let trash = ok(&world.get(&format!("{AT}?state=trash"), &key).await, 200);
    assert_eq!(trash["items"][0]["id"], made["id"]);
    assert_eq!(ok(&world.get(AT, &key).await, 200)["items"], json!([]));
    assert!(ok(&world.get(&at(&made), &key).await, 200)["deleted_at"].is_string());

    let restore = format!("{}/restore", at(&made));
    let back = ok(
        &world.call(Method::POST, &restore, &key, &json!({})).await,
        200,
    );
    assert_eq!(back["deleted_at"], Value::Null);
    problem(
        &world.call(Method::POST, &restore, &key, &json!({})).await,
        409,
        "conflict",
    );

    // SEC-E1: each change has its audit row, in the name of the key's owner.
    let audited = audited(&world, &mia).await;
    assert_eq!(
        audited,
        [
            "memory.create",
            "memory.update",
            "memory.delete",
            "memory.restore"
        ]
    );
}

#[tokio::test]
async fn second_of_two_changes_from_one_version_is_a_conflict() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let made = create(&world, &key, &json!({ "content": "Tea" })).await;
    let patch = |text: &str| json!({ "version": 1, "content": text });
    ok(
        &world
            .call(Method::PATCH, &at(&made), &key, &patch("Green tea"))
            .await,
        200,
    );
    let late = world
        .call(Method::PATCH, &at(&made), &key, &patch("Black tea"))
        .await;
    problem(&late, 409, "conflict");
    // SEC-G: a denied change reveals nothing of the memory.
    assert!(!late.body.contains("Green"), "{}", late.body);
    assert_eq!(
        ok(&world.get(&at(&made), &key).await, 200)["content"],
        "Green tea"
    );
    for version in [0, -1, i32::MAX] {
        let patch = json!({ "version": version, "content": "x" });
        problem(
            &world.call(Method::PATCH, &at(&made), &key, &patch).await,
            409,
            "conflict",
        );
    }
}
