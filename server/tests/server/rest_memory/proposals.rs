//! Proposals: scopes, idempotency, pagination and vendors.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    AT, fields,
    sharing::{PROPOSALS, Person, SCOPES, Scene},
    support::program::problem,
};

// SEC-B3, SEC-D5: the scope for writing memories does not include sharing.
#[tokio::test]
async fn key_without_the_scope_can_neither_share_nor_decide() {
    let scene = Scene::new().await;
    let (_, proposal) = scene.proposed().await;
    let key = async |person: &Person| scene.world.key_of(&person.actor, super::SCOPES).await.key;
    let (mias, lenas) = (key(&scene.mia).await, key(&scene.lena).await);
    let own = scene.world.memory_of(&scene.mia.actor, "Mine").await;
    let leads = scene.world.memory_of(&scene.lena.actor, "Lena's").await;
    let org = json!({ "version": 1, "audience": "org" });
    for (path, key, body) in [
        (format!("{AT}/{own}/share"), &mias, scene.team(1)),
        (format!("{AT}/{own}/share"), &mias, org),
        (
            format!("{AT}/{own}/share"),
            &mias,
            json!({ "version": 1, "audience": "me" }),
        ),
        (format!("{AT}/{leads}/share"), &lenas, scene.team(1)),
        (format!("{AT}/{own}/unshare"), &mias, json!({})),
        (format!("{proposal}/accept"), &lenas, json!({})),
        (format!("{proposal}/decline"), &lenas, json!({})),
        (format!("{proposal}/withdraw"), &mias, json!({})),
    ] {
        let answer = scene.world.call(Method::POST, &path, key, &body).await;
        let told = problem(&answer, 403, "forbidden");
        assert_eq!(told["permission"], "memory.share", "{path}");
    }
    for path in [PROPOSALS, &proposal] {
        problem(&scene.world.get(path, &lenas).await, 403, "forbidden");
    }
    assert_eq!(scene.world.app.denials().await, 10);
    let waiting = "SELECT count(*) FROM memory_proposals WHERE status = 'pending'";
    assert_eq!(scene.world.app.count(waiting).await, 1);
    let shared = "SELECT count(*) FROM memories WHERE visibility <> 'private'";
    assert_eq!(scene.world.app.count(shared).await, 0);
}

// SEC-F5
#[tokio::test]
async fn repeated_call_proposes_and_decides_once() {
    let scene = Scene::new().await;
    let memory = scene.world.memory_of(&scene.mia.actor, "Tea at four").await;
    let path = format!("{AT}/{memory}/share");
    let first = scene
        .world
        .post(&path, &scene.mia.key, "share-1", &scene.team(1))
        .await;
    let again = scene
        .world
        .post(&path, &scene.mia.key, "share-1", &scene.team(1))
        .await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.header("idempotency-replayed"), "true");
    let proposal: Value = serde_json::from_str(&first.body).unwrap();
    let accept = format!(
        "{PROPOSALS}/{}/accept",
        proposal["proposal_id"].as_str().unwrap()
    );
    for replayed in ["", "true"] {
        let answer = scene
            .world
            .post(&accept, &scene.lena.key, "accept-1", &json!({}))
            .await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
        assert_eq!(answer.header("idempotency-replayed"), replayed);
    }
    let count = scene
        .world
        .app
        .count("SELECT count(*) FROM memory_proposals")
        .await;
    assert_eq!(count, 1);
}

// SEC-C6
#[tokio::test]
async fn proposals_are_paginated_and_reject_cursors_of_other_lists() {
    let scene = Scene::new().await;
    for n in 0..55 {
        let memory = scene
            .world
            .memory_of(&scene.mia.actor, &format!("Tea {n}"))
            .await;
        let answer = scene.share(&scene.mia, memory, &scene.team(1)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
    let first = scene.world.look(PROPOSALS, &scene.lena.key).await;
    assert_eq!(first["items"].as_array().unwrap().len(), 50);
    let next = first["next"].as_str().unwrap();
    let second = scene
        .world
        .look(&format!("{PROPOSALS}?after={next}"), &scene.lena.key)
        .await;
    assert_eq!(second["items"].as_array().unwrap().len(), 5);
    assert!(second["next"].is_null());
    let memories = scene.world.look(AT, &scene.mia.key).await;
    let other = memories["next"].as_str().unwrap();
    for (path, key) in [
        (format!("{PROPOSALS}?after={next}"), &scene.eve.key),
        (format!("{PROPOSALS}?after={other}"), &scene.lena.key),
        (format!("{PROPOSALS}?after=x"), &scene.lena.key),
        (format!("{AT}?after={next}"), &scene.lena.key),
    ] {
        assert_eq!(
            fields(&scene.world.get(&path, key).await),
            ["after"],
            "{path}"
        );
    }
}

/// The text in a proposal is hidden from vendors that may not read the memory.
#[tokio::test]
async fn proposal_is_readable_by_vendors_that_may_read_its_memory() {
    let scene = Scene::new().await;
    let key = async |person: &Person, vendor: &str| {
        scene.world.key_for(&person.actor, SCOPES, vendor).await.key
    };
    let mias = key(&scene.mia, "chatgpt").await;
    let new = json!({ "content": "For ChatGPT only", "allowed_vendors": ["chatgpt"] });
    let made = scene.world.done(Method::POST, AT, &mias, &new).await;
    let share = format!("{AT}/{}/share", made["id"].as_str().unwrap());
    let other = key(&scene.mia, "claude").await;
    let hidden = scene
        .world
        .call(Method::POST, &share, &other, &scene.team(1))
        .await;
    problem(&hidden, 404, "not_found");
    let shared = scene
        .world
        .done(Method::POST, &share, &mias, &scene.team(1))
        .await;
    let proposal = format!("{PROPOSALS}/{}", shared["proposal_id"].as_str().unwrap());
    for (person, vendor, sees) in [
        (&scene.mia, "chatgpt", true),
        (&scene.mia, "claude", false),
        (&scene.mia, "", false),
        (&scene.lena, "claude", false),
        (&scene.lena, "", false),
        (&scene.lena, "chatgpt", true),
    ] {
        let who = format!("{} by {vendor}", person.actor.label);
        let key = key(person, vendor).await;
        let found = scene.world.get(&proposal, &key).await;
        assert_eq!(found.status.as_u16(), if sees { 200 } else { 404 }, "{who}");
        let list = scene.world.look(PROPOSALS, &key).await;
        assert_eq!(
            list["items"].as_array().unwrap().len(),
            usize::from(sees),
            "{who}"
        );
        if !sees {
            let accept = format!("{proposal}/accept");
            let refused = scene
                .world
                .call(Method::POST, &accept, &key, &json!({}))
                .await;
            problem(&refused, 404, "not_found");
        }
    }
    // Members review it in the browser, whichever vendors may read it.
    let ctx = scene.world.ctx();
    let lena = scene
        .world
        .app
        .tenant
        .actor_of(scene.lena.actor.user_id)
        .await;
    let input = domain::proposal::ProposalListInput::default();
    let list = service::call::<service::ProposalList>(&ctx, &lena, input)
        .await
        .unwrap();
    assert_eq!(list.page.items.len(), 1);
}

#[tokio::test]
async fn change_of_a_shared_memory_waits_for_a_review() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let memory = world.memory_of(&scene.mia.actor, "Tea at three").await;
    let one = format!("{AT}/{memory}");
    let change = |version: i32, content: &str| json!({ "version": version, "content": content });
    let first = world
        .done(
            Method::PATCH,
            &one,
            &scene.mia.key,
            &change(1, "Tea at four"),
        )
        .await;
    assert_eq!(first["proposal_id"], Value::Null);
    let shared = scene.share(&scene.mia, memory, &scene.team(2)).await;
    let shared: Value = serde_json::from_str(&shared.body).unwrap();
    let accept = |id: &Value| format!("{PROPOSALS}/{}/accept", id.as_str().unwrap());
    let accepted = accept(&shared["proposal_id"]);
    let answer = world
        .call(Method::POST, &accepted, &scene.lena.key, &json!({}))
        .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let read = async |person: &Person| {
        let seen = world.look(&one, &person.key).await;
        (seen["content"].clone(), seen["version"].clone())
    };
    let before = (json!("Tea at four"), json!(3));

    // SEC-D5: the scope for writing does not include changing shared memories.
    let without = world.key_of(&scene.mia.actor, super::SCOPES).await.key;
    let answer = world
        .call(Method::PATCH, &one, &without, &change(3, "Tea at five"))
        .await;
    let told = problem(&answer, 403, "forbidden");
    assert_eq!(told["permission"], "memory.share");

    let restore = format!("{one}/versions/1/restore");
    let batch = json!({ "items": [
        { "op": "update", "id": memory, "version": 3, "content": "Tea at six" }
    ] });
    for (method, path, body) in [
        (Method::POST, restore, json!({ "current": 3 })),
        (Method::POST, format!("{AT}/batch"), batch),
        (Method::PATCH, one.clone(), change(3, "Tea at five")),
    ] {
        let answer = world.call(method, &path, &scene.mia.key, &body).await;
        let told: Value = serde_json::from_str(&answer.body).unwrap();
        let told = if path.ends_with("batch") {
            assert_eq!(
                (&told["proposed"], &told["updated"]),
                (&json!(1), &json!(0))
            );
            assert_eq!(told["rows"][0]["outcome"], "proposed");
            told["rows"][0].clone()
        } else {
            assert_eq!(
                answer.status,
                StatusCode::ACCEPTED,
                "{path}: {}",
                answer.body
            );
            told
        };
        assert!(told["proposal_id"].is_string(), "{path}: {told}");
        for person in [&scene.mia, &scene.max] {
            assert_eq!(read(person).await, before, "{path}");
        }
    }
    let sharing = world.look(&format!("{one}/sharing"), &scene.mia.key).await;
    let waiting = &sharing["pending"];
    assert_eq!(waiting["is_change"], json!(true));
    let path = format!("{PROPOSALS}/{}", waiting["id"].as_str().unwrap());
    let proposal = world.look(&path, &scene.lena.key).await;
    assert_eq!(proposal["is_change"], json!(true));
    let changed: Vec<_> = proposal["change"]["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|span| (&span["kind"], &span["text"]))
        .collect();
    assert_eq!(
        changed,
        [
            (&json!("same"), &json!("Tea at ")),
            (&json!("deleted"), &json!("four")),
            (&json!("inserted"), &json!("five")),
        ]
    );
    let answer = world
        .call(
            Method::POST,
            &accept(&waiting["id"]),
            &scene.lena.key,
            &json!({}),
        )
        .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(read(&scene.max).await, (json!("Tea at five"), json!(4)));
}

#[tokio::test]
async fn lead_changes_a_memory_of_the_team_without_a_review() {
    let scene = Scene::new().await;
    let leads = scene.world.memory_of(&scene.lena.actor, "Cake").await;
    scene.share(&scene.lena, leads, &scene.team(1)).await;
    let path = format!("{AT}/{leads}");
    let change = json!({ "version": 2, "content": "No cake" });
    let answer = scene
        .world
        .call(Method::PATCH, &path, &scene.lena.key, &change)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let seen = scene.world.look(&path, &scene.max.key).await;
    assert_eq!(seen["content"], "No cake");
}
