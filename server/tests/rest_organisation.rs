//! The organisation's own affairs over REST.

mod support;

use axum::http::{Method, StatusCode};
use domain::access::SystemRole;
use serde_json::json;
use support::program::{World, problem};

#[tokio::test]
async fn settings_are_read_and_replaced() {
    const AT: &str = "/api/v1/settings";
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let before = world.look(AT, &key).await;
    let change = json!({
        "version": before["version"],
        "name": " Acme and daughters ",
        "session_idle_hours": 2,
        "time_zone": "Europe/Berlin",
        "currency": null,
        "invite_domains": ["example.org", "example.com"],
        "reviewed_changes": "owner",
    });
    let answer = world.call(Method::PUT, AT, &key, &change).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
    let after = world.look(AT, &key).await;
    assert_eq!(after["name"], "Acme and daughters");
    assert_eq!(
        after["settings"],
        json!({
            "session_idle_hours": 2,
            "time_zone": "Europe/Berlin",
            "invite_domains": ["example.com", "example.org"],
            "owners_change_reviewed": true,
        })
    );
    let stale = world.call(Method::PUT, AT, &key, &change).await;
    problem(&stale, 409, "conflict");

    for (field, value) in [
        ("session_idle_hours", json!(0)),
        ("session_idle_hours", json!(true)),
        ("time_zone", json!("Mars/Base")),
        ("invite_domains", json!([1])),
        ("colour", json!("red")),
    ] {
        let mut bad = json!({ "version": after["version"], "name": "Acme" });
        bad[field] = value;
        let answer = world.call(Method::PUT, AT, &key, &bad).await;
        let problem = problem(&answer, 422, "invalid");
        let named = problem["errors"][0]["field"].as_str().unwrap();
        assert!(named.starts_with(field), "{named}");
    }
}
