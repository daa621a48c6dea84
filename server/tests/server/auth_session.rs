//! Sessions (SEC-B1 to B3, A12, A13).

use crate::support::{self, App, Browser, COOKIE, LOGIN_COOKIE};
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use domain::access::SystemRole;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use store::{
    role::{RoleSource, user_role_revoke},
    testing::NOW,
};
use uuid::Uuid;

async fn signed_in(app: &App) -> Browser {
    let mut browser = app.browser();
    assert_eq!(browser.sign_in(&app.issuer).await.location(), "/memories");
    browser
}

/// SEC-B1
#[tokio::test]
async fn cookies_carry_every_flag() {
    let app = App::start().await;
    let mut browser = app.browser();
    let asked = browser.begin("/").await;
    let login = browser.set.join("\n");
    assert!(login.starts_with(&format!("{LOGIN_COOKIE}=")), "{login}");
    for flag in [
        "; Secure",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Path=/",
        "; Max-Age=600",
    ] {
        assert!(login.contains(flag), "{flag} is missing in {login}");
    }
    let parameters = app.issuer.agree(&asked);
    browser.come_back(&parameters).await;
    let session = browser
        .set
        .iter()
        .find(|cookie| cookie.starts_with(&format!("{COOKIE}=")))
        .unwrap();
    for flag in [
        "; Secure",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Path=/",
        "; Max-Age=604800",
    ] {
        assert!(session.contains(flag), "{flag} is missing in {session}");
    }
    assert!(!session.contains("Domain"), "{session}");
}

/// SEC-B1: a plain name over http on loopback, where `__Host-` can't be set.
#[tokio::test]
async fn cookie_name_has_no_prefix_on_loopback_http() {
    let app = App::start_with(|settings| {
        settings.site = server::http::Site::new("http://127.0.0.1:3000".parse().unwrap()).unwrap();
    })
    .await;
    let answer = app
        .browser()
        .send(
            Request::get("/auth/login")
                .header(header::HOST, "127.0.0.1:3000")
                .body(Body::empty())
                .unwrap(),
        )
        .await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("atrium-login="), "{cookie}");
    assert!(
        !cookie.contains("Secure") && cookie.contains("HttpOnly"),
        "{cookie}"
    );
    assert!(
        answer
            .location()
            .contains("redirect_uri=http%3A%2F%2F127.0.0.1%3A3000%2Fauth%2Fcallback")
    );
}

/// SEC-B1
#[tokio::test]
async fn only_a_hash_of_the_id_is_stored() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let app = App::start().await;
    let browser = signed_in(&app).await;
    let id = URL_SAFE_NO_PAD.decode(&browser.jar[COOKIE]).unwrap();
    let row: String = sqlx::query_scalar("SELECT web_sessions::text FROM web_sessions")
        .fetch_one(&app.db.admin)
        .await
        .unwrap();
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    };
    assert!(row.contains(&hex(&Sha256::digest(&id))), "{row}");
    assert!(
        !row.contains(&hex(&id)) && !row.contains(&browser.jar[COOKIE]),
        "{row}"
    );
}

/// SEC-B2
#[tokio::test]
async fn signing_in_creates_a_new_id_and_ends_the_old_session() {
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    let old = browser.clone();
    browser.sign_in(&app.issuer).await;
    assert_ne!(browser.jar[COOKIE], old.jar[COOKIE]);
    assert_eq!(browser.who().await, "Mia Muster");
    assert_eq!(old.clone().who().await, "→ /sign-in");
    assert_eq!(app.sessions().await, 1);
}

/// SEC-B2: only a successful sign-in replaces the session.
#[tokio::test]
async fn failed_sign_in_keeps_the_earlier_session() {
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    let id = browser.jar[COOKIE].clone();
    app.issuer.plan(|plan| plan.subject = "noah".to_owned());
    app.browser().sign_in(&app.issuer).await;
    let suspended = sqlx::query(
        "UPDATE users SET status = 'suspended' WHERE id = (SELECT user_id FROM identities WHERE subject = 'noah')",
    );
    suspended.execute(&app.db.admin).await.unwrap();
    let answer = browser.sign_in(&app.issuer).await;
    assert_eq!(
        answer.location(),
        "/sign-in?error=suspended&return_to=%2Fmemories"
    );
    assert_eq!(browser.jar[COOKIE], id);
    assert_eq!(browser.who().await, "Mia Muster");
    assert_eq!(app.sessions().await, 2);
}

/// SEC-B2: session fixation.
#[tokio::test]
async fn session_id_chosen_by_an_attacker_is_not_adopted() {
    let app = App::start().await;
    let mut browser = app.browser();
    let chosen = "AAAAAAAAAAAAAAAAAAAAAA";
    browser.jar.insert(COOKIE.into(), chosen.into());
    browser.sign_in(&app.issuer).await;
    assert_ne!(browser.jar[COOKIE], chosen);
    let mut attacker = app.browser();
    attacker.jar.insert(COOKIE.into(), chosen.into());
    assert_eq!(attacker.who().await, "→ /sign-in");
}

/// SEC-A13
#[tokio::test]
async fn signing_out_ends_the_session_here_and_at_the_issuer() {
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    let copy = browser.clone();
    let answer = browser.post("/auth/logout").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let url: url::Url = answer.location().parse().unwrap();
    assert!(
        answer
            .location()
            .starts_with(&format!("{}/logout?", app.issuer.url))
    );
    let query: std::collections::BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(query["client_id"], support::issuer::CLIENT_ID);
    assert_eq!(
        query["post_logout_redirect_uri"],
        "https://atrium.example/sign-in"
    );
    assert_eq!(query["id_token_hint"].split('.').count(), 3);

    assert!(!browser.jar.contains_key(COOKIE), "{:?}", browser.set);
    assert_eq!(copy.clone().who().await, "→ /sign-in");
    assert_eq!(app.sessions().await, 0);
    assert_eq!(
        app.count("SELECT count(*) FROM audit_log WHERE action = 'session.sign_out'")
            .await,
        1
    );
    // Signing out again changes nothing and is not an error.
    assert_eq!(browser.post("/auth/logout").await.location(), "/sign-in");
    assert_eq!(
        app.count("SELECT count(*) FROM audit_log WHERE action = 'session.sign_out'")
            .await,
        1
    );
}

#[tokio::test]
async fn signing_out_works_without_the_issuers_logout_endpoint() {
    let app = App::start().await;
    app.issuer.plan(|plan| {
        plan.discovery = |document| {
            drop(
                document
                    .as_object_mut()
                    .unwrap()
                    .remove("end_session_endpoint"),
            );
        }
    });
    let mut browser = signed_in(&app).await;
    assert_eq!(browser.post("/auth/logout").await.location(), "/sign-in");
    assert_eq!(app.sessions().await, 0);

    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    app.issuer.plan(|plan| plan.is_down = true);
    let (_, router) = support::build(&app.db, &app.clock, app.auth.settings().clone());
    browser.router = router;
    assert_eq!(browser.post("/auth/logout").await.location(), "/sign-in");
    assert_eq!(app.sessions().await, 0);
}

/// SEC-A13: a link or an image can't sign out.
#[tokio::test]
async fn signing_out_requires_a_post() {
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    assert_eq!(
        browser.get("/auth/logout").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(browser.who().await, "Mia Muster");
}

/// SEC-B2: a request that began before the session ended and answers with a new
/// cookie afterwards does not bring it back.
#[tokio::test]
async fn slow_request_does_not_resurrect_a_session() {
    use axum::{Router, routing::post};
    use std::sync::Arc;
    use tokio::sync::Notify;

    let app = App::start().await;
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = Router::new().route(
        "/slow",
        post({
            let (begun, go_on) = (begun.clone(), go_on.clone());
            move || async move {
                begun.notify_one();
                go_on.notified().await;
                "done"
            }
        }),
    );
    let mut browser = signed_in(&app).await;
    browser.who().await;
    browser.router = support::router_of(&app.auth, slow, app.http());
    let granted = sqlx::query(
        "INSERT INTO user_roles (tenant_id, user_id, role_id, source, granted_at)
         SELECT i.tenant_id, i.user_id, r.id, 'manual', now()
           FROM identities i JOIN roles r ON r.tenant_id = i.tenant_id AND r.key = 'billing'",
    );
    granted.execute(&app.db.admin).await.unwrap();
    let mut in_flight = browser.clone();
    let request = tokio::spawn(async move {
        in_flight.post("/slow").await;
        in_flight
    });
    begun.notified().await;
    let copy = browser.clone();
    browser.post("/auth/logout").await;
    go_on.notify_one();
    let mut after = request.await.unwrap();
    assert_ne!(after.jar[COOKIE], copy.jar[COOKIE]);
    assert_eq!(app.sessions().await, 0);
    assert_eq!(copy.clone().who().await, "→ /sign-in");
    assert_eq!(after.who().await, "→ /sign-in");
}

/// SEC-B2: visitors get no session, with or without a cookie.
#[tokio::test]
async fn only_signing_in_creates_a_session() {
    let app = App::start().await;
    let mut visitor = app.browser();
    for path in ["/", "/sign-in", "/auth/login", "/auth/callback"] {
        for cookie in [None, Some("AAAAAAAAAAAAAAAAAAAAAA")] {
            visitor.jar.clear();
            if let Some(cookie) = cookie {
                visitor.jar.insert(COOKIE.into(), cookie.into());
            }
            visitor.get(path).await;
            let session = format!("{COOKIE}=");
            let set = visitor.set.iter().find(|set| set.starts_with(&session));
            assert_eq!(set, None, "{path} with {cookie:?}");
        }
    }
    visitor
        .jar
        .insert(COOKIE.into(), "AAAAAAAAAAAAAAAAAAAAAA".into());
    assert_eq!(visitor.who().await, "→ /sign-in");
    assert_eq!(app.sessions().await, 0);
}

/// SEC-B2
#[tokio::test]
async fn session_expires_after_twelve_idle_hours() {
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    for _ in 0..3 {
        app.clock.forward(time::Duration::minutes(12 * 60 - 1));
        assert_eq!(browser.who().await, "Mia Muster");
    }
    app.clock.forward(time::Duration::hours(12));
    assert_eq!(browser.who().await, "→ /sign-in");
}

/// SEC-B2
#[tokio::test]
async fn session_expires_after_seven_days_of_constant_use() {
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    for _ in 0..27 {
        app.clock.forward(time::Duration::hours(6));
        assert_eq!(browser.who().await, "Mia Muster");
    }
    app.clock.forward(time::Duration::hours(6));
    assert_eq!(browser.who().await, "→ /sign-in");
}

/// SEC-B2
#[tokio::test]
async fn organisation_can_shorten_its_sessions() {
    let app = App::start().await;
    sqlx::query("UPDATE tenants SET settings = $1")
        .bind(serde_json::json!({ "session_idle_hours": 1, "session_absolute_hours": 3 }))
        .execute(&app.db.admin)
        .await
        .unwrap();
    let mut browser = signed_in(&app).await;
    app.clock.forward(time::Duration::hours(1));
    assert_eq!(browser.who().await, "→ /sign-in");

    let mut browser = signed_in(&app).await;
    for _ in 0..4 {
        app.clock.forward(time::Duration::minutes(40));
        assert_eq!(browser.who().await, "Mia Muster");
    }
    app.clock.forward(time::Duration::minutes(20));
    assert_eq!(browser.who().await, "→ /sign-in");
}

/// SEC-B3
#[tokio::test]
async fn revoked_role_and_revoked_session_take_effect_at_the_next_request() {
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    let user: Uuid = sqlx::query_scalar("SELECT user_id FROM identities")
        .fetch_one(&app.db.admin)
        .await
        .unwrap();
    let mut tx = app.tenant.enter().await;
    user_role_revoke(
        &mut tx,
        user.into(),
        SystemRole::Member.key(),
        RoleSource::Manual,
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(browser.who().await, "→ /no-access");

    let mut tx = app.db.store.begin_auth().await.unwrap();
    store::session::session_revoke_others(&mut tx, app.tenant.id, user.into(), None, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(browser.who().await, "→ /sign-in");
}

/// SEC-A12
#[tokio::test]
async fn tokens_are_encrypted_at_rest() {
    let app = App::start().await;
    app.issuer
        .plan(|plan| plan.answer = |answer| answer["refresh_token"] = json!("canary-refresh"));
    signed_in(&app).await;
    let sealed: Vec<u8> = sqlx::query_scalar("SELECT tokens_encrypted FROM web_sessions")
        .fetch_one(&app.db.admin)
        .await
        .unwrap();
    assert!(sealed.len() > 400);
    for secret in ["canary-refresh", "eyJ", "an access token", "id_token"] {
        assert!(
            !sealed.windows(secret.len()).any(|w| w == secret.as_bytes()),
            "{secret}"
        );
    }
    let audit: Vec<String> = sqlx::query_scalar("SELECT audit_log::text FROM audit_log")
        .fetch_all(&app.db.admin)
        .await
        .unwrap();
    assert!(!audit.concat().contains("canary") && !audit.concat().contains("eyJ"));
}

/// SEC-B10
#[tokio::test]
async fn malformed_cookie_counts_as_no_session() {
    let app = App::start().await;
    for cookie in [
        &b"__Host-atrium=not-base64!"[..],
        b"__Host-atrium=",
        b"__Host-atrium=AAAA",
        b"__Host-atrium",
        b"=;;;=;",
        b"\xff\xfe=\x80",
        b"__Host-atrium=\xff\xff",
        b"__Host-atrium=AAAAAAAAAAAAAAAAAAAAAA; __Host-atrium=BBBBBBBBBBBBBBBBBBBBBB",
    ] {
        let request = Request::get("/")
            .header(header::ACCEPT, "text/html")
            .header(
                header::COOKIE,
                header::HeaderValue::from_bytes(cookie).unwrap(),
            );
        let answer = app
            .browser()
            .send(request.body(Body::empty()).unwrap())
            .await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, "/sign-in"),
            "{cookie:?}"
        );
    }
}

/// A cookie without a session is removed with the flags that browsers require for `__Host-`.
#[tokio::test]
async fn cookie_without_a_session_is_removed() {
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    browser.post("/auth/logout").await;
    let removal = browser
        .set
        .iter()
        .find(|cookie| cookie.starts_with(&format!("{COOKIE}=;")))
        .unwrap();
    for flag in ["; Secure", "; HttpOnly", "; Path=/", "; Max-Age=0"] {
        assert!(removal.contains(flag), "{flag} is missing in {removal}");
    }
}

#[tokio::test]
async fn program_without_a_session_gets_401_and_a_form_returns_to_its_page() {
    let app = App::start().await;
    let post = |accept: &str, referer: &str| {
        support::request(Method::POST, "/api/memory_create")
            .header("sec-fetch-site", "same-origin")
            .header(header::ACCEPT, accept)
            .header(header::REFERER, referer)
            .body(Body::empty())
            .unwrap()
    };
    let answer = app
        .browser()
        .send(post(
            "application/json",
            "https://atrium.example/memories/new",
        ))
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.body, r#"{"code":"unauthenticated"}"#);
    let answer = app
        .browser()
        .send(post("text/html", "https://atrium.example/memories/new?a=b"))
        .await;
    assert_eq!(
        answer.location(),
        "/sign-in?return_to=%2Fmemories%2Fnew%3Fa%3Db"
    );
    let answer = app
        .browser()
        .send(post("text/html", "https://evil.example/memories"))
        .await;
    assert_eq!(answer.location(), "/sign-in");
    let answer = app.browser().get("/memories?query=a&mode=both").await;
    assert_eq!(
        answer.location(),
        "/sign-in?return_to=%2Fmemories%3Fquery%3Da%26mode%3Dboth"
    );
}

/// Assets and the redirect to the issuer don't use the database.
#[tokio::test]
async fn assets_need_no_database_and_pages_answer_503_without_it() {
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    app.db.store.close().await;
    assert_eq!(browser.get("/pkg/atrium.js").await.status, StatusCode::OK);
    assert_eq!(browser.get("/sign-in").await.body, "nobody");
    let answer = browser.get("/").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), "5");
    assert!(answer.body.contains("database"), "{}", answer.body);
    assert!(
        browser.jar.contains_key(COOKIE),
        "the session outlives the outage"
    );
    let answer = browser.get("/auth/login").await;
    assert_eq!(answer.location(), "/sign-in?error=unavailable");
}

/// Expired rows are deleted.
#[tokio::test]
async fn expired_rows_are_deleted_at_the_next_sign_in() {
    let app = App::start().await;
    app.browser().begin("/").await;
    signed_in(&app).await;
    app.clock.forward(time::Duration::days(7));
    app.browser().begin("/").await;
    assert_eq!(app.sessions().await, 0);
    assert_eq!(app.count("SELECT count(*) FROM login_attempts").await, 1);
}
