//! The way to the issuer and back (SEC-A1 to A3, A8), and whom it makes a
//! member (SEC-A9, A11).

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

/// Nobody was signed in, and the audit log says why.
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
async fn the_whole_way_makes_a_member_with_the_default_role_and_a_session() {
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

    // The second time they are known.
    app.browser().sign_in(&app.issuer).await;
    assert_eq!(app.count("SELECT count(*) FROM users").await, 1);
    assert_eq!(app.count("SELECT count(*) FROM identities").await, 1);
    assert_eq!(app.sessions().await, 2);
}

/// SEC-A2
#[tokio::test]
async fn each_way_has_its_own_state_nonce_and_challenge() {
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
async fn state_invalid() {
    let app = App::start().await;
    let (mut browser, mut parameters) = begun(&app).await;
    replace(&mut parameters, "state", "another");
    let answer = browser.come_back(&parameters).await;
    assert_refused(&app, answer.location(), "state", "state_unknown").await;
    assert_eq!(app.issuer.token_requests(), 0);
}

/// SEC-A1
#[tokio::test]
async fn state_missing_empty_or_twice() {
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
async fn state_replayed() {
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

/// SEC-A1: used up also when it leads nowhere.
#[tokio::test]
async fn state_counts_once_even_when_refused() {
    let app = App::start().await;
    let (mut browser, parameters) = begun(&app).await;
    app.issuer
        .plan(|plan| plan.claims = |claims, _| claims["nonce"] = json!("another"));
    browser.come_back(&parameters).await;
    app.issuer.behave();
    let answer = browser.come_back(&parameters).await;
    assert_refused(&app, answer.location(), "state", "state_unknown").await;
}

/// SEC-A1: somebody who is sent another one's answer is not signed in as them.
#[tokio::test]
async fn state_of_another_browser() {
    let app = App::start().await;
    let (_, parameters) = begun(&app).await;
    let answer = app.browser().come_back(&parameters).await;
    assert_refused(&app, answer.location(), "state", "other_browser").await;
    // Also when that browser has a sign-in of its own under way.
    let (_, parameters) = begun(&app).await;
    let (mut other, _) = begun(&app).await;
    let answer = other.come_back(&parameters).await;
    assert_refused(&app, answer.location(), "state", "other_browser").await;
    assert_eq!(app.issuer.token_requests(), 0);
}

/// SEC-A1
#[tokio::test]
async fn state_lives_for_ten_minutes() {
    let app = App::start().await;
    let (mut late, parameters) = begun(&app).await;
    app.clock.forward(time::Duration::minutes(10));
    let answer = late.come_back(&parameters).await;
    assert_refused(&app, answer.location(), "state", "state_unknown").await;

    let (mut in_time, parameters) = begun(&app).await;
    app.clock.forward(time::Duration::seconds(599));
    assert_eq!(in_time.come_back(&parameters).await.location(), "/memories");
}

/// SEC-A1: a sign-in that was begun with one issuer does not end with another.
#[tokio::test]
async fn state_of_another_issuer() {
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

/// Two tabs of one browser don't spoil each other's sign-in.
#[tokio::test]
async fn two_tabs_both_come_back() {
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
async fn wrong_response_iss() {
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

/// SEC-A8, RFC 9207: an issuer that promises `iss` must send it.
#[tokio::test]
async fn missing_response_iss_where_it_is_promised() {
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
async fn a_refusal_by_the_issuer_is_told() {
    let app = App::start().await;
    let (mut browser, parameters) = begun(&app).await;
    let refused = [
        ("error".to_owned(), "access_denied".to_owned()),
        parameters[1].clone(),
    ];
    let answer = browser.come_back(&refused).await;
    assert_refused(&app, answer.location(), "refused", "issuer_refused").await;
}

/// SEC-A2: the code is worth nothing without the verifier that began it.
#[tokio::test]
async fn a_code_of_another_sign_in_is_refused_by_pkce() {
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
async fn discovery_issuer_mismatch() {
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
async fn an_issuer_that_is_away_is_told_and_tried_again() {
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
async fn an_issuer_that_nobody_answers_for_does_not_stop_the_boot() {
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
async fn without_an_issuer_signing_in_says_so() {
    let app = App::start_with(|settings| settings.oidc = None).await;
    let answer = app.browser().get("/auth/login").await;
    assert_eq!(answer.location(), "/sign-in?error=not_configured");
}

/// SEC-A9: the same address at the same issuer, another subject.
#[tokio::test]
async fn the_same_email_is_not_the_same_person() {
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

/// SEC-A9: an owner who was named beforehand is found by subject, and not by
/// an address that somebody else claims first.
#[tokio::test]
async fn a_named_owner_is_found_by_subject() {
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

/// An Entra issuer on this machine: its path names the directory.
async fn entra() -> App {
    App::start_with(|settings| {
        let oidc = settings.oidc.as_mut().unwrap();
        oidc.kind = IssuerKind::Entra;
        oidc.issuer = format!("{}/{TID}/v2.0", oidc.issuer);
    })
    .await
}

/// SEC-A9: with Entra, (tid, oid) is the key and `sub` is not.
#[tokio::test]
async fn entra_people_are_known_by_tid_and_oid() {
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
async fn entra_tokens_without_ids_or_of_another_directory_are_refused() {
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
async fn without_a_role_every_page_is_ask_your_admin() {
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
async fn the_suspended_and_the_deactivated_are_refused() {
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

        // SEC-B3: at once, in the browser that is signed in.
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
async fn nobody_signs_in_to_a_suspended_organisation() {
    let app = App::start().await;
    let mut browser = app.browser();
    browser.sign_in(&app.issuer).await;
    let inside = browser.who().await;
    // Out with the next request, and with resuming back in the same session.
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
    // Also where it is the only one: people are told, not sent away as strangers.
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
async fn first_sign_ins_at_once_make_one_member() {
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
async fn return_to_leads_to_this_site_only() {
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
async fn an_office_signs_in_from_one_address_within_a_minute() {
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
async fn failures_of_an_address_are_held_back_and_success_is_not() {
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
    // The bad token of an invite is a failure like any other.
    let invite = request(Method::POST, "/auth/invite").header("sec-fetch-site", "same-origin");
    let answer = app
        .browser()
        .send(invite.body(Body::from("token=atri_none")).unwrap())
        .await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        app.sign_ins().await.len(),
        3,
        "nobody can fill the audit log"
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
async fn failures_of_an_account_are_held_back_and_leave_others_their_own() {
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
    // The address has failed four times by now, and may once more.
    assert_eq!(app.browser().get("/auth/callback").await.status, told);
    assert_eq!(app.browser().get("/auth/callback").await.status, held_back);
    app.issuer.plan(|plan| plan.subject = "nina".into());
    assert_eq!(
        app.browser().sign_in(&app.issuer).await.location(),
        "/memories"
    );
}

/// SEC-B9: each start is a row in a table.
#[tokio::test]
async fn one_address_can_not_begin_to_sign_in_without_end() {
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
