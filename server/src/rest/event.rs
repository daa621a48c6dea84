//! The event stream.

use axum::{Extension, http::HeaderMap, response::Response};

use super::{
    input::{Authenticated, QueryParams},
    key::PresentedKey,
    problem::ApiError,
};
use crate::live::{self, StreamOwner, Streams};

/// Subscribe to changes
///
/// A stream of server-sent events that stays open. An event names what changed,
/// without its content: get it by its id, or list again.
///
/// - `ready`: the stream is open.
/// - `memory`: `{"id", "change", "version", "parent_id"}`. `change` is
///   `changed` (new to you, or updated), `trashed` (your own one is in the
///   trash) or `gone` (one that you watch is no longer visible to you).
/// - `job`: `{"id", "kind", "status", "done", "total"}`, of your own jobs.
/// - `reset`: too many changes to send one by one, or a change of what you may
///   see: read again whatever you store.
/// - `end`: `{"reason"}`: `key`, `inactive` or `forbidden`. Don't reconnect.
///
/// The stream sends something at least every 10 seconds, if only its current
/// position. After a disconnect, send the last `id` as `Last-Event-ID`: nothing
/// is missed within an hour, and an event may be sent twice.
#[utoipa::path(
    get, path = "/events", tag = "Events",
    security(("key" = ["memory.read"])),
    params(live::EventParams),
    responses((
        status = 200, description = "The stream", body = String, content_type = "text/event-stream",
    )),
)]
pub(super) async fn events_stream(
    Extension(streams): Extension<Streams>,
    Extension(PresentedKey(key)): Extension<PresentedKey>,
    Authenticated(actor): Authenticated,
    QueryParams(asked): QueryParams<live::EventParams>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let opened = streams
        .open(StreamOwner::Key(key), actor, &asked, &headers)
        .await;
    Ok(opened?)
}
