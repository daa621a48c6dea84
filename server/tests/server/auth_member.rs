//! Who becomes a member by signing in, and which members are denied (SEC-A9, A11).

use crate::{auth_flow::assert_refused, support::App};
use axum::http::StatusCode;
use domain::{access::SystemRole, identity::IdentityKey};
use serde_json::json;
use server::auth::IssuerKind;
use store::{
    identity::identity_create,
    testing::{NOW, id},
    user::{UserStatus, user_status_set},
};
use uuid::Uuid;

/// SEC-A9: the same address at the same issuer, another subject.
#[tokio::test]
async fn same_email_with_another_subject_is_another_person() {
    let app = App::start().await;
    app.browser().sign_in(&app.issuer).await;
    app.issuer.plan(|plan| plan.subject = "another".into());
    app.browser().sign_in(&app.issuer).await;
    assert_eq!(
        app.count("SELECT count(*) FROM users WHERE email = 'mia@example.test'")
            .await,
        2
    );
    assert_eq!(
        app.count("SELECT count(DISTINCT user_id) FROM web_sessions")
            .await,
        2
    );
}

/// SEC-A9: an owner who was named in advance is found by subject, not by an
/// address that somebody else claims first.
#[tokio::test]
async fn named_owner_is_found_by_subject() {
    let app = App::start_with(|settings| settings.oidc.as_mut().unwrap().default_role = None).await;
    let owner = app.tenant.actor(SystemRole::Owner, "Mia").await;
    let mut tx = app.db.store.begin_auth().await.unwrap();
    let key = IdentityKey::Subject {
        issuer: app.issuer.url.clone(),
        subject: "the-owner".into(),
    };
    identity_create(&mut tx, id(), app.tenant.id, owner.user_id, &key, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();

    app.browser().sign_in(&app.issuer).await;
    assert_eq!(app.count("SELECT count(*) FROM users").await, 2);
    app.issuer.plan(|plan| plan.subject = "the-owner".into());
    app.browser().sign_in(&app.issuer).await;
    assert_eq!(app.count("SELECT count(*) FROM users").await, 2);
    let roles: Vec<String> = sqlx::query_scalar(
        "SELECT metadata->'roles'->>0 FROM audit_log WHERE action = 'session.sign_in' AND actor_user_id = $1",
    )
    .bind(owner.user_id)
    .fetch_all(&app.db.admin)
    .await
    .unwrap();
    assert_eq!(roles, ["owner"]);
}

const TID: Uuid = Uuid::from_u128(0x1111_1111_2222_4333_8444_5555_5555_5555);

/// A local Entra issuer: the path names the directory.
async fn entra() -> App {
    App::start_with(|settings| {
        let oidc = settings.oidc.as_mut().unwrap();
        oidc.kind = IssuerKind::Entra;
        oidc.issuer = format!("{}/{TID}/v2.0", oidc.issuer);
    })
    .await
}

/// SEC-A9: with Entra the key is (tid, oid), not `sub`.
#[tokio::test]
async fn entra_people_are_identified_by_tid_and_oid() {
    let app = entra().await;
    app.issuer.plan(|plan| {
        plan.claims = |claims, context| {
            claims["iss"] = json!(format!("{}/{TID}/v2.0", context.base));
            claims["tid"] = json!(TID);
            claims["oid"] = json!(Uuid::from_u128(7));
        };
    });
    assert_eq!(
        app.browser().sign_in(&app.issuer).await.location(),
        "/memories"
    );
    app.issuer
        .plan(|plan| plan.subject = "another sub, same person".into());
    assert_eq!(
        app.browser().sign_in(&app.issuer).await.location(),
        "/memories"
    );
    assert_eq!(app.count("SELECT count(*) FROM users").await, 1);
    assert_eq!(
        app.count(
            "SELECT count(*) FROM identities WHERE entra_oid IS NOT NULL AND subject IS NULL"
        )
        .await,
        1
    );
}

/// SEC-A3
#[tokio::test]
async fn entra_tokens_without_ids_or_of_another_directory_are_rejected() {
    let app = entra().await;
    app.issuer.plan(|plan| {
        plan.claims = |claims, context| {
            claims["iss"] = json!(format!("{}/{TID}/v2.0", context.base));
            claims["tid"] = json!(Uuid::from_u128(9));
            claims["oid"] = json!(Uuid::from_u128(7));
        };
    });
    let answer = app.browser().sign_in(&app.issuer).await;
    assert_refused(&app, answer.location(), "token", "claims").await;
    app.issuer.plan(|plan| {
        plan.claims = |claims, context| {
            claims["iss"] = json!(format!("{}/{TID}/v2.0", context.base));
            claims["tid"] = json!(TID);
            claims["oid"] = json!("no id");
        };
    });
    let answer = app.browser().sign_in(&app.issuer).await;
    assert_refused(&app, answer.location(), "token", "claims").await;
}

/// SEC-A11
#[tokio::test]
async fn member_without_a_role_is_told_to_ask_an_admin_on_every_page() {
    let app = App::start_with(|settings| settings.oidc.as_mut().unwrap().default_role = None).await;
    let mut browser = app.browser();
    browser.sign_in(&app.issuer).await;
    assert_eq!(browser.who().await, "→ /no-access");
    assert_eq!(browser.get("/memories").await.location(), "/no-access");
    assert_eq!(browser.get("/no-access").await.body, "Mia Muster");
    assert_eq!(
        browser.post("/auth/logout").await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn suspended_and_deactivated_members_are_denied() {
    for status in [UserStatus::Suspended, UserStatus::Deactivated] {
        let app = App::start().await;
        app.tenant.actor(SystemRole::Owner, "Olga").await;
        let mut browser = app.browser();
        browser.sign_in(&app.issuer).await;
        let user: Uuid = sqlx::query_scalar("SELECT user_id FROM identities")
            .fetch_one(&app.db.admin)
            .await
            .unwrap();
        let mut tx = app.tenant.enter().await;
        user_status_set(&mut tx, user.into(), status, NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();

        // SEC-B3: with immediate effect for the browser that is signed in.
        assert_eq!(browser.who().await, "→ /sign-in?error=suspended");
        sqlx::query("DELETE FROM web_sessions")
            .execute(&app.db.admin)
            .await
            .unwrap();
        let answer = app.browser().sign_in(&app.issuer).await;
        assert_refused(&app, answer.location(), "suspended", status.key()).await;
    }
}

#[tokio::test]
async fn suspended_organisation_denies_every_sign_in() {
    let app = App::start().await;
    let mut browser = app.browser();
    browser.sign_in(&app.issuer).await;
    let inside = browser.who().await;
    // Access is denied from the next request on; resuming restores the same session.
    for (status, seen) in [
        ("suspended", "→ /sign-in?error=tenant_suspended"),
        ("deleted", "→ /sign-in?error=tenant_deleted"),
        ("active", inside.as_str()),
        ("suspended", "→ /sign-in?error=tenant_suspended"),
    ] {
        sqlx::query("UPDATE tenants SET status = $1")
            .bind(status)
            .execute(&app.db.admin)
            .await
            .unwrap();
        assert_eq!(browser.who().await, seen);
    }
    sqlx::query("DELETE FROM web_sessions")
        .execute(&app.db.admin)
        .await
        .unwrap();
    // Also if it is the only organisation: members see the reason, not that they are unknown.
    for (status, problem) in [
        ("suspended", "tenant_suspended"),
        ("deleted", "tenant_deleted"),
    ] {
        sqlx::query("UPDATE tenants SET status = $1")
            .bind(status)
            .execute(&app.db.admin)
            .await
            .unwrap();
        let answer = app.browser().sign_in(&app.issuer).await;
        assert_refused(&app, answer.location(), problem, problem).await;
    }
}

/// Two first sign-ins of one person at once make one member.
#[tokio::test]
async fn concurrent_first_sign_ins_create_one_member() {
    let app = App::start().await;
    let attempts = (0..6).map(|_| {
        let (mut browser, issuer) = (app.browser(), app.issuer.clone());
        async move { browser.sign_in(&issuer).await.location().to_owned() }
    });
    for location in futures::future::join_all(attempts).await {
        assert_eq!(location, "/memories");
    }
    assert_eq!(app.count("SELECT count(*) FROM users").await, 1);
    assert_eq!(app.sessions().await, 6);
}
