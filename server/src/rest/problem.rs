//! Errors as `application/problem+json` (RFC 9457).

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{
    AppError,
    error::{cut_field, cut_fields, cut_message},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::PATH;
use crate::http::error_response;

const PROBLEM_JSON: &str = "application/problem+json";

/// An error.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// The address of an explanation of this kind of error.
    #[schema(example = "/reference#forbidden")]
    r#type: String,
    /// The kind of error in a few words.
    #[schema(example = "Forbidden")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 403)]
    status: u16,
    /// The cause of this error and what to do.
    #[serde(serialize_with = "cut_message")]
    detail: String,
    /// The kind of error as a stable code.
    #[schema(example = "forbidden")]
    code: &'static str,
    /// The id of this request in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// The missing permission.
    #[serde(skip_serializing_if = "Option::is_none")]
    permission: Option<&'static str>,
    /// The invalid fields.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "cut_fields")]
    errors: Vec<ProblemField>,
}

/// An invalid field.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProblemField {
    /// The field of the body or the parameter.
    #[serde(serialize_with = "cut_field")]
    field: String,
    /// The cause and the allowed values.
    #[serde(serialize_with = "cut_message")]
    message: String,
}

/// An error response: an error, with its own status and text if given.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(super) error: AppError,
    pub(super) status: Option<StatusCode>,
    pub(super) detail: Option<String>,
}

impl ApiError {
    /// `error` with another status than its own.
    pub(crate) fn with_status(error: AppError, status: StatusCode) -> Self {
        Self {
            error,
            status: Some(status),
            detail: None,
        }
    }

    /// `error` with another text.
    pub(super) fn saying(error: AppError, detail: impl Into<String>) -> Self {
        Self {
            error,
            status: None,
            detail: Some(detail.into()),
        }
    }
}

impl From<AppError> for ApiError {
    fn from(error: AppError) -> Self {
        Self {
            error,
            status: None,
            detail: None,
        }
    }
}

impl IntoResponse for ApiError {
    /// [`problem_layer`], which knows the request, writes the body.
    fn into_response(self) -> Response {
        let mut response = error_response(&header::HeaderMap::new(), &self.error);
        if let Some(status) = self.status {
            *response.status_mut() = status;
        }
        if self.error == AppError::Unauthenticated {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The outermost layer, so that every error of an API request (of a limit, a
/// panic, the router) has the same form.
pub async fn problem_layer(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_ours = path
        .strip_prefix(PATH)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let is_mcp = path == crate::mcp::PATH;
    let response = next.run(request).await;
    let status = response.status();
    // MCP has a form of its own for the errors of inner layers.
    let is_told = response.extensions().get::<AppError>().is_some();
    if !(is_ours || is_mcp && is_told) || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let api_error = parts.extensions.remove::<ApiError>();
    let error = api_error.as_ref().map(|api_error| api_error.error.clone());
    let error = error.or_else(|| parts.extensions.remove::<AppError>());
    let detail = api_error.and_then(|api_error| api_error.detail);
    let request_id = parts.headers.get("x-request-id");
    let request_id = request_id
        .and_then(|id| id.to_str().ok())
        .map(str::to_owned);
    let problem = Problem::new(status, error, detail, request_id);
    parts.headers.remove(header::CONTENT_LENGTH);
    parts
        .headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    Response::from_parts(parts, Body::from(body))
}

impl Problem {
    fn new(
        status: StatusCode,
        error: Option<AppError>,
        detail: Option<String>,
        request_id: Option<String>,
    ) -> Self {
        let code = code(status, error.as_ref());
        let said = error.as_ref().map(ToString::to_string);
        let permission = match &error {
            Some(AppError::Forbidden { permission }) => Some(permission.key()),
            _ => None,
        };
        let errors = match error {
            Some(AppError::Invalid { fields }) => fields
                .into_iter()
                .map(|fault| ProblemField {
                    field: fault.field,
                    message: fault.message,
                })
                .collect(),
            _ => Vec::new(),
        };
        Self {
            r#type: format!("/reference#{code}"),
            title: status.canonical_reason().unwrap_or("Refused"),
            status: status.as_u16(),
            detail: detail
                .or(said)
                .unwrap_or_else(|| "The request was rejected.".to_owned()),
            code,
            request_id,
            permission,
            errors,
        }
    }
}

/// The code of an error: its own, or that of the status.
fn code(status: StatusCode, error: Option<&AppError>) -> &'static str {
    match (error, status) {
        (Some(AppError::Transport { .. }) | None, StatusCode::METHOD_NOT_ALLOWED) => {
            "method_not_allowed"
        }
        (Some(AppError::Transport { .. }) | None, StatusCode::UNSUPPORTED_MEDIA_TYPE) => {
            "unsupported_media_type"
        }
        (Some(error), _) => error.code(),
        (None, StatusCode::NOT_FOUND) => "not_found",
        (None, status) if status.is_server_error() => "internal",
        (None, _) => "transport",
    }
}

/// The answer for an unknown path.
pub(super) async fn nothing_here() -> ApiError {
    ApiError::saying(
        AppError::NotFound,
        "Unknown path. See /reference or /api/v1/openapi.json for all paths.",
    )
}

/// The answer for a method that the path does not have.
pub(super) async fn wrong_method() -> ApiError {
    ApiError {
        error: AppError::Transport {
            message: "This path doesn't support this method.".to_owned(),
        },
        status: Some(StatusCode::METHOD_NOT_ALLOWED),
        detail: None,
    }
}
