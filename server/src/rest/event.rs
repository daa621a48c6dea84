//! Being told that something changed.

use axum::{Extension, http::HeaderMap, response::Response};

use super::{
    input::{Authenticated, QueryParams},
    key::PresentedKey,
    problem::ApiError,
};
use crate::live::{self, StreamOwner, Streams};

/// Be told when something changes
///
/// A stream of server-sent events that stays open. It tells that something
/// changed and not what: read it by its id, or list again.
///
/// - `ready`: the stream is open.
/// - `memory`: `{"id", "change", "version", "parent_id"}`. `change` is
///   `changed` (new to you, or other than it was), `trashed` (your own one is
///   in the trash) or `gone` (one that you watch is out of your sight).
/// - `job`: `{"id", "kind", "status", "done", "total"}`, of your own jobs.
/// - `reset`: more changed than is told one by one, or what you may see did:
///   read again whatever you keep.
/// - `end`: `{"reason"}`: `key`, `inactive` or `forbidden`. Don't come back.
///
/// The stream stands still for 10 seconds at most; what it sends then is the
/// place where it is. After a break, send the last `id` as `Last-Event-ID`:
/// nothing is missed within an hour, and a change may be told twice.
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
