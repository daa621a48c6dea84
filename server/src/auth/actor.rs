//! The member behind a request, resolved anew each time: what changed or was
//! revoked a moment ago counts now (SEC-B3).

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
use service::request_denied;
use store::{
    AuthTx, StoreError,
    actor::actor_load,
    session::{
        Rotation, StoredSession, session_load, session_privileges_note, session_rotate,
        session_touch, session_user,
    },
    user::user_touch_seen,
};
use tower_sessions::{Session, session::Id};

use super::{
    Auth,
    session::{ROTATION_GRACE, id_hash, privileges_hash},
    sign_in_error::to_sign_in,
};
use crate::{
    http::{
        CrossSite, INVITE_PATH, ReturnTo, check_cross_site, error_response,
        error_response_with_status, is_read, loggable_path, note_unknown_id, wants_html,
    },
    live,
};

/// How long the record of a session's use may lag behind.
const TOUCH: time::Duration = time::Duration::MINUTE;

/// What a path asks of its visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PathAccess {
    /// Anybody; nobody needs to be known.
    Open,
    /// A server that brings a signed message: no browser, and so none of what
    /// a browser says about itself.
    Signed,
    /// Anybody; whoever is known is told so.
    Either,
    /// Members only.
    Members,
}

impl PathAccess {
    fn of(path: &str) -> Self {
        match path {
            "/auth/login" | "/auth/callback" | "/auth/frontchannel-logout" => Self::Open,
            "/auth/backchannel-logout" => Self::Signed,
            "/sign-in" | "/auth/invite" | "/auth/logout" | "/auth/switch" => Self::Either,
            _ if path.starts_with(INVITE_PATH) => Self::Either,
            _ if path.starts_with("/auth/callback/") => Self::Open,
            _ if path.starts_with("/demo/issuer/") => Self::Open,
            _ => Self::Members,
        }
    }
}

/// Where sessions without any role end up (SEC-A11).
const NO_ACCESS: &str = "/no-access";

/// Who a cookie stands for.
enum Visitor {
    /// Nobody that we know.
    Nobody,
    /// A member, whether any role was given to them, and how they want things
    /// shown.
    Member {
        actor: Box<Actor>,
        has_role: bool,
        shown: DisplaySettings,
        /// The cookie with the session's new id, where it got one.
        cookie: Option<HeaderValue>,
    },
    /// A member who may not act, or whose organisation may not be used.
    Barred(SignInProblem),
}

/// Puts `Option<Actor>` and `Option<SessionId>` into the request, keeps
/// visitors out of the members' pages, and refuses what another site made the
/// browser send (SEC-B4).
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
        // An open page is not a person who uses it.
        let is_use = parts.uri.path() != live::PATH;
        // What signs out or in sets the cookie itself.
        let may_rotate = is_use && access == PathAccess::Members && cross_site.is_none();
        let visit = Visit { is_use, may_rotate };
        match auth.visitor(session.as_ref(), &facts, visit).await {
            Ok(visitor) => visitor,
            // Signing in may still be explained while the database is away.
            Err(_) if access != PathAccess::Members && cross_site.is_none() => Visitor::Nobody,
            Err(error) => return error_response(&parts.headers, &AppError::from(error)),
        }
    };
    if let Some(cross_site) = cross_site {
        return auth
            .refuse_cross_site(cross_site, &visitor, &parts, &facts)
            .await;
    }

    let mut new_cookie = None;
    let actor = match (visitor, access) {
        (
            Visitor::Member {
                actor,
                has_role,
                shown,
                cookie,
            },
            _,
        ) => {
            let is_page = is_read(&parts.method) && wants_html(&parts.headers);
            let is_told = parts.uri.path() == NO_ACCESS;
            if is_page && access == PathAccess::Members && is_told == has_role {
                // To be told, or, with a role by now, to where they can work.
                let page = if has_role { "/" } else { NO_ACCESS };
                return with_cookie(Redirect::to(page).into_response(), cookie);
            }
            new_cookie = cookie;
            parts.extensions.insert(shown);
            Some(*actor)
        }
        (Visitor::Nobody, PathAccess::Members) => return auth.ask_to_sign_in(&parts),
        (Visitor::Barred(problem), PathAccess::Members) => {
            return if wants_html(&parts.headers) {
                to_sign_in(Some(problem), None)
            } else {
                error_response(&parts.headers, &AppError::Unauthenticated)
            };
        }
        (Visitor::Nobody | Visitor::Barred(_), _) => None,
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
        note_unknown_id(&auth.0.ctx, &actor, &method, &path).await;
    }
    with_cookie(response, new_cookie)
}

fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// What a request does to the session that it comes with.
#[derive(Clone, Copy)]
struct Visit {
    /// Counts as use: the session goes on.
    is_use: bool,
    /// Its answer can bring the browser another id.
    may_rotate: bool,
}

impl Auth {
    /// The member behind a session whose request goes on, as of now; or why
    /// there is none any more. The session may have another cookie by then. It
    /// doesn't count as use of the session.
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

    /// Session and member in one transaction.
    async fn visitor(
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
        let is_due = is_use && !stored.by_previous_id && now - stored.last_seen_at >= TOUCH;
        if is_due {
            // As long again as it was given when it began: its organisation may
            // want sessions shorter than the operator does.
            let idle = stored.idle_expires_at - stored.last_seen_at;
            session_touch(&mut tx, &hash, now + idle, now).await?;
        }
        // As Atrium itself: it is what notes that the member was seen.
        let mut tx = tx.enter_as_system(stored.tenant_id).await?;
        let record = match actor_load(&mut tx, stored.user_id).await {
            Err(StoreError::NotFound) => return Ok(Visitor::Nobody),
            other => other?,
        };
        if let Some(problem) = SignInProblem::of_tenant(record.tenant_status) {
            return Ok(Visitor::Barred(problem));
        }
        if !record.may_act() {
            return Ok(Visitor::Barred(SignInProblem::Suspended));
        }
        if is_due {
            user_touch_seen(&mut tx, stored.user_id, now).await?;
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
            shown: service::display_settings(&record, now),
            actor: Box::new(record.to_actor(facts)),
            has_role,
            cookie,
        })
    }

    /// Gives the session another id, because its member can do other things than
    /// when it got this one, and returns the cookie (SEC-B2).
    async fn rotate(
        &self,
        tx: &mut AuthTx,
        hash: &[u8; 32],
        stored: &StoredSession,
        privileges: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<HeaderValue>, StoreError> {
        if stored.privileges_hash.is_none() {
            // It has just begun.
            session_privileges_note(tx, hash, &privileges, now).await?;
            return Ok(None);
        }
        let id = Id(i128::from_le_bytes(self.0.ctx.ids.bytes()));
        let seconds = (stored.absolute_expires_at - now).whole_seconds();
        let cookie = self.cookie(self.session_cookie(), &id.to_string(), seconds);
        // Without a cookie to bring it, the session keeps its id.
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

    /// A browser goes to the sign-in page and comes back; a program is told.
    fn ask_to_sign_in(&self, parts: &axum::http::request::Parts) -> Response {
        if !wants_html(&parts.headers) {
            return error_response(&parts.headers, &AppError::Unauthenticated);
        }
        let site = &self.0.settings.site;
        let wanted = if is_read(&parts.method) {
            parts
                .uri
                .path_and_query()
                .map(|path| path.as_str().to_owned())
        } else {
            // A form was sent: back to the page that holds it.
            referring_path(&parts.headers)
        };
        let return_to = wanted.and_then(|wanted| ReturnTo::parse(site, &wanted));
        to_sign_in(None, return_to.as_ref())
    }

    async fn refuse_cross_site(
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
            if let Err(error) = request_denied(ctx, actor, "request.cross_site", why, &known).await
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

/// The path of the page that sent a form. Foreign ones were taken out before.
fn referring_path(headers: &HeaderMap) -> Option<String> {
    let url = url::Url::parse(headers.get(header::REFERER)?.to_str().ok()?).ok()?;
    Some(match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    })
}
