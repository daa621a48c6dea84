//! Compression of generated responses, and the responses that must not be
//! compressed because their length would tell a secret.

use crate::support::{self, App, Browser, product::product, request};
use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, header, request::Builder},
    response::{Html, Response},
    routing::any,
};
use http_body_util::BodyExt as _;
use tower::{Layer as _, ServiceExt as _};
use tower_http::decompression::DecompressionLayer;

/// Longer than responses that are left alone for their size.
fn long_text() -> String {
    "A memory of one member, and what a query reflects. ".repeat(200)
}

async fn signed_in(app: &App) -> Browser {
    let mut browser = app.browser();
    browser.sign_in(&app.issuer).await;
    let page = |content_type: &'static str| {
        any(move || async move { ([(header::CONTENT_TYPE, content_type)], long_text()) })
    };
    let more = Router::new()
        .route("/page", any(|| async { Html(long_text()) }))
        .route("/short", any(|| async { Html("short") }))
        .route(
            "/missing",
            any(|| async { (StatusCode::NOT_FOUND, Html(long_text())) }),
        )
        .route("/invite/{token}", any(|| async { Html(long_text()) }))
        .route("/json", page("application/json"))
        .route("/csv", page("text/csv; charset=utf-8; header=present"))
        .route("/lines", page("application/x-ndjson"))
        .route("/markdown", page("text/markdown; charset=utf-8"))
        .route("/svg", page("image/svg+xml"))
        .route("/stream", page("text/event-stream"))
        .route("/font", page("font/woff2"));
    browser.router = support::router_of(&app.auth, more, app.http());
    browser
}

fn with_cookies(browser: &Browser, builder: Builder) -> Request<Body> {
    let cookies: Vec<_> = browser
        .jar
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    let request = builder.header(header::COOKIE, cookies.join("; "));
    request.body(Body::empty()).unwrap()
}

/// Sends the request with the session's cookie and reads only the headers.
async fn send(browser: &Browser, builder: Builder) -> Response {
    let request = with_cookies(browser, builder);
    browser.router.clone().oneshot(request).await.unwrap()
}

fn encoding(response: &Response) -> &str {
    let encoding = response.headers().get(header::CONTENT_ENCODING);
    encoding.map_or("identity", |value| value.to_str().unwrap())
}

async fn bytes(response: Response) -> Vec<u8> {
    response
        .into_body()
        .collect()
        .await
        .unwrap()
        .to_bytes()
        .to_vec()
}

fn get(path: &str, encodings: &str) -> Builder {
    request(Method::GET, path)
        .header("sec-fetch-site", "same-origin")
        .header(header::ACCEPT_ENCODING, encodings)
}

#[tokio::test]
async fn generated_response_is_compressed_as_the_client_accepts() {
    let app = App::start().await;
    let browser = signed_in(&app).await;
    for (accepted, expected) in [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate", "gzip"),
        ("deflate", "identity"),
        ("zstd;q=0, gzip;q=0.5", "gzip"),
        ("identity", "identity"),
    ] {
        let response = send(&browser, get("/page", accepted)).await;
        assert_eq!(encoding(&response), expected, "{accepted}");
        assert_eq!(response.headers()[header::VARY], "accept-encoding");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        let is_short = bytes(response).await.len() < long_text().len() / 10;
        assert_eq!(is_short, expected != "identity", "{accepted}");
    }
    for path in ["/json", "/csv", "/lines", "/markdown", "/svg"] {
        let response = send(&browser, get(path, "zstd")).await;
        assert_eq!(encoding(&response), "zstd", "{path}");
    }
    let service = DecompressionLayer::new().layer(browser.router.clone());
    for accepted in ["zstd", "br", "gzip"] {
        let request = with_cookies(&browser, get("/csv", accepted));
        let response = service.clone().oneshot(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(body == long_text().as_bytes(), "{accepted}");
    }
}

#[tokio::test]
async fn compressed_download_is_complete() {
    let app = App::start().await;
    let mut browser = app.browser();
    browser.router = product(&app);
    browser.sign_in(&app.issuer).await;
    let service = DecompressionLayer::new().layer(browser.router.clone());
    for accepted in ["zstd", "br", "gzip"] {
        let path = "/memories/export/file?format=csv";
        let response = send(&browser, get(path, accepted)).await;
        assert_eq!(encoding(&response), accepted);
        let request = with_cookies(&browser, get(path, accepted));
        let response = service.clone().oneshot(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(b"content,title,kind"), "{accepted}");
    }
}

#[tokio::test]
async fn streams_files_errors_and_short_responses_are_not_compressed() {
    let app = App::start().await;
    let browser = signed_in(&app).await;
    for path in ["/stream", "/font", "/short", "/missing", "/pkg/atrium.js"] {
        let response = send(&browser, get(path, "gzip, br, zstd")).await;
        assert_eq!(encoding(&response), "identity", "{path}");
    }
}

/// The length of a compressed response would tell another site's guesses of
/// what stands beside the text that it puts into a URL (BREACH).
#[tokio::test]
async fn response_that_another_site_caused_is_not_compressed() {
    let app = App::start().await;
    let browser = signed_in(&app).await;
    let page = || request(Method::GET, "/page").header(header::ACCEPT_ENCODING, "gzip, br, zstd");
    for site in ["cross-site", "same-site", "anything"] {
        let response = send(&browser, page().header("sec-fetch-site", site)).await;
        assert_eq!(encoding(&response), "identity", "{site}");
    }
    // An older browser does not say who caused the request.
    assert_eq!(encoding(&send(&browser, page()).await), "identity");
    let by_the_user = page().header("sec-fetch-site", "none");
    assert_eq!(encoding(&send(&browser, by_the_user).await), "zstd");
}

/// Keys and links that are shown once, and forms with what was typed, answer to
/// POST.
#[tokio::test]
async fn response_that_shows_a_secret_is_not_compressed() {
    let app = App::start().await;
    let browser = signed_in(&app).await;
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let form = request(method.clone(), "/page")
            .header("sec-fetch-site", "same-origin")
            .header(header::ACCEPT_ENCODING, "gzip, br, zstd");
        let response = send(&browser, form).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(encoding(&response), "identity", "{method}");
    }
    let response = send(&browser, get("/invite/atri_token", "gzip, br, zstd")).await;
    assert_eq!(encoding(&response), "identity");
}
