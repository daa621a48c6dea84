//! `/mcp` through the product's own router: authentication, the protocol in
//! each of its revisions, and the tools.

mod entry;
mod filters;
mod protocol;
mod tools;

use crate::support::{
    self, Answer,
    program::{World, with_key},
};
use axum::http::{Method, StatusCode, header, request::Builder};
use domain::{Actor, Permission, access::SystemRole};
use serde_json::{Value, json};

const AT: &str = "/mcp";

const SCOPES: &[Permission] = &[Permission::MemoryRead, Permission::MemoryWrite];

fn told(request: Builder) -> Builder {
    request
        .header(header::HOST, "atrium.example")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, text/event-stream")
}

/// A message of the protocol before revision 2026-07-28.
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

/// The data of a successful tool call, which is the same as its text.
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

/// The error text of a failed tool call.
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
