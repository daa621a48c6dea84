//! What a key can view: pagination, scopes and other members' memories.

use axum::{body::Body, http::Method};
use domain::{Permission, access::SystemRole, api_key::ApiKeyPath};
use serde_json::json;

use super::{
    AT, at, create, fields, member, ok,
    support::program::{World, problem, with_key},
};

// SEC-C6: a cursor of another organisation's list, or of another list.
#[tokio::test]
async fn list_is_paginated_and_rejects_cursors_of_other_lists() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let rows = vec![json!({ "op": "create", "content": "Tea" }); 120];
    ok(
        &world
            .call(
                Method::POST,
                &format!("{AT}/batch"),
                &key,
                &json!({ "items": rows }),
            )
            .await,
        200,
    );
    let (mut seen, mut after, mut cursors) = (Vec::new(), String::new(), Vec::new());
    loop {
        let page = ok(&world.get(&format!("{AT}{after}"), &key).await, 200);
        let items = page["items"].as_array().unwrap().iter();
        seen.extend(items.map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        cursors.push(next.to_owned());
        after = format!("?after={next}");
    }
    seen.sort();
    seen.dedup();
    assert_eq!((seen.len(), cursors.len()), (120, 2));

    let other = world.app.db.tenant("other").await;
    let eve = other.actor(SystemRole::Owner, "Eve").await;
    let everything = world.key(SystemRole::Owner.permissions()).await.key;
    let theirs = world
        .key_of(&eve, SystemRole::Owner.permissions())
        .await
        .key;
    for (path, key) in [
        (AT, &theirs),
        ("/api/v1/api-keys", &everything),
        ("/api/v1/audit", &everything),
        ("/api/v1/members", &everything),
        ("/api/v1/teams", &everything),
    ] {
        let answer = world
            .get(&format!("{path}?after={}", cursors[0]), key)
            .await;
        assert_eq!(fields(&answer), ["after"], "{path}");
    }
    // A colleague's list is another list too, but a position in time is no secret
    // among colleagues.
    let (_, noahs) = member(&world, "Noah").await;
    let page = ok(
        &world
            .get(&format!("{AT}?after={}", cursors[0]), &noahs)
            .await,
        200,
    );
    assert_eq!(page["items"], json!([]));
}

// SEC-B3, SEC-D5
#[tokio::test]
async fn key_is_limited_to_its_scopes_until_it_is_revoked() {
    let world = World::new().await;
    let (mia, key) = member(&world, "Mia").await;
    let made = create(&world, &key, &json!({ "content": "Tea" })).await;
    let reader = world.key_of(&mia, &[Permission::MemoryRead]).await;
    let writer = world.key_of(&mia, &[Permission::MemoryWrite]).await.key;
    for (method, path, body) in [
        (Method::POST, AT.to_owned(), json!({ "content": "Tea" })),
        (
            Method::PATCH,
            at(&made),
            json!({ "version": 1, "title": "x" }),
        ),
        (Method::DELETE, at(&made), json!({})),
        (Method::POST, format!("{}/restore", at(&made)), json!({})),
    ] {
        let answer = world.call(method, &path, &reader.key, &body).await;
        assert_eq!(
            problem(&answer, 403, "forbidden")["permission"],
            "memory.write"
        );
    }
    for path in [AT.to_owned(), at(&made), format!("{}/versions", at(&made))] {
        ok(&world.get(&path, &reader.key).await, 200);
        let told = problem(&world.get(&path, &writer).await, 403, "forbidden");
        assert_eq!(told["permission"], "memory.read");
    }
    create(&world, &writer, &json!({ "content": "Written blindly" })).await;
    service::call::<service::ApiKeyRevoke>(&world.ctx(), &mia, ApiKeyPath { id: reader.id })
        .await
        .unwrap();
    problem(&world.get(AT, &reader.key).await, 401, "unauthenticated");
}

/// Private memories of others are not found; shared ones are read-only.
#[tokio::test]
async fn shared_memory_can_be_read_and_not_changed() {
    let world = World::new().await;
    let (mia, key) = member(&world, "Mia").await;
    let (_, noahs) = member(&world, "Noah").await;
    let private = world.memory_of(&mia, "Private tea").await;
    let shared = world.memory_of(&mia, "Shared tea").await;
    sqlx::query("UPDATE memories SET visibility = 'org', shared_at = created_at WHERE id = $1")
        .bind(shared)
        .execute(&world.app.db.admin)
        .await
        .unwrap();
    problem(
        &world.get(&format!("{AT}/{private}"), &noahs).await,
        404,
        "not_found",
    );
    let seen = ok(&world.get(&format!("{AT}/{shared}"), &noahs).await, 200);
    assert_eq!(
        (&seen["visibility"], &seen["owner_name"]),
        (&json!("org"), &json!("Mia"))
    );
    let versions = ok(
        &world.get(&format!("{AT}/{shared}/versions"), &noahs).await,
        200,
    );
    assert_eq!(versions["items"], json!([]));
    let change = json!({ "version": 1, "content": "Mine now" });
    for id in [private, shared] {
        let path = format!("{AT}/{id}");
        problem(
            &world.call(Method::PATCH, &path, &noahs, &change).await,
            404,
            "not_found",
        );
        problem(
            &world.call(Method::DELETE, &path, &noahs, &json!({})).await,
            404,
            "not_found",
        );
    }
    let list = ok(&world.get(AT, &noahs).await, 200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        ok(&world.get(AT, &key).await, 200)["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        world
            .send(with_key(Method::HEAD, AT, &key), Body::empty())
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn list_by_creation_misses_nothing_changed_while_reading() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let mut created = Vec::new();
    for n in 0..3 {
        let rows = vec![json!({ "op": "create", "content": format!("Tea {n}") }); 40];
        let rows = json!({ "items": rows });
        let batch = world
            .done(Method::POST, &format!("{AT}/batch"), &key, &rows)
            .await;
        let rows = batch["rows"].as_array().unwrap().iter();
        let mut ids: Vec<_> = rows
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect();
        // With the same time, ordered by id.
        ids.sort();
        created.extend(ids);
        world.app.clock.forward(time::Duration::seconds(1));
    }
    let list = format!("{AT}?sort=created_at");
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = world.look(&format!("{list}{after}"), &key).await;
        let items = page["items"].as_array().unwrap().iter();
        seen.extend(items.map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        after = format!("&after={next}");
        // One that was read already and one that wasn't.
        for id in [&created[0], &created[119]] {
            let version = world.look(&format!("{AT}/{id}"), &key).await["version"].clone();
            let patch = json!({ "version": version, "title": format!("Changed {version}") });
            world
                .done(Method::PATCH, &format!("{AT}/{id}"), &key, &patch)
                .await;
        }
        // A cursor of one order is invalid in another.
        let other = format!("{AT}?after={next}");
        assert_eq!(fields(&world.get(&other, &key).await), ["after"]);
    }
    assert_eq!(seen, created);
    let newest = world.look(AT, &key).await;
    assert_eq!(newest["items"][0]["id"], json!(created[119].clone()));
    let other = format!("{list}&after={}", newest["next"].as_str().unwrap());
    assert_eq!(fields(&world.get(&other, &key).await), ["after"]);
    let unknown = format!("{AT}?sort=colour");
    assert_eq!(fields(&world.get(&unknown, &key).await), ["sort"]);
}
