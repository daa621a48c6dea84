//! Extractors that reject as problem details.

use axum::{
    extract::{FromRequestParts, Query, rejection::QueryRejection},
    http::{StatusCode, request::Parts},
};
use domain::{Actor, AppError};
use serde::de::DeserializeOwned;
use service::brief;

use super::problem::ApiError;

/// The member as whom the key acts, with the permissions of the key.
pub(super) struct Authenticated(pub(super) Actor);

impl<S: Sync> FromRequestParts<S> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let actor = parts.extensions.get::<Actor>().cloned();
        actor
            .map(Self)
            .ok_or_else(|| AppError::Unauthenticated.into())
    }
}

/// The query parameters.
pub(super) struct QueryParams<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryParams<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let asked = Query::<T>::from_request_parts(parts, state).await;
        asked
            .map(|Query(value)| Self(value))
            .map_err(|rejection: QueryRejection| ApiError {
                error: AppError::field("", brief(&rejection.body_text())),
                status: Some(StatusCode::UNPROCESSABLE_ENTITY),
                detail: None,
            })
    }
}
