//! Checks of a request's host, body size and referrer.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use domain::AppError;
use http_body_util::{BodyExt as _, Limited};

use super::{
    HttpSettings, answer, csrf,
    slow_body::{TimedOutFlag, TimeoutBody},
};

/// Maximum bytes of a rejected body that are read and discarded.
const MAX_DRAINED_BYTES: usize = 1024 * 1024 * 1024;
/// Maximum time for which a rejected body is read.
const MAX_DRAINED_FOR: Duration = Duration::from_mins(1);

/// Rejects foreign hosts and redirects browsers to the canonical host name.
pub(super) async fn host_layer(
    State(settings): State<HttpSettings>,
    request: Request,
    next: Next,
) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|value| value.to_str().ok())
        .or_else(|| {
            request
                .uri()
                .authority()
                .map(axum::http::uri::Authority::as_str)
        })
        .unwrap_or_default();
    if !settings.site.accepts_host(host) {
        let message = format!("Open this Atrium at {}.", settings.site.origin());
        let error = AppError::Transport { message };
        return answer::error_response_with_status(
            request.headers(),
            StatusCode::MISDIRECTED_REQUEST,
            &error,
        );
    }
    if csrf::is_read(request.method()) && answer::wants_html(request.headers()) {
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        if let Some(url) = settings.site.canonical(host, path) {
            return Redirect::temporary(url.as_str()).into_response();
        }
    }
    next.run(request).await
}

/// Rejects bodies over the limit (SEC-B10): immediately if the length is
/// announced, else while reading. Aborts bodies that stop arriving.
pub(super) async fn body_layer(
    State(settings): State<HttpSettings>,
    request: Request,
    next: Next,
) -> Response {
    let larger = settings.larger_body(request.uri().path());
    let limit = larger.map_or(settings.body_bytes, |larger| larger.bytes);
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit) {
        if !answer::wants_html(request.headers()) {
            return answer::error_response(request.headers(), &too_large(limit));
        }
        let response = match larger {
            Some(larger) => Redirect::to(&larger.refused).into_response(),
            None => answer::error_response(request.headers(), &too_large(limit)),
        };
        drain(request.into_body()).await;
        return response;
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (headers, given_up) = (request.headers().clone(), TimedOutFlag::default());
    let request = request.map(|body| {
        let body = TimeoutBody::new(body, settings.body_timeout, given_up.clone());
        Body::new(Limited::new(body, limit))
    });
    let response = next.run(request).await;
    if !given_up.is_set() {
        return response;
    }
    // Replaces the handler's response to the partial body.
    let message = "The request did not arrive in time. Send it again.".to_owned();
    let error = AppError::Transport { message };
    answer::error_response_with_status(&headers, StatusCode::REQUEST_TIMEOUT, &error)
}

/// Reads and discards a body. A browser that is still sending when the
/// connection closes shows its own error instead of our response.
async fn drain(body: Body) {
    let read = async {
        let mut body = Limited::new(body, MAX_DRAINED_BYTES);
        while let Some(Ok(_)) = body.frame().await {}
    };
    let _ = tokio::time::timeout(MAX_DRAINED_FOR, read).await;
}

/// Replaces a foreign referrer (SEC-B5), because the framework redirects to it
/// after a plain form post.
pub(super) async fn referer_layer(
    State(settings): State<HttpSettings>,
    mut request: Request,
    next: Next,
) -> Response {
    let is_ours = |value: &HeaderValue| value.to_str().is_ok_and(|url| settings.site.owns(url));
    let mut values = request.headers().get_all(header::REFERER).iter();
    let is_foreign = match (values.next(), values.next()) {
        (Some(only), None) => !is_ours(only),
        (Some(_), Some(_)) => true,
        (None, _) => false,
    };
    if is_foreign {
        match HeaderValue::from_str(settings.site.at("/").as_str()) {
            Ok(home) => request.headers_mut().insert(header::REFERER, home),
            Err(_) => request.headers_mut().remove(header::REFERER),
        };
    }
    next.run(request).await
}

fn too_large(limit: u64) -> AppError {
    let limit = format_bytes(limit);
    AppError::TooLarge {
        message: format!("This is too large. The maximum is {limit}."),
    }
}

fn format_bytes(bytes: u64) -> String {
    match bytes {
        1_000_000.. => format!("{} MB", bytes / 1_000_000),
        1_000.. => format!("{} kB", bytes / 1_000),
        _ => format!("{bytes} bytes"),
    }
}
