//! Tokens are refreshed while a session lives (SEC-A12), and the groups in the
//! new ID token take effect (SEC-A10).

use std::time::Duration;

use crate::support::{self, App, Browser};
use axum::http::StatusCode;
use domain::{
    RoleId,
    access::SystemRole,
    group_mapping::{GroupId, GroupMapping, GroupSource},
};
use serde_json::json;
use store::{
    group_mapping::group_mapping_create,
    testing::{NOW, id},
};
use uuid::Uuid;

/// Tokens live for five minutes; the group `engineers` makes members.
async fn app() -> App {
    let app = App::start_with(|settings| settings.oidc.as_mut().unwrap().default_role = None).await;
    let role: Uuid = sqlx::query_scalar("SELECT id FROM roles WHERE key = $1")
        .bind(SystemRole::Member.key())
        .fetch_one(&app.db.admin)
        .await
        .unwrap();
    let mapping = GroupMapping {
        id: id(),
        source: GroupSource::Group,
        group_id: GroupId::parse("engineers").unwrap(),
        label: "Engineers".to_owned(),
        role_id: Some(RoleId(role)),
        team_id: None,
        priority: 100,
    };
    let mut tx = app.tenant.enter().await;
    group_mapping_create(&mut tx, &mapping, NOW).await.unwrap();
    tx.commit().await.unwrap();
    app.issuer.plan(|plan| {
        plan.gives_refresh = true;
        plan.claims = |claims, _| claims["groups"] = json!(["engineers"]);
    });
    app
}

async fn signed_in(app: &App) -> Browser {
    let mut browser = app.browser();
    assert_eq!(browser.sign_in(&app.issuer).await.location(), "/memories");
    assert_eq!(browser.who().await, "Mia Muster");
    browser
}

/// Waits until no refresh is running: refreshes run outside requests.
async fn settled(app: &App) {
    let pending = "SELECT count(*) FROM web_sessions
                    WHERE revoked_at IS NULL AND (refresh_at <= $1 OR refresh_lease_until > $1)";
    for _ in 0..200 {
        let pending: i64 = sqlx::query_scalar(pending)
            .bind(app.clock.now())
            .fetch_one(&app.db.admin)
            .await
            .unwrap();
        if pending == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the tokens are still being renewed");
}

/// Waits until the issuer was asked `times` times and each answer was handled.
async fn asked(app: &App, times: usize) {
    for _ in 0..200 {
        if app.issuer.refreshes() >= times {
            tokio::time::sleep(Duration::from_millis(100)).await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the issuer was asked {} times", app.issuer.refreshes());
}

async fn sealed(app: &App) -> Vec<u8> {
    sqlx::query_scalar("SELECT tokens_encrypted FROM web_sessions")
        .fetch_one(&app.db.admin)
        .await
        .unwrap()
}

/// SEC-A12: each refresh token is used once and replaced by the new one.
#[tokio::test]
async fn tokens_are_refreshed_repeatedly_with_the_newest_refresh_token() {
    let app = app().await;
    let mut browser = signed_in(&app).await;
    let first = sealed(&app).await;
    app.clock.forward(time::Duration::seconds(299));
    browser.who().await;
    assert_eq!(
        app.issuer.refreshes(),
        0,
        "tokens are not refreshed before they expire"
    );
    for round in 1..=3 {
        app.clock.forward(time::Duration::minutes(5));
        assert_eq!(browser.who().await, "Mia Muster");
        settled(&app).await;
        assert_eq!(app.issuer.refreshes(), round);
    }
    assert_ne!(sealed(&app).await, first);
    assert_eq!(browser.who().await, "Mia Muster");
    let refused = "SELECT count(*) FROM audit_log WHERE outcome <> 'success'";
    assert_eq!(app.count(refused).await, 0);
}

/// SEC-A12: if the issuer sends no new refresh token, the old one is kept.
#[tokio::test]
async fn refresh_token_without_a_successor_is_kept() {
    let app = app().await;
    let mut browser = signed_in(&app).await;
    app.issuer.plan(|plan| plan.rotates_refresh = false);
    for round in 1..=2 {
        app.clock.forward(time::Duration::minutes(5));
        browser.who().await;
        settled(&app).await;
        assert_eq!(app.issuer.refreshes(), round);
    }
}

/// SEC-A12: single flight across requests and processes.
#[tokio::test]
async fn concurrent_requests_of_many_processes_refresh_once() {
    let app = app().await;
    let browser = signed_in(&app).await;
    let (_, another_process) = support::build(&app.db, &app.clock, app.auth.settings().clone());
    app.clock.forward(time::Duration::minutes(5));
    let requests = (0..12).map(|n| {
        let mut browser = browser.clone();
        if n % 2 == 0 {
            browser.router = another_process.clone();
        }
        async move { browser.who().await }
    });
    for who in futures::future::join_all(requests).await {
        assert_eq!(who, "Mia Muster");
    }
    settled(&app).await;
    assert_eq!(app.issuer.refreshes(), 1);
}

/// SEC-A10, SEC-A12: a group that the issuer removed is removed at the refresh.
#[tokio::test]
async fn groups_are_read_again() {
    let app = app().await;
    let mut browser = signed_in(&app).await;
    app.issuer
        .plan(|plan| plan.claims = |claims, _| claims["groups"] = json!([]));
    app.clock.forward(time::Duration::minutes(5));
    browser.who().await;
    settled(&app).await;
    assert_eq!(browser.who().await, "→ /no-access");
    let changed = "SELECT count(*) FROM audit_log WHERE action = 'user.grants_set'
                      AND changes->'lost'->'roles' = '[\"member\"]'";
    assert_eq!(app.count(changed).await, 1);
}

/// An answer without an ID token refreshes the tokens and leaves roles alone.
#[tokio::test]
async fn answer_without_an_id_token_changes_no_roles() {
    let app = app().await;
    let mut browser = signed_in(&app).await;
    app.issuer.plan(|plan| {
        plan.answer = |answer| drop(answer.as_object_mut().unwrap().remove("id_token"));
    });
    app.clock.forward(time::Duration::minutes(5));
    browser.who().await;
    settled(&app).await;
    assert_eq!(browser.who().await, "Mia Muster");
    assert_eq!(app.issuer.refreshes(), 1);
    // Signing out still has an ID token as a hint for the issuer.
    assert!(
        browser
            .post("/auth/logout")
            .await
            .location()
            .contains("id_token_hint=")
    );
}

/// SEC-A12: the issuer says that the grant has ended.
#[tokio::test]
async fn invalid_grant_ends_the_session() {
    let app = app().await;
    let mut browser = signed_in(&app).await;
    app.issuer
        .plan(|plan| plan.refuses_refresh = Some((StatusCode::BAD_REQUEST, "invalid_grant")));
    app.clock.forward(time::Duration::minutes(5));
    browser.who().await;
    asked(&app, 1).await;
    assert_eq!(browser.who().await, "→ /sign-in");
    let ended = "SELECT count(*) FROM audit_log WHERE action = 'session.sign_out'
                    AND metadata->>'reason' = 'invalid_grant' AND actor_label = 'Identity provider'";
    assert_eq!(app.count(ended).await, 1);
    let kept = "SELECT count(*) FROM web_sessions WHERE tokens_encrypted IS NOT NULL";
    assert_eq!(app.count(kept).await, 0);
}

/// SEC-A12: an issuer that is unavailable or busy changes nothing, and is asked
/// again after a pause.
#[tokio::test]
async fn outage_of_the_issuer_changes_nothing() {
    for trouble in [
        (StatusCode::BAD_GATEWAY, "no json"),
        (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
        (StatusCode::UNAUTHORIZED, "invalid_client"),
    ] {
        let app = app().await;
        let mut browser = signed_in(&app).await;
        app.issuer.plan(|plan| plan.refuses_refresh = Some(trouble));
        app.clock.forward(time::Duration::minutes(5));
        for _ in 0..3 {
            assert_eq!(browser.who().await, "Mia Muster");
            asked(&app, 1).await;
        }
        assert_eq!(
            app.issuer.refreshes(),
            1,
            "a failed refresh is not retried at once"
        );
        app.issuer.plan(|plan| plan.refuses_refresh = None);
        app.clock.forward(time::Duration::minutes(5));
        browser.who().await;
        asked(&app, 2).await;
        settled(&app).await;
        assert_eq!(browser.who().await, "Mia Muster");
    }
}

/// SEC-A10: if Graph fails, roles stay as they are; the new refresh token is
/// stored, because the old one may be used up.
#[tokio::test]
async fn failing_graph_changes_no_roles() {
    let app = app().await;
    let mut browser = signed_in(&app).await;
    app.issuer.plan(|plan| {
        plan.claims = |claims, _| claims["hasgroups"] = json!(true);
        plan.graph = |_, _| axum::response::IntoResponse::into_response(StatusCode::BAD_GATEWAY);
    });
    app.clock.forward(time::Duration::minutes(5));
    browser.who().await;
    asked(&app, 1).await;
    settled(&app).await;
    assert_eq!(browser.who().await, "Mia Muster");
    app.issuer
        .plan(|plan| plan.claims = |claims, _| claims["groups"] = json!([]));
    app.clock.forward(time::Duration::minutes(5));
    browser.who().await;
    asked(&app, 2).await;
    settled(&app).await;
    assert_eq!(browser.who().await, "→ /no-access");
}

/// OpenID Connect Core, section 12.2: tokens for another subject end the session.
#[tokio::test]
async fn tokens_of_another_person_end_the_session() {
    let app = app().await;
    let mut browser = signed_in(&app).await;
    app.issuer.plan(|plan| plan.subject = "another".into());
    app.clock.forward(time::Duration::minutes(5));
    browser.who().await;
    asked(&app, 1).await;
    assert_eq!(browser.who().await, "→ /sign-in");
}

/// SEC-A6: an invalid ID token is ignored.
#[tokio::test]
async fn invalid_id_token_changes_no_roles() {
    let app = app().await;
    let mut browser = signed_in(&app).await;
    app.issuer.plan(|plan| {
        plan.claims = |claims, context| {
            claims["exp"] = json!(context.now - 60);
            claims["groups"] = json!([]);
        };
    });
    app.clock.forward(time::Duration::minutes(5));
    browser.who().await;
    asked(&app, 1).await;
    settled(&app).await;
    assert_eq!(browser.who().await, "Mia Muster");
}

/// SEC-B2: tokens for a session that ended in the meantime are dropped.
#[tokio::test]
async fn refresh_does_not_resurrect_a_session() {
    let app = app().await;
    let mut browser = signed_in(&app).await;
    app.issuer
        .plan(|plan| plan.refresh_takes = Duration::from_secs(1));
    app.clock.forward(time::Duration::minutes(5));
    let copy = browser.clone();
    browser.who().await;
    // The issuer was asked and has not answered yet.
    asked(&app, 1).await;
    browser.post("/auth/logout").await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(copy.clone().who().await, "→ /sign-in");
    assert_eq!(app.sessions().await, 0);
}

/// Without a refresh token the issuer is not asked, and the session lives until it expires.
#[tokio::test]
async fn session_without_a_refresh_token_is_left_alone() {
    let app = app().await;
    app.issuer.plan(|plan| plan.gives_refresh = false);
    let mut browser = signed_in(&app).await;
    app.clock.forward(time::Duration::hours(1));
    assert_eq!(browser.who().await, "Mia Muster");
    assert_eq!(app.issuer.refreshes(), 0);
}
