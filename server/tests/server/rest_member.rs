//! Members over REST: read, assign roles, end sessions, suspend, offboard.

use crate::support::program::{World, problem};
use axum::http::{Method, StatusCode};
use domain::access::SystemRole;
use serde_json::{Value, json};

const AT: &str = "/api/v1/members";

#[tokio::test]
async fn member_is_read_changed_and_offboarded() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let mia = world.app.tenant.actor(SystemRole::Member, "Mia").await;
    let member = format!("{AT}/{}", mia.user_id);
    let done = async |method: Method, path: &str, body| {
        let answer = world.call(method, path, &key, &body).await;
        assert_eq!(
            answer.status,
            StatusCode::NO_CONTENT,
            "{path}: {}",
            answer.body
        );
    };

    let list = world
        .look(&format!("{AT}?query=mia&role=member"), &key)
        .await;
    assert_eq!(list["items"][0]["id"], json!(mia.user_id));
    assert_eq!(list["items"][0]["roles"], json!(["Member"]));

    let roles = world.look("/api/v1/roles", &key).await;
    let viewer = roles["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|role| role["key"] == "viewer")
        .unwrap();
    let role = format!("{member}/roles/{}", viewer["id"].as_str().unwrap());
    done(Method::PUT, &role, json!({})).await;
    let answer = world.call(Method::PUT, &role, &key, &json!({})).await;
    problem(&answer, 409, "conflict");
    let detail = world.look(&member, &key).await;
    let held = detail["roles"].as_array().unwrap();
    assert_eq!(held.len(), 2);
    assert_eq!(held[1]["role"]["key"], "viewer");
    assert_eq!(held[1]["granted_by"], "Olga");
    done(Method::DELETE, &role, json!({})).await;
    let answer = world.call(Method::DELETE, &role, &key, &json!({})).await;
    problem(&answer, 404, "not_found");

    done(Method::DELETE, &format!("{member}/sessions"), json!({})).await;
    for (act, status) in [
        ("suspend", "suspended"),
        ("reactivate", "active"),
        ("deactivate", "deactivated"),
        ("reactivate", "active"),
    ] {
        let path = format!("{member}/{act}");
        done(Method::POST, &path, json!({})).await;
        let answer = world.call(Method::POST, &path, &key, &json!({})).await;
        problem(&answer, 409, "conflict");
        let detail = world.look(&member, &key).await;
        assert_eq!(detail["status"], status);
        assert_eq!(detail["audit"][0]["action"], format!("member.{act}"));
    }

    let preview = world
        .look(&format!("{member}/offboard-preview"), &key)
        .await;
    assert_eq!(preview["member"]["display_name"], "Mia");
    assert_eq!(
        (&preview["blocked_reason"], &preview["shared_memories"]),
        (&json!(null), &json!(0))
    );
    let offboard = format!("{member}/offboard");
    let typo = json!({ "confirm": "Max" });
    let answer = world.call(Method::POST, &offboard, &key, &typo).await;
    let refused = problem(&answer, 422, "invalid");
    assert_eq!(refused["errors"][0]["field"], "confirm");
    done(Method::POST, &offboard, json!({ "confirm": "Mia" })).await;
    let detail = world.look(&member, &key).await;
    assert_eq!(
        (&detail["status"], &detail["roles"]),
        (&json!("deactivated"), &json!([]))
    );
}

#[tokio::test]
async fn one_session_of_a_member_is_ended() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let mut browser = world.app.browser();
    browser.router = world.router.clone();
    browser.sign_in(&world.app.issuer).await;
    let list = world.look(AT, &key).await;
    let items = list["items"].as_array().unwrap();
    let visitor = items
        .iter()
        .find(|member| member["id"] != json!(world.owner.user_id))
        .unwrap();
    let member = format!("{AT}/{}", visitor["id"].as_str().unwrap());
    let sessions = world.look(&member, &key).await["sessions"].clone();
    let session = sessions[0]["id"].as_str().unwrap();
    let path = format!("{member}/sessions/{session}");
    let answer = world.call(Method::DELETE, &path, &key, &json!({})).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
    assert_eq!(world.look(&member, &key).await["sessions"], json!([]));
    problem(
        &world.call(Method::DELETE, &path, &key, &json!({})).await,
        404,
        "not_found",
    );
}

#[tokio::test]
async fn action_on_several_members_is_previewed_applied_and_reported() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let mia = world.app.tenant.actor(SystemRole::Member, "Mia").await;
    let ids = [mia.user_id, world.owner.user_id];

    let actions = world.look(&format!("{AT}/bulk-actions"), &key).await;
    assert_eq!(actions["items"][0]["key"], "suspend");
    let input = json!({ "act": "suspend", "ids": ids });
    let preview = world
        .done(Method::POST, &format!("{AT}/bulk-preview"), &key, &input)
        .await;
    assert_eq!(preview["rows"][0]["blocked_reason"], json!(null));
    assert_eq!(preview["rows"][1]["display_name"], "Olga");
    assert!(preview["rows"][1]["blocked_reason"].is_string());
    let before = world.look(&format!("{AT}/{}", mia.user_id), &key).await;
    assert_eq!(before["status"], "active");

    let applied = world
        .done(Method::POST, &format!("{AT}/bulk"), &key, &input)
        .await;
    let id = applied["id"].as_str().unwrap();
    let outcome = world.look(&format!("{AT}/bulk/{id}"), &key).await;
    assert_eq!(outcome["action"], "member.suspend");
    assert_eq!(outcome["rows"][0]["blocked_reason"], json!(null));
    assert!(outcome["rows"][1]["blocked_reason"].is_string());
    let after = world.look(&format!("{AT}/{}", mia.user_id), &key).await;
    assert_eq!(after["status"], "suspended");

    let stranger = json!({ "act": "sing", "ids": ids });
    let answer = world
        .call(Method::POST, &format!("{AT}/bulk-preview"), &key, &stranger)
        .await;
    assert_eq!(
        problem(&answer, 422, "invalid")["errors"][0]["field"],
        "act"
    );
}

#[tokio::test]
async fn members_are_sorted_counted_and_read_in_both_directions() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    for n in 0..120 {
        let name = format!("Person {n:03}");
        world.app.tenant.actor(SystemRole::Member, &name).await;
    }
    let read = async |sort: &str, after: &str| -> (Vec<String>, Value) {
        let fields = [("query", "person"), ("sort", sort), ("after", after)];
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let answer = world.get(&format!("/api/v1/members?{query}"), &key).await;
        let page: Value = serde_json::from_str(&answer.body).unwrap();
        let items = page["items"].as_array().into_iter().flatten();
        let names = items.map(|row| row["display_name"].as_str().unwrap().to_owned());
        (names.collect(), page)
    };
    let cursor = |page: &Value, name: &str| page[name].as_str().unwrap_or_default().to_owned();
    for sort in ["", "-name", "created_at", "-status"] {
        let (mut pages, mut after) = (Vec::new(), String::new());
        let last = loop {
            let (names, page) = read(sort, &after).await;
            assert_eq!(page["total"], 120, "{sort}");
            pages.push(names);
            after = cursor(&page, "next");
            if after.is_empty() {
                break page;
            }
        };
        let names: Vec<_> = pages.concat();
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!((names.len(), distinct.len()), (120, 120), "{sort}");
        match sort {
            "" => assert!(names.is_sorted()),
            "-name" => assert!(names.is_sorted_by(|a, b| a > b)),
            _ => {}
        }
        let mut before = cursor(&last, "prev");
        for expected in pages.iter().rev().skip(1) {
            let (names, page) = read(sort, &before).await;
            assert_eq!(names, *expected, "{sort}");
            before = cursor(&page, "prev");
        }
        assert_eq!(before, "", "{sort}");
    }
    let (_, first) = read("", "").await;
    let (_, refused) = read("-name", &cursor(&first, "next")).await;
    assert_eq!(refused["errors"][0]["field"], "after");
    let (_, refused) = read("email", "").await;
    assert_eq!(refused["errors"][0]["field"], "sort");
}
