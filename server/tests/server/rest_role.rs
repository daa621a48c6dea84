//! Roles over REST, from creating one to deleting it.

use crate::support::program::{World, problem};
use axum::http::{Method, StatusCode};
use domain::access::SystemRole;
use serde_json::{Value, json};

const AT: &str = "/api/v1/roles";

#[tokio::test]
async fn role_is_created_changed_and_deleted() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;

    let input = json!({ "name": " Auditor ", "permissions": ["audit.read"] });
    let answer = world.call(Method::POST, AT, &key, &input).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let created: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        (&created["name"], &created["key"]),
        (&json!("Auditor"), &json!("auditor"))
    );
    let role = format!("{AT}/{}", created["id"].as_str().unwrap());
    assert_eq!(answer.header("location"), role);

    let mut input = json!({
        "version": 1,
        "name": "Reader",
        "description": "Reads.",
        "permissions": ["audit.read", "member.read"],
    });
    let answer = world.call(Method::PUT, &role, &key, &input).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
    let answer = world.call(Method::PUT, &role, &key, &input).await;
    problem(&answer, 409, "conflict");
    input["permissions"] = json!(["platform.operate"]);
    let answer = world.call(Method::PUT, &role, &key, &input).await;
    let refused = problem(&answer, 422, "invalid");
    assert_eq!(refused["errors"][0]["field"], "permissions");

    let detail = world.look(&role, &key).await;
    assert_eq!(
        (&detail["name"], &detail["key"]),
        (&json!("Reader"), &json!("auditor"))
    );
    assert_eq!(detail["permissions"], json!(["audit.read", "member.read"]));
    assert_eq!(
        (&detail["version"], &detail["holder_count"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(
        (&detail["may_edit"], &detail["holders"]),
        (&json!(true), &json!([]))
    );
    let list = world.look(AT, &key).await;
    let items = list["items"].as_array().unwrap();
    assert_eq!(items[0]["key"], "owner");
    assert_eq!(items.last().unwrap()["name"], "Reader");

    let stale = format!("{role}?version=2&holder_count=3");
    let answer = world.call(Method::DELETE, &stale, &key, &json!({})).await;
    problem(&answer, 409, "conflict");
    let now = format!("{role}?version=2&holder_count=0");
    let answer = world.call(Method::DELETE, &now, &key, &json!({})).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
    problem(&world.get(&role, &key).await, 404, "not_found");
}
