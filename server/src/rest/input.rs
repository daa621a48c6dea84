//! What a request brings, refused as a problem where it can't be read.

use std::{fmt, marker::PhantomData};

use axum::{
    Json,
    extract::{
        FromRequest, FromRequestParts, Path, Query, Request,
        rejection::{JsonRejection, QueryRejection},
    },
    http::{StatusCode, request::Parts},
};
use domain::{Actor, AppError};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};

use service::brief;

use super::problem::ApiError;

/// The member as whom the key acts, with what the key allows.
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

/// An object: what is read into fields would be taken from a list as well, by
/// their order, which nobody promises.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields)).map(Object)
            }
        }
        from.deserialize_map(Reader(PhantomData))
    }
}

/// A JSON body: an object.
pub(super) struct JsonBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match Json::<Object<T>>::from_request(request, state).await {
            Ok(Json(Object(value))) => Ok(Self(value)),
            Err(rejection) => Err(body_refusal(&rejection)),
        }
    }
}

fn body_refusal(rejection: &JsonRejection) -> ApiError {
    let message = brief(&rejection.body_text());
    let error = match rejection {
        JsonRejection::JsonDataError(_) => AppError::field("", message),
        _ if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => AppError::TooLarge {
            message: "This body is larger than is taken here.".to_owned(),
        },
        _ => AppError::Transport { message },
    };
    ApiError {
        error,
        status: Some(rejection.status()),
        detail: None,
    }
}

/// Parameters behind the question mark.
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

/// An id in the path. What is no id is the id of nothing.
pub(super) struct PathId<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathId<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let named = Path::<T>::from_request_parts(parts, state).await;
        named
            .map(|Path(id)| Self(id))
            .map_err(|_| AppError::NotFound.into())
    }
}
