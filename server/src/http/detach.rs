//! Detaches requests from their connection, so that they run to completion.

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument as _;

use super::HttpSettings;

/// Runs the inner layers as a separate task. A client that disconnects cancels
/// neither a started change nor the audit row of a denial (SEC-E1). On shutdown
/// the server waits for these tasks.
pub(super) async fn detach_layer(
    State(settings): State<HttpSettings>,
    request: Request,
    next: Next,
) -> Response {
    let task = settings.requests.spawn(next.run(request).in_current_span());
    // Inner layers catch panics, so the task fails only on shutdown.
    task.await
        .unwrap_or_else(|_| StatusCode::SERVICE_UNAVAILABLE.into_response())
}
