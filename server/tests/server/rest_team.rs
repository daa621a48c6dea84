//! Teams over REST, from creating one to deleting it.

use crate::support::program::{World, problem};
use axum::http::{Method, StatusCode};
use domain::access::SystemRole;
use serde_json::{Value, json};

const AT: &str = "/api/v1/teams";

#[tokio::test]
async fn team_is_created_changed_and_deleted() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let mia = world.app.tenant.actor(SystemRole::Member, "Mia").await;

    let answer = world
        .call(Method::POST, AT, &key, &json!({ "name": " Design " }))
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let created: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(created["name"], "Design");
    let team = format!("{AT}/{}", created["id"].as_str().unwrap());
    assert_eq!(answer.header("location"), team);

    let member = format!("{team}/members/{}", mia.user_id);
    let answer = world
        .call(Method::PUT, &member, &key, &json!({ "role": "lead" }))
        .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
    let answer = world
        .call(Method::PATCH, &team, &key, &json!({ "name": "Words" }))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);

    let detail: Value = serde_json::from_str(&world.get(&team, &key).await.body).unwrap();
    assert_eq!(detail["name"], "Words");
    assert_eq!(detail["members"][0]["id"], json!(mia.user_id));
    assert_eq!(detail["members"][0]["role"], "lead");
    let list = world.get(&format!("{AT}?query=wor"), &key).await;
    let list: Value = serde_json::from_str(&list.body).unwrap();
    assert_eq!(list["items"][0]["member_count"], 1);
    assert_eq!(list["items"][0]["leads"], json!(["Mia"]));

    let answer = world.call(Method::DELETE, &member, &key, &json!({})).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
    let wrong = format!("{team}?confirm=Design");
    let answer = world.call(Method::DELETE, &wrong, &key, &json!({})).await;
    assert_eq!(
        problem(&answer, 422, "invalid")["errors"][0]["field"],
        "confirm"
    );
    let right = format!("{team}?confirm=Words");
    let answer = world.call(Method::DELETE, &right, &key, &json!({})).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
    problem(&world.get(&team, &key).await, 404, "not_found");
}

#[tokio::test]
async fn wrong_input_is_rejected_by_field_name() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let team = world.app.tenant.team("Design", &[]).await;
    let member = format!("{AT}/{team}/members/{}", world.owner.user_id);
    for (method, path, body, field) in [
        (Method::POST, AT, json!({}), "name"),
        (Method::POST, AT, json!({ "name": 7 }), "name"),
        (Method::POST, AT, json!({ "name": null }), "name"),
        (Method::POST, AT, json!({ "name": "" }), "name"),
        (
            Method::POST,
            AT,
            json!({ "name": "x", "colour": "red" }),
            "colour",
        ),
        (Method::POST, AT, json!(["x"]), ""),
        (Method::PUT, &member, json!({ "role": "boss" }), "role"),
        (Method::PUT, &member, json!({ "role": ["lead"] }), "role"),
        (
            Method::PUT,
            &member,
            json!({ "role": "lead", "id": "x" }),
            "id",
        ),
        (Method::GET, "/api/v1/teams?colour=red", json!({}), "colour"),
        (
            Method::GET,
            "/api/v1/teams?query=a&query=b",
            json!({}),
            "query",
        ),
        (Method::GET, "/api/v1/teams?after=x", json!({}), "after"),
    ] {
        let answer = world.call(method.clone(), path, &key, &body).await;
        let problem = problem(&answer, 422, "invalid");
        assert_eq!(
            problem["errors"][0]["field"], field,
            "{method} {path} {body}"
        );
    }
}
