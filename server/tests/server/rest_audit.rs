//! The audit log over REST.

use crate::support::program::{World, problem};
use axum::http::Method;
use domain::access::SystemRole;
use serde_json::json;

#[tokio::test]
async fn audit_log_is_filtered_and_shows_changes_as_json() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let input = json!({ "name": "Design" });
    world
        .done(Method::POST, "/api/v1/teams", &key, &input)
        .await;

    let path = format!(
        "/api/v1/audit?action=team&outcome=success&actor={}",
        world.owner.user_id
    );
    let page = world.look(&path, &key).await;
    let entry = &page["items"][0];
    assert_eq!(entry["action"], "team.create");
    assert_eq!(entry["actor_label"], "Olga");
    assert_eq!(entry["resource_type"], "team");
    assert_eq!(entry["changes"], json!({ "after": { "name": "Design" } }));
    assert_eq!(page["items"].as_array().unwrap().len(), 1);

    for (query, field) in [
        ("outcome=good", "outcome"),
        ("actor=Mia", "actor"),
        ("after=x", "after"),
        ("colour=red", "colour"),
    ] {
        let answer = world.get(&format!("/api/v1/audit?{query}"), &key).await;
        let refused = problem(&answer, 422, "invalid");
        assert_eq!(refused["errors"][0]["field"], field, "{query}");
    }
}
