//! Connection and redirect checks against servers on this machine.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{Router, http::HeaderMap, response::Redirect, routing::get};
use outbound::{BodyError, Outbound, UrlError, read_body};
use reqwest::Method;

/// Starts a server on this machine.
async fn server(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

fn counting(visits: &Arc<AtomicUsize>) -> Router {
    let visits = visits.clone();
    Router::new().fallback(move |headers: HeaderMap| {
        visits.fetch_add(1, Relaxed);
        async move { format!("key {:?}", headers.get("authorization")) }
    })
}

fn outbound(allowed: &[&str]) -> Outbound {
    Outbound::new(allowed.iter().collect(), Duration::from_secs(5)).unwrap()
}

/// The error and its chain of causes, as in a log.
fn causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

// SEC-B8: both when saving and, because DNS can change, when connecting.
#[tokio::test]
async fn local_name_is_rejected_on_save_and_on_connect() {
    let visits = Arc::default();
    let address = server(counting(&visits)).await;
    let guarded = outbound(&[]);
    let text = format!("https://localhost:{}/", address.port());
    assert_eq!(guarded.check(&text).await, Err(UrlError::NotPublic));
    assert_eq!(
        guarded.check("https://no-such-host.invalid/").await,
        Err(UrlError::Unresolved)
    );

    // As if the name had been public when the URL was saved.
    let url = guarded.parse(&text).unwrap();
    let error = guarded.request(Method::GET, &url).send().await.unwrap_err();
    assert!(
        causes(&error).contains(&UrlError::NotPublic.to_string()),
        "{}",
        causes(&error)
    );
    assert_eq!(visits.load(Relaxed), 0);

    // The positive control: the same server, allowed by the operator.
    let allowed = outbound(&["localhost"]);
    let url = allowed
        .check(&format!("http://localhost:{}/", address.port()))
        .await
        .unwrap();
    let answer = allowed.request(Method::GET, &url).send().await.unwrap();
    assert!(answer.status().is_success());
    assert_eq!(visits.load(Relaxed), 1);
}

// SEC-B8, SEC-G: SSRF and leaked keys through redirects.
#[tokio::test]
async fn redirects_stay_within_their_origin() {
    let visits = Arc::default();
    let elsewhere = server(counting(&visits)).await;
    let within = Arc::default();
    let here = server(
        counting(&within)
            .route("/within", get(|| async { Redirect::temporary("/end") }))
            .route(
                "/elsewhere",
                get(move || async move { Redirect::temporary(&format!("http://{elsewhere}/")) }),
            )
            .route(
                "/metadata",
                get(|| async { Redirect::temporary("http://169.254.169.254/latest") }),
            )
            .route("/again", get(|| async { Redirect::temporary("/again") })),
    )
    .await;
    let client = outbound(&["127.0.0.1"]);
    let get = async |path: &str| {
        let url = client.parse(&format!("http://{here}{path}")).unwrap();
        client
            .request(Method::GET, &url)
            .bearer_auth("a-secret")
            .send()
            .await
    };
    let answer = get("/within").await.unwrap();
    let body = read_body(answer, 1_000).await.unwrap();
    assert!(String::from_utf8(body).unwrap().contains("Bearer a-secret"));

    for (path, why) in [
        ("/elsewhere", "another origin"),
        ("/metadata", "another origin"),
        ("/again", "again and again"),
    ] {
        let error = get(path).await.unwrap_err();
        assert!(causes(&error).contains(why), "{path}: {}", causes(&error));
    }
    assert_eq!(visits.load(Relaxed), 0);
}

// SEC-B10
#[tokio::test]
async fn oversized_response_is_rejected() {
    let here = server(Router::new().fallback(|| async { "x".repeat(100_000) })).await;
    let client = outbound(&["127.0.0.1"]);
    let url = client.parse(&format!("http://{here}/")).unwrap();
    let answer = client.request(Method::GET, &url).send().await.unwrap();
    let body = read_body(answer, 1_000).await;
    assert!(matches!(body, Err(BodyError::TooLong(1_000))), "{body:?}");
}
