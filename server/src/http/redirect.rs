//! Restricts redirects to this site and the issuers.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use super::{HttpSettings, ReturnTo};

/// Extension of a response that redirects to the issuer, whose URL comes from
/// the operator's configuration and its discovery document.
#[derive(Clone, Copy, Debug)]
struct ExternalRedirect;

/// A redirect to the issuer, the only external target allowed.
pub(crate) fn redirect_to_issuer(url: &str) -> Response {
    let mut response = Redirect::to(url).into_response();
    response.extensions_mut().insert(ExternalRedirect);
    response
}

/// Replaces a `Location` that a browser would read as another site, such as
/// `//evil.example`, with `/` (SEC-B7).
pub(super) async fn redirect_layer(
    State(settings): State<HttpSettings>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    if response.extensions().get::<ExternalRedirect>().is_some() {
        return response;
    }
    let stays = |to: &HeaderValue| {
        to.to_str()
            .is_ok_and(|to| ReturnTo::stays(&settings.site, to))
    };
    if response
        .headers()
        .get(header::LOCATION)
        .is_some_and(|to| !stays(to))
    {
        tracing::warn!("a redirect to another site was blocked");
        let home = HeaderValue::from_static("/");
        response.headers_mut().insert(header::LOCATION, home);
    }
    response
}
