//! Limits on what a request may be: its host, its size, its referrer.

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
    slow_body::{GivenUp, SlowBody},
};

/// What a browser may send in vain before it is cut off.
const MAX_DRAINED_BYTES: usize = 1024 * 1024 * 1024;
/// And for how long.
const MAX_DRAINED_FOR: Duration = Duration::from_mins(1);

/// Refuses foreign hosts and moves browsers to the one name that cookies know.
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
        let message = format!(
            "This Atrium answers at {} only. Open that address.",
            settings.site.origin()
        );
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

/// Refuses bodies over the limit (SEC-B10): at once where the length is
/// announced, in the middle of the stream where it is not. One that stops
/// arriving is given up.
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
        let refusal = match larger {
            Some(larger) => Redirect::to(&larger.refused).into_response(),
            None => answer::error_response(request.headers(), &too_large(limit)),
        };
        drain(request.into_body()).await;
        return refusal;
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (headers, given_up) = (request.headers().clone(), GivenUp::default());
    let request = request.map(|body| {
        let body = SlowBody::new(body, settings.body_timeout, given_up.clone());
        Body::new(Limited::new(body, limit))
    });
    let response = next.run(request).await;
    if !given_up.is_set() {
        return response;
    }
    // Whatever the handler made of the part that it got.
    let message = "The request did not arrive in time. Send it again.".to_owned();
    let error = AppError::Transport { message };
    answer::error_response_with_status(&headers, StatusCode::REQUEST_TIMEOUT, &error)
}

/// Takes in what a browser sends and keeps none of it: one that is still
/// sending when the connection closes shows its own error, not our answer.
async fn drain(body: Body) {
    let read = async {
        let mut body = Limited::new(body, MAX_DRAINED_BYTES);
        while let Some(Ok(_)) = body.frame().await {}
    };
    let _ = tokio::time::timeout(MAX_DRAINED_FOR, read).await;
}

/// Hides a referrer that is not ours (SEC-B5): the framework answers a plain
/// form post with a redirect there.
pub(super) async fn referer_layer(
    State(settings): State<HttpSettings>,
    mut request: Request,
    next: Next,
) -> Response {
    let is_ours = |value: &HeaderValue| value.to_str().is_ok_and(|url| settings.site.owns(url));
    let mut values = request.headers().get_all(header::REFERER).iter();
    let foreign = match (values.next(), values.next()) {
        (Some(only), None) => !is_ours(only),
        (Some(_), Some(_)) => true,
        (None, _) => false,
    };
    if foreign {
        match HeaderValue::from_str(settings.site.at("/").as_str()) {
            Ok(home) => request.headers_mut().insert(header::REFERER, home),
            Err(_) => request.headers_mut().remove(header::REFERER),
        };
    }
    next.run(request).await
}

fn too_large(limit: u64) -> AppError {
    let limit = in_words(limit);
    AppError::TooLarge {
        message: format!("This is too large: at most {limit} are taken here."),
    }
}

fn in_words(bytes: u64) -> String {
    match bytes {
        1_000_000.. => format!("{} MB", bytes / 1_000_000),
        1_000.. => format!("{} kB", bytes / 1_000),
        _ => format!("{bytes} bytes"),
    }
}
