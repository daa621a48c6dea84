//! The real router with the server functions of all pages: each checks the
//! origin, none changes anything by GET (SEC-B4), and the framework's answer to
//! a plain form stays on this site (SEC-B5).

use crate::support::{
    self, App, Browser,
    product::{product, product_with},
    request,
};
use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use leptos::server_fn::axum::server_fn_paths;

async fn signed_in(app: &App) -> Browser {
    let mut browser = app.browser();
    browser.router = product(app);
    assert_eq!(browser.sign_in(&app.issuer).await.location(), "/memories");
    browser
}

const BODIES: &[&str] = &[
    "application/x-www-form-urlencoded",
    "text/plain",
    "application/json",
    "multipart/form-data; boundary=x",
];

#[tokio::test]
async fn every_server_function_rejects_other_sites() {
    let app = App::start().await;
    let browser = signed_in(&app).await;
    let functions: Vec<_> = server_fn_paths().collect();
    assert!(functions.len() >= 10, "{functions:?}");
    for (path, method) in functions {
        // A mutation by GET would bypass the origin check.
        assert_eq!(method, Method::POST, "{path}");
        for content_type in BODIES {
            for (name, value) in [
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-site", "same-site"),
                ("origin", "https://evil.example"),
                ("x-nothing", "neither of them"),
            ] {
                let request = request(method.clone(), path)
                    .header(header::CONTENT_TYPE, *content_type)
                    .header(name, value)
                    .body(Body::from("a=b"));
                let answer = browser.clone().send(request.unwrap()).await;
                assert_eq!(
                    answer.status,
                    StatusCode::FORBIDDEN,
                    "{path} {content_type} {name}"
                );
            }
        }
    }
    let changes = app
        .count("SELECT count(*) FROM audit_log WHERE action NOT IN ('session.sign_in', 'user.create', 'request.cross_site') AND outcome = 'success'")
        .await;
    assert_eq!(changes, 0);
}

#[tokio::test]
async fn every_server_function_accepts_own_pages_and_members_only() {
    let app = App::start().await;
    let browser = signed_in(&app).await;
    for (path, method) in server_fn_paths() {
        // A request from an own page arrives; an error in the body is checked later.
        let own = || request(method.clone(), path).header("sec-fetch-site", "same-origin");
        let answer = browser
            .clone()
            .send(own().body(Body::empty()).unwrap())
            .await;
        // Only a missing permission may answer 403.
        assert!(
            answer.status != StatusCode::FORBIDDEN || answer.body.contains("platform.operate"),
            "{path} {}",
            answer.body
        );
        let answer = visitor(&browser)
            .send(own().body(Body::empty()).unwrap())
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        let answer = browser
            .clone()
            .send(request(Method::GET, path).body(Body::empty()).unwrap())
            .await;
        assert!(
            answer.status.is_client_error(),
            "{path} by GET: {}",
            answer.status
        );
    }
}

/// The same browser without its session.
fn visitor(browser: &Browser) -> Browser {
    let mut visitor = browser.clone();
    visitor.jar.clear();
    visitor
}

/// SEC-B5
#[tokio::test]
async fn plain_form_never_redirects_to_another_site() {
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    for (referer, expected) in [
        ("https://evil.example/trap", "https://atrium.example/"),
        (
            "https://atrium.example.evil.example/",
            "https://atrium.example/",
        ),
        (
            "https://atrium.example/profile",
            "https://atrium.example/profile",
        ),
    ] {
        let form = request(Method::POST, "/api/theme_set")
            .header("sec-fetch-site", "same-origin")
            .header(header::ACCEPT, "text/html")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::REFERER, referer);
        let answer = browser
            .send(form.body(Body::from("theme=dark")).unwrap())
            .await;
        assert!(
            answer.status.is_redirection(),
            "{} {}",
            answer.status,
            answer.body
        );
        let location = answer.location().split('?').next().unwrap();
        assert_eq!(location, expected, "{referer}");
    }
}

/// SEC-B6: a page has a policy with a fresh nonce.
#[tokio::test]
async fn pages_have_a_fresh_nonce_and_are_never_stored() {
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    let mut policies = std::collections::BTreeSet::new();
    for path in ["/", "/memories", "/profile"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("cache-control"), "no-store");
        let policy = answer.header("content-security-policy").to_owned();
        let nonce = policy
            .split("'nonce-")
            .nth(1)
            .unwrap()
            .split('\'')
            .next()
            .unwrap()
            .to_owned();
        assert!(
            answer.body.contains(&format!("nonce=\"{nonce}\"")),
            "{path}"
        );
        for rule in [
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(rule), "{policy}");
        }
        for loose in ["unsafe-inline", "'unsafe-eval'", "*", "http:"] {
            let policy = policy.replace(&app.issuer.url, "");
            assert!(!policy.contains(loose), "{policy}");
        }
        assert!(policies.insert(policy));
    }
}

/// SEC-B7: a response redirects to this site only.
#[tokio::test]
async fn no_request_redirects_to_another_site() {
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    let form = |path: &str, call: &str| {
        request(Method::POST, path)
            .header("sec-fetch-site", "same-origin")
            .header(header::ACCEPT, "text/html")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(format!("call={call}&theme=dark")))
            .unwrap()
    };
    for path in [
        "//evil.example/x",
        "//evil.example/x?a=b",
        "///evil.example",
        "/\\evil.example",
        "//evil.example/%2e%2e",
    ] {
        let answer = browser.send(form(path, "theme_set")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert_eq!(answer.location(), "/", "{path}");
        let answer = visitor(&browser).get(path).await;
        let location = answer.location();
        assert!(
            location.is_empty() || location.starts_with("/sign-in"),
            "{path} leads to {location}"
        );
    }
    let answer = browser.send(form("/audit?after=x", "theme_set")).await;
    assert_eq!(answer.location(), "/audit?after=x");
    for target in ["//evil.example", "https://evil.example/", "/\\evil.example"] {
        let target: String = url::form_urlencoded::byte_serialize(target.as_bytes()).collect();
        for path in ["/sign-in?return_to=", "/auth/login?return_to="] {
            let answer = visitor(&browser).get(&format!("{path}{target}")).await;
            let location = answer.location();
            assert!(
                !location.contains("evil.example"),
                "{path}{target}: {location}"
            );
        }
    }
    // The issuer is the only other site that a response may redirect to.
    let asked = visitor(&browser).get("/auth/login").await;
    assert!(
        asked.location().starts_with(&app.issuer.url),
        "{}",
        asked.location()
    );
}

/// The input that an error repeats is truncated.
#[tokio::test]
async fn error_that_repeats_a_large_value_is_answered_in_full() {
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    let scope = format!("&scopes[]={}", "s".repeat(10_000));
    let scopes = scope.repeat(20);
    let body = format!("call=api_key_create&owner=x&label=a{scopes}");
    for body in [
        body.replace("owner=x", "owner=00000000-0000-7000-8000-000000000000"),
        // The framework's own message repeats the value too.
        format!("call=api_key_create&owner={}", "x".repeat(200_000)),
    ] {
        let form = request(Method::POST, "/keys/new")
            .header("sec-fetch-site", "same-origin")
            .header(header::ACCEPT, "text/html")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body.clone()));
        let answer = browser.send(form.unwrap()).await;
        assert!(answer.status.is_client_error(), "{}", answer.status);
        assert!(answer.body.contains("</html>"), "{}", answer.body.len());
        let call = request(Method::POST, "/api/api_key_create")
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body));
        let answer = browser.send(call.unwrap()).await;
        assert!(answer.status.is_client_error(), "{}", answer.status);
        assert!(
            !answer.body.is_empty() && answer.body.len() < 64 * 1024,
            "{}",
            answer.body.len()
        );
    }
}

/// SEC-B9: for pages, server functions and opening a stream.
#[tokio::test]
async fn member_who_calls_too_often_is_rate_limited() {
    let app = App::start().await;
    let router = product_with(&app, |config| config.page_calls_per_minute = 6);
    let browser = || Browser {
        router: router.clone(),
        ..app.browser()
    };
    let mut mia = browser();
    assert_eq!(mia.sign_in(&app.issuer).await.location(), "/memories");
    let call = |path: &str| {
        request(Method::POST, path)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::empty())
            .unwrap()
    };
    let create = server_fn_paths()
        .map(|(path, _)| path)
        .find(|path| path.ends_with("/memory_create"))
        .expect("memories are created by a server function");
    // Calls of two sessions and of different kinds count together.
    let mut elsewhere = browser();
    assert_eq!(elsewhere.sign_in(&app.issuer).await.location(), "/memories");
    for _ in 0..2 {
        assert_eq!(mia.get("/memories").await.status, StatusCode::OK);
        assert_ne!(
            elsewhere.send(call(create)).await.status,
            StatusCode::TOO_MANY_REQUESTS
        );
        assert_eq!(mia.get("/events").await.status, StatusCode::OK);
    }

    let page = mia.get("/memories").await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(page.header("retry-after"), "11");
    assert!(page.body.starts_with("<!DOCTYPE html>"), "{}", page.body);
    let answer = elsewhere.send(call(create)).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("retry-after"), "11");
    let error: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(error["code"], "too_many_requests");
    assert_eq!(
        mia.get("/events").await.status,
        StatusCode::TOO_MANY_REQUESTS
    );

    // Other members are not affected, and signing out always works.
    app.issuer.plan(|plan| plan.subject = "nina".into());
    let mut nina = browser();
    assert_eq!(nina.sign_in(&app.issuer).await.location(), "/memories");
    assert_eq!(nina.get("/memories").await.status, StatusCode::OK);
    assert_eq!(
        elsewhere.send(call("/auth/logout")).await.status,
        StatusCode::SEE_OTHER
    );
    app.clock.forward(time::Duration::seconds(10));
    assert_eq!(mia.get("/memories").await.status, StatusCode::OK);
}

/// SEC-C6: probing ids leaves a trace, but not one row for each id.
#[tokio::test]
async fn requests_for_unknown_ids_are_counted_in_the_audit_log() {
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    for n in 0..5 {
        let path = format!("/memories/00000000-0000-7000-8000-00000000000{n}");
        assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND);
    }
    // A malformed id is a typing error.
    assert_eq!(browser.get("/nowhere").await.status, StatusCode::NOT_FOUND);
    app.clock.forward(time::Duration::minutes(2));
    let ctx = support::ctx(&app.db, app.clock.clock());
    service::denials_sweep(&ctx).await.unwrap();
    let rows: Vec<(String, Option<i64>)> = sqlx::query_as(
        "SELECT metadata->>'reason', (metadata->>'repeats')::bigint FROM audit_log
          WHERE action = 'request.not_found' ORDER BY seq",
    )
    .fetch_all(&app.db.admin)
    .await
    .unwrap();
    let reason = "GET /memories/{id}".to_owned();
    assert_eq!(rows, [(reason.clone(), None), (reason, Some(4))]);
}

/// SEC-E1: a client that disconnects early can't keep a denial out of the audit
/// log or leave a change half done.
#[tokio::test]
async fn disconnecting_stops_neither_a_denial_nor_a_change() {
    let app = App::start().await;
    let browser = signed_in(&app).await;
    let calls = [
        // An owner of the organisation is not an operator of the installation.
        (
            "tenant_create",
            "name=Globex&slug=globex",
            "tenant.create",
            "denied",
        ),
        ("team_create", "name=Clerks", "team.create", "success"),
    ];
    for (function, body, action, outcome) in calls {
        // A transaction that appends to the log waits for this lock.
        let mut lock = app.db.admin.begin().await.unwrap();
        sqlx::query("SELECT FROM audit_heads FOR UPDATE")
            .fetch_all(&mut *lock)
            .await
            .unwrap();
        let call = request(Method::POST, &format!("/api/{function}"))
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body));
        let mut caller = browser.clone();
        let answer = caller.send(call.unwrap());
        let hung_up = tokio::time::timeout(std::time::Duration::from_millis(500), answer).await;
        assert!(hung_up.is_err(), "{function} did not wait for the log");
        lock.rollback().await.unwrap();

        let mut written = 0_i64;
        for _ in 0..100 {
            written = sqlx::query_scalar(
                "SELECT count(*) FROM audit_log WHERE action = $1 AND outcome = $2",
            )
            .bind(action)
            .bind(outcome)
            .fetch_one(&app.db.admin)
            .await
            .unwrap();
            if written > 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(written, 1, "{action}");
    }
    assert_eq!(app.count("SELECT count(*) FROM teams").await, 1);
}

/// The fields of the form are one input, flattened into the call.
#[tokio::test]
async fn memory_form_keeps_each_of_its_fields() {
    let app = App::start().await;
    let browser = signed_in(&app).await;
    let post = async |function: &str, body: &str| {
        let call = request(Method::POST, &format!("/api/{function}"))
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body.to_owned()));
        browser.clone().send(call.unwrap()).await
    };
    let stored = async || -> (String, String, Vec<String>, f32, Vec<String>, i32, bool) {
        sqlx::query_as(
            "SELECT title, content, tags, importance, allowed_vendors, version, expires_at IS NULL FROM memories",
        )
        .fetch_one(&app.db.admin)
        .await
        .unwrap()
    };
    let words = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    // As a browser posts a form without scripts.
    let form = "title=Tea&content=At%20four%0D%0Asharp&kind=event&tags=a,%20b&keep=until&expires_on=2099-12-31\
                &importance=0.75&vendors=only&allowed_vendors[]=claude&allowed_vendors[]=other";
    let answer = post("memory_create", form).await;
    assert!(!answer.status.is_client_error(), "{}", answer.body);
    let created = (
        "Tea".to_owned(),
        "At four\nsharp".to_owned(),
        words(&["a", "b"]),
        0.75,
        words(&["claude", "other"]),
        1,
        false,
    );
    assert_eq!(stored().await, created);

    let id: uuid::Uuid = sqlx::query_scalar("SELECT id FROM memories")
        .fetch_one(&app.db.admin)
        .await
        .unwrap();
    // As a page calls the function.
    let form = format!(
        "id={id}&version=1&reason=Later&title=&content=At%20five&kind=fact&tags=&keep=always&expires_on=\
         &expires_was=&persona_id=&importance=&vendors=only&allowed_vendors[0]=gemini"
    );
    let answer = post("memory_update", &form).await;
    assert!(!answer.status.is_client_error(), "{}", answer.body);
    let changed = (
        String::new(),
        "At five".to_owned(),
        words(&[]),
        0.5,
        words(&["gemini"]),
        2,
        true,
    );
    assert_eq!(stored().await, changed);

    let bad = format!(
        "id={id}&version=2&content=%20&kind=song&keep=until&expires_on=soon&persona_id=work&importance=very\
         &vendors=all&reason={}",
        "x".repeat(501)
    );
    for (function, fields) in [
        (
            "memory_create",
            &[
                "content",
                "kind",
                "expires_at",
                "persona_id",
                "importance",
                "allowed_vendors",
            ][..],
        ),
        (
            "memory_update",
            &[
                "content",
                "kind",
                "expires_at",
                "persona_id",
                "importance",
                "allowed_vendors",
                "reason",
            ],
        ),
    ] {
        let answer = post(function, &bad).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{function}"
        );
        for field in fields {
            let named = format!("\"field\":\"{field}\"");
            assert!(
                answer.body.contains(&named),
                "{function} {field}: {}",
                answer.body
            );
        }
    }
    assert_eq!(stored().await, changed);
}
