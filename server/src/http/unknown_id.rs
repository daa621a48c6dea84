//! Ids of what there is not, or not for the one who asks (SEC-C6).

use axum::http::Method;
use domain::{Actor, MemoryId, error::cut};
use service::{Ctx, request_denial_audit};

/// The audit log's name for asking for what is not there.
const NOT_FOUND: &str = "request.not_found";
/// Characters of a kind of request, as the database takes them.
const MAX_KIND: usize = 200;

/// Writes down that a request of the actor named an id and was answered that
/// there is nothing: somebody who tries ids leaves a trace, counted as other
/// denials are. What has no id in its path and calls no function is not meant.
pub(crate) async fn note_unknown_id(ctx: &Ctx, actor: &Actor, method: &Method, path: &str) {
    let mut id = None;
    let kind: Vec<_> = path
        .split('/')
        .map(|segment| match segment.parse::<MemoryId>() {
            // All ids are of one form.
            Ok(_) => {
                id.get_or_insert(segment);
                "{id}"
            }
            Err(_) => segment,
        })
        .collect();
    if id.is_none() && !path.starts_with("/api/") {
        return;
    }
    note_not_found(ctx, actor, &format!("{method} {}", kind.join("/")), id).await;
}

/// The same where the kind of request is known: a function of a program.
pub(crate) async fn note_not_found(ctx: &Ctx, actor: &Actor, kind: &str, id: Option<&str>) {
    let kind = cut(kind, MAX_KIND);
    let known: Vec<_> = id.map(|id| ("id", id.into())).into_iter().collect();
    if let Err(error) = request_denial_audit(ctx, actor, NOT_FOUND, &kind, &known).await {
        tracing::error!(%error, "that an id was not found could not be written to the audit log");
    }
}
