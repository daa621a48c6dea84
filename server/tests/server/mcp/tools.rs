//! The tools: what they return and which arguments they reject.

use axum::http::{Method, StatusCode};
use domain::{Permission, access::SystemRole};
use serde_json::json;

use super::{
    AT, Mcp as _, SCOPES, done, member, message, result,
    support::{
        ORIGIN,
        program::{World, with_key},
    },
    told, wrong,
};

#[tokio::test]
async fn memory_is_added_found_read_changed_and_deleted() {
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
    assert_eq!(added["owner_id"], mia.user_id.to_string());

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

    let asked =
        json!({ "query": "tea", "mode": "words", "filter": { "kind": "event" }, "limit": 5 });
    let found = done(&world.tool(&key, "search_memories", asked).await);
    assert_eq!(found["hits"][0]["memory"]["id"], id);
    assert_eq!(found["hits"][0]["matched_words"], json!(["tea"]));
    let parts = &found["hits"][0]["parts"];
    assert_eq!(
        (&parts["words_weight"], &parts["meaning_weight"]),
        (&json!(1.0), &json!(0.0))
    );
    let mut whole = added.clone();
    whole["replies"] = json!([]);
    assert_eq!(
        done(&world.tool(&key, "get_memory", json!({ "id": id })).await),
        whole
    );

    let change = json!({ "id": id, "version": 1, "content": "The team meets for tea at five." });
    let changed = done(&world.tool(&key, "update_memory", change.clone()).await);
    assert_eq!(
        (&changed["version"], &changed["title"]),
        (&json!(2), &json!("Team tea"))
    );
    let late = wrong(&world.tool(&key, "update_memory", change).await);
    assert!(late.contains("get_memory"), "{late}");

    let deleted = world.tool(&key, "delete_memory", json!({ "id": id })).await;
    assert_ne!(deleted["isError"], true, "{deleted}");
    assert_eq!(deleted["content"][0]["text"], "Done.");
    let listed = done(&world.tool(&key, "list_memories", json!({})).await);
    assert_eq!(listed, json!({ "items": [], "total": 0 }));
    let trash = done(
        &world
            .tool(&key, "list_memories", json!({ "state": "trash" }))
            .await,
    );
    assert_eq!(trash["items"][0]["id"], id);

    // SEC-E1
    let audited: Vec<String> = sqlx::query_scalar(
        "SELECT action FROM audit_log WHERE actor_user_id = $1 AND resource_id = $2 ORDER BY seq",
    )
    .bind(mia.user_id)
    .bind(id)
    .fetch_all(&world.app.db.admin)
    .await
    .unwrap();
    assert_eq!(audited, ["memory.create", "memory.update", "memory.delete"]);
}

#[tokio::test]
async fn list_is_paginated() {
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
    assert_eq!(first["items"].as_array().unwrap().len(), 50);
    let next = first["next"].clone();
    let second = done(
        &world
            .tool(&key, "list_memories", json!({ "after": next }))
            .await,
    );
    assert_eq!(second["items"].as_array().unwrap().len(), 10);
    assert!(second["next"].is_null());

    let other = world.app.db.tenant("other").await;
    let eve = other.actor(SystemRole::Owner, "Eve").await;
    let eves = world.key_of(&eve, SCOPES).await.key;
    for (key, cursor) in [(&eves, next), (&key, json!("x"))] {
        let said = wrong(
            &world
                .tool(key, "list_memories", json!({ "after": cursor }))
                .await,
        );
        assert!(
            said.contains("after") && said.contains("first page"),
            "{said}"
        );
    }
}

// SEC-C6, SEC-G: tenant and member come from the key, whatever the arguments say.
#[tokio::test]
async fn arguments_never_reach_another_members_memories() {
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
        assert_eq!(list["items"], json!([]));
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
            if (tool, name) == ("list_memories", "visibility") {
                // The value is a filter here, within what the member can view.
                continue;
            }
            arguments[name] = value.clone();
            let said = wrong(&world.tool(&eves, tool, arguments).await);
            assert!(said.contains(&format!("`{name}`")), "{tool}: {said}");
        }
    }
    // Nor do protocol fields or headers change the caller.
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
async fn reply_is_shown_with_its_memory() {
    let world = World::new().await;
    let (mia, key) = member(&world, "Mia").await;
    let (_, noahs) = member(&world, "Noah").await;
    let root = world.memory_of(&mia, "Tea at four").await;
    let long = "ö".repeat(300);
    let asked = json!({ "content": long, "parent_id": root });
    let reply = done(&world.tool(&key, "add_memory", asked.clone()).await);
    assert_eq!(
        (&reply["parent_id"], &reply["origin"]),
        (&json!(root), &json!("mcp"))
    );
    let seen = done(&world.tool(&key, "get_memory", json!({ "id": root })).await);
    let replies = seen["replies"].as_array().unwrap();
    assert_eq!(replies.len(), 1);
    assert_eq!(replies[0]["id"], reply["id"]);
    assert_eq!(replies[0]["owner_name"], "Mia");
    assert_eq!(replies[0]["excerpt"], "ö".repeat(280));
    let listed = done(&world.tool(&key, "list_memories", json!({})).await);
    let rows = listed["items"].as_array().unwrap();
    assert!(rows.iter().any(|row| row["replies"] == 1));

    let said = wrong(&world.tool(&noahs, "add_memory", asked).await);
    assert!(said.starts_with("There is no memory"), "{said}");
    let nested = json!({ "content": "x", "parent_id": reply["id"] });
    let said = wrong(&world.tool(&key, "add_memory", nested).await);
    assert!(said.contains("reply itself"), "{said}");
    let kept = json!({ "content": "x", "parent_id": root, "allowed_vendors": ["*"] });
    let said = wrong(&world.tool(&key, "add_memory", kept).await);
    assert!(said.contains("allowed_vendors"), "{said}");
}

#[tokio::test]
async fn invalid_arguments_are_reported_to_the_model() {
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
        ("add_memory", json!({ "content": 7 }), "content:"),
        (
            "add_memory",
            json!({ "content": "x", "tags": "tea" }),
            "tags:",
        ),
        (
            "add_memory",
            json!({ "content": "x", "tags": [["tea"]] }),
            "tags[0]:",
        ),
        (
            "add_memory",
            json!({ "content": "x", "importance": "high" }),
            "importance:",
        ),
        (
            "add_memory",
            json!({ "content": "x", "parent_id": "x" }),
            "parent_id:",
        ),
        ("search", json!({ "query": ["tea"] }), "query:"),
        ("fetch", json!({}), "`id`"),
        ("get_memory", json!({ "id": 7 }), "id:"),
        ("list_memories", json!({ "after": 7 }), "after:"),
        (
            "update_memory",
            json!({ "id": uuid::Uuid::nil(), "version": "1" }),
            "version:",
        ),
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
async fn change_of_a_shared_memory_is_reported_as_pending() {
    let world = World::new().await;
    let (mia, without) = member(&world, "Mia").await;
    let scopes = [SCOPES, &[Permission::MemoryShare]].concat();
    let key = world.key_of(&mia, &scopes).await.key;
    let memory = world.memory_of(&mia, "Tea at four").await;
    sqlx::query("UPDATE memories SET visibility = 'org', shared_at = created_at WHERE id = $1")
        .bind(memory)
        .execute(&world.app.db.admin)
        .await
        .unwrap();
    let change = json!({ "id": memory, "version": 1, "content": "Tea at five" });
    let said = wrong(&world.tool(&without, "update_memory", change.clone()).await);
    assert!(said.contains("“memory.share”"), "{said}");
    let reply = json!({ "content": "With milk", "parent_id": memory });
    let said = wrong(&world.tool(&without, "add_memory", reply).await);
    assert!(said.contains("“memory.share”"), "{said}");

    let changed = done(&world.tool(&key, "update_memory", change).await);
    assert_eq!(
        (&changed["content"], &changed["version"]),
        (&json!("Tea at four"), &json!(1))
    );
    assert!(changed["proposal_id"].is_string(), "{changed}");
    let notice = changed["notice"].as_str().unwrap();
    assert!(notice.contains("saved as a proposal"), "{notice}");
    let waiting = "SELECT count(*) FROM memory_proposals WHERE replaces IS NOT NULL";
    assert_eq!(world.app.count(waiting).await, 1);
}
