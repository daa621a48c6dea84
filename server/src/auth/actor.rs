//! Resolves the member behind each request from the database, so that a change
//! or revocation takes effect immediately (SEC-B3).

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    Actor, AppError, RequestFacts, SessionId, SignInProblem, TenantId, Timestamp, live::EndReason,
    preferences::DisplaySettings,
};
use service::request_denial_audit;
use store::{
    AuthTx, StoreError,
    actor::actor_load,
    session::{
        Rotation, StoredSession, session_load, session_privileges_set, session_rotate,
        session_touch, session_user,
    },
    user::user_touch,
};
use tower_sessions::{Session, session::Id};

use super::{
    Auth,
    session::{ROTATION_GRACE, id_hash, privileges_hash},
    sign_in_error::redirect_to_sign_in,
};
use crate::{
    http::{
        CrossSite, INVITE_PATH, ReturnTo, audit_unknown_id, check_cross_site, error_response,
        error_response_with_status, is_read, loggable_path, wants_html,
    },
    live,
};

/// Minimum interval between updates of a session's last use.
const TOUCH_INTERVAL: time::Duration = time::Duration::MINUTE;

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

/// The page for sessions without any role (SEC-A11).
const NO_ACCESS: &str = "/no-access";

/// The owner of the session cookie.
enum Visitor {
    /// No cookie, or no valid session.
    Nobody,
    /// An active member.
    Member {
        actor: Box<Actor>,
        has_role: bool,
        display: DisplaySettings,
        /// The cookie with the session's new id, if it was rotated.
        cookie: Option<HeaderValue>,
    },
    /// A member who is not active, or whose organisation isn't.
    Blocked(SignInProblem),
}

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
    let session = parts.extensions.get::<Session>().cloned();
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
    let visitor = if is_open && cross_site.is_none() {
        Visitor::Nobody
    } else {
        // An open event stream doesn't keep the session alive.
        let is_use = parts.uri.path() != live::PATH;
        // Paths for signing in and out set the cookie themselves.
        let may_rotate = is_use && access == PathAccess::Members && cross_site.is_none();
        let visit = Visit { is_use, may_rotate };
        match auth.resolve_visitor(session.as_ref(), &facts, visit).await {
            Ok(visitor) => visitor,
            // The sign-in page still works while the database is away.
            Err(_) if access != PathAccess::Members && cross_site.is_none() => Visitor::Nobody,
            Err(error) => return error_response(&parts.headers, &AppError::from(error)),
        }
    };
    if let Some(cross_site) = cross_site {
        return auth
            .reject_cross_site(cross_site, &visitor, &parts, &facts)
            .await;
    }

    let mut new_cookie = None;
    let actor = match (visitor, access) {
        (
            Visitor::Member {
                actor,
                has_role,
                display,
                cookie,
            },
            _,
        ) => {
            let is_page = is_read(&parts.method) && wants_html(&parts.headers);
            let is_no_access_page = parts.uri.path() == NO_ACCESS;
            if is_page && access == PathAccess::Members && is_no_access_page == has_role {
                // To the explanation or, if they have a role now, to the start
                // page.
                let page = if has_role { "/" } else { NO_ACCESS };
                return with_cookie(Redirect::to(page).into_response(), cookie);
            }
            new_cookie = cookie;
            parts.extensions.insert(display);
            Some(*actor)
        }
        (Visitor::Nobody, PathAccess::Members) => return auth.ask_to_sign_in(&parts),
        (Visitor::Blocked(problem), PathAccess::Members) => {
            return if wants_html(&parts.headers) {
                redirect_to_sign_in(Some(problem), None)
            } else {
                error_response(&parts.headers, &AppError::Unauthenticated)
            };
        }
        (Visitor::Nobody | Visitor::Blocked(_), _) => None,
    };
    let facts = actor.as_ref().map_or(facts, |actor| actor.request.clone());
    parts
        .extensions
        .insert::<Option<SessionId>>(facts.session_id);
    parts.extensions.insert(facts);
    parts.extensions.insert::<Option<Actor>>(actor.clone());
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let response = next.run(Request::from_parts(parts, body)).await;
    if let Some(actor) = actor.filter(|_| response.status() == StatusCode::NOT_FOUND) {
        audit_unknown_id(&auth.0.ctx, &actor, &method, &path).await;
    }
    with_cookie(response, new_cookie)
}

fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The effects of a request on its session.
#[derive(Clone, Copy)]
struct Visit {
    /// Extends the session.
    is_use: bool,
    /// The response may set a new session cookie.
    may_rotate: bool,
}

impl Auth {
    /// Resolves the member of a running request's session again, or the reason
    /// why it ended. Finds the session also after its id was rotated, and
    /// doesn't count as use of it.
    pub(crate) async fn revalidate(
        &self,
        (tenant_id, session): (TenantId, SessionId),
        facts: &RequestFacts,
    ) -> Result<Result<Actor, EndReason>, StoreError> {
        let now = self.0.ctx.clock.now();
        let mut tx = self.0.ctx.store.begin_auth().await?;
        let Some(user_id) = session_user(&mut tx, tenant_id, session, now).await? else {
            return Ok(Err(EndReason::SignedOut));
        };
        let mut tx = tx.enter_as_system(tenant_id).await?;
        let record = match actor_load(&mut tx, user_id).await {
            Err(StoreError::NotFound) => return Ok(Err(EndReason::SignedOut)),
            other => other?,
        };
        if !record.may_act() {
            return Ok(Err(EndReason::Inactive));
        }
        let mut facts = facts.clone();
        facts.session_id = Some(session);
        Ok(Ok(record.to_actor(facts)))
    }

    /// Loads session and member in one transaction.
    async fn resolve_visitor(
        &self,
        session: Option<&Session>,
        facts: &RequestFacts,
        Visit { is_use, may_rotate }: Visit,
    ) -> Result<Visitor, StoreError> {
        let Some(id) = session.and_then(Session::id) else {
            return Ok(Visitor::Nobody);
        };
        let now = self.0.ctx.clock.now();
        let hash = id_hash(id);
        let mut tx = self.0.ctx.store.begin_auth().await?;
        let Some(stored) = session_load(&mut tx, &hash, now).await? else {
            return Ok(Visitor::Nobody);
        };
        let is_due =
            is_use && !stored.by_previous_id && now - stored.last_seen_at >= TOUCH_INTERVAL;
        if is_due {
            // Extends by the idle time from the session's start, which the
            // organisation may have set shorter than the operator.
            let idle = stored.idle_expires_at - stored.last_seen_at;
            session_touch(&mut tx, &hash, now + idle, now).await?;
        }
        // The system role may update the member's last-seen time.
        let mut tx = tx.enter_as_system(stored.tenant_id).await?;
        let record = match actor_load(&mut tx, stored.user_id).await {
            Err(StoreError::NotFound) => return Ok(Visitor::Nobody),
            other => other?,
        };
        if let Some(problem) = SignInProblem::of_tenant(record.tenant_status) {
            return Ok(Visitor::Blocked(problem));
        }
        if !record.may_act() {
            return Ok(Visitor::Blocked(SignInProblem::Suspended));
        }
        if is_due {
            user_touch(&mut tx, stored.user_id, now).await?;
        }
        let privileges = privileges_hash(&record);
        let is_known = stored.privileges_hash.as_deref() == Some(&privileges);
        let cookie = if may_rotate && !is_known && !stored.by_previous_id {
            let mut tx = tx.into_auth().await?;
            let cookie = self
                .rotate(&mut tx, &hash, &stored, privileges, now)
                .await?;
            tx.commit().await?;
            cookie
        } else {
            tx.commit().await?;
            None
        };
        if is_use {
            self.refresh_if_due(&stored, facts);
        }
        let mut facts = facts.clone();
        facts.session_id = Some(stored.id);
        let has_role = !record.role_keys.is_empty();
        Ok(Visitor::Member {
            display: service::display_settings(
                &record.preferences,
                record.tenant_time_zone.as_deref(),
                now,
            ),
            actor: Box::new(record.to_actor(facts)),
            has_role,
            cookie,
        })
    }

    /// Rotates the session id because the member's privileges have changed, and
    /// returns the new cookie (SEC-B2).
    async fn rotate(
        &self,
        tx: &mut AuthTx,
        hash: &[u8; 32],
        stored: &StoredSession,
        privileges: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<HeaderValue>, StoreError> {
        if stored.privileges_hash.is_none() {
            // The session is new.
            session_privileges_set(tx, hash, &privileges, now).await?;
            return Ok(None);
        }
        let id = Id(i128::from_le_bytes(self.0.ctx.ids.bytes()));
        let seconds = (stored.absolute_expires_at - now).whole_seconds();
        let cookie = self.cookie(self.session_cookie(), &id.to_string(), seconds);
        // Without a cookie that delivers the new id, the session keeps its old
        // one.
        let Ok(cookie) = HeaderValue::from_str(&cookie) else {
            return Ok(None);
        };
        let rotation = Rotation {
            id_hash: id_hash(id),
            privileges,
            previous_until: now + ROTATION_GRACE,
        };
        let is_rotated = session_rotate(tx, hash, &rotation, now).await?;
        Ok(is_rotated.then_some(cookie))
    }

    /// Redirects browsers to the sign-in page with a way back; others get an
    /// error.
    fn ask_to_sign_in(&self, parts: &axum::http::request::Parts) -> Response {
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
        visitor: &Visitor,
        parts: &axum::http::request::Parts,
        facts: &RequestFacts,
    ) -> Response {
        let path = loggable_path(parts.uri.path());
        tracing::warn!(why = cross_site.key(), path, id = %facts.request_id, "another site's request was refused");
        if let Visitor::Member { actor, .. } = visitor {
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
            message: "This request came from another site, so it was not carried out. Open Atrium itself and try again.".to_owned(),
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
