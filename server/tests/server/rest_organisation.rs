//! Settings, invites, group mappings, keys and other resources of the
//! organisation over REST.

use crate::support::program::{World, problem, without_ids};
use axum::http::{Method, StatusCode};
use domain::{access::SystemRole, embedding_model::EmbeddingSource};
use serde_json::{Value, json};
use store::{
    embedding_model::{NewEmbeddingModel, embedding_model_start},
    testing::{NOW, id},
};

#[tokio::test]
async fn settings_are_read_and_replaced() {
    const AT: &str = "/api/v1/settings";
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let before = world.look(AT, &key).await;
    let change = json!({
        "version": before["version"],
        "name": " Acme and daughters ",
        "session_idle_hours": 2,
        "time_zone": "Europe/Berlin",
        "currency": null,
        "invite_domains": ["example.org", "example.com"],
        "reviewed_changes": "owner",
    });
    let answer = world.call(Method::PUT, AT, &key, &change).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
    let after = world.look(AT, &key).await;
    without_ids().bind(|| insta::assert_json_snapshot!("settings", after));
    let stale = world.call(Method::PUT, AT, &key, &change).await;
    problem(&stale, 409, "conflict");

    for (field, value) in [
        ("session_idle_hours", json!(0)),
        ("session_idle_hours", json!(true)),
        ("time_zone", json!("Mars/Base")),
        ("invite_domains", json!([1])),
        ("colour", json!("red")),
    ] {
        let mut bad = json!({ "version": after["version"], "name": "Acme" });
        bad[field] = value;
        let answer = world.call(Method::PUT, AT, &key, &bad).await;
        let problem = problem(&answer, 422, "invalid");
        let named = problem["errors"][0]["field"].as_str().unwrap();
        assert!(named.starts_with(field), "{named}");
    }
}

#[tokio::test]
async fn invite_is_created_renewed_and_revoked() {
    const AT: &str = "/api/v1/invites";
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let team = world.app.tenant.team("Design", &[]).await;

    let choices = world.look(&format!("{AT}/choices"), &key).await;
    assert_eq!(choices["teams"], json!([{ "id": team, "name": "Design" }]));
    let role = &choices["roles"][0]["id"];
    let new = json!({ "email": "nina@example.org", "role": role, "team": team, "days": 30 });
    let answer = world.call(Method::POST, AT, &key, &new).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let created: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(created["mail"], "not_sent");
    let link = created["link"].as_str().unwrap();
    assert!(link.starts_with("https://atrium.example/invite/"), "{link}");
    let invite = format!("{AT}/{}", created["id"].as_str().unwrap());
    assert_eq!(answer.header("location"), invite);

    let seen = world.look(&invite, &key).await;
    assert_eq!(seen["status"], "pending");
    assert_eq!(seen["team"]["id"], json!(team));
    assert_eq!(seen["role"]["id"], *role);
    let renew = format!("{invite}/renew");
    let renewed = world.done(Method::POST, &renew, &key, &json!({})).await;
    assert_ne!(renewed["link"], created["link"]);

    let pending = format!("{AT}?status=pending");
    let items = world.look(&pending, &key).await["items"].clone();
    assert_eq!(items[0]["id"], created["id"]);
    world.done(Method::DELETE, &invite, &key, &json!({})).await;
    assert_eq!(world.look(&pending, &key).await["items"], json!([]));
    assert_eq!(world.look(&invite, &key).await["status"], "revoked");
    let again = world.call(Method::POST, &renew, &key, &json!({})).await;
    problem(&again, 409, "conflict");

    for (body, field) in [
        (json!({ "email": "nina" }), "email"),
        (json!({ "role": "x" }), "role"),
        (json!({ "team": false }), "team"),
        (json!({ "days": 8 }), "days"),
        (json!({ "colour": "red" }), "colour"),
    ] {
        let answer = world.call(Method::POST, AT, &key, &body).await;
        let problem = problem(&answer, 422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    let answer = world.get(&format!("{AT}?status=lost"), &key).await;
    problem(&answer, 422, "invalid");
}

#[tokio::test]
async fn group_mapping_is_previewed_created_replaced_and_deleted() {
    const AT: &str = "/api/v1/group-mappings";
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let team = world.app.tenant.team("Design", &[]).await;

    let new = json!({ "source": "group", "group_id": "finance", "team": team, "priority": 7 });
    let trial = json!({ "draft": new, "claims": "finance\nstaff" });
    let at = format!("{AT}/simulate");
    let seen = world.done(Method::POST, &at, &key, &trial).await;
    assert_eq!(seen["person"]["reasons"][0]["granted"]["team"], "Design");
    assert_eq!(seen["person"]["unused"], json!(["staff"]));
    assert_eq!(world.look(AT, &key).await["rules"], json!([]));

    let answer = world.call(Method::POST, AT, &key, &new).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let created: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(created["team_id"], json!(team));
    assert_eq!(created["priority"], 7);
    let rule = format!("{AT}/{}", created["id"].as_str().unwrap());
    assert_eq!(answer.header("location"), rule);

    let change =
        json!({ "source": "app_role", "group_id": "clerk", "label": "Clerks", "team": team });
    world.done(Method::PUT, &rule, &key, &change).await;
    let list = world.look(AT, &key).await;
    assert_eq!(list["rules"][0]["rule"]["label"], "Clerks");
    assert_eq!(list["rules"][0]["rule"]["priority"], 100);
    assert_eq!(list["rules"][0]["team"], "Design");

    for (body, field) in [
        (json!({ "source": "group" }), "group_id"),
        (
            json!({ "source": "mail", "group_id": "x", "team": team }),
            "source",
        ),
        (json!({ "source": "group", "group_id": "x" }), "role"),
        (
            json!({ "source": "group", "group_id": "x", "team": team, "priority": 1001 }),
            "priority",
        ),
        (
            json!({ "source": "group", "group_id": "x", "team": team, "colour": "red" }),
            "colour",
        ),
    ] {
        let answer = world.call(Method::POST, AT, &key, &body).await;
        let problem = problem(&answer, 422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    world.done(Method::DELETE, &rule, &key, &json!({})).await;
    let gone = world.call(Method::DELETE, &rule, &key, &json!({})).await;
    problem(&gone, 404, "not_found");
}

#[tokio::test]
async fn service_account_and_its_key_are_created_and_the_key_revoked() {
    const AT: &str = "/api/v1/organisation/api-keys";
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let account = json!({ "name": "Exporter", "kind": "service" });
    let accounts = "/api/v1/service-accounts";
    let created = world.done(Method::POST, accounts, &key, &account).await;
    let listed = world.look(accounts, &key).await;
    assert_eq!(listed[0]["id"], created["id"]);
    assert_eq!(listed[0]["key_count"], 0);

    let service = world.service(SystemRole::Viewer).await;
    let owner = world
        .look(&format!("{accounts}/{service}/owner"), &key)
        .await;
    assert_eq!(owner["kind"], "service");
    let offered = owner["offered"].as_array().unwrap();
    assert!(offered.contains(&json!("memory.read")), "{owner}");
    let new = json!({
        "owner_id": service,
        "label": "Nightly export",
        "scopes": ["memory.read"],
        "lifetime": 90,
    });
    let answer = world.call(Method::POST, AT, &key, &new).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let made: Value = serde_json::from_str(&answer.body).unwrap();
    let one = format!("{AT}/{}", made["id"].as_str().unwrap());
    assert_eq!(answer.header("location"), one);

    let detail = world.look(&one, &key).await;
    assert_eq!(detail["key"]["owner_id"], json!(service));
    assert_eq!(detail["key"]["vendor"], "other");
    assert_eq!(detail["effective"], json!(["memory.read"]));
    let all = world.look(AT, &key).await["items"].clone();
    assert_eq!(all[0]["id"], made["id"]);
    let own = world.look("/api/v1/api-keys", &key).await["items"].clone();
    assert!(
        own.as_array()
            .unwrap()
            .iter()
            .all(|own| own["id"] != made["id"])
    );
    // The path of the member's own keys doesn't find a service's key.
    let as_own = one.replace("organisation/", "");
    problem(&world.get(&as_own, &key).await, 404, "not_found");

    world.done(Method::DELETE, &one, &key, &json!({})).await;
    let again = world.call(Method::DELETE, &one, &key, &json!({})).await;
    problem(&again, 409, "conflict");
    let ended = world.look(&format!("{AT}?ended=true"), &key).await;
    assert_eq!(ended["items"][0]["id"], made["id"]);
}

#[tokio::test]
async fn service_account_with_role_and_first_key_is_one_call() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let accounts = "/api/v1/service-accounts";
    let choices = world.look(&format!("{accounts}/choices"), &key).await;
    let roles = choices["roles"].as_array().unwrap();
    let viewer = roles.iter().find(|role| role["key"] == "viewer").unwrap();
    let mut account = json!({
        "name": "Exporter",
        "kind": "service",
        "roles": [viewer["id"]],
        "key": { "label": "Nightly export", "scopes": ["memory.read"], "lifetime": 90 },
    });
    let made = world.done(Method::POST, accounts, &key, &account).await;
    let first = made["key"]["key"].as_str().unwrap();
    world.look("/api/v1/memories", first).await;
    let listed = world.look(accounts, &key).await;
    assert_eq!(listed[0]["id"], made["id"]);
    assert_eq!(listed[0]["roles"], json!(["Viewer"]));
    assert_eq!(listed[0]["key_count"], 1);

    account["name"] = json!("");
    account["roles"] = json!(["viewer"]);
    account["key"]["scopes"] = json!([]);
    account["key"]["lifetime"] = json!("soon");
    let refused = world.call(Method::POST, accounts, &key, &account).await;
    problem(&refused, 422, "invalid");
    for field in ["name", "roles", "key.scopes", "key.lifetime"] {
        assert!(
            refused.body.contains(&format!("\"{field}\"")),
            "{field}: {}",
            refused.body
        );
    }
}

#[tokio::test]
async fn own_api_key_is_created_read_and_revoked() {
    const AT: &str = "/api/v1/api-keys";
    let world = World::new().await;
    let key = world.key_for(&world.owner, SystemRole::Owner.permissions(), "claude");
    let key = key.await.key;
    let owner = world.look(&format!("{AT}/owner"), &key).await;
    assert_eq!(owner["id"], json!(world.owner.user_id));
    let new = json!({ "label": "Second", "scopes": ["memory.read"] });
    let made = world.done(Method::POST, AT, &key, &new).await;
    let one = format!("{AT}/{}", made["id"].as_str().unwrap());
    let detail = world.look(&one, &key).await;
    // The new key has the vendor of the key that created it.
    without_ids().bind(|| insta::assert_json_snapshot!("own_api_key", detail));
    for (field, value) in [
        ("lifetime", json!(0)),
        ("vendor", json!("cursor")),
        ("scopes", json!("memory.read")),
        ("scopes", json!([])),
        ("owner_id", json!(world.owner.user_id)),
    ] {
        let mut bad = new.clone();
        bad[field] = value;
        let answer = world.call(Method::POST, AT, &key, &bad).await;
        let problem = problem(&answer, 422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    world.done(Method::DELETE, &one, &key, &json!({})).await;
    let ended = world.look(&format!("{AT}?ended=true"), &key).await;
    assert_eq!(ended["items"][0]["id"], made["id"]);
}

#[tokio::test]
async fn own_preferences_are_read_and_replaced() {
    const AT: &str = "/api/v1/me/preferences";
    let world = World::new().await;
    let key = world.key(SystemRole::Viewer.permissions()).await.key;
    let me = world.look("/api/v1/me", &key).await;
    assert_eq!(me["kind"], "human");
    assert_eq!(me["tenant_slug"], "acme");
    let change = json!({ "theme": "dark", "time_zone": "Europe/Berlin", "locale": "de-DE" });
    world.done(Method::PUT, AT, &key, &change).await;
    let theme = format!("{AT}/theme");
    world
        .done(Method::PUT, &theme, &key, &json!({ "theme": "light" }))
        .await;
    let saved = world.look(AT, &key).await;
    assert_eq!(
        saved["preferences"],
        json!({ "theme": "light", "time_zone": "Europe/Berlin", "locale": "de-DE" })
    );
    for (path, body, field) in [
        (AT, json!({ "theme": "pink" }), "theme"),
        (AT, json!({ "time_zone": "Mars/Base" }), "time_zone"),
        (AT, json!({ "locale": true }), "locale"),
        (AT, json!({ "colour": "red" }), "colour"),
        (&theme, json!({ "theme": "pink" }), "theme"),
        (&theme, json!({}), "theme"),
    ] {
        let answer = world.call(Method::PUT, path, &key, &body).await;
        let problem = problem(&answer, 422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    world.done(Method::PUT, AT, &key, &json!({})).await;
    let saved = world.look(AT, &key).await;
    assert_eq!(saved["preferences"]["theme"], Value::Null);
    let reports = world.look("/api/v1/me/break-glass-reports", &key).await;
    assert_eq!(reports, json!([]));
}

#[tokio::test]
async fn embedding_model_is_paused_resumed_and_cancelled() {
    const AT: &str = "/api/v1/embedding-models";
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let before = world.look(AT, &key).await;
    assert_eq!(before["models"][0]["model"]["status"], "active");
    assert!(before["local_off"].is_string(), "{before}");
    let active = before["models"][0]["model"]["id"].as_str().unwrap();
    let active = format!("{AT}/{active}/cancel");
    let refused = world.call(Method::POST, &active, &key, &json!({})).await;
    problem(&refused, 409, "conflict");

    let next = NewEmbeddingModel {
        id: id(),
        source: EmbeddingSource::Endpoint("away".into()),
        model: "large".into(),
        dimensions: 100,
        is_shortened: false,
    };
    let mut tx = world.app.db.store.begin(&world.owner).await.unwrap();
    embedding_model_start(&mut tx, &next, NOW).await.unwrap();
    tx.commit().await.unwrap();
    // Without a memory there is nothing to build, and a sweep would activate it at once.
    world.memory_of(&world.owner, "Tea at four").await;
    for (act, status) in [
        ("pause", "paused"),
        ("resume", "building"),
        ("cancel", "retired"),
    ] {
        let path = format!("{AT}/{}/{act}", next.id);
        world.done(Method::POST, &path, &key, &json!({})).await;
        let models = world.look(AT, &key).await["models"].clone();
        let mut models = models.as_array().unwrap().iter();
        let changed = models.find(|entry| entry["model"]["id"] == json!(next.id));
        assert_eq!(changed.unwrap()["model"]["status"], status, "{act}");
    }

    for (body, field) in [
        (json!({}), "source"),
        (json!({ "source": "cloud" }), "source"),
        (json!({ "source": "address" }), "base_url"),
        (
            json!({ "source": "endpoint:x", "model": "m", "dimensions": 4001 }),
            "dimensions",
        ),
    ] {
        let answer = world.call(Method::POST, AT, &key, &body).await;
        let problem = problem(&answer, 422, "invalid");
        let errors = problem["errors"].as_array().unwrap();
        assert!(
            errors.iter().any(|error| error["field"] == field),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn isolation_report_has_every_table() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let report = world.look("/api/v1/isolation-report", &key).await;
    let tables = report["tables"].as_array().unwrap();
    let memories = tables.iter().find(|table| table["table"] == "memories");
    assert_eq!(memories.unwrap()["row_security"], true);
    assert!(!report.to_string().contains("\"row\""), "{report}");
}
