//! Security headers (SEC-B6).

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};

use super::{HttpSettings, secret_path::is_secret_path};

/// For everything that is not a page of ours with its own policy.
const STRICT_CSP: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

const ALWAYS: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    // Our own pages need the referrer (the framework sends a plain form's
    // answer there); nobody else gets it.
    ("referrer-policy", "same-origin"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=()",
    ),
];

/// On an answer that its own policy lets others show in a frame. The older
/// header knows no list of them, and would forbid it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Framed;

/// Two years, as browsers' preload lists ask for. Subdomains are not ours to
/// decide about.
const HSTS: &str = "max-age=63072000";

/// Adds what is missing. Pages bring a content security policy of their own
/// with a nonce; hashed assets bring a `Cache-Control` of their own.
pub(super) async fn headers_layer(
    State(settings): State<HttpSettings>,
    request: Request,
    next: Next,
) -> Response {
    let is_secret = is_secret_path(request.uri().path());
    let mut response = next.run(request).await;
    let is_framed = response.extensions().get::<Framed>().is_some();
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    if is_secret {
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        );
    }
    if is_framed {
        headers.remove("x-frame-options");
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(STRICT_CSP));
    if settings.site.is_https() {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static(HSTS),
        );
    }
    let is_html = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    if is_html || !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
