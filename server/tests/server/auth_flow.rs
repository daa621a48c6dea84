//! Signing in through the issuer and back (SEC-A1 to A3, A8).

use crate::support::{self, App, Browser, LOGIN_COOKIE, issuer::Issuer};
use axum::http::StatusCode;
use serde_json::json;

/// Checks that no session was created and that the audit log has the reason.
pub(crate) async fn assert_refused(app: &App, location: &str, problem: &str, reason: &str) {
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

fn settings_of(app: &App) -> server::auth::AuthSettings {
    app.auth.settings().clone()
}
