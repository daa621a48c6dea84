//! Memories over the REST API: what each operation does, and each refusal.

mod support;

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use domain::{Actor, Permission, access::SystemRole, api_key::KeyReach};
use serde_json::{Value, json};
use support::{
    Answer,
    program::{World, problem, with_key},
};

const AT: &str = "/api/v1/memories";
const SCOPES: &[Permission] = &[Permission::MemoryRead, Permission::MemoryWrite];

#[track_caller]
fn ok(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// The fields that a refusal names.
#[track_caller]
fn fields(answer: &Answer) -> Vec<String> {
    let told = problem(answer, 422, "invalid");
    let errors = told["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| error["field"].as_str().unwrap().to_owned())
        .collect()
}

async fn create(world: &World, key: &str, body: &Value) -> Value {
    ok(&world.call(Method::POST, AT, key, body).await, 201)
}

fn at(memory: &Value) -> String {
    format!("{AT}/{}", memory["id"].as_str().unwrap())
}

async fn member(world: &World, name: &str) -> (Actor, String) {
    let actor = world.app.tenant.actor(SystemRole::Member, name).await;
    let key = world.key_of(&actor, SCOPES).await.key;
    (actor, key)
}

/// What a member did to memories, as the audit log has it.
async fn audited(world: &World, actor: &Actor) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT action FROM audit_log WHERE actor_user_id = $1 AND resource_type = 'memory' ORDER BY seq",
    )
    .bind(actor.user_id.0)
    .fetch_all(&world.app.db.admin)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_memory_keeps_all_that_is_said_of_it() {
    let world = World::new().await;
    let (mia, key) = member(&world, "Mia").await;
    let answer = world
        .call(
            Method::POST,
            AT,
            &key,
            &json!({
                "title": "Team tea", "content": "Tea at four.", "kind": "event", "tags": ["tea", "team"],
                "importance": 0.9, "allowed_vendors": ["claude", "other"], "source_session_id": "chat-7",
                "expires_at": "2099-01-01T00:00:00Z",
            }),
        )
        .await;
    let made = ok(&answer, 201);
    assert_eq!(answer.location(), at(&made));
    assert_eq!(
        made["owner"],
        json!({ "id": mia.user_id.to_string(), "name": "Mia" })
    );
    for (field, value) in [
        ("title", json!("Team tea")),
        ("content", json!("Tea at four.")),
        ("kind", json!("event")),
        ("tags", json!(["tea", "team"])),
        ("visibility", json!("private")),
        ("team", Value::Null),
        ("origin", json!("api")),
        ("term", json!("short")),
        ("expires_at", json!("2099-01-01T00:00:00Z")),
        ("allowed_vendors", json!(["claude", "other"])),
        ("source_session_id", json!("chat-7")),
        ("persona_id", Value::Null),
        ("parent_id", Value::Null),
        ("version", json!(1)),
        ("deleted_at", Value::Null),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    assert!((made["importance"].as_f64().unwrap() - 0.9).abs() < 1e-6);
    assert_eq!(ok(&world.get(&at(&made), &key).await, 200), made);
}

#[tokio::test]
async fn a_memory_is_changed_deleted_and_restored() {
    let world = World::new().await;
    let (mia, key) = member(&world, "Mia").await;
    let made = json!({
        "title": "Team tea", "content": "Tea at four.", "tags": ["tea", "team"], "importance": 0.9,
        "allowed_vendors": ["claude", "other"], "expires_at": "2099-01-01T00:00:00Z",
    });
    let made = create(&world, &key, &made).await;

    // What isn't named stays; null is a value.
    let patch = json!({
        "version": 1, "content": "Tea at five.", "expires_at": null, "allowed_vendors": ["*"], "reason": "Later",
    });
    let changed = ok(
        &world.call(Method::PATCH, &at(&made), &key, &patch).await,
        200,
    );
    assert_eq!(changed["content"], "Tea at five.");
    assert_eq!(changed["title"], "Team tea");
    assert_eq!(changed["tags"], json!(["tea", "team"]));
    assert_eq!(changed["importance"], made["importance"]);
    assert_eq!(
        (&changed["term"], &changed["expires_at"]),
        (&json!("long"), &Value::Null)
    );
    assert_eq!(changed["allowed_vendors"], json!(["*"]));
    assert_eq!(changed["version"], 2);
    let versions = ok(
        &world.get(&format!("{}/versions", at(&made)), &key).await,
        200,
    );
    assert_eq!(versions["items"].as_array().unwrap().len(), 1);
    assert_eq!(versions["items"][0]["content"], "Tea at four.");
    assert_eq!(versions["items"][0]["reason"], "Later");
    assert_eq!(versions["items"][0]["changed_by"], "Mia");

    let gone = world
        .call(Method::DELETE, &at(&made), &key, &json!({}))
        .await;
    assert_eq!(
        (gone.status, gone.body.as_str()),
        (StatusCode::NO_CONTENT, "")
    );
    let trash = ok(&world.get(&format!("{AT}?state=trash"), &key).await, 200);
    assert_eq!(trash["items"][0]["id"], made["id"]);
    assert_eq!(ok(&world.get(AT, &key).await, 200)["items"], json!([]));
    assert!(ok(&world.get(&at(&made), &key).await, 200)["deleted_at"].is_string());

    let restore = format!("{}/restore", at(&made));
    let back = ok(
        &world.call(Method::POST, &restore, &key, &json!({})).await,
        200,
    );
    assert_eq!(back["deleted_at"], Value::Null);
    problem(
        &world.call(Method::POST, &restore, &key, &json!({})).await,
        409,
        "conflict",
    );

    // SEC-E1: each has its row, in the key owner's name.
    let audited = audited(&world, &mia).await;
    assert_eq!(
        audited,
        [
            "memory.create",
            "memory.update",
            "memory.delete",
            "memory.restore"
        ]
    );
}

#[tokio::test]
async fn the_second_of_two_changes_from_one_version_is_a_conflict() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let made = create(&world, &key, &json!({ "content": "Tea" })).await;
    let patch = |text: &str| json!({ "version": 1, "content": text });
    ok(
        &world
            .call(Method::PATCH, &at(&made), &key, &patch("Green tea"))
            .await,
        200,
    );
    let late = world
        .call(Method::PATCH, &at(&made), &key, &patch("Black tea"))
        .await;
    problem(&late, 409, "conflict");
    // SEC-G: a refused change shows nothing of the memory.
    assert!(!late.body.contains("Green"), "{}", late.body);
    assert_eq!(
        ok(&world.get(&at(&made), &key).await, 200)["content"],
        "Green tea"
    );
    for version in [0, -1, i32::MAX] {
        let patch = json!({ "version": version, "content": "x" });
        problem(
            &world.call(Method::PATCH, &at(&made), &key, &patch).await,
            409,
            "conflict",
        );
    }
}

#[tokio::test]
async fn a_search_finds_words_among_what_it_is_narrowed_to() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let green = create(
        &world,
        &key,
        &json!({ "content": "Green tea", "tags": ["drink"] }),
    )
    .await;
    create(
        &world,
        &key,
        &json!({ "content": "Green paint", "kind": "event" }),
    )
    .await;
    let search = format!("{AT}/search");
    let found = world
        .call(
            Method::POST,
            &search,
            &key,
            &json!({ "question": "tea", "mode": "words" }),
        )
        .await;
    let found = ok(&found, 200);
    assert_eq!(found["mode"], "words");
    assert_eq!(found["hits"].as_array().unwrap().len(), 1);
    let hit = &found["hits"][0];
    assert_eq!(hit["memory"]["id"], green["id"]);
    assert_eq!(hit["matched_words"], json!(["tea"]));
    assert!(hit["score"].as_f64().is_some() && hit["similarity"].is_null());

    for (filter, hits) in [
        (json!({}), 2),
        (json!({ "kind": "event" }), 1),
        (json!({ "tag": "drink" }), 1),
        (json!({ "origin": "import" }), 0),
        (json!({ "owner": "shared" }), 0),
    ] {
        let question = json!({ "question": "green", "filter": filter });
        let found = ok(
            &world.call(Method::POST, &search, &key, &question).await,
            200,
        );
        assert_eq!(found["hits"].as_array().unwrap().len(), hits, "{filter}");
        // Without a model, words stand in and the answer says so.
        assert_eq!(
            (&found["mode"], found["notice"].is_string()),
            (&json!("words"), true)
        );
    }
    let one = json!({ "question": "green", "limit": 1 });
    let found = ok(&world.call(Method::POST, &search, &key, &one).await, 200);
    assert_eq!(found["hits"].as_array().unwrap().len(), 1);
    for (question, field) in [
        (json!({ "question": " " }), "question"),
        (json!({ "question": "x".repeat(1_001) }), "question"),
        (json!({ "question": "nul\0" }), "question"),
        (json!({ "question": "x", "limit": 0 }), "limit"),
        (json!({ "question": "x", "limit": 51 }), "limit"),
        (json!({ "question": "x", "mode": "guess" }), ""),
        (
            json!({ "question": "x", "filter": { "kind": "song" } }),
            "kind",
        ),
        (
            json!({ "question": "x", "filter": { "tag": "nul\0" } }),
            "tag",
        ),
        (
            json!({ "question": "x", "filter": { "colour": "green" } }),
            "",
        ),
    ] {
        let answer = world.call(Method::POST, &search, &key, &question).await;
        assert_eq!(fields(&answer), [field], "{question}");
    }
}

#[tokio::test]
async fn every_bad_field_is_named() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let made = create(&world, &key, &json!({ "content": "Tea" })).await;
    let tags: Vec<_> = (0..10_000).map(|n| n.to_string()).collect();
    for (bad, field) in [
        (json!({ "content": " " }), "content"),
        (json!({ "content": "nul\0" }), "content"),
        (json!({ "content": "x".repeat(100_001) }), "content"),
        (json!({ "title": "x".repeat(201) }), "title"),
        (json!({ "title": "nul\0" }), "title"),
        (json!({ "kind": "song" }), "kind"),
        (json!({ "tags": tags }), "tags"),
        (json!({ "tags": ["a,b"] }), "tags"),
        (json!({ "tags": ["nul\0"] }), "tags"),
        (json!({ "importance": 1.5 }), "importance"),
        (
            json!({ "expires_at": "2001-01-01T00:00:00Z" }),
            "expires_at",
        ),
        (json!({ "persona_id": uuid::Uuid::nil() }), "persona_id"),
        (json!({ "allowed_vendors": ["hal"] }), "allowed_vendors"),
    ] {
        let (mut new, mut patch) = (bad.clone(), bad.clone());
        if new["content"].is_null() {
            new["content"] = json!("Tea");
        }
        patch["version"] = json!(1);
        let answer = world.call(Method::POST, AT, &key, &new).await;
        assert_eq!(fields(&answer), [field]);
        let answer = world.call(Method::PATCH, &at(&made), &key, &patch).await;
        assert_eq!(fields(&answer), [field]);
    }
    let session = json!({ "content": "Tea", "source_session_id": "x".repeat(201) });
    let answer = world.call(Method::POST, AT, &key, &session).await;
    assert_eq!(fields(&answer), ["source_session_id"]);
    let reason = json!({ "version": 1, "reason": "x".repeat(501) });
    let answer = world.call(Method::PATCH, &at(&made), &key, &reason).await;
    assert_eq!(fields(&answer), ["reason"]);
    // What is no field at all, by its name (SEC-G: mass assignment).
    for name in [
        "owner_id",
        "visibility",
        "tenant_id",
        "user_id",
        "origin",
        "version",
        "colour",
    ] {
        let mut body = json!({ "content": "Tea" });
        body[name] = json!("x");
        let told = problem(
            &world.call(Method::POST, AT, &key, &body).await,
            422,
            "invalid",
        );
        assert!(
            told["detail"]
                .as_str()
                .unwrap()
                .contains(&format!("`{name}`")),
            "{told}"
        );
    }
    for asked in [
        "kind=song",
        "owner=me",
        "origin=x",
        "state=gone",
        "after=x",
        "tag=%00",
        "colour=green",
    ] {
        let told = problem(
            &world.get(&format!("{AT}?{asked}"), &key).await,
            422,
            "invalid",
        );
        let name = asked.split('=').next().unwrap();
        assert!(told.to_string().contains(name), "{asked}: {told}");
    }
    assert_eq!(world.app.count("SELECT count(*) FROM memories").await, 1);
}

// SEC-B10
#[tokio::test]
async fn what_is_no_text_or_too_much_is_refused_before_it_is_read() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let json = |path: &str| {
        with_key(Method::POST, path, &key).header(header::CONTENT_TYPE, "application/json")
    };
    let batch = format!("{AT}/batch");
    for (path, body) in [
        (AT, &b"{\"content\":\"\xff\xfe\"}"[..]),
        (
            &batch,
            b"{\"items\":[{\"op\":\"create\",\"content\":\"\xff\"}]}",
        ),
    ] {
        problem(
            &world.send(json(path), body.to_vec()).await,
            400,
            "transport",
        );
    }
    let large = "x".repeat(600_000);
    problem(&world.send(json(AT), large.clone()).await, 413, "too_large");
    // A batch may be larger, within its own limit.
    let answer = world
        .send(json(&batch), format!("{{\"items\":[\"{large}\"]}}"))
        .await;
    assert_eq!(ok(&answer, 200)["failed"], 1);
    let named = json(&batch).header("idempotency-key", "large");
    let answer = world
        .send(
            named,
            format!("{{\"items\":[\"{}\"]}}", "x".repeat(2_000_000)),
        )
        .await;
    assert_eq!(ok(&answer, 200)["failed"], 1);
    let larger = "x".repeat(8 * 1024 * 1024 + 1);
    problem(&world.send(json(&batch), larger).await, 413, "too_large");
}

#[expect(clippy::too_many_lines, reason = "a row and its outcome each")]
#[tokio::test]
async fn one_bad_row_of_a_batch_spoils_no_other() {
    let world = World::new().await;
    let (mia, key) = member(&world, "Mia").await;
    let (noah, _) = member(&world, "Noah").await;
    let other = world.app.db.tenant("other").await;
    let eve = other.actor(SystemRole::Owner, "Eve").await;
    let made = create(&world, &key, &json!({ "content": "Tea" })).await;
    let gone = create(&world, &key, &json!({ "content": "Coffee" })).await;
    let noahs = world.memory_of(&noah, "Noah's").await;
    let eves = world.memory_of(&eve, "Eve's").await;
    sqlx::query("UPDATE jobs SET status = 'completed', finished_at = created_at")
        .execute(&world.app.db.admin)
        .await
        .unwrap();
    let before = world.app.count("SELECT count(*) FROM jobs").await;
    let items = json!([
        { "op": "create", "content": "First", "tags": ["a"] },
        { "op": "create", "content": " ", "kind": "song" },
        { "op": "update", "id": made["id"], "version": 1, "title": "Tea" },
        { "op": "update", "id": made["id"], "version": 1, "title": "Late" },
        { "op": "update", "id": noahs, "version": 1, "title": "Mine" },
        { "op": "update", "id": eves, "version": 1, "title": "Mine" },
        { "op": "delete", "id": gone["id"] },
        { "op": "delete", "id": eves },
        { "op": "restore", "id": gone["id"] },
        { "op": "create", "content": "x", "persona_id": uuid::Uuid::nil() },
        { "op": "create", "content": "x", "user_id": noah.user_id },
        { "op": "explode" },
        [],
        { "op": "create", "content": "Last" },
    ]);
    let rows = ok(
        &world
            .call(
                Method::POST,
                &format!("{AT}/batch"),
                &key,
                &json!({ "items": items }),
            )
            .await,
        200,
    );
    let outcomes: Vec<_> = rows["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let code = row["problem"]["code"].as_str();
            code.unwrap_or(row["outcome"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            "created",
            "invalid",
            "updated",
            "conflict",
            "not_found",
            "not_found",
            "deleted",
            "not_found",
            "restored",
            "invalid",
            "invalid",
            "invalid",
            "invalid",
            "created",
        ]
    );
    let counts =
        ["created", "updated", "deleted", "restored", "failed"].map(|n| rows[n].as_i64().unwrap());
    assert_eq!(counts, [2, 1, 1, 1, 9]);
    let errors = rows["rows"][1]["problem"]["errors"].as_array().unwrap();
    assert_eq!(
        (&errors[0]["field"], &errors[1]["field"]),
        (&json!("content"), &json!("kind"))
    );
    assert_eq!(
        rows["rows"][9]["problem"]["errors"][0]["field"],
        "persona_id"
    );
    assert!(
        rows["rows"][10]["problem"]["detail"]
            .as_str()
            .unwrap()
            .contains("`user_id`")
    );
    assert_eq!(
        (&rows["rows"][2]["id"], &rows["rows"][2]["version"]),
        (&made["id"], &json!(2))
    );
    let last = ok(
        &world
            .get(
                &format!("{AT}/{}", rows["rows"][13]["id"].as_str().unwrap()),
                &key,
            )
            .await,
        200,
    );
    assert_eq!(last["content"], "Last");
    let theirs = "SELECT count(*) FROM memories WHERE title = 'Mine' OR deleted_at IS NOT NULL";
    assert_eq!(world.app.count(theirs).await, 0);
    // One job for all the words.
    assert_eq!(
        world.app.count("SELECT count(*) FROM jobs").await,
        before + 1
    );
    // SEC-E1: a row for each that was done.
    let audited = audited(&world, &mia).await;
    let done = [
        "memory.create",
        "memory.update",
        "memory.delete",
        "memory.restore",
        "memory.create",
    ];
    assert_eq!(audited[2..], done);
}

#[tokio::test]
async fn a_batch_has_one_to_a_thousand_rows_and_happens_once() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let batch = format!("{AT}/batch");
    let rows = |many: usize| {
        let row = json!({ "op": "create", "content": "Tea" });
        json!({ "items": vec![row; many] })
    };
    for many in [0, 1_001, 5_000] {
        let answer = world.call(Method::POST, &batch, &key, &rows(many)).await;
        assert_eq!(fields(&answer), ["items"], "{many}");
    }
    let first = world.post(&batch, &key, "nightly", &rows(1_000)).await;
    assert_eq!(ok(&first, 200)["created"], 1_000);
    let again = world.post(&batch, &key, "nightly", &rows(1_000)).await;
    assert_eq!(
        (again.header("idempotency-replayed"), &again.body),
        ("true", &first.body)
    );
    assert_eq!(
        world.app.count("SELECT count(*) FROM memories").await,
        1_000
    );
    // Whoever may not write learns that, and the log keeps it.
    let reader = world.key(&[Permission::MemoryRead]).await.key;
    let told = problem(
        &world.call(Method::POST, &batch, &reader, &rows(1)).await,
        403,
        "forbidden",
    );
    assert_eq!(told["permission"], "memory.write");
    let denied = world
        .app
        .count("SELECT count(*) FROM audit_log WHERE outcome = 'denied'");
    assert_eq!(denied.await, 1);
}

// SEC-C6: a position in another organisation's list, or in another list.
#[tokio::test]
async fn a_list_goes_page_by_page_and_takes_no_other_lists_cursor() {
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
    // A colleague's list is another one too, but a place in time is no secret
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
async fn a_key_does_what_its_scopes_name_until_it_is_revoked() {
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
    service::api_key_revoke(&world.ctx(), &mia, KeyReach::Own, reader.id)
        .await
        .unwrap();
    problem(&world.get(AT, &reader.key).await, 401, "unauthenticated");
}

/// Others' private memories are not there; shared ones are there to be read.
#[tokio::test]
async fn what_is_shared_can_be_read_and_not_changed() {
    let world = World::new().await;
    let (mia, key) = member(&world, "Mia").await;
    let (_, noahs) = member(&world, "Noah").await;
    let private = world.memory_of(&mia, "Private tea").await;
    let shared = world.memory_of(&mia, "Shared tea").await;
    sqlx::query("UPDATE memories SET visibility = 'org', shared_at = created_at WHERE id = $1")
        .bind(shared.0)
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
        (&seen["visibility"], &seen["owner"]["name"]),
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
