//! `/events`: the stream of a page, by its session.

use axum::{
    Extension,
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::Response,
};
use domain::{Actor, AppError};

use super::{EventParams, StreamOwner, Streams};
use crate::{auth::Auth, http::error_response};

/// Where pages listen.
pub(crate) const PATH: &str = "/events";

/// Opens the stream of a page.
pub(crate) async fn page_events(
    State((auth, streams)): State<(Auth, Streams)>,
    Extension(actor): Extension<Option<Actor>>,
    headers: HeaderMap,
    asked: Result<Query<EventParams>, QueryRejection>,
) -> Response {
    let opened = async {
        let actor = actor.ok_or(AppError::Unauthenticated)?;
        let Query(asked) =
            asked.map_err(|_| AppError::field("watch", "This can’t be asked for."))?;
        let session = actor.request.session_id.ok_or(AppError::Unauthenticated)?;
        let session = (actor.tenant_id, session);
        let owner = StreamOwner::Session { auth, session };
        streams.open(owner, actor, &asked, &headers).await
    };
    opened
        .await
        .unwrap_or_else(|error| error_response(&headers, &error))
}
