//! API keys over REST: headers, idempotency, rate limits, and secrecy.

use std::{
    io,
    sync::{Arc, LazyLock, Mutex},
};

use crate::support::{
    Browser,
    product::product_with,
    program::{World, problem, with_key},
    request,
};
use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use domain::{Permission, access::SystemRole, api_key::ApiKeyPath};
use serde_json::{Value, json};

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
        (Method::POST, "/api/memory_create"),
        (Method::POST, "/api/api_key_create"),
    ] {
        let answer = world
            .send(with_key(method.clone(), path, &key), Body::empty())
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
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
