//! Compression of generated responses.
//!
//! A length of a compressed response tells whether text of an attacker's choice
//! repeats a secret of the same response (the BREACH attack). The attacker must
//! make the victim's browser send many requests with such a text, and see the
//! length of each response. So these are never compressed:
//!
//! - what a browser requested with a cookie for another site's sake, according
//!   to `Sec-Fetch-Site`, or without saying for whose. Forms and scripts of other
//!   sites send no cookie at all, because it is `SameSite=Lax`; a link or window
//!   that they open does;
//! - responses to anything but GET: those that show a key or an invite's link
//!   once, and a form with what was typed into it;
//! - pages whose path is a secret.
//!
//! No page has a token against forgery that could be guessed: the origin of a
//! request is checked instead (SEC-B4).

use axum::{
    extract::Request,
    http::{Extensions, HeaderMap, Method, StatusCode, Version, header},
    middleware::Next,
    response::Response,
};
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer,
        predicate::{And, Predicate as _, SizeAbove},
    },
};

use super::{csrf::SEC_FETCH_SITE, secret_path::is_secret_path};

/// Responses that are known to be shorter fit into one packet anyway.
const MIN_BYTES: u16 = 1_000;

/// The level of all algorithms. Of a list of 50 rows (100 kB) zstd 2 makes 15.6 kB
/// in 0.09 ms, brotli 2 15.7 kB in 0.67 ms, gzip 2 19.5 kB in 0.24 ms. Level 5
/// saves another tenth and takes six, three and two times as long; gzip 1 sends a
/// quarter more.
const LEVEL: i32 = 2;

/// Types of generated responses. Files are compressed when they are built, and
/// an event stream must not wait in a compressor.
const TYPES: &[&str] = &[
    "text/html",
    "text/plain",
    "text/csv",
    "text/markdown",
    "application/json",
    "application/x-ndjson",
    "image/svg+xml",
];

/// Extension of a response that may be compressed.
#[derive(Clone, Copy)]
struct Compressible;

type IsCompressible = And<SizeAbove, fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool>;

/// Compresses the responses that [`mark_layer`], which must be inside, marked.
pub(super) fn compression_layer() -> CompressionLayer<IsCompressible> {
    fn is_marked(_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions) -> bool {
        extensions.get::<Compressible>().is_some()
    }
    let is_marked: fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool = is_marked;
    CompressionLayer::new()
        .no_deflate()
        .quality(CompressionLevel::Precise(LEVEL))
        .compress_when(SizeAbove::new(MIN_BYTES).and(is_marked))
}

/// Marks responses that may be compressed.
pub(super) async fn mark_layer(request: Request, next: Next) -> Response {
    let is_safe = is_safe(request.method(), request.uri().path(), request.headers());
    let mut response = next.run(request).await;
    // Errors are short, and an outer layer may replace their body.
    if is_safe && response.status().is_success() && has_type(response.headers()) {
        response.extensions_mut().insert(Compressible);
    }
    response
}

/// True if no other site can have made a browser send the request with its
/// cookie, and the response shows no secret.
fn is_safe(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
    let is_own = match (sites.next(), sites.next()) {
        // `none` means a navigation by the user: a typed URL, a bookmark.
        (Some(site), None) => site == "same-origin" || site == "none",
        (None, _) => !headers.contains_key(header::COOKIE),
        (Some(_), Some(_)) => false,
    };
    method == Method::GET && is_own && !is_secret_path(path)
}

fn has_type(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| TYPES.contains(&essence.trim()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn safe(method: &Method, path: &str, headers: &[(&'static str, &'static str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        is_safe(method, path, &map)
    }

    #[test]
    fn request_of_another_site_is_not_compressed() {
        const COOKIE: (&str, &str) = ("cookie", "atrium=x");
        for site in ["same-origin", "none"] {
            let headers = [COOKIE, ("sec-fetch-site", site)];
            assert!(safe(&Method::GET, "/memories", &headers), "{site}");
        }
        for site in ["cross-site", "same-site", "", "anything"] {
            let headers = [COOKIE, ("sec-fetch-site", site)];
            assert!(!safe(&Method::GET, "/memories", &headers), "{site}");
        }
        let twice = [
            COOKIE,
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-site", "cross-site"),
        ];
        assert!(!safe(&Method::GET, "/memories", &twice));
        assert!(!safe(&Method::GET, "/memories", &[COOKIE]));
        assert!(safe(&Method::GET, "/memories", &[]));
        assert!(safe(
            &Method::GET,
            "/api/v1/memories",
            &[("authorization", "Bearer atr_x")]
        ));
    }

    #[test]
    fn response_that_shows_a_secret_is_not_compressed() {
        let own = [("sec-fetch-site", "same-origin")];
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert!(!safe(&method, "/keys/new", &own), "{method}");
        }
        assert!(!safe(&Method::GET, "/invite/atri_x", &own));
        assert!(safe(&Method::GET, "/invites", &own));
    }

    #[test]
    fn event_stream_and_files_are_not_compressed() {
        let typed = |value: &'static str| {
            has_type(&HeaderMap::from_iter([(
                header::CONTENT_TYPE,
                HeaderValue::from_static(value),
            )]))
        };
        assert!(typed("text/html; charset=utf-8") && typed("application/json"));
        for other in [
            "text/event-stream",
            "font/woff2",
            "application/wasm",
            "image/png",
        ] {
            assert!(!typed(other), "{other}");
        }
        assert!(!has_type(&HeaderMap::new()));
    }
}
