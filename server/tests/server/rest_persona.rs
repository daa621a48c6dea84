//! Personas over REST, from creating one to deleting it.

use crate::support::program::{World, problem};
use axum::http::{Method, StatusCode};
use domain::access::SystemRole;
use serde_json::{Value, json};

const AT: &str = "/api/v1/personas";

#[tokio::test]
async fn persona_is_created_changed_and_deleted() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let answer = world
        .call(Method::POST, AT, &key, &json!({ "name": " Work " }))
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let created: Value = serde_json::from_str(&answer.body).unwrap();
    let persona = format!("{AT}/{}", created["id"].as_str().unwrap());
    assert_eq!(answer.header("location"), persona);
    let answer = world
        .call(Method::POST, AT, &key, &json!({ "name": "Work" }))
        .await;
    assert_eq!(
        problem(&answer, 422, "invalid")["errors"][0]["field"],
        "name"
    );

    let input = json!({ "name": "Office", "description": "At the desk" });
    let answer = world.call(Method::PUT, &persona, &key, &input).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
    let expected = json!({
        "id": created["id"],
        "name": "Office",
        "description": "At the desk",
        "memory_count": 0,
    });
    assert_eq!(world.look(&persona, &key).await, expected);
    assert_eq!(world.look(AT, &key).await["items"], json!([expected]));

    let answer = world.call(Method::DELETE, &persona, &key, &json!({})).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
    problem(&world.get(&persona, &key).await, 404, "not_found");
}
