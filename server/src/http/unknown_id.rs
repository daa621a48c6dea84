//! Audits requests for ids that don't exist or aren't visible (SEC-C6).

use axum::http::Method;
use domain::{Actor, MemoryId, error::cut};
use service::{Ctx, request_denial_audit};

/// Action in the audit log.
const NOT_FOUND: &str = "request.not_found";
/// Maximum length of a kind of request, a limit of the database.
const MAX_KIND: usize = 200;

/// Audits that an actor's request for an id was answered with "not found", so
/// that guessing of ids leaves a trace, counted like other denials. Ignores
/// paths with neither an id nor a server function.
pub(crate) async fn audit_unknown_id(ctx: &Ctx, actor: &Actor, method: &Method, path: &str) {
    let mut id = None;
    let kind: Vec<_> = path
        .split('/')
        .map(|segment| match segment.parse::<MemoryId>() {
            // All ids are UUIDs, whatever they identify.
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
    audit_not_found(ctx, actor, &format!("{method} {}", kind.join("/")), id).await;
}

/// As [`audit_unknown_id`], with the kind of request given by the caller.
pub(crate) async fn audit_not_found(ctx: &Ctx, actor: &Actor, kind: &str, id: Option<&str>) {
    let kind = cut(kind, MAX_KIND);
    let details: Vec<_> = id.map(|id| ("id", id.into())).into_iter().collect();
    if let Err(error) = request_denial_audit(ctx, actor, NOT_FOUND, &kind, &details).await {
        tracing::error!(%error, "a request for an unknown id could not be written to the audit log");
    }
}
