//! Replies, trash and personas.

use axum::http::Method;
use domain::{MemoryId, access::SystemRole, persona::PersonaInput};
use serde_json::json;

use super::{
    AT, at, audited, create, fields, member, ok, sharing,
    support::program::{World, problem},
};

async fn shared(world: &World, id: MemoryId) {
    sqlx::query("UPDATE memories SET visibility = 'org', shared_at = created_at WHERE id = $1")
        .bind(id)
        .execute(&world.app.db.admin)
        .await
        .unwrap();
}

#[tokio::test]
async fn members_who_can_view_a_memory_reply_and_view_all_replies() {
    let world = World::new().await;
    let (mia, without) = member(&world, "Mia").await;
    let (noah, _) = member(&world, "Noah").await;
    let key = world.key_of(&mia, sharing::SCOPES).await.key;
    let noahs = world.key_of(&noah, sharing::SCOPES).await.key;
    let root = world.memory_of(&mia, "Tea at four").await;
    shared(&world, root).await;
    let path = format!("{AT}/{root}/replies");
    let reply = json!({ "content": "With milk", "parent_id": root, "tags": ["tea"], "source_session_id": "chat-7" });
    // SEC-D5: the scope for private memories does not include writing where others read.
    let answer = world.call(Method::POST, AT, &without, &reply).await;
    let told = problem(&answer, 403, "forbidden");
    assert_eq!(told["permission"], "memory.share");
    let first = create(&world, &noahs, &reply).await;
    for (field, value) in [
        ("parent_id", json!(root)),
        ("visibility", json!("org")),
        ("origin", json!("api")),
        ("source_session_id", json!("chat-7")),
    ] {
        assert_eq!(first[field], value, "{field}");
    }
    // A row of a batch may be a reply too.
    let row = json!({ "items": [
        { "op": "create", "content": "Without", "parent_id": root },
        { "op": "create", "content": "To a reply", "parent_id": first["id"] },
    ] });
    let rows = world
        .done(Method::POST, &format!("{AT}/batch"), &key, &row)
        .await;
    assert_eq!(
        (&rows["created"], &rows["rows"][1]["problem"]["code"]),
        (&json!(1), &json!("conflict"))
    );
    for key in [&key, &noahs] {
        let replies = world.look(&path, key).await;
        let said: Vec<_> = replies["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|reply| (&reply["content"], &reply["owner_name"]))
            .collect();
        assert_eq!(
            said,
            [
                (&json!("With milk"), &json!("Noah")),
                (&json!("Without"), &json!("Mia"))
            ]
        );
    }
    let list = world.look(AT, &key).await;
    let rows = list["items"].as_array().unwrap();
    let row = rows.iter().find(|row| row["id"] == json!(root)).unwrap();
    assert_eq!(row["replies"], 2);
    let audited = audited(&world, &noah).await;
    assert_eq!(audited, ["memory.reply"]);
    // Replies are deleted with their root.
    world
        .done(Method::DELETE, &format!("{AT}/{root}"), &key, &json!({}))
        .await;
    problem(&world.get(&path, &noahs).await, 404, "not_found");
    assert!(world.look(&at(&first), &noahs).await["deleted_at"].is_string());
}

#[tokio::test]
async fn invalid_reply_is_rejected() {
    let world = World::new().await;
    let (mia, key) = member(&world, "Mia").await;
    let (_, noahs) = member(&world, "Noah").await;
    let other = world.app.db.tenant("other").await;
    let eve = other.actor(SystemRole::Owner, "Eve").await;
    let private = world.memory_of(&mia, "Mia's").await;
    let foreign = world.memory_of(&eve, "Eve's").await;
    let nothing = MemoryId(uuid::Uuid::nil());
    let reply = |root: MemoryId| json!({ "content": "Mine", "parent_id": root });
    for (root, key) in [(private, &noahs), (foreign, &key), (nothing, &key)] {
        let answer = world.call(Method::POST, AT, key, &reply(root)).await;
        problem(&answer, 404, "not_found");
        let path = format!("{AT}/{root}/replies");
        problem(&world.get(&path, key).await, 404, "not_found");
    }
    let answer = create(&world, &key, &reply(private)).await;
    let id: MemoryId = answer["id"].as_str().unwrap().parse().unwrap();
    let told = problem(
        &world.call(Method::POST, AT, &key, &reply(id)).await,
        409,
        "conflict",
    );
    assert!(told["detail"].as_str().unwrap().contains("already a reply"));
    for (name, value) in [
        ("expires_at", json!("2099-01-01T00:00:00Z")),
        ("persona_id", json!(nothing)),
        ("allowed_vendors", json!(["*"])),
        ("content", json!(" ")),
        ("content", json!("nul\0")),
    ] {
        let mut body = reply(private);
        body[name] = value;
        assert_eq!(
            fields(&world.call(Method::POST, AT, &key, &body).await),
            [name]
        );
    }
    for parent in [json!("x"), json!(7), json!([private])] {
        let body = json!({ "content": "Mine", "parent_id": parent });
        assert_eq!(
            fields(&world.call(Method::POST, AT, &key, &body).await),
            ["parent_id"]
        );
    }
    // `parent_id` can't be changed later.
    let change = json!({ "version": 1, "parent_id": private });
    let one = format!("{AT}/{id}");
    assert_eq!(
        fields(&world.call(Method::PATCH, &one, &key, &change).await),
        ["parent_id"]
    );
    let theirs = "SELECT count(*) FROM memories WHERE parent_id IS NOT NULL";
    assert_eq!(world.app.count(theirs).await, 1);
}

#[tokio::test]
async fn owner_permanently_deletes_a_memory_in_the_trash() {
    let world = World::new().await;
    let (mia, key) = member(&world, "Mia").await;
    let (_, noahs) = member(&world, "Noah").await;
    let mut made = Vec::new();
    for content in ["One", "Two", "Three"] {
        made.push(create(&world, &key, &json!({ "content": content })).await);
    }
    let kept = create(&world, &key, &json!({ "content": "Kept" })).await;
    let noahs_own = create(&world, &noahs, &json!({ "content": "Noah's" })).await;
    world
        .done(Method::DELETE, &at(&noahs_own), &noahs, &json!({}))
        .await;
    for memory in &made {
        world
            .done(Method::DELETE, &at(memory), &key, &json!({}))
            .await;
    }
    let list = world.look(&format!("{AT}?state=trash"), &key).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
    assert!(list["items"][0]["deleted_at"].is_string());

    let trash =
        |memory: &serde_json::Value| format!("{AT}/trash/{}", memory["id"].as_str().unwrap());
    let purge = async |memory, key: &str| {
        world
            .call(Method::DELETE, &trash(memory), key, &json!({}))
            .await
    };
    problem(&purge(&kept, &key).await, 409, "conflict");
    problem(&purge(&made[0], &noahs).await, 404, "not_found");
    assert_eq!(purge(&made[0], &key).await.status, 204);
    problem(&purge(&made[0], &key).await, 404, "not_found");
    problem(&world.get(&at(&made[0]), &key).await, 404, "not_found");

    let emptied = world
        .done(Method::DELETE, &format!("{AT}/trash"), &key, &json!({}))
        .await;
    assert_eq!(emptied, json!({ "deleted": 2 }));
    let left = "SELECT count(*) FROM memories";
    assert_eq!(world.app.count(left).await, 2);
    assert!(
        audited(&world, &mia)
            .await
            .ends_with(&["memory.purge".to_owned()])
    );
}

#[tokio::test]
async fn member_manages_own_personas() {
    let world = World::new().await;
    let (mia, key) = member(&world, "Mia").await;
    let (_, noahs) = member(&world, "Noah").await;
    let work = PersonaInput {
        name: "Work".into(),
        description: "At the office".into(),
    };
    let work = service::call::<service::PersonaCreate>(&world.ctx(), &mia, work)
        .await
        .unwrap()
        .id;
    create(
        &world,
        &key,
        &json!({ "content": "Tea", "persona_id": work }),
    )
    .await;
    let personas = ok(&world.get("/api/v1/personas", &key).await, 200);
    assert_eq!(
        personas["items"],
        json!([{ "id": work, "name": "Work", "description": "At the office", "memory_count": 1 }])
    );
    assert_eq!(
        world.look("/api/v1/personas", &noahs).await["items"],
        json!([])
    );
}
