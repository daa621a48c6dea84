//! Requests run to their end, whether or not their connection does.

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument as _;

use super::HttpSettings;

/// Runs what is further in as a task of its own. Whoever hangs up in the middle
/// ends neither a change that has begun nor the audit row of a denial (SEC-E1);
/// when the process stops, the tasks are waited for.
pub(super) async fn detach_layer(
    State(settings): State<HttpSettings>,
    request: Request,
    next: Next,
) -> Response {
    let running = settings.requests.spawn(next.run(request).in_current_span());
    // Panics are caught further in, so that only the end of the process ends it.
    running
        .await
        .unwrap_or_else(|_| StatusCode::SERVICE_UNAVAILABLE.into_response())
}
