//! Rate limits of signing in (SEC-B9).

use crate::support::{App, request};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use server::auth::SignInLimits;

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
