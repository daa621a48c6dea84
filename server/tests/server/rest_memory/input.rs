//! Invalid input.

use axum::http::{Method, header};
use serde_json::json;

use super::{
    AT, at, create, fields, member, ok,
    support::program::{World, problem, with_key},
};

#[tokio::test]
async fn every_bad_field_is_named() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let made = create(&world, &key, &json!({ "content": "Tea" })).await;
    let tags: Vec<_> = (0..10_000).map(|n| n.to_string()).collect();
    for (bad, field) in [
        (json!({ "content": " " }), "content"),
        (json!({ "content": "nul\0" }), "content"),
        (json!({ "content": "x".repeat(100_001) }), "content"),
        (json!({ "title": "x".repeat(201) }), "title"),
        (json!({ "title": "nul\0" }), "title"),
        (json!({ "kind": "song" }), "kind"),
        (json!({ "tags": tags }), "tags"),
        (json!({ "tags": ["a,b"] }), "tags"),
        (json!({ "tags": ["nul\0"] }), "tags"),
        (json!({ "importance": 1.5 }), "importance"),
        (
            json!({ "expires_at": "2001-01-01T00:00:00Z" }),
            "expires_at",
        ),
        (json!({ "persona_id": uuid::Uuid::nil() }), "persona_id"),
        (json!({ "allowed_vendors": ["hal"] }), "allowed_vendors"),
    ] {
        let (mut new, mut patch) = (bad.clone(), bad.clone());
        if new["content"].is_null() {
            new["content"] = json!("Tea");
        }
        patch["version"] = json!(1);
        let answer = world.call(Method::POST, AT, &key, &new).await;
        assert_eq!(fields(&answer), [field]);
        let answer = world.call(Method::PATCH, &at(&made), &key, &patch).await;
        assert_eq!(fields(&answer), [field]);
    }
    let session = json!({ "content": "Tea", "source_session_id": "x".repeat(201) });
    let answer = world.call(Method::POST, AT, &key, &session).await;
    assert_eq!(fields(&answer), ["source_session_id"]);
    let reason = json!({ "version": 1, "reason": "x".repeat(501) });
    let answer = world.call(Method::PATCH, &at(&made), &key, &reason).await;
    assert_eq!(fields(&answer), ["reason"]);
    // Unknown fields are named (SEC-G: mass assignment).
    for name in [
        "owner_id",
        "visibility",
        "tenant_id",
        "user_id",
        "origin",
        "version",
        "colour",
    ] {
        let mut body = json!({ "content": "Tea" });
        body[name] = json!("x");
        let told = problem(
            &world.call(Method::POST, AT, &key, &body).await,
            422,
            "invalid",
        );
        assert!(
            told["detail"]
                .as_str()
                .unwrap()
                .contains(&format!("`{name}`")),
            "{told}"
        );
    }
    for asked in [
        "kind=song",
        "owner=me",
        "origin=x",
        "state=gone",
        "after=x",
        "tag=%00",
        "colour=green",
    ] {
        let told = problem(
            &world.get(&format!("{AT}?{asked}"), &key).await,
            422,
            "invalid",
        );
        let name = asked.split('=').next().unwrap();
        assert!(told.to_string().contains(name), "{asked}: {told}");
    }
    assert_eq!(world.app.count("SELECT count(*) FROM memories").await, 1);
}

// SEC-B10
#[tokio::test]
async fn json_of_another_shape_is_rejected_and_changes_nothing() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let made = create(&world, &key, &json!({ "content": "Tea" })).await;
    let (one, batch, search) = (at(&made), format!("{AT}/batch"), format!("{AT}/search"));
    for body in [
        json!(null),
        json!(true),
        json!(7),
        json!("Tea"),
        json!([]),
        json!([{ "content": "Tea" }]),
        json!({ "content": ["Tea"], "items": {}, "query": 7, "version": [] }),
        json!({ "content": { "text": "Tea" }, "items": "all", "query": null, "version": null }),
        json!({ "content": 7, "items": 7, "query": {}, "version": 1.5 }),
    ] {
        for (method, path) in [
            (Method::POST, AT),
            (Method::PATCH, one.as_str()),
            (Method::POST, &batch),
            (Method::POST, &search),
        ] {
            let answer = world.call(method, path, &key, &body).await;
            let fields = fields(&answer);
            // A field of a nested object is named.
            assert_eq!(fields.len(), 1, "{path} {body}");
            assert_eq!(fields[0].is_empty(), !body.is_object(), "{path} {body}");
        }
    }
    let json = |path: &str| {
        with_key(Method::POST, path, &key).header(header::CONTENT_TYPE, "application/json")
    };
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for body in ["{", "{\"", "\u{feff}{}", "", &deep] {
        for path in [AT, batch.as_str(), &search] {
            // An empty body counts as one without fields.
            let is_json = body == deep || body.is_empty();
            problem(
                &world.send(json(path), body.to_owned()).await,
                if is_json { 422 } else { 400 },
                if is_json { "invalid" } else { "transport" },
            );
        }
    }
    assert_eq!(world.look(&one, &key).await, made);
    assert_eq!(world.app.count("SELECT count(*) FROM memories").await, 1);
}

// SEC-B10
#[tokio::test]
async fn invalid_utf8_and_large_bodies_are_rejected_before_parsing() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let json = |path: &str| {
        with_key(Method::POST, path, &key).header(header::CONTENT_TYPE, "application/json")
    };
    let batch = format!("{AT}/batch");
    for (path, body) in [
        (AT, &b"{\"content\":\"\xff\xfe\"}"[..]),
        (
            &batch,
            b"{\"items\":[{\"op\":\"create\",\"content\":\"\xff\"}]}",
        ),
    ] {
        problem(
            &world.send(json(path), body.to_vec()).await,
            400,
            "transport",
        );
    }
    let large = "x".repeat(600_000);
    problem(&world.send(json(AT), large.clone()).await, 413, "too_large");
    // A batch may be larger, within its own limit.
    let answer = world
        .send(json(&batch), format!("{{\"items\":[\"{large}\"]}}"))
        .await;
    assert_eq!(ok(&answer, 200)["failed"], 1);
    let named = json(&batch).header("idempotency-key", "large");
    let answer = world
        .send(
            named,
            format!("{{\"items\":[\"{}\"]}}", "x".repeat(2_000_000)),
        )
        .await;
    assert_eq!(ok(&answer, 200)["failed"], 1);
    let larger = "x".repeat(8 * 1024 * 1024 + 1);
    problem(&world.send(json(&batch), larger).await, 413, "too_large");
}
