//! `/events`: the stream of a page, authenticated by its session.

use axum::{
    Extension,
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::Response,
};
use domain::{Actor, AppError};

use super::{EventParams, StreamOwner, Streams};
use crate::http::error_response;

pub(crate) const PATH: &str = "/events";

pub(crate) async fn page_events(
    State(streams): State<Streams>,
    Extension(actor): Extension<Option<Actor>>,
    headers: HeaderMap,
    params: Result<Query<EventParams>, QueryRejection>,
) -> Response {
    let response = async {
        let actor = actor.ok_or(AppError::Unauthenticated)?;
        let Query(params) = params.map_err(|_| AppError::field("watch", "Unknown value."))?;
        let session = actor.request.session_id.ok_or(AppError::Unauthenticated)?;
        let owner = StreamOwner::Session((actor.tenant_id, session));
        streams.open(owner, actor, &params, &headers).await
    };
    response
        .await
        .unwrap_or_else(|error| error_response(&headers, &error))
}
