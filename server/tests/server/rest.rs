//! The REST API through the product's own router: the document, authorisation of
//! each operation, and unreadable requests.

use crate::support::{
    self,
    program::{World, problem, share, with_key},
    request,
};
use axum::{
    body::Body,
    http::{Method, header, request::Builder},
};
use domain::{
    Actor, ImportId, MemoryViewId, NotificationId, Permission, PersonaId, ProposalId,
    access::SystemRole,
    api_key::ServiceAccountInput,
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
        ..ServiceAccountInput::default()
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

#[tokio::test]
async fn document_that_the_client_has_is_not_sent_again() {
    let world = World::new().await;
    let document = || request(Method::GET, "/api/v1/openapi.json");
    let first = world.send(document(), Body::empty()).await;
    assert_eq!(first.header("cache-control"), "no-cache");
    let known = document().header(header::IF_NONE_MATCH, first.header("etag"));
    let again = world.send(known, Body::empty()).await;
    assert_eq!((again.status.as_u16(), again.body.as_str()), (304, ""));
    assert_eq!(again.header("etag"), first.header("etag"));
    let other = document().header(header::IF_NONE_MATCH, "\"other\"");
    assert_eq!(world.send(other, Body::empty()).await.body, first.body);
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
