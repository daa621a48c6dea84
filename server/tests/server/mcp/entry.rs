//! Authentication, rate limits and scopes of `/mcp`.

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use domain::{Permission, api_key::ApiKeyPath};
use serde_json::json;

use super::{
    AT, Mcp as _, SCOPES, member, message, result,
    support::{
        ORIGIN,
        product::product_with,
        program::{World, problem, with_key},
        request,
    },
    told, wrong,
};

// SEC-B3, SEC-D5
#[tokio::test]
async fn only_a_key_opens_mcp() {
    let world = World::new().await;
    let (mia, _) = member(&world, "Mia").await;
    let key = world.key_of(&mia, SCOPES).await;
    let list = message("tools/list", &json!({}));
    let mut browser = world.app.browser();
    browser.router = world.router.clone();
    browser.sign_in(&world.app.issuer).await;
    let asked = told(request(Method::POST, AT)).header("sec-fetch-site", "same-origin");
    let answer = browser
        .send(asked.body(Body::from(list.to_string())).unwrap())
        .await;
    problem(&answer, 401, "unauthenticated");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    for method in [Method::GET, Method::POST, Method::DELETE, Method::PUT] {
        let answer = world
            .send(told(request(method, AT)), list.to_string())
            .await;
        problem(&answer, 401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let unknown = world.say(&key.key.replace('a', "b"), &list).await;
    assert_eq!(unknown.status, StatusCode::UNAUTHORIZED);
    let two = told(with_key(Method::POST, AT, &key.key)).header("x-api-key", "atr_other");
    problem(&world.send(two, list.to_string()).await, 400, "transport");
    let other_header = told(request(Method::POST, AT)).header("x-api-key", &key.key);
    result(&world.send(other_header, list.to_string()).await);

    result(&world.say(&key.key, &list).await);
    let used = "SELECT count(*) FROM api_keys WHERE last_used_at IS NOT NULL";
    assert_eq!(world.app.count(used).await, 1);
    service::call::<service::ApiKeyRevoke>(&world.ctx(), &mia, ApiKeyPath { id: key.id })
        .await
        .unwrap();
    let answer = world.say(&key.key, &list).await;
    let refused = problem(&answer, 401, "unauthenticated");
    assert!(refused["detail"].as_str().unwrap().contains("revoked"));
}

// SEC-B9
#[tokio::test]
async fn key_has_one_rate_limit_for_rest_and_mcp() {
    let world =
        World::with(|app| product_with(app, |config| config.api_calls_per_minute = 2)).await;
    let (_, key) = member(&world, "Mia").await;
    assert_eq!(
        world.get("/api/v1/memories", &key).await.status,
        StatusCode::OK
    );
    let list = message("tools/list", &json!({}));
    let answer = world.say(&key, &list).await;
    assert_eq!(answer.header("ratelimit-policy"), "\"key\";q=2;w=60");
    result(&answer);
    problem(&world.say(&key, &list).await, 429, "too_many_requests");
}

/// DNS rebinding: a page whose name resolves to Atrium sends its own origin.
#[tokio::test]
async fn other_origins_are_rejected_before_their_key_is_checked() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let list = message("tools/list", &json!({})).to_string();
    for origin in [
        "https://evil.example",
        "null",
        "http://atrium.example",
        "https://atrium.example.evil.example",
        "https://atrium.example:8443",
        "http://localhost:3000",
        "",
    ] {
        for request in [
            told(with_key(Method::POST, AT, &key)),
            told(request(Method::POST, AT)),
        ] {
            let answer = world
                .send(request.header(header::ORIGIN, origin), list.clone())
                .await;
            problem(&answer, 403, "transport");
        }
    }
    let two = told(with_key(Method::POST, AT, &key))
        .header(header::ORIGIN, ORIGIN)
        .header(header::ORIGIN, "https://evil.example");
    problem(&world.send(two, list.clone()).await, 403, "transport");
    let ours = told(with_key(Method::POST, AT, &key)).header(header::ORIGIN, ORIGIN);
    result(&world.send(ours, list).await);
}

#[tokio::test]
async fn tools_outside_the_keys_scopes_are_neither_listed_nor_run() {
    let world = World::new().await;
    let (mia, key) = member(&world, "Mia").await;
    let looking = [
        "search",
        "fetch",
        "list_memories",
        "search_memories",
        "get_memory",
    ];
    let changing = ["add_memory", "update_memory", "delete_memory"];
    assert_eq!(
        world.tools(&key).await.len(),
        looking.len() + changing.len()
    );
    let reader = world.key_of(&mia, &[Permission::MemoryRead]).await.key;
    let writer = world.key_of(&mia, &[Permission::MemoryWrite]).await.key;
    let neither = world.key_of(&mia, &[Permission::ProfileManage]).await.key;
    assert_eq!(world.tools(&reader).await, looking);
    assert_eq!(world.tools(&writer).await, changing);
    assert_eq!(world.tools(&neither).await, Vec::<String>::new());

    let memory = world.memory_of(&mia, "Tea").await;
    let arguments = |tool: &str| match tool {
        "search" | "search_memories" => json!({ "query": "tea" }),
        "list_memories" => json!({}),
        "add_memory" => json!({ "content": "Tea" }),
        "update_memory" => json!({ "id": memory, "version": 1, "content": "Coffee" }),
        _ => json!({ "id": memory }),
    };
    for (tools, key, missing) in [
        (&looking[..], &writer, "memory.read"),
        (&changing[..], &reader, "memory.write"),
    ] {
        for tool in tools {
            let said = wrong(&world.tool(key, tool, arguments(tool)).await);
            assert!(said.contains(missing), "{tool}: {said}");
        }
    }
    assert_eq!(world.app.denials().await, 8);
    assert_eq!(
        world
            .app
            .count("SELECT count(*) FROM memories WHERE content = 'Tea'")
            .await,
        1
    );
}
