//! Batches of changes.

use axum::http::Method;
use domain::{Permission, access::SystemRole};
use serde_json::json;

use super::{
    AT, audited, create, fields, member, ok,
    support::program::{World, problem},
};

#[expect(clippy::too_many_lines, reason = "one row with its outcome each")]
#[tokio::test]
async fn bad_row_of_a_batch_leaves_the_others_intact() {
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
    // One embedding job for all texts.
    assert_eq!(
        world.app.count("SELECT count(*) FROM jobs").await,
        before + 1
    );
    // SEC-E1: an audit row for each change.
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
async fn batch_has_one_to_a_thousand_rows_and_runs_once() {
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
    // A member who may not write is told so, and the denial is audited.
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

#[tokio::test]
async fn each_kind_of_row_has_its_own_schema_by_op() {
    let world = World::new().await;
    let document = world.document().await;
    let batch = &document["paths"]["/memories/batch"]["post"]["requestBody"];
    let items = &batch["content"]["application/json"]["schema"]["properties"]["items"]["items"];
    let name = items["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
    let row = &document["components"]["schemas"][name];
    assert_eq!(row["discriminator"]["propertyName"], "op");
    let kinds: Vec<_> = row["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| {
            assert_eq!(kind["additionalProperties"], false, "{kind}");
            let mut required = kind["required"].as_array().unwrap().clone();
            assert_eq!(required.remove(0), "op");
            (kind["properties"]["op"]["const"].clone(), required)
        })
        .collect();
    assert_eq!(
        json!(kinds),
        json!([
            ["create", ["content"]],
            ["update", ["id", "version"]],
            ["delete", ["id"]],
            ["restore", ["id"]],
        ])
    );
}
