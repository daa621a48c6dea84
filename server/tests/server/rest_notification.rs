//! Notifications over REST, marked as read one by one and all at once.

use crate::support::program::{World, problem};
use axum::http::{Method, StatusCode};
use domain::{
    NotificationId,
    access::SystemRole,
    notification::{MemoryProposed, NotificationData},
};
use serde_json::json;
use store::{notification::notification_create, testing::id};

const AT: &str = "/api/v1/notifications";

#[tokio::test]
async fn notifications_are_listed_and_marked_as_read() {
    let world = World::new().await;
    let key = world.key(SystemRole::Owner.permissions()).await.key;
    let ctx = world.ctx();
    let mut tx = ctx.store.begin(&world.owner).await.unwrap();
    let ids: [NotificationId; 3] = [id(), id(), id()];
    for id in ids {
        let notice = NotificationData::MemoryProposed(MemoryProposed {
            proposal: store::testing::id(),
            proposer: "Mia".into(),
            team: None,
            is_change: false,
        });
        let now = ctx.clock.now();
        notification_create(&mut tx, id, world.owner.user_id, &notice, now)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();

    let page = world.look(AT, &key).await;
    assert_eq!(page["unread_count"], 3);
    let notice = &page["items"][0]["notice"];
    assert_eq!(notice["kind"], "memory_proposed");
    assert_eq!(notice["data"]["proposer"], "Mia");

    let read = format!("{AT}/{}/read", ids[0]);
    let answer = world.call(Method::POST, &read, &key, &json!({})).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
    let answer = world.call(Method::POST, &read, &key, &json!({})).await;
    problem(&answer, 404, "not_found");
    assert_eq!(world.look(AT, &key).await["unread_count"], 2);

    let all = format!("{AT}/read");
    let answer = world.call(Method::POST, &all, &key, &json!({})).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
    let page = world.look(AT, &key).await;
    assert_eq!(page["unread_count"], 0);
    assert!(page["items"][0]["read_at"].is_string());
}
