//! Filters of lists and searches: one table of cases for REST and MCP.

use std::fmt::Write as _;

use axum::http::Method;
use domain::{MemoryId, PersonaId, access::SystemRole, persona::PersonaInput};
use serde_json::{Value, json};

use super::{Mcp as _, done, member, support::program::World, wrong};

const AT: &str = "/api/v1/memories";

/// The titles of a list or a search's hits, in alphabetical order.
fn names<'a>(rows: impl Iterator<Item = &'a Value>) -> Vec<String> {
    let titles = rows.map(|row| row["title"].as_str().unwrap().to_owned());
    let mut titles: Vec<_> = titles.collect();
    titles.sort();
    titles
}

fn rows(list: &Value) -> std::slice::Iter<'_, Value> {
    list.as_array().unwrap().iter()
}

fn hits(found: &Value) -> impl Iterator<Item = &Value> {
    rows(&found["hits"]).map(|hit| &hit["memory"])
}

/// The titles that each of the four endpoints finds.
async fn found(world: &World, key: &str, filter: &Value) -> [(&'static str, Vec<String>); 4] {
    let fields = filter.as_object().unwrap();
    let mut query = String::new();
    for (name, value) in fields {
        let _ = write!(query, "{name}={}&", value.as_str().unwrap());
    }
    let list = world.look(&format!("{AT}?{query}"), key).await;
    let question = json!({ "query": "tea", "mode": "words", "filter": filter });
    let search = world
        .done(Method::POST, &format!("{AT}/search"), key, &question)
        .await;
    let listed = done(&world.tool(key, "list_memories", filter.clone()).await);
    let searched = done(&world.tool(key, "search_memories", question).await);
    [
        ("list over REST", names(rows(&list["items"]))),
        ("search over REST", names(hits(&search))),
        ("list over MCP", names(rows(&listed["items"]))),
        ("search over MCP", names(hits(&searched))),
    ]
}

async fn set(world: &World, id: &Value, column: &str, value: &str) {
    let sql = format!("UPDATE memories SET {column} = {value} WHERE id = $1");
    let id: MemoryId = id.as_str().unwrap().parse().unwrap();
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(id)
        .execute(&world.app.db.admin)
        .await
        .unwrap();
}

async fn kept(world: &World, key: &str, title: &str, more: Value) -> Value {
    let mut new = json!({ "title": title, "content": "Tea" });
    for (name, value) in more.as_object().unwrap() {
        new[name] = value.clone();
    }
    let made = world.done(Method::POST, AT, key, &new).await;
    made["id"].clone()
}

#[tokio::test]
async fn each_filter_applies_to_lists_and_searches_over_rest_and_mcp() {
    let world = World::new().await;
    let (mia, key) = member(&world, "Mia").await;
    let (noah, noahs) = member(&world, "Noah").await;
    let members = [mia.user_id, noah.user_id];
    let team = world.app.tenant.team("Design", &members).await;
    let work = PersonaInput {
        name: "Work".into(),
        description: String::new(),
    };
    let work: PersonaId = service::call::<service::PersonaCreate>(&world.ctx(), &mia, work)
        .await
        .unwrap()
        .id;
    kept(&world, &key, "event", json!({ "kind": "event" })).await;
    kept(&world, &key, "tags", json!({ "tags": ["green", "black"] })).await;
    kept(&world, &key, "green", json!({ "tags": ["green"] })).await;
    kept(&world, &key, "work", json!({ "persona_id": work })).await;
    let source = json!({ "source_url": "https://Wiki.example:8080/tea" });
    kept(&world, &key, "source", source).await;
    let elsewhere = json!({ "source_url": "https://example/wiki.example" });
    kept(&world, &noahs, "elsewhere", elsewhere).await;
    let short = json!({ "expires_at": "2099-01-01T00:00:00Z" });
    kept(&world, &key, "short", short).await;
    let old = kept(&world, &key, "old", json!({})).await;
    set(&world, &old, "updated_at", "'2001-02-03 12:00Z'").await;
    let import = kept(&world, &key, "import", json!({})).await;
    set(&world, &import, "origin", "'import'").await;
    let teams = kept(&world, &noahs, "team", json!({})).await;
    let shared = format!("'team', shared_at = created_at, team_id = '{team}'");
    set(&world, &teams, "visibility", &shared).await;
    let org = kept(&world, &noahs, "org", json!({})).await;
    set(&world, &org, "visibility", "'org', shared_at = created_at").await;
    kept(&world, &noahs, "hidden", json!({})).await;
    let gone = kept(&world, &key, "gone", json!({})).await;
    let path = format!("{AT}/{}", gone.as_str().unwrap());
    world.done(Method::DELETE, &path, &key, &json!({})).await;

    let own = [
        "event", "green", "import", "old", "short", "source", "tags", "work",
    ];
    let (mine, others) = (own.to_vec(), vec!["org", "team"]);
    for (filter, expected) in [
        (json!({ "kind": "event" }), vec!["event"]),
        (json!({ "tag": "green" }), vec!["green", "tags"]),
        (json!({ "tag": "green,black" }), vec!["tags"]),
        (json!({ "persona": work }), vec!["work"]),
        (json!({ "owner": "mine" }), mine.clone()),
        (json!({ "owner": "shared" }), others.clone()),
        (json!({ "owner": noah.user_id }), others),
        (json!({ "owner": mia.user_id }), mine.clone()),
        (json!({ "team": team }), vec!["team"]),
        (json!({ "origin": "import" }), vec!["import"]),
        (json!({ "term": "short" }), vec!["short"]),
        (json!({ "source_host": "wiki.example" }), vec!["source"]),
        (json!({ "source_host": "WIKI.example" }), vec!["source"]),
        (json!({ "source_host": "example" }), vec![]),
        (json!({ "visibility": "private" }), mine),
        (json!({ "visibility": "org" }), vec!["org"]),
        (json!({ "to": "2001-02-03" }), vec!["old"]),
        (
            json!({ "from": "2001-02-03", "to": "2001-02-03" }),
            vec!["old"],
        ),
        (json!({ "to": "2001-02-02" }), vec![]),
        (
            json!({ "owner": "mine", "from": "2001-02-04", "term": "short" }),
            vec!["short"],
        ),
        (json!({ "state": "trash" }), vec!["gone"]),
    ] {
        for (way, titles) in found(&world, &key, &filter).await {
            assert_eq!(titles, expected, "{way} {filter}");
        }
    }
    // SEC-C6: with a foreign id nothing is found.
    let other = world.app.db.tenant("other").await;
    let eve = other.actor(SystemRole::Owner, "Eve").await;
    world.memory_of(&eve, "Tea").await;
    let kitchen = other.team("Kitchen", &[eve.user_id]).await;
    for filter in [
        json!({ "owner": eve.user_id }),
        json!({ "team": kitchen }),
        json!({ "persona": uuid::Uuid::nil() }),
    ] {
        for (way, titles) in found(&world, &key, &filter).await {
            assert_eq!(titles, [] as [&str; 0], "{way} {filter}");
        }
    }
}

#[tokio::test]
async fn invalid_filter_is_named_by_every_endpoint() {
    let world = World::new().await;
    let (_, key) = member(&world, "Mia").await;
    let tags: Vec<_> = (0..10_000).map(|n| n.to_string()).collect();
    for (name, value) in [
        ("kind", "song".to_owned()),
        ("tag", "a\0".to_owned()),
        ("tag", tags.join(",")),
        ("tag", "x".repeat(51)),
        ("persona", "work".to_owned()),
        ("owner", "me".to_owned()),
        ("team", "design".to_owned()),
        ("origin", "nowhere".to_owned()),
        ("term", "soon".to_owned()),
        ("visibility", "all".to_owned()),
        ("from", "yesterday".to_owned()),
        ("to", "2026-02-30".to_owned()),
        ("state", "gone".to_owned()),
        ("colour", "green".to_owned()),
    ] {
        let said = wrong(
            &world
                .tool(&key, "list_memories", json!({ name: value }))
                .await,
        );
        assert!(said.contains(name), "{name}: {said}");
        let question = json!({ "query": "tea", "filter": { name: value } });
        let said = wrong(&world.tool(&key, "search_memories", question.clone()).await);
        assert!(said.contains(name), "{name}: {said}");
        let search = format!("{AT}/search");
        let answer = world.call(Method::POST, &search, &key, &question).await;
        assert_eq!(answer.status, 422, "{name}: {}", answer.body);
        assert!(answer.body.contains(name), "{name}: {}", answer.body);
    }
    // MCP takes values in the same shape as REST, and in no other.
    for (name, value) in [
        ("kind", json!(["event"])),
        ("filter", json!({ "kind": "event" })),
        ("tag", json!(["green"])),
        ("cursor", json!("x")),
    ] {
        let said = wrong(
            &world
                .tool(&key, "list_memories", json!({ name: value }))
                .await,
        );
        assert!(said.contains(&format!("{name}: ")), "{name}: {said}");
    }
    for query in [
        "kind=event&kind=fact",
        "colour=green",
        "cursor=x",
        "kind=%ff",
    ] {
        let answer = world.get(&format!("{AT}?{query}"), &key).await;
        assert_eq!(answer.status, 422, "{query}: {}", answer.body);
    }
}
