//! `/mcp`: memories for AI clients, by the Model Context Protocol over
//! streamable HTTP.
//!
//! A request brings an API key, as on the REST API, and nothing else counts:
//! neither a cookie nor a session of the protocol's own. Each request stands
//! by itself, so that a key which was revoked is refused at the next one; that
//! is how the revision of 2026-07-28 has it anyway, and clients of earlier
//! ones get an answer to `initialize` and no session.

mod connector;
mod handler;
mod schema;
mod tool;
mod tools;

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use domain::AppError;
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use service::Ctx;

use self::handler::Memories;
use crate::{
    http::Site,
    rest::{ApiError, ApiKeyAuth, key_layer},
};

/// Where it is.
pub const PATH: &str = "/mcp";

/// The route, to be mounted at the root. `auth` is the REST API's: a key has
/// one allowance for both.
pub fn mcp(ctx: Ctx, auth: ApiKeyAuth, site: &Site) -> Router {
    let memories = Memories::new(ctx, site);
    // The host is checked before a request comes here, and its length too;
    // the origin below, before a key is looked at.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .disable_allowed_hosts();
    let service = StreamableHttpService::new(
        move || Ok(memories.clone()),
        Arc::new(NeverSessionManager::default()),
        config,
    );
    Router::new()
        .route_service(PATH, service)
        .layer(from_fn(whole_layer))
        .layer(from_fn_with_state(auth, key_layer))
        .layer(from_fn_with_state(site.clone(), origin_layer))
}

/// Reads a message whole before the protocol's own reader does, which takes one
/// that is too long for a fault of ours.
async fn whole_layer(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    // Its length was limited on the way in.
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        let message = "This message is larger than is taken here.".to_owned();
        return ApiError::from(AppError::TooLarge { message }).into_response();
    };
    next.run(Request::from_parts(parts, Body::from(body))).await
}

/// Refuses what the page of another site sends: it may have had its own name
/// resolve to ours (DNS rebinding), and whoever reads along there could use a
/// client's key.
async fn origin_layer(State(site): State<Site>, request: Request, next: Next) -> Response {
    let mut origins = request.headers().get_all(header::ORIGIN).iter();
    let is_ours = match (origins.next(), origins.next()) {
        (None, _) => true,
        (Some(origin), None) => origin.to_str().is_ok_and(|origin| site.is_ours(origin)),
        (Some(_), Some(_)) => false,
    };
    if is_ours {
        return next.run(request).await;
    }
    let message = "Requests of other sites' pages are not taken here.".to_owned();
    let error = AppError::Transport { message };
    ApiError::with_status(error, StatusCode::FORBIDDEN).into_response()
}
