//! The layers of every request: origin check, headers, limits (SEC-B4 to B6,
//! B9, B10).

use std::net::SocketAddr;

use crate::support::{self, App, Browser, ORIGIN, request};
use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Method, Request, StatusCode, header},
};

const BODIES: &[(&str, &str)] = &[
    ("application/x-www-form-urlencoded", "a=b"),
    ("text/plain", "a=b"),
    ("application/json", "{\"a\":\"b\"}"),
    (
        "multipart/form-data; boundary=x",
        "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--\r\n",
    ),
    ("", ""),
];

async fn signed_in(app: &App) -> Browser {
    let mut browser = app.browser();
    browser.sign_in(&app.issuer).await;
    browser
}

/// SEC-B4: every mutating method and every kind of body, for pages, server
/// functions and sign-out.
#[tokio::test]
async fn request_of_another_site_is_rejected_and_audited() {
    let app = App::start().await;
    let browser = signed_in(&app).await;
    let foreign: &[&[(&str, &str)]] = &[
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", ORIGIN)],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://atrium.example")],
        &[],
    ];
    let mut refusals = 0;
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        for path in ["/api/memory_create", "/memories", "/auth/logout"] {
            for (content_type, body) in BODIES {
                for headers in foreign {
                    let mut request = request(method.parse().unwrap(), path);
                    if !content_type.is_empty() {
                        request = request.header(header::CONTENT_TYPE, *content_type);
                    }
                    for (name, value) in *headers {
                        request = request.header(*name, *value);
                    }
                    let answer = browser
                        .clone()
                        .send(request.body(Body::from(*body)).unwrap())
                        .await;
                    assert_eq!(
                        answer.status,
                        StatusCode::FORBIDDEN,
                        "{method} {path} {content_type} {headers:?}"
                    );
                    refusals += 1;
                }
            }
        }
    }
    assert_eq!(app.sessions().await, 1, "the session is still there");
    // The first of a kind is written at once, the rest are counted.
    app.clock.forward(time::Duration::minutes(2));
    let ctx = support::ctx(&app.db, app.clock.clock());
    service::denials_sweep(&ctx).await.unwrap();
    let audited = app
        .count(
            "SELECT sum(coalesce((metadata->>'repeats')::bigint, 1))::bigint FROM audit_log
              WHERE action = 'request.cross_site' AND outcome = 'denied'",
        )
        .await;
    assert_eq!(audited, refusals);
    let rows = app
        .count("SELECT count(*) FROM audit_log WHERE action = 'request.cross_site'")
        .await;
    assert!(rows <= 10, "{rows} rows");
}

/// SEC-B4: the same requests from Atrium's own pages arrive.
#[tokio::test]
async fn request_of_an_own_page_arrives() {
    let app = App::start().await;
    let browser = signed_in(&app).await;
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        for headers in [
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-site", "none"),
            ("origin", ORIGIN),
        ] {
            for (content_type, body) in BODIES {
                let request = request(method.parse().unwrap(), "/api/memory_create")
                    .header(headers.0, headers.1)
                    .header(header::CONTENT_TYPE, *content_type);
                let answer = browser
                    .clone()
                    .send(request.body(Body::from(*body)).unwrap())
                    .await;
                assert_eq!(
                    (answer.status, answer.body.as_str()),
                    (StatusCode::OK, "Mia Muster")
                );
            }
        }
    }
}

/// SEC-B4: also without a session.
#[tokio::test]
async fn origin_check_protects_visitors_as_well() {
    let app = App::start().await;
    let request = request(Method::POST, "/auth/logout").header("sec-fetch-site", "cross-site");
    let answer = app
        .browser()
        .send(request.body(Body::empty()).unwrap())
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("another site"), "{}", answer.body);
}

/// SEC-B6
#[tokio::test]
async fn every_response_has_the_security_headers() {
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    let too_large = request(Method::POST, "/memories").header(header::CONTENT_LENGTH, "99999999");
    let answers = [
        browser.get("/").await,
        browser.get("/pkg/atrium.js").await,
        browser.get("/nowhere").await,
        app.browser().get("/memories").await,
        browser.send(too_large.body(Body::empty()).unwrap()).await,
        browser
            .send(request(Method::POST, "/").body(Body::empty()).unwrap())
            .await,
    ];
    let statuses: Vec<_> = answers
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    assert_eq!(statuses, [200, 200, 404, 303, 413, 403]);
    for answer in &answers {
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(
            answer.header("strict-transport-security"),
            "max-age=63072000"
        );
        let policy = answer.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(answer.header("x-request-id").parse::<uuid::Uuid>().is_ok());
    }
    assert_eq!(answers[0].header("cache-control"), "no-store");
    assert_eq!(
        answers[1].header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(answers[3].header("cache-control"), "no-store");
}

/// SEC-B6: a page's content security policy is kept, its caching header is not.
#[tokio::test]
async fn page_keeps_its_own_policy_but_is_never_stored() {
    use axum::{Router, response::Html, routing::get};
    let app = App::start().await;
    let page = Router::new().route(
        "/page",
        get(|| async {
            (
                [
                    (header::CONTENT_SECURITY_POLICY, "script-src 'nonce-x'"),
                    (header::CACHE_CONTROL, "public, max-age=60"),
                ],
                Html("page"),
            )
        }),
    );
    let mut browser = signed_in(&app).await;
    browser.router = support::router_of(&app.auth, page, app.http());
    let answer = browser.get("/page").await;
    assert_eq!(
        answer.header("content-security-policy"),
        "script-src 'nonce-x'"
    );
    assert_eq!(answer.header("cache-control"), "no-store");
}

/// SEC-B5
#[tokio::test]
async fn foreign_referrer_is_hidden_from_the_framework() {
    use axum::{Router, http::HeaderMap, routing::post};
    let app = App::start().await;
    let echo = Router::new().route(
        "/echo",
        post(|headers: HeaderMap| async move {
            headers.get(header::REFERER).map_or(String::new(), |value| {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            })
        }),
    );
    let mut browser = signed_in(&app).await;
    browser.router = support::router_of(&app.auth, echo, app.http());
    for (sent, seen) in [
        (
            &b"https://atrium.example/memories?query=a"[..],
            "https://atrium.example/memories?query=a",
        ),
        (b"https://evil.example/", "https://atrium.example/"),
        (
            b"https://atrium.example.evil.example/",
            "https://atrium.example/",
        ),
        (
            b"https://atrium.example@evil.example/",
            "https://atrium.example/",
        ),
        (b"http://atrium.example/", "https://atrium.example/"),
        (b"//evil.example/", "https://atrium.example/"),
        (b"javascript:alert(1)", "https://atrium.example/"),
        (b"\xff", "https://atrium.example/"),
    ] {
        let request = request(Method::POST, "/echo")
            .header("sec-fetch-site", "same-origin")
            .header(
                header::REFERER,
                header::HeaderValue::from_bytes(sent).unwrap(),
            );
        let answer = browser.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.body, seen, "{}", String::from_utf8_lossy(sent));
    }
}

/// SEC-B10: rejected at once if the length is announced, otherwise while
/// reading; the upload route accepts more.
#[tokio::test]
async fn oversized_body_is_413() {
    use axum::{Router, body::Bytes, routing::any};
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    let post = |path: &str, length: usize, announced: bool| {
        let mut request = request(Method::POST, path).header("sec-fetch-site", "same-origin");
        if announced {
            request = request.header(header::CONTENT_LENGTH, length.to_string());
        }
        let chunks = vec![Ok::<_, std::io::Error>("x".repeat(length))];
        request
            .body(Body::from_stream(futures::stream::iter(chunks)))
            .unwrap()
    };
    let read = Router::new().route(
        "/read",
        any(|body: Bytes| async move { body.len().to_string() }),
    );
    browser.router = support::router_of(&app.auth, read, app.http());
    for announced in [true, false] {
        for (path, length, status) in [
            ("/read", 10_000, 200),
            ("/read", 10_001, 413),
            ("/memories/import", 100_000, 200),
            ("/memories/import", 100_001, 413),
        ] {
            let answer = browser.send(post(path, length, announced)).await;
            assert_eq!(
                answer.status.as_u16(),
                status,
                "{path} {length} {announced}"
            );
        }
    }
    let answer = browser.send(post("/read", 10_001, true)).await;
    assert_eq!(
        answer.body,
        r#"{"code":"too_large","message":"This is too large. The maximum is 10 kB."}"#
    );
}

/// A browser is redirected to the form after its whole body was read.
#[tokio::test]
async fn browser_with_too_large_a_file_returns_to_the_form() {
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    let request = request(Method::POST, "/memories/import")
        .header("sec-fetch-site", "same-origin")
        .header(header::ACCEPT, "text/html")
        .header(header::CONTENT_LENGTH, "100001")
        .body(Body::from("x".repeat(100_001)))
        .unwrap();
    let answer = browser.send(request).await;
    assert_eq!(answer.status, 303);
    assert_eq!(
        answer.headers[header::LOCATION],
        "/memories/import?error=too_large"
    );
}

/// SEC-B9
#[tokio::test]
async fn client_address_comes_from_trusted_proxies() {
    let app = App::start().await;
    let mut browser = signed_in(&app).await;
    for (peer, forwarded, seen) in [
        ("203.0.113.9:1", "198.51.100.1", "203.0.113.9 "),
        ("10.0.0.1:1", "198.51.100.1", "198.51.100.1 "),
        ("10.0.0.1:1", "1.2.3.4, 198.51.100.1", "198.51.100.1 "),
    ] {
        let mut request: Request<Body> = request(Method::GET, "/facts")
            .header("x-forwarded-for", forwarded)
            .body(Body::empty())
            .unwrap();
        request
            .extensions_mut()
            .insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        assert_eq!(browser.send(request).await.body, seen);
    }
}

/// DNS rebinding: a page of another site can resolve its own name to this
/// machine and would then be same-origin with what answers.
#[tokio::test]
async fn loopback_answers_only_to_local_host_names() {
    let app = App::start_with(|settings| {
        settings.site = server::http::Site::new("http://127.0.0.1:3000".parse().unwrap()).unwrap();
    })
    .await;
    let get = |host: &str| {
        Request::get("/memories?query=a")
            .header(header::HOST, host)
            .header(header::ACCEPT, "text/html")
            .body(Body::empty())
            .unwrap()
    };
    assert_eq!(
        app.browser().send(get("evil.example:3000")).await.status,
        StatusCode::MISDIRECTED_REQUEST
    );
    let answer = app.browser().send(get("127.0.0.1:3000")).await;
    assert_eq!(
        answer.location(),
        "/sign-in?return_to=%2Fmemories%3Fquery%3Da"
    );
    assert_eq!(answer.header("strict-transport-security"), "");
    let answer = app.browser().send(get("localhost:3000")).await;
    assert_eq!(answer.location(), "http://127.0.0.1:3000/memories?query=a");
}

/// SEC-B10: a panic costs one response and leaks nothing.
#[tokio::test]
async fn panicking_handler_answers_500() {
    use axum::{Router, routing::get};
    let app = App::start().await;
    let faulty = Router::new().route(
        "/faulty",
        get(|| async { assert_eq!(1, "2".parse::<i32>().unwrap(), "a secret") }),
    );
    let mut browser = signed_in(&app).await;
    browser.router = support::router_of(&app.auth, faulty, app.http());
    let answer = browser.get("/faulty").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!answer.body.contains("a secret"), "{}", answer.body);
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(browser.who().await, "Mia Muster");
}
