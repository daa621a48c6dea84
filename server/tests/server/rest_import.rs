//! Imports over REST, from the uploaded file to its report.

use crate::support::program::{World, problem};
use axum::http::{Method, StatusCode};
use domain::{ImportId, access::SystemRole};
use serde_json::{Value, json};
use service::Upload;

const AT: &str = "/api/v1/imports";

async fn upload(world: &World, text: &str) -> ImportId {
    let ctx = world.ctx();
    let mut upload = Upload::begin(&ctx, &world.owner, "notes.csv")
        .await
        .unwrap();
    upload.write(text.as_bytes()).await.unwrap();
    upload.finish(None).await.unwrap().id
}

#[tokio::test]
async fn import_is_previewed_started_cancelled_and_retried() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let id = upload(&world, "Words,Labels\nTea at four,tea\nCoffee,\n").await;
    let path = format!("{AT}/{id}");
    let act = async |act: &str, body: &Value| {
        let path = format!("{path}/{act}");
        world.call(Method::POST, &path, &key, body).await
    };

    let list = world.look(AT, &key).await;
    assert_eq!(list["items"][0]["id"], json!(id));
    let waiting = world.look(&path, &key).await;
    assert_eq!(
        (&waiting["state"], &waiting["file_name"]),
        (&json!("preview"), &json!("notes.csv"))
    );
    let choice = json!({ "choice": { "columns": { "content": "Words", "tags": "Labels" } } });
    let preview = act("preview", &choice).await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
    let preview: Value = serde_json::from_str(&preview.body).unwrap();
    assert_eq!(
        (&preview["good"], &preview["records"][0]["tags"]),
        (&json!(2), &json!(["tea"]))
    );
    for (bad, field) in [
        (json!({ "choice": { "format": "song" } }), "format"),
        (json!({ "choice": { "colour": "green" } }), "choice.colour"),
        (json!({ "choice": 7 }), "choice"),
        (json!({ "colour": "green" }), "colour"),
    ] {
        for name in ["preview", "confirm"] {
            let refused = problem(&act(name, &bad).await, 422, "invalid");
            assert_eq!(refused["errors"][0]["field"], field, "{name} {bad}");
        }
    }
    problem(&act("cancel", &json!({})).await, 409, "conflict");

    let started = act("confirm", &choice).await;
    assert_eq!(started.status, StatusCode::NO_CONTENT, "{}", started.body);
    problem(&act("confirm", &choice).await, 409, "conflict");
    problem(&act("preview", &choice).await, 409, "conflict");
    problem(&act("retry", &json!({})).await, 409, "conflict");
    let started = world.look(&path, &key).await;
    assert_eq!(started["job"]["status"], "pending");
    for (name, status) in [("cancel", "cancelled"), ("retry", "pending")] {
        let answer = act(name, &json!({})).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
        let import = world.look(&path, &key).await;
        assert_eq!(import["job"]["status"], status);
    }
    let discard = world.call(Method::DELETE, &path, &key, &json!({})).await;
    problem(&discard, 409, "conflict");

    let other = upload(&world, "Words\nMilk\n").await;
    let path = format!("{AT}/{other}");
    let discard = world.call(Method::DELETE, &path, &key, &json!({})).await;
    assert_eq!(discard.status, StatusCode::NO_CONTENT, "{}", discard.body);
    problem(&world.get(&path, &key).await, 404, "not_found");
}
