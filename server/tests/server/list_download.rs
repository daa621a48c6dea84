//! Files with what a list shows.

use axum::http::StatusCode;
use domain::access::SystemRole;
use serde_json::Value;

use crate::support::{App, Browser, product::product};

async fn signed_in(app: &App) -> Browser {
    let mut browser = app.browser();
    browser.router = product(app);
    browser.sign_in(&app.issuer).await;
    browser
}

#[tokio::test]
async fn file_has_all_rows_that_match_in_the_order_of_the_list() {
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    for n in 0..60 {
        app.tenant
            .actor(SystemRole::Member, &format!("Person {n:02}"))
            .await;
    }
    let other = app.db.tenant("other").await;
    other.actor(SystemRole::Member, "Person of others").await;

    let answer = browser
        .get("/export/members.json?query=person&sort=-name")
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(answer.header("content-disposition").ends_with(".json\""));
    let rows: Vec<Value> = serde_json::from_str(&answer.body).unwrap();
    let names: Vec<_> = rows
        .iter()
        .map(|row| row["display_name"].as_str().unwrap())
        .collect();
    let expected: Vec<_> = (0..60).rev().map(|n| format!("Person {n:02}")).collect();
    assert_eq!(names, expected);

    let answer = browser.get("/export/members.csv?query=person+0").await;
    assert!(answer.header("content-type").starts_with("text/csv"));
    assert_eq!(answer.body.lines().count(), 11, "{}", answer.body);
}

#[tokio::test]
async fn unknown_files_and_filters_are_rejected_and_visitors_sign_in() {
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    for (path, status) in [
        ("/export/secrets.csv", StatusCode::NOT_FOUND),
        ("/export/members.xlsx", StatusCode::NOT_FOUND),
        ("/export/members", StatusCode::NOT_FOUND),
        (
            "/export/members.csv?sort=password",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            "/export/members.csv?colour=red",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            "/export/members.csv?status=lost",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    }
    let mut visitor = app.browser();
    visitor.router = product(&app);
    let answer = visitor.get("/export/members.csv").await;
    assert!(answer.location().starts_with("/sign-in"));
}
