//! Error responses of the middleware, before a request reaches the application.

use std::any::Any;

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use domain::AppError;

/// True if the client is a browser that displays the response.
pub(crate) fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|accept| accept.contains("text/html"))
}

/// Responds with `error` and its own status, as HTML or JSON as accepted.
pub(crate) fn error_response(headers: &HeaderMap, error: &AppError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    error_response_with_status(headers, status, error)
}

/// Responds with `error` and a given status, for errors at the HTTP level.
pub(crate) fn error_response_with_status(
    headers: &HeaderMap,
    status: StatusCode,
    error: &AppError,
) -> Response {
    let mut response = if wants_html(headers) {
        (status, Html(page(status, &error.to_string()))).into_response()
    } else {
        (status, Json(error)).into_response()
    };
    // Lets outer layers convert the error to another format.
    response.extensions_mut().insert(error.clone());
    let retry_after = match error {
        AppError::TooManyRequests {
            retry_after_seconds,
        } => Some(*retry_after_seconds),
        AppError::Unavailable { .. } => Some(5),
        _ => None,
    };
    if let Some(seconds) = retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Response of a handler that panicked. The process and the connection
/// continue, and only the log contains the cause (SEC-B10).
#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer passes it by value"
)]
pub(super) fn panic_response(cause: Box<dyn Any + Send>) -> Response {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| cause.downcast_ref::<&str>().copied());
    tracing::error!(cause = text.unwrap_or("unknown"), "a handler panicked");
    let error = AppError::Internal;
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    (status, Html(page(status, &error.to_string()))).into_response()
}

/// A page that needs no database, style sheet or session.
fn page(status: StatusCode, sentence: &str) -> String {
    let title = status.canonical_reason().unwrap_or("Refused");
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title} · Atrium</title></head>\
         <body><main><h1>{title}</h1><p>{}</p><p><a href=\"/\">Go to the first page</a></p></main></body></html>",
        escape(sentence)
    )
}

/// Escapes text for HTML, including attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
