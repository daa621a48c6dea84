//! Saved views over REST, from saving one to deleting it.

use crate::support::program::{World, problem};
use axum::http::{Method, StatusCode};
use domain::access::SystemRole;
use serde_json::{Value, json};

const AT: &str = "/api/v1/memory-views";

#[tokio::test]
async fn view_is_saved_renamed_and_deleted() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let input = json!({ "name": "Tea", "query": { "query": "tea", "filter": { "kind": "fact" } } });
    let answer = world.call(Method::POST, AT, &key, &input).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let created: Value = serde_json::from_str(&answer.body).unwrap();
    let view = format!("{AT}/{}", created["id"].as_str().unwrap());
    assert_eq!(answer.header("location"), view);

    let renamed = world
        .done(Method::PATCH, &view, &key, &json!({ "name": "Coffee" }))
        .await;
    assert_eq!(renamed["name"], "Coffee");
    let list = world.look(AT, &key).await;
    assert_eq!(list["items"][0]["name"], "Coffee");
    assert_eq!(list["items"][0]["query"]["query"], "tea");
    assert_eq!(list["items"][0]["query"]["filter"]["kind"], "fact");

    for (query, field) in [
        (json!({}), "name"),
        (
            json!({ "query": "tea", "filter": { "kind": "song" } }),
            "kind",
        ),
        (json!({ "query": 7 }), "query.query"),
    ] {
        let input = json!({ "name": "Bad", "query": query });
        let answer = world.call(Method::POST, AT, &key, &input).await;
        let refused = problem(&answer, 422, "invalid");
        assert_eq!(refused["errors"][0]["field"], field, "{query}");
    }

    let answer = world.call(Method::DELETE, &view, &key, &json!({})).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
    let answer = world.call(Method::DELETE, &view, &key, &json!({})).await;
    problem(&answer, 404, "not_found");
}
