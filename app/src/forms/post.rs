//! Form posts, on the server.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri,
        header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, SET_COOKIE},
    },
    middleware::{Next, from_fn},
    response::{IntoResponse, Redirect, Response},
};
use domain::AppError;
use islands::{CALL_FIELD, ENHANCED_HEADER, NEXT_HEADER};
use leptos::{prelude::use_context, server_fn::error::SERVER_FN_ERROR_HEADER};

use super::{
    outcome::{Outcome, STAY_HEADER},
    pages::page_allows_call,
};
use crate::ui::query_string;

/// Room for the largest memory with every byte percent-encoded, and the other
/// fields.
const MAX_FORM_BYTES: usize = 512 * 1024;
/// Larger than any error ([`AppError`] bounds its texts) and any output to be
/// shown; no server function's response is larger.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Wraps `pages`, the router of pages and server functions, so that forms can
/// be posted to their own page, and that a server function's error has its own
/// status instead of 500.
pub fn with_page_posts(pages: Router) -> Router {
    // The inner router is a fallback: a layer on it would run after routing,
    // too late to change the path of the call.
    Router::new()
        .fallback_service(pages)
        .layer(from_fn(page_post))
}

async fn page_post(request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !is_urlencoded(request.headers()) {
        return with_own_status(next.run(request).await).await;
    }
    if request.uri().path().starts_with("/api/") {
        // Our forms post to their page, so a browser that navigates here
        // submits a form that is not ours.
        if request
            .headers()
            .get("sec-fetch-mode")
            .is_some_and(|mode| mode == "navigate")
        {
            return foreign_form();
        }
        return with_own_status(next.run(request).await).await;
    }
    let is_enhanced = request.headers().contains_key(ENHANCED_HEADER);
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_FORM_BYTES).await else {
        return (
            StatusCode::PAYLOAD_TOO_LARGE,
            "This form is larger than 512 kB.",
        )
            .into_response();
    };
    let fields: Vec<(String, String)> = form_urlencoded::parse(&bytes).into_owned().collect();
    let call = fields
        .iter()
        .find(|(name, _)| name == CALL_FIELD)
        .map(|(_, call)| call.clone());
    let Some((call, path)) = call
        .and_then(|call| Some((server_fn_path(&call)?, call)))
        .map(|(path, call)| (call, path))
    else {
        return next
            .run(Request::from_parts(parts, Body::from(bytes)))
            .await;
    };

    if !page_allows_call(parts.uri.path(), path.path()) {
        return foreign_form();
    }

    let mut inner = parts.clone();
    inner.uri = path;
    // As the client code requests it: the response is data, not a redirect.
    inner
        .headers
        .insert(ACCEPT, HeaderValue::from_static("application/json"));
    let answer = next
        .clone()
        .run(Request::from_parts(inner, Body::from(bytes)))
        .await;

    let ended = if answer.status().is_success() {
        if !answer.headers().contains_key(STAY_HEADER) {
            return next_page(&answer, &parts.uri, is_enhanced);
        }
        match read_text(answer.into_body()).await {
            Ok(text) => Ok(text),
            Err(unreadable_response) => return unreadable_response,
        }
    } else {
        match read_error(answer).await {
            Ok(error) => Err(error),
            Err(not_ours) => return not_ours,
        }
    };
    if ended == Err(AppError::Unauthenticated) {
        if is_enhanced {
            // The page stays as it is, with what was typed.
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let query = query_string(&[("return_to", parts.uri.path())]);
        return Redirect::to(&format!("/sign-in{query}")).into_response();
    }

    let status = ended.as_ref().err().map_or(Ok(StatusCode::OK), |error| {
        StatusCode::from_u16(error.status())
    });
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut page = parts;
    page.method = Method::GET;
    page.headers.remove(CONTENT_TYPE);
    page.headers.remove(CONTENT_LENGTH);
    page.extensions.insert(Outcome {
        call,
        ended,
        fields,
    });
    let mut response = next.run(Request::from_parts(page, Body::empty())).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = status;
    }
    response
}

fn is_urlencoded(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"))
}

/// The response to a form that is on no page of ours, or not on this one.
fn foreign_form() -> Response {
    let sentence = "This form does not belong to this page. Reload the page and try again.";
    (StatusCode::FORBIDDEN, sentence).into_response()
}

/// The path of the server function `call`; `None` unless it is lower-case
/// letters and underscores, so that a form reaches server functions only.
fn server_fn_path(call: &str) -> Option<Uri> {
    let is_name = !call.is_empty() && call.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    is_name
        .then(|| format!("/api/{call}").parse().ok())
        .flatten()
}

/// Leads to the next page and passes on the cookies that the call set: by a
/// redirect, or for a form that a behaviour posted by a header.
fn next_page(answer: &Response, page: &Uri, is_enhanced: bool) -> Response {
    let here = page.path_and_query().map_or("/", |here| here.as_str());
    let to = answer
        .headers()
        .get(LOCATION)
        .and_then(|to| to.to_str().ok())
        .unwrap_or(here);
    let mut response = if is_enhanced {
        (StatusCode::NO_CONTENT, [(NEXT_HEADER, to)]).into_response()
    } else {
        Redirect::to(to).into_response()
    };
    for cookie in answer.headers().get_all(SET_COOKIE) {
        response.headers_mut().append(SET_COOKIE, cookie.clone());
    }
    response
}

/// Called by a server function to have its output shown on the form's page.
pub(crate) fn stay() {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.insert_header(
            HeaderName::from_static(STAY_HEADER),
            HeaderValue::from_static("1"),
        );
    }
}

async fn read_text(answer: Body) -> Result<String, Response> {
    let bytes = to_bytes(answer, MAX_ANSWER_BYTES).await;
    bytes
        .ok()
        .and_then(|bytes| String::from_utf8(bytes.to_vec()).ok())
        .ok_or_else(unreadable_response)
}

/// The response in place of one that can't be read.
fn unreadable_response() -> Response {
    let error = AppError::Internal;
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
}

/// Reads the error of a server function; returns the response itself if it is
/// something else, e.g. from a layer.
async fn read_error(answer: Response) -> Result<AppError, Response> {
    if !answer.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        return Err(answer);
    }
    let (parts, body) = answer.into_parts();
    match to_bytes(body, MAX_ANSWER_BYTES).await {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|_| Response::from_parts(parts, Body::from(bytes))),
        Err(_) => Err(unreadable_response()),
    }
}

/// Gives a server function's error its own status: the framework responds 500
/// to all, which would count users' typos as server faults.
async fn with_own_status(answer: Response) -> Response {
    let Some(header) = answer.headers().get(SERVER_FN_ERROR_HEADER).cloned() else {
        return answer;
    };
    match read_error(answer).await {
        Err(answer) => answer,
        Ok(error) => {
            let status =
                StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = (status, axum::Json(&error)).into_response();
            response
                .headers_mut()
                .insert(SERVER_FN_ERROR_HEADER, header);
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::{get, post};
    use tower::ServiceExt;

    use super::*;

    const PAGE: &str = "/members/0198f000-0000-7000-8000-000000000001";
    const PAGE_WITH_QUERY: &str = "/members/0198f000-0000-7000-8000-000000000001?query=1";

    /// Pages and server functions that respond like the framework.
    fn pages() -> Router {
        let failing = || async {
            let error = AppError::field("title", "Too long.");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                [(SERVER_FN_ERROR_HEADER, "/api/member_role_revoke")],
                axum::Json(error),
            )
        };
        let page = |request: Request| async move {
            match request.extensions().get::<Outcome>() {
                Some(o) => {
                    let ended = o.ended.clone().unwrap_or_else(|error| error.to_string());
                    format!("{}|{ended}|{}", o.call, o.field("title").unwrap_or("-"))
                }
                None => "fresh".to_owned(),
            }
        };
        with_page_posts(
            Router::new()
                .route(PAGE, get(page))
                .route("/api/member_role_revoke", post(failing))
                .route(
                    "/api/member_role_grant",
                    post(|body: String| async move {
                        assert!(body.contains("title=a"), "the form arrives as it was sent");
                        ([(LOCATION, "/notes/1?done=x"), (SET_COOKIE, "k=v")], "null")
                    }),
                )
                .route("/api/member_status_change", post(|| async { "null" }))
                .route(
                    "/api/member_session_revoke",
                    post(|| async { ([(STAY_HEADER, "1")], r#"{"key":"atr_x"}"#) }),
                ),
        )
    }

    async fn send(path: &str, body: &'static str) -> (StatusCode, HeaderMap, String) {
        let request = Request::post(path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "text/html")
            .body(Body::from(body))
            .unwrap();
        let response = pages().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        (
            parts.status,
            parts.headers,
            String::from_utf8(bytes.to_vec()).unwrap(),
        )
    }

    #[tokio::test]
    async fn success_redirects_to_the_calls_location_with_its_cookies() {
        let (status, headers, _) = send(PAGE, "call=member_role_grant&title=a").await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        assert_eq!(headers[LOCATION], "/notes/1?done=x");
        assert_eq!(headers[SET_COOKIE], "k=v");
    }

    #[tokio::test]
    async fn success_without_a_target_stays_on_the_page() {
        let (status, headers, _) = send(PAGE_WITH_QUERY, "call=member_status_change").await;
        assert_eq!(
            (status, &headers[LOCATION]),
            (
                StatusCode::SEE_OTHER,
                &HeaderValue::from_static(PAGE_WITH_QUERY)
            )
        );
    }

    // SEC-D5: no URL, and so no browser history, holds it.
    #[tokio::test]
    async fn output_shown_once_is_rendered_on_the_forms_page() {
        let (status, headers, body) = send(PAGE, "call=member_session_revoke&title=a").await;
        assert_eq!(status, StatusCode::OK);
        assert!(!headers.contains_key(LOCATION));
        assert_eq!(body, r#"member_session_revoke|{"key":"atr_x"}|a"#);
    }

    #[tokio::test]
    async fn error_is_rendered_on_the_same_page_with_the_typed_values() {
        let (status, _, body) = send(PAGE, "call=member_role_revoke&title=a%20b").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(body, "member_role_revoke|Too long.|a b");
    }

    #[tokio::test]
    async fn a_call_reaches_server_functions_only() {
        for call in ["../auth/logout", "v1/x", "", "a%2Fb"] {
            assert!(server_fn_path(call).is_none(), "{call}");
        }
        let (status, ..) = send(PAGE, "call=..%2Fauth%2Flogout").await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    }

    // SEC-G
    #[tokio::test]
    async fn form_of_another_page_is_rejected() {
        let (status, _, body) = send("/memories/new", "call=member_role_grant&title=a").await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(body.contains("does not belong to this page"), "{body}");
    }

    #[tokio::test]
    async fn a_direct_call_has_the_errors_own_status() {
        let (status, headers, body) = send("/api/member_role_revoke", "title=a").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(headers.contains_key(SERVER_FN_ERROR_HEADER));
        assert!(body.contains("Too long."), "{body}");
    }

    #[tokio::test]
    async fn too_large_form_is_rejected() {
        let big: &'static str = Box::leak(
            format!("call=member_status_change&x={}", "x".repeat(MAX_FORM_BYTES)).into_boxed_str(),
        );
        assert_eq!(send(PAGE, big).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
