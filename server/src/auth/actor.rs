//! Resolves the member behind each request from the database, so that a change
//! or revocation takes effect immediately (SEC-B3).

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use domain::{Actor, AppError, RequestFacts, SessionId};
use service::{
    identity::{CallerError, SessionMember, Visit, session_resolve},
    request_denial_audit,
};

use super::{Auth, sign_in_error::redirect_to_sign_in};
use crate::{
    download,
    http::{
        CrossSite, INVITE_PATH, ReturnTo, audit_unknown_id, check_cross_site, error_response,
        error_response_with_status, is_read, loggable_path, wants_html,
    },
    live,
};

/// The authentication that a path requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PathAccess {
    /// Public; the session is not looked up.
    Open,
    /// Called by a server with a signed message, so the headers of a browser
    /// are missing.
    Signed,
    /// Public, but a valid session is used.
    Optional,
    Members,
}

impl PathAccess {
    fn of(path: &str) -> Self {
        match path {
            "/auth/login" | "/auth/callback" | "/auth/frontchannel-logout" => Self::Open,
            "/auth/backchannel-logout" => Self::Signed,
            "/sign-in" | "/auth/invite" | "/auth/logout" | "/auth/switch" => Self::Optional,
            _ if path.starts_with(INVITE_PATH) => Self::Optional,
            _ if path.starts_with("/auth/callback/") => Self::Open,
            _ if path.starts_with("/demo/issuer/") => Self::Open,
            _ => Self::Members,
        }
    }
}

/// True if a page is rendered in response, and not a file or a form's result.
fn is_page(parts: &Parts) -> bool {
    is_read(&parts.method) && wants_html(&parts.headers) && parts.uri.path() != download::PATH
}

/// The page for sessions without any role (SEC-A11).
const NO_ACCESS: &str = "/no-access";

/// Adds `Option<Actor>` and `Option<SessionId>` to the request, redirects
/// visitors without a session from members' pages, and rejects cross-site
/// requests (SEC-B4).
pub(super) async fn actor_layer(
    State(auth): State<Auth>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let facts = parts
        .extensions
        .get::<RequestFacts>()
        .cloned()
        .unwrap_or_else(|| RequestFacts {
            request_id: auth.0.ctx.ids.id(),
            ip: None,
            user_agent: None,
            session_id: None,
            api_key_id: None,
        });
    let access = PathAccess::of(parts.uri.path());
    let cross_site = match check_cross_site(&auth.0.settings.site, &parts).err() {
        Some(CrossSite::Unproven)
            if access == PathAccess::Signed && !parts.headers.contains_key(header::COOKIE) =>
        {
            None
        }
        other => other,
    };

    let is_open = matches!(access, PathAccess::Open | PathAccess::Signed);
    let member = if is_open && cross_site.is_none() {
        Err(CallerError::Unknown)
    } else {
        // An open event stream doesn't keep the session alive.
        let is_use = parts.uri.path() != live::PATH;
        // Paths for signing in and out set the cookie themselves.
        let may_rotate = is_use && access == PathAccess::Members && cross_site.is_none();
        let visit = Visit {
            is_use,
            may_rotate,
            is_page: may_rotate && is_page(&parts),
        };
        match auth.resolve_member(&parts.headers, &facts, visit).await {
            // The sign-in page still works while the database is away.
            Err(CallerError::Failed(_))
                if access != PathAccess::Members && cross_site.is_none() =>
            {
                Err(CallerError::Unknown)
            }
            Err(CallerError::Failed(error)) => return error_response(&parts.headers, &error),
            other => other,
        }
    };
    if let Some(cross_site) = cross_site {
        let actor = member.ok().map(|member| member.actor);
        return auth
            .reject_cross_site(cross_site, actor.as_ref(), &parts, &facts)
            .await;
    }

    let (mut rotated, mut page) = (None, None);
    let actor = match (member, access) {
        (Ok(member), _) => {
            rotated = member.rotated;
            let is_page = is_read(&parts.method) && wants_html(&parts.headers);
            let is_no_access_page = parts.uri.path() == NO_ACCESS;
            if is_page && access == PathAccess::Members && is_no_access_page == member.has_role {
                // To the explanation or, if they have a role now, to the start
                // page.
                let page = if member.has_role { "/" } else { NO_ACCESS };
                let mut response = Redirect::to(page).into_response();
                if let Some(issued) = &rotated {
                    auth.set_session(response.headers_mut(), issued);
                }
                return response;
            }
            parts.extensions.insert(member.display);
            parts.extensions.insert(member.page.clone());
            page = Some(member.page);
            Some(member.actor)
        }
        (Err(CallerError::Inactive(problem)), PathAccess::Members) => {
            return if wants_html(&parts.headers) {
                redirect_to_sign_in(Some(problem), None)
            } else {
                error_response(&parts.headers, &AppError::Unauthenticated)
            };
        }
        (Err(_), PathAccess::Members) => return auth.ask_to_sign_in(&parts),
        (Err(_), _) => None,
    };
    let facts = actor.as_ref().map_or(facts, |actor| actor.request.clone());
    parts
        .extensions
        .insert::<Option<SessionId>>(facts.session_id);
    parts.extensions.insert(facts);
    parts.extensions.insert::<Option<Actor>>(actor.clone());
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let mut response = next.run(Request::from_parts(parts, body)).await;
    // Pages are rendered in full before their response begins.
    if let Some(page) = page {
        page.end().await;
    }
    if let Some(issued) = &rotated {
        auth.set_session(response.headers_mut(), issued);
    }
    if let Some(actor) = actor.filter(|_| response.status() == StatusCode::NOT_FOUND) {
        audit_unknown_id(&auth.0.ctx, &actor, &method, &path).await;
    }
    response
}

impl Auth {
    /// Resolves the member of the session cookie, and starts to renew the
    /// session's tokens if that is due.
    async fn resolve_member(
        &self,
        headers: &HeaderMap,
        facts: &RequestFacts,
        visit: Visit,
    ) -> Result<SessionMember, CallerError> {
        let ctx = &self.0.ctx;
        let token = self.session_token(headers).ok_or(CallerError::Unknown)?;
        let mut member = session_resolve(ctx, &token, facts, visit).await?;
        if let Some(session) = member.refresh.take() {
            self.refresh_in_background(session, facts.clone());
        }
        Ok(member)
    }

    /// Redirects browsers to the sign-in page with a way back; others get an
    /// error.
    fn ask_to_sign_in(&self, parts: &Parts) -> Response {
        if !wants_html(&parts.headers) {
            return error_response(&parts.headers, &AppError::Unauthenticated);
        }
        let site = &self.0.settings.site;
        let target = if is_read(&parts.method) {
            parts
                .uri
                .path_and_query()
                .map(|path| path.as_str().to_owned())
        } else {
            // After a form, return to the page that contains it.
            referring_path(&parts.headers)
        };
        let return_to = target.and_then(|target| ReturnTo::parse(site, &target));
        redirect_to_sign_in(None, return_to.as_ref())
    }

    async fn reject_cross_site(
        &self,
        cross_site: CrossSite,
        actor: Option<&Actor>,
        parts: &Parts,
        facts: &RequestFacts,
    ) -> Response {
        let path = loggable_path(parts.uri.path());
        tracing::warn!(why = cross_site.key(), path, id = %facts.request_id, "another site's request was refused");
        if let Some(actor) = actor {
            let path: String = path.chars().take(200).collect();
            let known = [
                ("method", parts.method.as_str().into()),
                ("path", path.into()),
            ];
            let ctx = &self.0.ctx;
            let why = cross_site.key();
            if let Err(error) =
                request_denial_audit(ctx, actor, "request.cross_site", why, &known).await
            {
                return error_response(&parts.headers, &error);
            }
        }
        let error = AppError::Transport {
            message:
                "This request came from another site and was blocked. Open Atrium and try again."
                    .to_owned(),
        };
        error_response_with_status(&parts.headers, StatusCode::FORBIDDEN, &error)
    }
}

/// The path of the page that sent a form. Cross-site requests were rejected
/// before.
fn referring_path(headers: &HeaderMap) -> Option<String> {
    let url = url::Url::parse(headers.get(header::REFERER)?.to_str().ok()?).ok()?;
    Some(match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    })
}
