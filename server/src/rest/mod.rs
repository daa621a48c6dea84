//! `/api/v1`: the REST API.
//!
//! Requests are authenticated by API key only; cookies are ignored here, as keys
//! are ignored on pages. Every error is a `problem+json` (RFC 9457).

mod document;
mod event;
mod idempotency;
mod input;
mod key;
mod operation;
mod problem;
mod reference;
mod transfer;

use axum::{Extension, Router, http::HeaderMap, middleware::from_fn_with_state, routing::get};
use domain::reference::Reference;
use service::Ctx;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use key::ApiKeyAuth;
pub(crate) use key::key_layer;
pub(crate) use problem::ApiError;
pub use problem::problem_layer;

use self::problem::{nothing_here, wrong_method};
use crate::{http::Fixed, live::Streams};

pub const PATH: &str = "/api/v1";
/// The operation that takes a larger JSON body than others.
pub const BATCH_PATH: &str = "/api/v1/memories/batch";
/// In bytes, of the body of a batch.
pub(crate) const MAX_BATCH_BYTES: u64 = 8 * 1024 * 1024;
/// The upload, which takes whole files.
pub const IMPORT_PATH: &str = "/api/v1/imports";

/// The routes, to be mounted at the root, and the content of the API reference.
///
/// # Panics
/// Never: the document is JSON.
pub fn rest(ctx: Ctx, auth: ApiKeyAuth, streams: Streams) -> (Router, Reference) {
    let (operations, document) = OpenApiRouter::with_openapi(document::beginning())
        .routes(routes!(transfer::memory_export))
        .routes(routes!(event::events_stream))
        .split_for_parts();
    let (upload, upload_document) = OpenApiRouter::new()
        .routes(routes!(transfer::import_upload))
        .split_for_parts();
    let document = document::complete(document.merge_from(upload_document));
    let mut document = serde_json::to_value(document).expect("an OpenAPI document is JSON");
    operation::describe(&mut document);
    let reference = reference::reference(&document);
    let document = Fixed::new(document.to_string(), "application/json", "no-cache");
    let openapi = get(move |headers: HeaderMap| async move { document.answer(&headers) });
    let operations = operations
        .merge(operation::routes().with_state(ctx.clone()))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(
            ctx.clone(),
            idempotency::idempotency_layer,
        ))
        // After the layer, which would hold the whole file in memory.
        .merge(upload)
        .layer(from_fn_with_state(auth, key::key_layer))
        .layer(Extension(streams))
        .layer(Extension(ctx));
    let router = Router::new()
        .route("/api/v1/openapi.json", openapi)
        .nest(PATH, operations);
    (router, reference)
}
