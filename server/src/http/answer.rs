//! Answers that no page gives: refusals before the application is reached.

use std::any::Any;

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use domain::AppError;

/// Whether the caller is a browser that shows what it gets.
pub(crate) fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|accept| accept.contains("text/html"))
}

/// `error` with its own status, as a page or as JSON, whichever is asked for.
pub(crate) fn error_response(headers: &HeaderMap, error: &AppError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    error_response_with_status(headers, status, error)
}

/// `error` under another status, for refusals below the application's own.
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
    // For those who say it in another form.
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

/// What a handler that panicked answers: the process and the connection live
/// on, and the cause is in the log only (SEC-B10).
#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
pub(super) fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| cause.downcast_ref::<&str>().copied());
    tracing::error!(cause = text.unwrap_or("unknown"), "a handler panicked");
    let error = AppError::Internal;
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    (status, Html(page(status, &error.to_string()))).into_response()
}

/// A page that needs nothing: no database, no style sheet, no session.
fn page(status: StatusCode, sentence: &str) -> String {
    let title = status.canonical_reason().unwrap_or("Refused");
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title} · Atrium</title></head>\
         <body><main><h1>{title}</h1><p>{}</p><p><a href=\"/\">Go to the first page</a></p></main></body></html>",
        escape(sentence)
    )
}

/// Text as it may stand in HTML, attributes included.
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
