//! An organisation's first day, run over REST alone.

use std::time::Duration;

use crate::support::{
    Answer,
    program::{World, problem, with_key},
};
use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use domain::access::SystemRole;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const NOTES: &str = "content,title,kind\n\
    Invoices above 500 need two signatures,Invoices,fact\n\
    The office closes at 18:00,Office,fact\n\
    ,Empty,fact\n";

async fn upload(world: &World, key: &str, query: &str, file: impl Into<Body>) -> Answer {
    let at = format!("/api/v1/imports{query}");
    let request =
        with_key(Method::POST, &at, key).header(header::CONTENT_TYPE, "application/octet-stream");
    world.send(request, file).await
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

fn id_of(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

#[tokio::test]
async fn organisation_is_set_up_over_rest_alone() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let create = async |path: &str, body: Value| {
        world
            .done(Method::POST, &format!("/api/v1{path}"), &key, &body)
            .await
    };

    let librarian = create(
        "/roles",
        json!({
            "name": "Librarian",
            "description": "Keeps what everybody should know.",
            "permissions": ["memory.read", "memory.write", "memory.share", "memory.import"],
        }),
    )
    .await;
    let team = create("/teams", json!({ "name": "Finance" })).await;
    create(
        "/group-mappings",
        json!({ "source": "group", "group_id": "finance", "team": id_of(&team) }),
    )
    .await;
    let seen = create("/group-mappings/simulate", json!({ "claims": "finance" })).await;
    assert_eq!(seen["person"]["reasons"][0]["granted"]["team"], "Finance");
    let invite = create(
        "/invites",
        json!({ "email": "nina@example.org", "team": id_of(&team), "days": 7 }),
    )
    .await;
    assert!(invite["link"].as_str().unwrap().contains("/invite/"));

    let service = create(
        "/service-accounts",
        json!({ "name": "Wiki", "kind": "service" }),
    )
    .await;
    let (service, librarian) = (id_of(&service), id_of(&librarian));
    let at = format!("/api/v1/members/{service}/roles/{librarian}");
    world.done(Method::PUT, &at, &key, &json!({})).await;
    let at = format!("/api/v1/teams/{}/members/{service}", id_of(&team));
    let member = json!({ "role": "member" });
    world.done(Method::PUT, &at, &key, &member).await;
    let scopes = json!([
        "memory.read",
        "memory.write",
        "memory.share",
        "memory.import"
    ]);
    let made = create(
        "/organisation/api-keys",
        json!({ "owner_id": service, "label": "Import", "scopes": scopes }),
    )
    .await;
    let wiki = made["key"].as_str().unwrap();

    let answer = upload(&world, wiki, "?file_name=notes.csv", NOTES).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let import = format!("/api/v1/imports/{}", id_of(&json_of(&answer)));
    assert_eq!(answer.header("location"), import);
    let options = json!({ "choice": { "tags": "handbook" } });
    let preview = world
        .done(Method::POST, &format!("{import}/preview"), wiki, &options)
        .await;
    assert_eq!(preview["format"], "csv");
    assert_eq!(
        (&preview["good"], &preview["failed"]),
        (&json!(2), &json!(1))
    );
    world
        .done(Method::POST, &format!("{import}/confirm"), wiki, &options)
        .await;
    let done = imported(&world, wiki, &import).await;
    assert_eq!(done["report"]["imported"], 2);
    assert_eq!(done["report"]["failed"], 1);

    let list = world
        .look("/api/v1/memories?tag=handbook&origin=import", wiki)
        .await;
    let invoices = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|memory| memory["title"] == "Invoices")
        .unwrap();
    let share = format!("/api/v1/memories/{}/share", id_of(invoices));
    let with_team = json!({ "version": 1, "audience": id_of(&team) });
    let proposed = world.done(Method::POST, &share, wiki, &with_team).await;
    assert_eq!(proposed["outcome"], "proposed");
    let accept = format!(
        "/api/v1/proposals/{}/accept",
        proposed["proposal_id"].as_str().unwrap()
    );
    world.done(Method::POST, &accept, &key, &json!({})).await;
    let shared = world
        .look("/api/v1/memories?visibility=team&tag=handbook", wiki)
        .await;
    assert_eq!(shared["items"][0]["title"], "Invoices");

    let file = world
        .get("/api/v1/memories/export?format=csv&tag=handbook", wiki)
        .await;
    assert_eq!(file.status, StatusCode::OK, "{}", file.body);
    assert!(file.header("content-disposition").contains(".csv"));
    assert_eq!(file.body.lines().count(), 3, "{}", file.body);
}

/// Runs a worker until the import has ended.
async fn imported(world: &World, key: &str, import: &str) -> Value {
    let stop = CancellationToken::new();
    let settings = service::WorkerSettings {
        poll: time::Duration::milliseconds(20),
        ..service::WorkerSettings::default()
    };
    let worker = tokio::spawn(service::work(world.ctx(), settings, stop.clone()));
    for _ in 0..500 {
        let seen = world.look(import, key).await;
        if seen["job"]["status"] == "completed" {
            stop.cancel();
            worker.await.unwrap();
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the import did not end in 10 s");
}

#[tokio::test]
async fn rejected_uploads_and_exports_name_the_field_and_leave_nothing() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    for (query, file, field) in [
        ("", "content\nTea\n", "file_name"),
        ("?file_name=a.csv&colour=red", "content\nTea\n", "colour"),
        ("?file_name=a.csv&format=docx", "content\nTea\n", "format"),
        ("?file_name=a.csv", "", "file"),
        ("?file_name=a.csv", "\u{0}\u{1}\u{2}", "file"),
    ] {
        let answer = upload(&world, &key, query, file).await;
        let problem = problem(&answer, 422, "invalid");
        let error = &problem["errors"][0];
        assert!(
            error["field"] == field || error["message"].as_str().unwrap().contains(field),
            "{query}: {problem}"
        );
    }
    assert_eq!(world.app.count("SELECT count(*) FROM imports").await, 0);
    let request = with_key(Method::POST, "/api/v1/imports?file_name=a.csv", &key)
        .header(header::CONTENT_LENGTH, 300 * 1024 * 1024);
    problem(&world.send(request, "content\n").await, 413, "too_large");

    let one = upload(&world, &key, "?file_name=a.csv", "content\nTea\n").await;
    assert_eq!(one.status, StatusCode::CREATED, "{}", one.body);
    let again = upload(&world, &key, "?file_name=b.csv", "content\nTea\n").await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.body);
    assert_eq!(json_of(&again)["id"], json_of(&one)["id"]);
    assert_eq!(json_of(&again)["is_duplicate"], true);

    let import = format!("/api/v1/imports/{}", id_of(&json_of(&one)));
    let bad = json!({ "choice": { "colour": "red" } });
    let answer = world
        .call(Method::POST, &format!("{import}/confirm"), &key, &bad)
        .await;
    let problem_ = problem(&answer, 422, "invalid");
    assert_eq!(problem_["errors"][0]["field"], "choice.colour");
    world.done(Method::DELETE, &import, &key, &json!({})).await;
    problem(&world.get(&import, &key).await, 404, "not_found");

    for (query, field) in [
        ("", "format"),
        ("?format=pdf", "format"),
        ("?format=csv&kind=poem", "kind"),
        ("?format=csv&colour=red", "filter"),
    ] {
        let answer = world
            .get(&format!("/api/v1/memories/export{query}"), &key)
            .await;
        let problem = problem(&answer, 422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field);
    }
}
