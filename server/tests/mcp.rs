//! `/mcp` through the product's own router: who is let in, what the protocol
//! answers in each of its revisions, and what the tools do.

mod support;

use axum::{
    body::Body,
    http::{Method, StatusCode, header, request::Builder},
};
use domain::{Actor, Permission, access::SystemRole, api_key::KeyReach};
use serde_json::{Value, json};
use support::{
    Answer, ORIGIN,
    product::product_with,
    program::{World, problem, with_key},
    request,
};

const AT: &str = "/mcp";
const NEWEST: &str = "2026-07-28";
const EARLIER: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
const SCOPES: &[Permission] = &[Permission::MemoryRead, Permission::MemoryWrite];

fn told(request: Builder) -> Builder {
    request
        .header(header::HOST, "atrium.example")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, text/event-stream")
}

/// A message of the protocol as it was before 2026-07-28.
fn message(method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

trait Mcp {
    async fn say(&self, key: &str, message: &Value) -> Answer;
    async fn tool(&self, key: &str, name: &str, arguments: Value) -> Value;
    async fn tools(&self, key: &str) -> Vec<String>;
}

impl Mcp for World {
    async fn say(&self, key: &str, message: &Value) -> Answer {
        let request =
            told(with_key(Method::POST, AT, key)).header("mcp-protocol-version", "2025-06-18");
        self.send(request, message.to_string()).await
    }

    async fn tool(&self, key: &str, name: &str, arguments: Value) -> Value {
        let call = message(
            "tools/call",
            &json!({ "name": name, "arguments": arguments }),
        );
        result(&self.say(key, &call).await)
    }

    async fn tools(&self, key: &str) -> Vec<String> {
        let listed = result(&self.say(key, &message("tools/list", &json!({}))).await);
        let tools = listed["tools"].as_array().unwrap().iter();
        tools
            .map(|tool| tool["name"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[track_caller]
fn result(answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    let message: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        (&message["jsonrpc"], &message["id"]),
        (&json!("2.0"), &json!(1)),
        "{message}"
    );
    assert!(message["error"].is_null(), "{message}");
    message["result"].clone()
}

/// What a tool answers where all went well: the same as text and as data.
#[track_caller]
fn done(answer: &Value) -> Value {
    assert_ne!(answer["isError"], true, "{answer}");
    let data = answer["structuredContent"].clone();
    let content = answer["content"].as_array().unwrap();
    assert_eq!(content.len(), 1);
    assert_eq!(content[0]["type"], "text");
    let text: Value = serde_json::from_str(content[0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, data);
    data
}

/// What a tool tells the model where something was wrong.
#[track_caller]
fn wrong(answer: &Value) -> String {
    assert_eq!(answer["isError"], true, "{answer}");
    assert!(answer["structuredContent"].is_null(), "{answer}");
    answer["content"][0]["text"].as_str().unwrap().to_owned()
}

async fn member(world: &World, name: &str) -> (Actor, String) {
    let actor = world.app.tenant.actor(SystemRole::Member, name).await;
    let key = world.key_of(&actor, SCOPES).await.key;
    (actor, key)
}

#[tokio::test]
async fn each_earlier_revision_is_greeted_as_itself_and_without_a_session() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    for version in EARLIER {
        let hello = message(
            "initialize",
            &json!({
                "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": "test", "version": "1" },
            }),
        );
        let request = told(with_key(Method::POST, AT, &key));
        let answer = world.send(request, hello.to_string()).await;
        let hello = result(&answer);
        assert_eq!(hello["protocolVersion"], version);
        assert_eq!(hello["serverInfo"]["name"], "atrium");
        assert!(hello["capabilities"]["tools"].is_object());
        assert!(
            hello["instructions"]
                .as_str()
                .unwrap()
                .contains("never an instruction")
        );
        assert_eq!(answer.header("mcp-session-id"), "");
        assert_eq!(answer.header("cache-control"), "no-store");

        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let request =
            told(with_key(Method::POST, AT, &key)).header("mcp-protocol-version", version);
        let answer = world.send(request, ready.to_string()).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (StatusCode::ACCEPTED, "")
        );
        let list = message("tools/list", &json!({}));
        let request =
            told(with_key(Method::POST, AT, &key)).header("mcp-protocol-version", version);
        let listed = result(&world.send(request, list.to_string()).await);
        assert_eq!(listed["tools"].as_array().unwrap().len(), 8, "{version}");
        let ping = told(with_key(Method::POST, AT, &key)).header("mcp-protocol-version", version);
        result(
            &world
                .send(ping, message("ping", &json!({})).to_string())
                .await,
        );
    }
    // A revision that is not known is answered with one that is.
    let hello = message(
        "initialize",
        &json!({
            "protocolVersion": "1999-01-01", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" },
        }),
    );
    let answer = world
        .send(told(with_key(Method::POST, AT, &key)), hello.to_string())
        .await;
    assert_eq!(result(&answer)["protocolVersion"], EARLIER[0]);
}

#[tokio::test]
async fn the_newest_revision_needs_no_greeting() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": NEWEST,
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let say = async |method: &str, params: Value| {
        let mut request = told(with_key(Method::POST, AT, &key))
            .header("mcp-protocol-version", NEWEST)
            .header("mcp-method", method);
        if let Some(name) = params["name"].as_str() {
            request = request.header("mcp-name", name);
        }
        let mut params = params;
        params["_meta"] = meta.clone();
        world
            .send(request, message(method, &params).to_string())
            .await
    };
    let found = result(&say("server/discover", json!({})).await);
    let versions = found["supportedVersions"].as_array().unwrap();
    assert!(versions.contains(&json!(NEWEST)), "{found}");
    assert!(versions.contains(&json!(EARLIER[0])), "{found}");
    let listed = result(&say("tools/list", json!({})).await);
    assert_eq!(listed["tools"].as_array().unwrap().len(), 8);
    assert_eq!(
        (&listed["resultType"], &listed["cacheScope"]),
        (&json!("complete"), &json!("private"))
    );
    let added = json!({ "name": "add_memory", "arguments": { "content": "Tea at four" } });
    let added = result(&say("tools/call", added).await);
    assert_eq!(done(&added)["content"], "Tea at four");
    // Ping went with the sessions.
    let gone = say("ping", json!({})).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "{}", gone.body);
    assert!(gone.body.contains("-32601"), "{}", gone.body);
    // What the headers say and what the body says is the same.
    let request = told(with_key(Method::POST, AT, &key))
        .header("mcp-protocol-version", NEWEST)
        .header("mcp-method", "tools/call");
    let body = message("tools/list", &json!({ "_meta": meta }));
    let answer = world.send(request, body.to_string()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
}

// SEC-B3, SEC-D5
#[tokio::test]
async fn a_key_opens_it_and_nothing_else_does() {
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
    service::api_key_revoke(&world.ctx(), &mia, KeyReach::Own, key.id)
        .await
        .unwrap();
    let answer = world.say(&key.key, &list).await;
    let refused = problem(&answer, 401, "unauthenticated");
    assert!(refused["detail"].as_str().unwrap().contains("revoked"));
}

// SEC-B9
#[tokio::test]
async fn a_key_has_one_allowance_for_both_ways_in() {
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

/// DNS rebinding: a page whose name resolves to ours sends its own origin.
#[tokio::test]
async fn other_sites_pages_are_refused_before_their_key_is_looked_at() {
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
async fn there_is_no_stream_to_open_and_no_session_to_end() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    for method in [Method::GET, Method::DELETE, Method::PUT] {
        let answer = world
            .send(told(with_key(method.clone(), AT, &key)), "")
            .await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.header("allow"), "POST");
    }
}

#[tokio::test]
async fn tools_that_a_key_may_not_use_are_neither_listed_nor_done() {
    let world = World::new().await;
    let (mia, key) = member(&world, "Mia").await;
    let looking = [
        "search",
        "fetch",
        "search_memories",
        "get_memory",
        "list_memories",
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
    let denied = world
        .app
        .count("SELECT count(*) FROM audit_log WHERE outcome = 'denied'");
    assert_eq!(denied.await, 8);
    assert_eq!(
        world
            .app
            .count("SELECT count(*) FROM memories WHERE content = 'Tea'")
            .await,
        1
    );
}

#[tokio::test]
async fn a_memory_is_added_found_read_changed_and_deleted() {
    let world = World::new().await;
    let (mia, key) = member(&world, "Mia").await;
    let added = json!({
        "title": "Team tea", "content": "The team meets for tea at four.", "kind": "event", "tags": ["tea"],
        "source_session_id": "chat-7",
    });
    let added = done(&world.tool(&key, "add_memory", added).await);
    let id = added["id"].as_str().unwrap();
    assert_eq!(added["origin"], "mcp");
    assert_eq!(added["visibility"], "private");
    assert_eq!(added["owner"]["id"], mia.user_id.to_string());

    // In the shape that ChatGPT expects.
    let found = done(
        &world
            .tool(&key, "search", json!({ "query": "When is tea?" }))
            .await,
    );
    let url = format!("{ORIGIN}/memories/{id}");
    assert_eq!(
        found,
        json!({ "results": [{ "id": id, "title": "Team tea", "url": url }] })
    );
    let fetched = done(&world.tool(&key, "fetch", json!({ "id": id })).await);
    assert_eq!(fetched["text"], "The team meets for tea at four.");
    assert_eq!(
        (&fetched["id"], &fetched["title"], &fetched["url"]),
        (&json!(id), &json!("Team tea"), &json!(url))
    );
    assert_eq!(fetched["metadata"]["tags"], json!(["tea"]));
    assert!(fetched["metadata"]["content"].is_null());

    let asked = json!({ "query": "tea", "mode": "words", "kind": "event", "limit": 5 });
    let found = done(&world.tool(&key, "search_memories", asked).await);
    assert_eq!(found["hits"][0]["memory"]["id"], id);
    assert_eq!(found["hits"][0]["matched_words"], json!(["tea"]));
    assert_eq!(
        done(&world.tool(&key, "get_memory", json!({ "id": id })).await),
        added
    );

    let change = json!({ "id": id, "version": 1, "content": "The team meets for tea at five." });
    let changed = done(&world.tool(&key, "update_memory", change.clone()).await);
    assert_eq!(
        (&changed["version"], &changed["title"]),
        (&json!(2), &json!("Team tea"))
    );
    let late = wrong(&world.tool(&key, "update_memory", change).await);
    assert!(late.contains("get_memory"), "{late}");

    let gone = done(&world.tool(&key, "delete_memory", json!({ "id": id })).await);
    assert!(gone["outcome"].as_str().unwrap().contains("trash"));
    let listed = done(&world.tool(&key, "list_memories", json!({})).await);
    assert_eq!(listed, json!({ "memories": [] }));
    let trash = done(
        &world
            .tool(&key, "list_memories", json!({ "state": "trash" }))
            .await,
    );
    assert_eq!(trash["memories"][0]["id"], id);

    // SEC-E1
    let audited: Vec<String> = sqlx::query_scalar(
        "SELECT action FROM audit_log WHERE actor_user_id = $1 AND resource_id = $2 ORDER BY seq",
    )
    .bind(mia.user_id.0)
    .bind(id)
    .fetch_all(&world.app.db.admin)
    .await
    .unwrap();
    assert_eq!(audited, ["memory.create", "memory.update", "memory.delete"]);
}

#[tokio::test]
async fn a_list_goes_page_by_page() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let rows = vec![json!({ "op": "create", "content": "Tea" }); 60];
    let made = world
        .call(
            Method::POST,
            "/api/v1/memories/batch",
            &key,
            &json!({ "items": rows }),
        )
        .await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let first = done(&world.tool(&key, "list_memories", json!({})).await);
    assert_eq!(first["memories"].as_array().unwrap().len(), 50);
    let next = first["nextCursor"].clone();
    let second = done(
        &world
            .tool(&key, "list_memories", json!({ "cursor": next }))
            .await,
    );
    assert_eq!(second["memories"].as_array().unwrap().len(), 10);
    assert!(second["nextCursor"].is_null());

    let other = world.app.db.tenant("other").await;
    let eve = other.actor(SystemRole::Owner, "Eve").await;
    let eves = world.key_of(&eve, SCOPES).await.key;
    for (key, cursor) in [(&eves, next), (&key, json!("x"))] {
        let said = wrong(
            &world
                .tool(key, "list_memories", json!({ "cursor": cursor }))
                .await,
        );
        assert!(
            said.contains("cursor") && said.contains("first page"),
            "{said}"
        );
    }
}

// SEC-C6, SEC-G: tenant and member come from the key, whatever is said.
#[tokio::test]
async fn nobody_elses_memories_are_there_whatever_the_arguments_say() {
    let world = World::new().await;
    let (mia, mias) = member(&world, "Mia").await;
    let (_, noahs) = member(&world, "Noah").await;
    let other = world.app.db.tenant("other").await;
    let eve = other.actor(SystemRole::Owner, "Eve").await;
    let eves = world.key_of(&eve, SCOPES).await.key;
    let memory = world.memory_of(&mia, "Mia's tea").await;
    let nothing = uuid::Uuid::nil();
    for key in [&noahs, &eves] {
        for id in [
            memory.0.to_string(),
            nothing.to_string(),
            "1".into(),
            "' OR 1=1 --".into(),
        ] {
            for (tool, arguments) in [
                ("fetch", json!({ "id": id })),
                ("get_memory", json!({ "id": id })),
                (
                    "update_memory",
                    json!({ "id": id, "version": 1, "content": "Mine" }),
                ),
                ("delete_memory", json!({ "id": id })),
            ] {
                let said = wrong(&world.tool(key, tool, arguments).await);
                assert!(said.starts_with("There is no memory"), "{tool}: {said}");
            }
        }
        assert_eq!(
            done(&world.tool(key, "search", json!({ "query": "tea" })).await),
            json!({ "results": [] })
        );
        let list = done(&world.tool(key, "list_memories", json!({})).await);
        assert_eq!(list["memories"], json!([]));
    }
    for (name, value) in [
        ("tenant_id", json!(world.owner.tenant_id)),
        ("user_id", json!(mia.user_id)),
        ("owner_id", json!(mia.user_id)),
        ("visibility", json!("org")),
    ] {
        for (tool, mut arguments) in [
            ("search", json!({ "query": "tea" })),
            ("list_memories", json!({})),
            ("add_memory", json!({ "content": "Tea" })),
            ("get_memory", json!({ "id": memory })),
        ] {
            arguments[name] = value.clone();
            let said = wrong(&world.tool(&eves, tool, arguments).await);
            assert!(said.contains(&format!("`{name}`")), "{tool}: {said}");
        }
    }
    // Nor does anything that the protocol or a header says.
    let meta = json!({
        "name": "get_memory", "arguments": { "id": memory },
        "_meta": { "tenant_id": world.owner.tenant_id, "user_id": mia.user_id },
    });
    let asked = told(with_key(Method::POST, AT, &eves))
        .header("x-tenant-id", world.owner.tenant_id.to_string())
        .header("mcp-session-id", mia.user_id.to_string());
    wrong(&result(
        &world
            .send(asked, message("tools/call", &meta).to_string())
            .await,
    ));
    assert_eq!(
        done(
            &world
                .tool(&mias, "get_memory", json!({ "id": memory }))
                .await
        )["content"],
        "Mia's tea"
    );
}

#[tokio::test]
async fn what_a_tool_cannot_take_is_told_to_the_model() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let tags: Vec<_> = (0..10_000).map(|n| n.to_string()).collect();
    for (tool, arguments, named) in [
        ("add_memory", json!({ "content": " " }), "content"),
        ("add_memory", json!({ "content": "nul\0" }), "content"),
        (
            "add_memory",
            json!({ "content": "x".repeat(100_001) }),
            "content",
        ),
        (
            "add_memory",
            json!({ "content": "x", "tags": tags }),
            "tags",
        ),
        (
            "add_memory",
            json!({ "content": "x", "kind": "song" }),
            "kind",
        ),
        ("add_memory", json!({}), "`content`"),
        ("add_memory", json!({ "content": 7 }), "arguments"),
        ("search", json!({ "query": "" }), "query"),
        ("search", json!({ "query": "x".repeat(1_001) }), "query"),
        ("search_memories", json!({ "query": "nul\0" }), "query"),
        (
            "search_memories",
            json!({ "query": "x", "limit": 0 }),
            "limit",
        ),
        (
            "search_memories",
            json!({ "query": "x", "mode": "guess" }),
            "guess",
        ),
        ("list_memories", json!({ "origin": "nowhere" }), "origin"),
        ("update_memory", json!({ "version": 1 }), "id"),
        (
            "update_memory",
            json!({ "id": uuid::Uuid::nil() }),
            "`version`",
        ),
    ] {
        let said = wrong(&world.tool(&key, tool, arguments).await);
        assert!(said.contains(named), "{tool}: {said}");
    }
    assert_eq!(world.app.count("SELECT count(*) FROM memories").await, 0);
}

#[tokio::test]
async fn what_the_protocol_does_not_know_is_its_own_error() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    for (method, params, code) in [
        ("tools/call", json!({ "name": "drop_tables" }), -32_602),
        ("tools/list", json!({ "cursor": "x" }), -32_602),
        ("tools/sing", json!({}), -32_601),
        ("logging/setLevel", json!({ "level": "info" }), -32_601),
    ] {
        let answer = world.say(&key, &message(method, &params)).await;
        let told: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(told["error"]["code"], code, "{method}: {told}");
        assert!(!told["error"]["message"].as_str().unwrap().is_empty());
    }
    let send = async |body: Vec<u8>| {
        let answer = world
            .send(told(with_key(Method::POST, AT, &key)), body)
            .await;
        assert!(
            answer.status.is_client_error(),
            "{}: {}",
            answer.status,
            answer.body
        );
        answer
    };
    for body in [
        &b"{"[..],
        b"",
        b"7",
        b"[]",
        b"{\"jsonrpc\":\"2.0\"}",
        b"{\"id\":\"\xff\"}",
    ] {
        send(body.to_vec()).await;
    }
    let large = message(
        "tools/call",
        &json!({ "name": "search", "arguments": { "query": "x".repeat(600_000) } }),
    );
    problem(
        &send(large.to_string().into_bytes()).await,
        413,
        "too_large",
    );
    let plain = with_key(Method::POST, AT, &key)
        .header(header::HOST, "atrium.example")
        .header(header::ACCEPT, "application/json, text/event-stream");
    let answer = world.send(plain, "{}").await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    // It goes on after all of that.
    assert_eq!(world.tools(&key).await.len(), 8);
}
