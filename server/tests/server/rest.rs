//! The REST API through the product's own router: authentication of each
//! operation, the scopes of keys, and error responses.

use std::{
    io,
    sync::{Arc, LazyLock, Mutex},
};

use crate::support::{
    self, Browser,
    product::product_with,
    program::{World, problem, share, with_key},
    request,
};
use axum::{
    body::Body,
    http::{Method, StatusCode, header, request::Builder},
};
use domain::{
    Actor, ImportId, MemoryViewId, NotificationId, Permission, PersonaId, ProposalId,
    access::SystemRole,
    api_key::{ApiKeyPath, ServiceAccountInput},
    group_mapping::GroupMappingInput,
    invite::InviteInput,
    memory_view::{MemoryViewInput, MemoryViewQuery},
    notification::{MemoryProposed, NotificationData},
    persona::PersonaInput,
    share::{Audience, ShareOutcome},
};
use serde_json::{Value, json};
use service::Upload;

/// Method, path, permissions (any of which is enough), query and body of each
/// operation in the document.
fn operations(document: &Value) -> Vec<(Method, String, Vec<Permission>, String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else {
                continue;
            };
            if !operation.is_object() {
                continue;
            }
            let permissions: Vec<Permission> = operation["security"]
                .as_array()
                .unwrap()
                .iter()
                .map(|either| either["key"][0].as_str().unwrap().parse().unwrap())
                .collect();
            assert!(!permissions.is_empty(), "{method} {path} needs nothing");
            let (query, sample) = support::sample::request(document, operation);
            let query = match path.as_str() {
                "/memories/export" => "format=csv".to_owned(),
                _ => query,
            };
            let path = format!("/api/v1{path}");
            let body = body(&method, &path).unwrap_or(sample);
            all.push((method, path, permissions, query, body));
        }
    }
    all
}

fn named(path: &str, id: &str) -> String {
    path.replace("{id}", id)
        .replace("{user_id}", &uuid::Uuid::nil().to_string())
        .replace("{role_id}", &uuid::Uuid::nil().to_string())
        .replace("{session_id}", &uuid::Uuid::nil().to_string())
        .replace("{version}", "1")
}

/// A body for operations that the sample request doesn't fit.
fn body(method: &Method, path: &str) -> Option<Value> {
    let body = match (method.as_str(), path) {
        ("POST", "/api/v1/api-keys") => json!({ "label": "Second", "scopes": ["api_key.own"] }),
        ("POST", "/api/v1/embedding-models") => json!({ "source": "local" }),
        ("POST", "/api/v1/group-mappings") => {
            json!({ "source": "group", "group_id": "Finance", "team": "TEAM" })
        }
        ("POST", "/api/v1/organisation/api-keys") => {
            json!({ "owner_id": "SERVICE", "label": "Its", "scopes": ["memory.read"] })
        }
        ("POST", "/api/v1/service-accounts") => json!({ "name": "Exporter", "kind": "service" }),
        ("POST", "/api/v1/imports") => json!({ "content": "Tea at three" }),
        ("POST", "/api/v1/memories") => json!({ "content": "Tea at four" }),
        ("POST", "/api/v1/memories/batch") => {
            json!({ "items": [{ "op": "create", "content": "Tea at five" }] })
        }
        ("POST", "/api/v1/members/bulk" | "/api/v1/members/bulk-preview") => {
            json!({ "act": "suspend", "ids": [uuid::Uuid::nil()] })
        }
        ("PATCH", "/api/v1/memories/{id}") => json!({ "version": 1, "title": "Tea" }),
        ("POST", "/api/v1/memories/{id}/share") => json!({ "version": 1, "audience": "org" }),
        ("POST", "/api/v1/memories/{id}/versions/{version}/restore") => json!({ "current": 2 }),
        _ => return None,
    };
    Some(body)
}

/// The id of an object of another organisation for each kind, by path.
async fn foreign_ids(world: &World) -> impl Fn(&str) -> String {
    let other = world.app.db.tenant("other").await;
    let eve = other.actor(SystemRole::Owner, "Eve").await;
    let their_key = world.key_of(&eve, &[Permission::ApiKeyOwn]).await.id;
    let their_memory = world.memory_of(&eve, "Theirs").await;
    let their_proposal = proposed(world, &eve).await;
    let their_view = view(world, &eve).await;
    let their_notification = notification(world, &eve).await;
    let their_persona = persona(world, &eve).await;
    let their_team = other.team("Theirs", &[eve.user_id]).await;
    let their_role: uuid::Uuid = sqlx::query_scalar("SELECT id FROM roles WHERE tenant_id = $1")
        .bind(other.id)
        .fetch_one(&world.app.db.admin)
        .await
        .unwrap();
    let invite = InviteInput {
        days: "7".into(),
        ..InviteInput::default()
    };
    let their_invite = service::call::<service::InviteCreate>(&world.ctx(), &eve, invite)
        .await
        .unwrap()
        .id;
    let mapping = GroupMappingInput {
        source: "group".into(),
        group_id: "Theirs".into(),
        team: their_team.to_string(),
        ..GroupMappingInput::default()
    };
    let their_mapping = service::call::<service::GroupMappingCreate>(&world.ctx(), &eve, mapping)
        .await
        .unwrap()
        .id;
    let account = ServiceAccountInput {
        name: "Theirs".into(),
        kind: "agent".into(),
    };
    let their_account = service::call::<service::ServiceAccountCreate>(&world.ctx(), &eve, account)
        .await
        .unwrap()
        .id;
    let their_model: uuid::Uuid =
        sqlx::query_scalar("SELECT id FROM embedding_models WHERE tenant_id = $1")
            .bind(other.id.0)
            .fetch_one(&world.app.db.admin)
            .await
            .unwrap();
    let their_import = import(world, &eve).await;
    move |path| match path {
        "/api/v1/api-keys/{id}" | "/api/v1/organisation/api-keys/{id}" => their_key.to_string(),
        path if path.starts_with("/api/v1/embedding-models/") => their_model.to_string(),
        "/api/v1/group-mappings/{id}" => their_mapping.to_string(),
        path if path.starts_with("/api/v1/imports/") => their_import.to_string(),
        path if path.starts_with("/api/v1/invites/") => their_invite.to_string(),
        "/api/v1/members/bulk/{id}" => eve.request.request_id.to_string(),
        path if path.starts_with("/api/v1/members/") => eve.user_id.to_string(),
        path if path.starts_with("/api/v1/memories/") => their_memory.to_string(),
        "/api/v1/memory-views/{id}" => their_view.to_string(),
        "/api/v1/notifications/{id}/read" => their_notification.to_string(),
        "/api/v1/personas/{id}" => their_persona.to_string(),
        path if path.starts_with("/api/v1/proposals/") => their_proposal.to_string(),
        "/api/v1/roles/{id}" => their_role.to_string(),
        path if path.starts_with("/api/v1/service-accounts/") => their_account.to_string(),
        path if path.starts_with("/api/v1/teams/") => their_team.to_string(),
        other => panic!("name something of another organisation for {other}"),
    }
}

#[tokio::test]
async fn openapi_document_is_as_reviewed() {
    insta::assert_json_snapshot!("openapi", World::new().await.document().await);
}

// SEC-B3, SEC-C6, SEC-D5, SEC-G: one test for all operations.
#[tokio::test]
async fn every_operation_requires_a_key_and_its_permission() {
    let world = World::new().await;
    let mut browser = world.app.browser();
    browser.router = world.router.clone();
    browser.sign_in(&world.app.issuer).await;
    let theirs = foreign_ids(&world).await;
    let team = world.app.tenant.team("Ours", &[]).await.to_string();
    let service = world.service(SystemRole::Viewer).await.to_string();

    let operations = operations(&world.document().await);
    assert!(operations.len() >= 37, "{operations:?}");
    let everything = world.key(SystemRole::Owner.permissions()).await.key;
    for (method, path, permissions, query, body) in &operations {
        let permission = &permissions[0];
        let json = |request: Builder| request.header(header::CONTENT_TYPE, "application/json");
        let given = body
            .to_string()
            .replace("TEAM", &team)
            .replace("SERVICE", &service);
        let at = |id: &str| format!("{}?{query}", named(path, id));
        let nowhere = at(&uuid::Uuid::nil().to_string());

        let answer = world
            .send(json(request(method.clone(), &nowhere)), given.clone())
            .await;
        problem(&answer, 401, "unauthenticated");
        assert_eq!(
            answer.header("www-authenticate"),
            "Bearer",
            "{method} {path}"
        );

        // A session cookie is not accepted, whatever headers come with it.
        let asked = json(request(method.clone(), &nowhere)).header("sec-fetch-site", "same-origin");
        let answer = browser
            .send(asked.body(Body::from(given.clone())).unwrap())
            .await;
        problem(&answer, 401, "unauthenticated");

        let lacking: Vec<_> = SystemRole::Owner
            .permissions()
            .iter()
            .copied()
            .filter(|p| !permissions.contains(p) && Some(*p) != in_place_of(path))
            .collect();
        // A key without the permission to manage keys is still accepted here.
        let lacking = world.key(&lacking).await.key;
        let answer = world
            .send(
                json(with_key(method.clone(), &nowhere, &lacking)),
                given.clone(),
            )
            .await;
        let refusal = problem(&answer, 403, "forbidden");
        assert_eq!(refusal["permission"], permission.key(), "{method} {path}");

        if path.contains("{id}") {
            for id in [
                theirs(path).as_str(),
                &uuid::Uuid::nil().to_string(),
                "1",
                "%27%20OR%20%271",
            ] {
                let request = json(with_key(method.clone(), &at(id), &everything));
                problem(&world.send(request, given.clone()).await, 404, "not_found");
            }
        } else {
            let request = json(with_key(method.clone(), &nowhere, &everything));
            let answer = world.send(request, given).await;
            // Tests have no model, so no switch can start.
            let is_expected = match path.as_str() {
                "/api/v1/embedding-models" if method == Method::POST => answer.status == 422,
                _ => answer.status.is_success(),
            };
            assert!(is_expected, "{method} {path}: {}", answer.body);
        }
    }
}

async fn view(world: &World, actor: &Actor) -> MemoryViewId {
    let view = MemoryViewInput {
        name: "Theirs".into(),
        query: MemoryViewQuery {
            query: "tea".into(),
            ..MemoryViewQuery::default()
        },
    };
    service::call::<service::MemoryViewCreate>(&world.ctx(), actor, view)
        .await
        .unwrap()
        .id
}

/// A file that the actor uploaded and that waits to be imported.
async fn import(world: &World, actor: &Actor) -> ImportId {
    let ctx = world.ctx();
    let mut upload = Upload::begin(&ctx, actor, "notes.txt").await.unwrap();
    upload.write(b"Tea at four").await.unwrap();
    upload.finish(None).await.unwrap().id
}

async fn persona(world: &World, actor: &Actor) -> PersonaId {
    let persona = PersonaInput {
        name: "Theirs".into(),
        description: String::new(),
    };
    service::call::<service::PersonaCreate>(&world.ctx(), actor, persona)
        .await
        .unwrap()
        .id
}

/// A member's notification of a pending proposal.
async fn notification(world: &World, actor: &Actor) -> NotificationId {
    let id = store::testing::id();
    let notice = NotificationData::MemoryProposed(MemoryProposed {
        proposal: store::testing::id(),
        proposer: "Max".into(),
        team: None,
        is_change: false,
    });
    let ctx = world.ctx();
    let mut tx = ctx.store.begin(actor).await.unwrap();
    let now = ctx.clock.now();
    store::notification::notification_create(&mut tx, id, actor.user_id, &notice, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

/// A member's memory, proposed to the whole organisation.
async fn proposed(world: &World, actor: &Actor) -> ProposalId {
    let memory = world.memory_of(actor, "Theirs, too").await;
    let mut actor = actor.clone();
    // A member who may decide it would share at once.
    actor.permissions.remove(&Permission::MemoryReview);
    let ctx = world.ctx();
    match share(&ctx, &actor, (memory, 1), Audience::Org, "").await {
        ShareOutcome::Proposed { proposal_id } => proposal_id,
        other => panic!("{other:?}"),
    }
}

/// Another permission that opens an operation.
fn in_place_of(path: &str) -> Option<Permission> {
    let decides = path.starts_with("/api/v1/proposals");
    decides.then_some(Permission::MemoryReview)
}

#[tokio::test]
async fn document_describes_every_operation() {
    let world = World::new().await;
    let document = world.document().await;
    assert_eq!(
        document["components"]["securitySchemes"]["key"]["scheme"],
        "bearer"
    );
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let what = format!("{method} {path}");
            for text in ["summary", "operationId"] {
                assert!(
                    operation[text].as_str().is_some_and(|t| !t.is_empty()),
                    "{what}: {text}"
                );
            }
            assert!(operation["tags"][0].is_string(), "{what}");
            let default = &operation["responses"]["default"]["content"]["application/problem+json"];
            assert_eq!(
                default["schema"]["$ref"], "#/components/schemas/Problem",
                "{what}"
            );
            let parameters = operation["parameters"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let repeatable = parameters.iter().any(|p| p["name"] == "Idempotency-Key");
            // An upload needs no idempotency key: the same bytes give the same import.
            let is_kept = method != "get" && what != "post /imports";
            assert_eq!(repeatable, is_kept, "{what}");
        }
    }
    // Every reference resolves.
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

// SEC-D5
#[tokio::test]
async fn key_is_accepted_in_each_header_until_it_is_revoked() {
    let world = World::new().await;
    let key = world
        .key(&[Permission::ProfileManage, Permission::MemoryRead])
        .await;
    for (name, value) in [
        ("authorization", format!("Bearer {}", key.key)),
        ("authorization", format!("bearer {}", key.key)),
        ("x-api-key", key.key.clone()),
    ] {
        let request = request(Method::GET, "/api/v1/me").header(name, value);
        let answer = world.send(request, Body::empty()).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.body);
        let me: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(me["permissions"], json!(["memory.read", "profile.manage"]));
        assert_eq!(me["user_id"], world.owner.user_id.to_string());
        assert_eq!(me["api_key_id"], key.id.to_string());
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let second = world.key(&[Permission::ProfileManage]).await;
    let two = with_key(Method::GET, "/api/v1/me", &key.key).header("x-api-key", &second.key);
    problem(&world.send(two, Body::empty()).await, 400, "transport");

    // SEC-B3: with the next request.
    service::call::<service::ApiKeyRevoke>(&world.ctx(), &world.owner, ApiKeyPath { id: key.id })
        .await
        .unwrap();
    let answer = world.get("/api/v1/me", &key.key).await;
    let problem = problem(&answer, 401, "unauthenticated");
    assert!(problem["detail"].as_str().unwrap().contains("revoked"));
}

/// A key opens `/api/v1` and nothing else, with and without a session.
#[tokio::test]
async fn key_is_not_accepted_where_cookies_are() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    for (method, path) in [
        (Method::GET, "/keys"),
        (Method::GET, "/"),
        (Method::POST, "/api/me_get"),
        (Method::POST, "/api/api_key_create"),
    ] {
        let answer = world
            .send(with_key(method.clone(), path, &key), Body::empty())
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
}

// SEC-B10
#[tokio::test]
async fn unreadable_request_is_a_problem_response() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let json = |path: &str| {
        with_key(Method::POST, path, &key).header(header::CONTENT_TYPE, "application/json")
    };
    let at = "/api/v1/api-keys";
    for (request, body, status, code) in [
        (json(at), "{", 400, "transport"),
        (json(at), "", 422, "invalid"),
        (json(at), "[]", 422, "invalid"),
        (
            json(at),
            r#"{"label":"x","scopes":["memory.read"],"role":"owner"}"#,
            422,
            "invalid",
        ),
        (
            json(at),
            r#"{"label":"x","scopes":["memory.read"],"lifetime":-1}"#,
            422,
            "invalid",
        ),
        (
            with_key(Method::POST, at, &key),
            "{}",
            415,
            "unsupported_media_type",
        ),
        (json("/api/v1/nothing"), "{}", 404, "not_found"),
        (json("/api/v1"), "{}", 404, "not_found"),
        (json("/api/v1/me"), "{}", 405, "method_not_allowed"),
        (
            with_key(Method::GET, "/api/v1/api-keys?ended=perhaps", &key),
            "",
            422,
            "invalid",
        ),
        (
            with_key(Method::GET, "/api/v1/api-keys?after=x", &key),
            "",
            422,
            "invalid",
        ),
        (
            with_key(Method::GET, "/api/v1/audit?outcome=x", &key),
            "",
            422,
            "invalid",
        ),
    ] {
        let answer = world.send(request, body).await;
        problem(&answer, status, code);
    }
    let answer = world
        .post(at, &key, "", &json!({ "label": "", "scopes": ["x"] }))
        .await;
    let told = problem(&answer, 422, "invalid");
    let fields: Vec<_> = told["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["field"])
        .collect();
    assert_eq!(fields, ["label", "scopes"]);
    let answer = world.send(json(at), "x".repeat(600_000)).await;
    problem(&answer, 413, "too_large");
    // SEC-G: text that looks like SQL is not a key.
    for key in ["' OR 1=1 --", "atr_' OR ''='"] {
        let answer = world.get("/api/v1/me", key).await;
        problem(&answer, 401, "unauthenticated");
    }
}

// SEC-F5
#[tokio::test]
async fn repeated_call_has_the_same_response_and_runs_once() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let at = "/api/v1/api-keys";
    let call = json!({ "label": "Once", "scopes": ["memory.read"], "lifetime": 7 });
    let before = world.keys().await;
    let first = world.post(at, &key, "call-1", &call).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    assert_eq!(first.header("idempotency-replayed"), "");
    let again = world.post(at, &key, "call-1", &call).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.location(), first.location());
    assert_eq!(again.header("content-type"), "application/json");
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(world.keys().await, before + 1);

    let other = json!({ "label": "Twice", "scopes": ["memory.read"] });
    let told = problem(
        &world.post(at, &key, "call-1", &other).await,
        422,
        "invalid",
    );
    assert_eq!(told["errors"][0]["field"], "Idempotency-Key");

    // Another key of the same member is another caller.
    let second = world.key(SystemRole::Owner.permissions()).await.key;
    let theirs = world.post(at, &second, "call-1", &call).await;
    assert_eq!(theirs.status, StatusCode::CREATED);
    assert_ne!(theirs.body, first.body);

    // A failed call changed nothing and may be repeated with the same key.
    let bad = json!({ "label": "", "scopes": ["memory.read"] });
    problem(&world.post(at, &key, "call-2", &bad).await, 422, "invalid");
    let mended = world.post(at, &key, "call-2", &call).await;
    assert_eq!(mended.status, StatusCode::CREATED, "{}", mended.body);

    // SEC-D3: the stored response with the API key is encrypted.
    let made: Value = serde_json::from_str(&first.body).unwrap();
    let made = made["key"].as_str().unwrap().as_bytes();
    let answers: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT answer FROM idempotency_keys WHERE answer IS NOT NULL")
            .fetch_all(&world.app.db.admin)
            .await
            .unwrap();
    assert_eq!(answers.len(), 3);
    for answer in answers {
        assert!(!answer.windows(8).any(|window| window == &made[8..16]));
    }

    world.app.clock.forward(time::Duration::DAY);
    let later = world.post(at, &key, "call-1", &call).await;
    assert_eq!(later.status, StatusCode::CREATED);
    assert_ne!(later.body, first.body);
}

// SEC-F5
#[tokio::test]
async fn call_in_progress_is_a_conflict() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let call = json!({ "label": "Once", "scopes": ["memory.read"] });
    let before = world.keys().await;
    let calls = (0..5).map(|_| world.post("/api/v1/api-keys", &key, "race", &call));
    let answers = futures::future::join_all(calls).await;
    let made: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::CREATED)
        .collect();
    assert!(made.iter().all(|answer| answer.body == made[0].body));
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer.status.as_u16(), 201 | 409))
    );
    assert_eq!(world.keys().await, before + 1);

    sqlx::query("UPDATE idempotency_keys SET answer = NULL")
        .execute(&world.app.db.admin)
        .await
        .unwrap();
    let answer = world.post("/api/v1/api-keys", &key, "race", &call).await;
    problem(&answer, 409, "conflict");
    assert_eq!(world.keys().await, before + 1);
}

// SEC-B9
#[tokio::test]
async fn each_key_has_a_rate_limit_and_sees_what_remains() {
    let world =
        World::with(|app| product_with(app, |config| config.api_calls_per_minute = 3)).await;
    let key = world.key(&[Permission::ProfileManage]).await.key;
    for left in [2, 1, 0] {
        let answer = world.get("/api/v1/me", &key).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("ratelimit-policy"), "\"key\";q=3;w=60");
        assert!(
            answer
                .header("ratelimit")
                .starts_with(&format!("\"key\";r={left};t="))
        );
    }
    let answer = world.get("/api/v1/me", &key).await;
    problem(&answer, 429, "too_many_requests");
    assert_eq!(answer.header("retry-after"), "21");
    assert_eq!(answer.header("ratelimit"), "\"key\";r=0;t=20");
    let other = world.key(&[Permission::ProfileManage]).await.key;
    assert_eq!(world.get("/api/v1/me", &other).await.status, StatusCode::OK);
    world.app.clock.forward(time::Duration::seconds(20));
    assert_eq!(world.get("/api/v1/me", &key).await.status, StatusCode::OK);
}

// SEC-B9
#[tokio::test]
async fn bad_keys_are_limited_and_good_ones_from_the_same_address_are_not() {
    let world = World::new().await;
    let revoked = world.key(&[Permission::ProfileManage]).await;
    service::call::<service::ApiKeyRevoke>(
        &world.ctx(),
        &world.owner,
        ApiKeyPath { id: revoked.id },
    )
    .await
    .unwrap();
    let unknown = world.key(&[Permission::ProfileManage]).await;
    sqlx::query("DELETE FROM api_keys WHERE id = $1")
        .bind(unknown.id)
        .execute(&world.app.db.admin)
        .await
        .unwrap();
    let used = world.key(&[Permission::ProfileManage]).await.key;
    let unused = world.key(&[Permission::ProfileManage]).await.key;
    let me = async |key: &str| world.get("/api/v1/me", key).await;
    assert_eq!(me(&used).await.status, StatusCode::OK);

    for _ in 0..15 {
        for bad in [&revoked.key, &unknown.key] {
            problem(&me(bad).await, 401, "unauthenticated");
        }
    }
    for _ in 0..10 {
        for bad in [&revoked.key, &unknown.key] {
            let answer = me(bad).await;
            problem(&answer, 429, "too_many_requests");
            assert_eq!(answer.header("retry-after"), "3");
        }
        assert_eq!(me(&used).await.status, StatusCode::OK);
    }
    assert_eq!(me(&unused).await.status, StatusCode::OK);
    // A good key is accepted by MCP as well, which shares the limits.
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let asked = with_key(Method::POST, "/mcp", &unused)
        .header(header::HOST, "atrium.example")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, text/event-stream");
    assert_eq!(
        world.send(asked, call.to_string()).await.status,
        StatusCode::OK
    );

    // Limited calls are not audited, so an attacker can't fill the audit log.
    let audited = world.app.count(
        "SELECT count(*) FROM audit_log WHERE action = 'api_key.use' AND outcome = 'denied'",
    );
    assert_eq!(audited.await, 15);
    world.app.clock.forward(time::Duration::seconds(3));
    problem(&me(&unknown.key).await, 401, "unauthenticated");
}

/// The log output of all tests of this program.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .init();
    log
});

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// SEC-D3, SEC-D5: the secret is in the responses that show it, and in no log.
#[tokio::test]
async fn key_appears_in_no_log_and_on_one_page_only() {
    LazyLock::force(&LOG);
    let world = World::new().await;
    let maker = world.key(SystemRole::Owner.permissions()).await.key;
    let call = json!({ "label": "By a program", "scopes": ["memory.read"] });
    let answer = world
        .post("/api/v1/api-keys", &maker, "canary", &call)
        .await;
    let made: Value = serde_json::from_str(&answer.body).unwrap();
    let by_program = made["key"].as_str().unwrap().to_owned();

    let mut browser = world.app.browser();
    browser.router = world.router.clone();
    browser.sign_in(&world.app.issuer).await;
    let by_person = made_by_form(&mut browser).await;

    let mut keys = vec![maker, by_program, by_person];
    for key in keys.clone() {
        world.get("/api/v1/me", &key).await;
        let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
        let asked = with_key(Method::POST, "/mcp", &key)
            .header(header::HOST, "atrium.example")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream");
        assert_eq!(
            world.send(asked, list.to_string()).await.status,
            StatusCode::OK
        );
        world.get("/api/v1/me", &key[..36]).await;
        keys.push(key[..36].to_owned());
    }
    for path in ["/keys", "/keys/new", "/keys/all", "/audit", "/profile"] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        for key in &keys {
            assert!(!page.body.contains(&key[8..]), "{path}");
        }
    }
    let log = String::from_utf8(LOG.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("/api/v1/api-keys"), "the log was captured");
    for key in &keys {
        assert!(!log.contains(&key[8..30]));
    }
}

/// Creates a key by the form, as a browser without scripts does: the response is
/// the page itself, and no address leads to it again.
async fn made_by_form(browser: &mut Browser) -> String {
    let form = browser.get("/keys/new").await;
    let owner = form.body.split("name=\"owner\" value=\"").nth(1).unwrap()[..36].to_owned();
    let request = request(Method::POST, "/keys/new")
        .header("sec-fetch-site", "same-origin")
        .header(header::ACCEPT, "text/html")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let body = format!(
        "call=api_key_create&owner={owner}&label=By+hand&scopes%5B%5D=memory.read&scopes%5B%5D=audit.read&lifetime=30"
    );
    let page = browser.send(request.body(Body::from(body)).unwrap()).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.location(), "");
    assert_eq!(browser.set, Vec::<String>::new());
    let at = page.body.find("atr_").unwrap();
    page.body[at..at + 37].to_owned()
}
