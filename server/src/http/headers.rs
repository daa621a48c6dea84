//! Security headers (SEC-B6).

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};

use super::{HttpSettings, secret_path::is_secret_path};

/// Policy for every response other than pages, which set their own.
const STRICT_CSP: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

const ALWAYS: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    // Our own pages need the referrer, because the framework redirects to it
    // after a plain form post; other sites must not get it.
    ("referrer-policy", "same-origin"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=()",
    ),
];

/// Extension of a response whose own policy allows framing by some sites.
/// `X-Frame-Options` can't list them and is omitted then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AllowsFraming;

/// Two years, as required by browsers' preload lists. Omits
/// `includeSubDomains`: subdomains may belong to others.
const HSTS: &str = "max-age=63072000";

/// Sets all security headers. Keeps the pages' own content security policy,
/// which has a nonce, and the `Cache-Control` of hashed assets.
pub(super) async fn headers_layer(
    State(settings): State<HttpSettings>,
    request: Request,
    next: Next,
) -> Response {
    let is_secret = is_secret_path(request.uri().path());
    let mut response = next.run(request).await;
    let is_framed = response.extensions().get::<AllowsFraming>().is_some();
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
