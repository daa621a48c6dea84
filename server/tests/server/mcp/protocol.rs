//! The protocol in each of its revisions.

use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};

use super::{
    AT, Mcp as _, done, member, message, result,
    support::program::{World, problem, with_key},
    told,
};

const NEWEST: &str = "2026-07-28";

const EARLIER: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

#[tokio::test]
async fn initialize_answers_with_the_requested_revision_and_no_session() {
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
    // An unknown revision is answered with the newest known one.
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
async fn newest_revision_needs_no_initialize() {
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
    // This revision has no ping.
    let gone = say("ping", json!({})).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "{}", gone.body);
    assert!(gone.body.contains("-32601"), "{}", gone.body);
    // Headers and body must agree.
    let request = told(with_key(Method::POST, AT, &key))
        .header("mcp-protocol-version", NEWEST)
        .header("mcp-method", "tools/call");
    let body = message("tools/list", &json!({ "_meta": meta }));
    let answer = world.send(request, body.to_string()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
}

#[tokio::test]
async fn streams_and_sessions_are_not_offered() {
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
async fn protocol_errors_have_json_rpc_codes() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    for (method, params, code) in [
        ("tools/call", json!({ "name": "drop_tables" }), -32_602),
        // A request that can't be read as a tool call is a protocol error.
        (
            "tools/call",
            json!({ "name": "search", "arguments": ["tea"] }),
            -32_601,
        ),
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
    // The server still works after these.
    assert_eq!(world.tools(&key).await.len(), 8);
}

#[tokio::test]
async fn tool_list_is_as_reviewed() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let list = world.say(&key, &message("tools/list", &json!({}))).await;
    insta::assert_json_snapshot!("tools", result(&list));
}
