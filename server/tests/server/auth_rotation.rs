//! A session gets a new id when its member's permissions change (SEC-B2).

use crate::support::{App, Browser, COOKIE};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use futures::future::join_all;

const GRACE: time::Duration = time::Duration::seconds(30);

/// A browser of a member whose session knows their current permissions.
async fn known(app: &App) -> Browser {
    let mut browser = app.browser();
    browser.sign_in(&app.issuer).await;
    assert_eq!(browser.who().await, "Mia Muster");
    browser
}

async fn execute(app: &App, sql: &'static str) {
    let done = sqlx::query(sql).execute(&app.db.admin).await.unwrap();
    assert!(done.rows_affected() > 0, "{sql}");
}

const GRANT: &str = "INSERT INTO user_roles (tenant_id, user_id, role_id, source, granted_at)
     SELECT i.tenant_id, i.user_id, r.id, 'manual', now()
       FROM identities i JOIN roles r ON r.tenant_id = i.tenant_id AND r.key = 'billing'";

#[tokio::test]
async fn id_changes_with_the_members_permissions() {
    let app = App::start().await;
    let mut browser = known(&app).await;
    execute(
        &app,
        "INSERT INTO roles (tenant_id, id, key, name, description, is_system, permissions, created_at, updated_at, version)
         SELECT tenant_id, gen_random_uuid(), 'desk', 'Desk', '', false, '{memory.read}', now(), now(), 1
           FROM identities",
    )
    .await;
    for change in [
        // A role is granted, gains a permission, and is removed.
        "INSERT INTO user_roles (tenant_id, user_id, role_id, source, granted_at)
         SELECT i.tenant_id, i.user_id, r.id, 'manual', now()
           FROM identities i JOIN roles r ON r.tenant_id = i.tenant_id AND r.key = 'desk'",
        "UPDATE roles SET permissions = '{memory.read,audit.read}' WHERE key = 'desk'",
        "DELETE FROM user_roles WHERE role_id = (SELECT id FROM roles WHERE key = 'desk')",
    ] {
        let old = browser.clone();
        execute(&app, change).await;
        assert_eq!(browser.who().await, "Mia Muster");
        assert_ne!(browser.jar[COOKIE], old.jar[COOKIE], "{change}");
        let [cookie] = browser.set.as_slice() else {
            panic!("{:?}", browser.set);
        };
        for flag in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(cookie.contains(flag), "{flag} is missing in {cookie}");
        }

        // Requests in flight with the old id are answered during the grace period only.
        let mut late = old.clone();
        assert_eq!(late.who().await, "Mia Muster");
        assert!(late.set.is_empty(), "{:?}", late.set);
        app.clock.forward(GRACE);
        assert_eq!(old.clone().who().await, "→ /sign-in", "{change}");
        let new = browser.jar[COOKIE].clone();
        assert_eq!(browser.who().await, "Mia Muster");
        assert_eq!(browser.jar[COOKIE], new);
        assert_eq!(app.sessions().await, 1);
    }
}

#[tokio::test]
async fn page_with_many_concurrent_requests_stays_signed_in() {
    let app = App::start().await;
    let browser = known(&app).await;
    execute(&app, GRANT).await;
    let mut tabs: Vec<_> = (0..8).map(|_| browser.clone()).collect();
    let seen = join_all(tabs.iter_mut().map(Browser::who)).await;
    assert!(seen.iter().all(|who| who == "Mia Muster"), "{seen:?}");
    let given: Vec<_> = tabs.iter().filter(|tab| !tab.set.is_empty()).collect();
    assert_eq!(given.len(), 1);
    let mut browser = given[0].clone();
    app.clock.forward(GRACE);
    assert_eq!(browser.who().await, "Mia Muster");
}

#[tokio::test]
async fn signing_out_with_the_old_id_ends_the_session() {
    let app = App::start().await;
    let mut browser = known(&app).await;
    let mut old = browser.clone();
    execute(&app, GRANT).await;
    browser.who().await;
    assert_ne!(browser.jar[COOKIE], old.jar[COOKIE]);
    old.post("/auth/logout").await;
    assert_eq!(app.sessions().await, 0);
    assert_eq!(browser.who().await, "→ /sign-in");
}

#[tokio::test]
async fn request_of_another_site_changes_no_id() {
    let app = App::start().await;
    let mut browser = known(&app).await;
    execute(&app, GRANT).await;
    let request = Request::post("/")
        .header(header::ACCEPT, "text/html")
        .header("sec-fetch-site", "cross-site");
    let answer = browser.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(browser.set.is_empty(), "{:?}", browser.set);
}
