//! Signing in through the issuer (SEC-A1 to A3, A8), and who becomes a member
//! (SEC-A9, A11).

use crate::support::{self, App, Browser, LOGIN_COOKIE, issuer::Issuer, request};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use domain::{access::SystemRole, identity::IdentityKey};
use serde_json::json;
use server::auth::{IssuerKind, SignInLimits};
use store::{
    identity::identity_create,
    testing::{NOW, id},
    user::{UserStatus, user_status_set},
};
use uuid::Uuid;

/// Checks that no session was created and that the audit log has the reason.
async fn assert_refused(app: &App, location: &str, problem: &str, reason: &str) {
    assert_eq!(
        location.split('&').next(),
        Some(format!("/sign-in?error={problem}").as_str())
    );
    assert_eq!(app.sessions().await, 0);
    let (outcome, why) = app.sign_ins().await.pop().unwrap();
    assert_eq!((outcome.as_str(), why.as_str()), ("denied", reason));
}

async fn begun(app: &App) -> (Browser, Vec<(String, String)>) {
    let mut browser = app.browser();
    let asked = browser.begin("/memories").await;
    let parameters = app.issuer.agree(&asked);
    (browser, parameters)
}

fn replace(parameters: &mut [(String, String)], name: &str, value: &str) {
    let (_, old) = parameters.iter_mut().find(|(key, _)| key == name).unwrap();
    value.clone_into(old);
}

#[tokio::test]
async fn first_sign_in_creates_a_member_with_the_default_role_and_a_session() {
    let app = App::start().await;
    let mut browser = app.browser();
    assert_eq!(browser.who().await, "→ /sign-in");
    let answer = browser.sign_in(&app.issuer).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.location(), "/memories");
    assert_eq!(browser.who().await, "Mia Muster");
    assert!(!browser.jar.contains_key(LOGIN_COOKIE));
    let actions: Vec<String> = sqlx::query_scalar("SELECT action FROM audit_log ORDER BY seq")
        .fetch_all(&app.db.admin)
        .await
        .unwrap();
    assert_eq!(actions, ["user.create", "session.sign_in"]);

    // The second sign-in finds the same identity.
    app.browser().sign_in(&app.issuer).await;
    assert_eq!(app.count("SELECT count(*) FROM users").await, 1);
    assert_eq!(app.count("SELECT count(*) FROM identities").await, 1);
    assert_eq!(app.sessions().await, 2);
}

/// SEC-A2
#[tokio::test]
async fn each_sign_in_has_its_own_state_nonce_and_challenge() {
    let app = App::start().await;
    let mut browser = app.browser();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let asked = browser.begin("/").await;
        for (name, value) in asked.query_pairs() {
            if ["state", "nonce", "code_challenge"].contains(&name.as_ref()) {
                assert!(value.len() >= 43, "{name}={value}");
                assert!(seen.insert(value.into_owned()), "{name} came twice");
            }
        }
    }
    assert_eq!(seen.len(), 9);
}

/// SEC-A1
#[tokio::test]
async fn invalid_state_is_rejected() {
    let app = App::start().await;
    let (mut browser, mut parameters) = begun(&app).await;
    replace(&mut parameters, "state", "another");
    let answer = browser.come_back(&parameters).await;
    assert_refused(&app, answer.location(), "state", "state_unknown").await;
    assert_eq!(app.issuer.token_requests(), 0);
}

/// SEC-A1
#[tokio::test]
async fn missing_empty_or_repeated_state_is_rejected() {
    let app = App::start().await;
    let (mut browser, parameters) = begun(&app).await;
    let code = parameters[..1].to_vec();
    let answer = browser.come_back(&code).await;
    assert_refused(&app, answer.location(), "state", "state_missing").await;
    let answer = browser
        .come_back(&[code.clone(), vec![("state".into(), String::new())]].concat())
        .await;
    assert_refused(&app, answer.location(), "state", "state_missing").await;
    let twice = [parameters.clone(), parameters[1..].to_vec()].concat();
    let answer = browser.come_back(&twice).await;
    assert_refused(&app, answer.location(), "state", "state_missing").await;
    assert_eq!(app.issuer.token_requests(), 0);
}

/// SEC-A1
#[tokio::test]
async fn replayed_state_is_rejected() {
    let app = App::start().await;
    let (mut browser, parameters) = begun(&app).await;
    let stolen_jar = browser.jar.clone();
    assert_eq!(browser.come_back(&parameters).await.location(), "/memories");
    let mut thief = app.browser();
    thief.jar = stolen_jar;
    assert_eq!(
        thief.come_back(&parameters).await.location(),
        "/sign-in?error=state"
    );
    assert_eq!(app.sessions().await, 1);
    assert_eq!(
        app.sign_ins().await.pop().unwrap(),
        ("denied".into(), "state_unknown".into())
    );
}

/// SEC-A1: a state is used up even if the sign-in fails.
#[tokio::test]
async fn state_of_a_failed_sign_in_is_used_up() {
    let app = App::start().await;
    let (mut browser, parameters) = begun(&app).await;
    app.issuer
        .plan(|plan| plan.claims = |claims, _| claims["nonce"] = json!("another"));
    browser.come_back(&parameters).await;
    app.issuer.behave();
    let answer = browser.come_back(&parameters).await;
    assert_refused(&app, answer.location(), "state", "state_unknown").await;
}

/// SEC-A1: following the callback link of somebody else's sign-in signs nobody in.
#[tokio::test]
async fn state_of_another_browser_is_rejected() {
    let app = App::start().await;
    let (_, parameters) = begun(&app).await;
    let answer = app.browser().come_back(&parameters).await;
    assert_refused(&app, answer.location(), "state", "other_browser").await;
    // Also if that browser has a sign-in of its own in progress.
    let (_, parameters) = begun(&app).await;
    let (mut other, _) = begun(&app).await;
    let answer = other.come_back(&parameters).await;
    assert_refused(&app, answer.location(), "state", "other_browser").await;
    assert_eq!(app.issuer.token_requests(), 0);
}

/// SEC-A1
#[tokio::test]
async fn state_expires_after_ten_minutes() {
    let app = App::start().await;
    let (mut late, parameters) = begun(&app).await;
    app.clock.forward(time::Duration::minutes(10));
    let answer = late.come_back(&parameters).await;
    assert_refused(&app, answer.location(), "state", "state_unknown").await;

    let (mut in_time, parameters) = begun(&app).await;
    app.clock.forward(time::Duration::seconds(599));
    assert_eq!(in_time.come_back(&parameters).await.location(), "/memories");
}

/// SEC-A1: a sign-in that began with one issuer can't end with another.
#[tokio::test]
async fn state_of_another_issuer_is_rejected() {
    let app = App::start().await;
    let (mut browser, parameters) = begun(&app).await;
    let clock = app.clock.clone();
    let other = Issuer::start(move || clock.now()).await;
    let mut settings = settings_of(&app);
    settings.oidc.as_mut().unwrap().issuer = other.url.clone();
    let (_, router) = support::build(&app.db, &app.clock, settings);
    browser.router = router;
    let answer = browser.come_back(&parameters).await;
    assert_refused(&app, answer.location(), "state", "other_issuer").await;
    assert_eq!(other.token_requests(), 0);
}

/// Two tabs of one browser can sign in at the same time.
#[tokio::test]
async fn sign_in_in_two_tabs_works() {
    let app = App::start().await;
    let mut browser = app.browser();
    let first = browser.begin("/memories").await;
    let second = browser.begin("/memories").await;
    let jar = browser.jar.clone();
    let parameters = app.issuer.agree(&second);
    assert_eq!(browser.come_back(&parameters).await.location(), "/memories");
    browser.jar = jar;
    let parameters = app.issuer.agree(&first);
    assert_eq!(browser.come_back(&parameters).await.location(), "/memories");
}

/// SEC-A8, RFC 9207
#[tokio::test]
async fn wrong_response_iss_is_rejected() {
    let app = App::start().await;
    let (mut browser, mut parameters) = begun(&app).await;
    parameters.push(("iss".into(), "https://evil.example".into()));
    let answer = browser.come_back(&parameters).await;
    assert_refused(&app, answer.location(), "token", "response_issuer").await;
    assert_eq!(app.issuer.token_requests(), 0);

    let (mut browser, mut parameters) = begun(&app).await;
    parameters.push(("iss".into(), app.issuer.url.clone()));
    assert_eq!(browser.come_back(&parameters).await.location(), "/memories");
}

/// SEC-A8, RFC 9207: an issuer that announces `iss` must send it.
#[tokio::test]
async fn missing_response_iss_is_rejected_if_announced() {
    let app = App::start().await;
    app.issuer.plan(|plan| {
        plan.discovery =
            |document| document["authorization_response_iss_parameter_supported"] = json!(true);
    });
    let (mut browser, parameters) = begun(&app).await;
    let answer = browser.come_back(&parameters).await;
    assert_refused(&app, answer.location(), "token", "response_issuer_missing").await;
    assert_eq!(app.issuer.token_requests(), 0);
}

#[tokio::test]
async fn error_from_the_issuer_is_shown() {
    let app = App::start().await;
    let (mut browser, parameters) = begun(&app).await;
    let refused = [
        ("error".to_owned(), "access_denied".to_owned()),
        parameters[1].clone(),
    ];
    let answer = browser.come_back(&refused).await;
    assert_refused(&app, answer.location(), "refused", "issuer_refused").await;
}

/// SEC-A2: the code is worthless without the verifier of its sign-in.
#[tokio::test]
async fn code_of_another_sign_in_is_rejected_by_pkce() {
    let app = App::start().await;
    let (_, stolen) = begun(&app).await;
    let (mut browser, mut parameters) = begun(&app).await;
    replace(&mut parameters, "code", &stolen[0].1);
    let answer = browser.come_back(&parameters).await;
    assert_refused(&app, answer.location(), "token", "token_endpoint_refused").await;
    assert_eq!(app.issuer.token_requests(), 1);
}

/// SEC-A3
#[tokio::test]
async fn discovery_issuer_mismatch_is_rejected() {
    let app = App::start().await;
    app.issuer.plan(|plan| {
        plan.discovery = |document| document["issuer"] = json!("https://evil.example");
    });
    let answer = app.browser().get("/auth/login").await;
    assert_eq!(answer.location(), "/sign-in?error=token");
    assert!(app.auth.issuer_check().await.is_err());
    assert_eq!(app.count("SELECT count(*) FROM login_attempts").await, 0);
    app.issuer.behave();
    assert!(app.auth.issuer_check().await.is_ok());
}

#[tokio::test]
async fn unavailable_issuer_is_reported_and_retried() {
    let app = App::start().await;
    app.issuer.plan(|plan| plan.is_down = true);
    let answer = app.browser().get("/auth/login?return_to=/memories").await;
    assert_eq!(
        answer.location(),
        "/sign-in?error=issuer_unreachable&return_to=%2Fmemories"
    );
    app.issuer.behave();
    assert_eq!(
        app.browser().sign_in(&app.issuer).await.location(),
        "/memories"
    );
}

#[tokio::test]
async fn unreachable_issuer_does_not_stop_the_boot() {
    let app = App::start_with(|settings| {
        settings.oidc.as_mut().unwrap().issuer = "http://127.0.0.1:9".into();
    })
    .await;
    let answer = app.browser().get("/auth/login").await;
    assert_eq!(answer.location(), "/sign-in?error=issuer_unreachable");
    assert!(
        app.auth
            .issuer_check()
            .await
            .unwrap_err()
            .contains("can't be reached")
    );
}

#[tokio::test]
async fn sign_in_page_says_that_no_issuer_is_configured() {
    let app = App::start_with(|settings| settings.oidc = None).await;
    let answer = app.browser().get("/auth/login").await;
    assert_eq!(answer.location(), "/sign-in?error=not_configured");
}

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

/// SEC-B7
#[tokio::test]
async fn return_to_accepts_only_paths_of_this_site() {
    let app = App::start().await;
    for (asked, reached) in [
        ("/memories?query=a%20b", "/memories?query=a%20b"),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/auth/login", "/"),
    ] {
        let mut browser = app.browser();
        let url = browser.begin(asked).await;
        let parameters = app.issuer.agree(&url);
        assert_eq!(
            browser.come_back(&parameters).await.location(),
            reached,
            "{asked}"
        );
    }
}

/// SEC-B9
#[tokio::test]
async fn two_hundred_people_sign_in_from_one_address_within_a_minute() {
    let limits = server::config::Config::default();
    let app = App::start_with(|settings| {
        settings.limits = SignInLimits {
            starts: limits.sign_in_starts_per_minute,
            failures: limits.sign_in_failures_per_minute,
            account_failures: limits.account_sign_in_failures_per_minute,
        };
    })
    .await;
    for n in 0..200 {
        app.issuer.plan(|plan| plan.subject = format!("person {n}"));
        let answer = app.browser().sign_in(&app.issuer).await;
        assert_eq!(answer.location(), "/memories", "person {n}");
    }
    assert_eq!(app.sessions().await, 200);
}

/// SEC-B9
#[tokio::test]
async fn failures_of_an_address_are_limited_and_successes_are_not() {
    let app = App::start_with(|settings| settings.limits.failures = 3).await;
    for path in ["/auth/callback", "/auth/callback?state=a", "/auth/callback"] {
        let answer = app.browser().get(path).await;
        assert_eq!(answer.location(), "/sign-in?error=state", "{path}");
    }
    for _ in 0..2 {
        let answer = app.browser().get("/auth/callback?state=a").await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.header("retry-after"), "21");
    }
    // A bad invite token counts as a failure.
    let invite = request(Method::POST, "/auth/invite").header("sec-fetch-site", "same-origin");
    let answer = app
        .browser()
        .send(invite.body(Body::from("token=atri_none")).unwrap())
        .await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        app.sign_ins().await.len(),
        3,
        "limited failures are not audited"
    );

    let answer = app.browser().sign_in(&app.issuer).await;
    assert_eq!(answer.location(), "/memories");
    app.clock.forward(time::Duration::seconds(21));
    assert_eq!(
        app.browser().get("/auth/callback").await.location(),
        "/sign-in?error=state"
    );
}

/// SEC-B9
#[tokio::test]
async fn failures_of_an_account_are_limited_without_affecting_others() {
    let app = App::start_with(|settings| {
        settings.limits.failures = 5;
        settings.limits.account_failures = 2;
    })
    .await;
    for subject in ["mallory", "eve"] {
        app.issuer.plan(|plan| plan.subject = subject.into());
        app.browser().sign_in(&app.issuer).await;
    }
    sqlx::query("UPDATE users SET status = 'suspended'")
        .execute(&app.db.admin)
        .await
        .unwrap();
    let fails = async |subject: &str| {
        app.issuer.plan(|plan| plan.subject = subject.into());
        app.browser().sign_in(&app.issuer).await.status
    };
    let told = StatusCode::SEE_OTHER;
    let held_back = StatusCode::TOO_MANY_REQUESTS;
    assert_eq!(fails("mallory").await, told);
    assert_eq!(fails("mallory").await, told);
    for _ in 0..5 {
        assert_eq!(fails("mallory").await, held_back);
    }
    assert_eq!(fails("eve").await, told);
    assert_eq!(fails("eve").await, told);
    assert_eq!(fails("eve").await, held_back);
    // The address has failed four times by now and may fail once more.
    assert_eq!(app.browser().get("/auth/callback").await.status, told);
    assert_eq!(app.browser().get("/auth/callback").await.status, held_back);
    app.issuer.plan(|plan| plan.subject = "nina".into());
    assert_eq!(
        app.browser().sign_in(&app.issuer).await.location(),
        "/memories"
    );
}

/// SEC-B9: each started sign-in is a row in a table.
#[tokio::test]
async fn started_sign_ins_of_an_address_are_limited() {
    let app = App::start_with(|settings| settings.limits.starts = 3).await;
    for _ in 0..3 {
        app.browser().begin("/memories").await;
    }
    let answer = app.browser().get("/auth/login").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("retry-after"), "21");
    assert_eq!(app.count("SELECT count(*) FROM login_attempts").await, 3);
}

fn settings_of(app: &App) -> server::auth::AuthSettings {
    app.auth.settings().clone()
}
