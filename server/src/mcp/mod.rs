//! `/mcp`: memories for AI clients, by the Model Context Protocol over
//! streamable HTTP.
//!
//! Requests are authenticated by API key only, as on the REST API, without
//! cookies or sessions of the protocol. Each request is independent, so that a
//! revoked key is rejected at the next one. The revision of 2026-07-28 requires
//! that anyway; clients of earlier ones get an answer to `initialize` and no
//! session.

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

pub const PATH: &str = "/mcp";

/// The route, to be mounted at the root. `auth` is shared with the REST API, so
/// that a key has one rate limit for both.
pub fn mcp(ctx: Ctx, auth: ApiKeyAuth, site: &Site) -> Router {
    let memories = Memories::new(ctx, site);
    // Outer layers check the host and the length; the origin is checked below,
    // before the key.
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

/// Reads the whole message before the protocol's reader, which would report one
/// that is too long as an internal error.
async fn whole_layer(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    // An outer layer limits its length.
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        let message = "This message is too large.".to_owned();
        return ApiError::from(AppError::TooLarge { message }).into_response();
    };
    next.run(Request::from_parts(parts, Body::from(body))).await
}

/// Rejects requests of another site's pages: by DNS rebinding, such a page could
/// use a key that it has obtained.
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
    let message = "Requests from pages of other sites are blocked.".to_owned();
    let error = AppError::Transport { message };
    ApiError::with_status(error, StatusCode::FORBIDDEN).into_response()
}
