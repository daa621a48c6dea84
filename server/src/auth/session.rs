//! Browser sessions with `tower-sessions`, stored by `store::session`.
//!
//! Only signing in creates a session: the row is written in the transaction of
//! the sign-in, and [`SessionRows::create`] only adopts its id. Visitors have
//! no sessions, and saving never inserts, so that a slow request can't restore
//! a session that ended (SEC-B2).

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

use async_trait::async_trait;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use store::{
    actor::ActorRecord,
    session::{session_delete, session_load},
};
use tower_sessions::{
    Expiry, Session, SessionManagerLayer, SessionStore,
    cookie::{Cookie, SameSite},
    session::{Id, Record},
    session_store,
};

use super::Auth;

/// The session key under which a sign-in passes its row's id to
/// [`SessionRows::create`].
const ROW_ID_KEY: &str = "made";

/// SHA-256; ids and secrets of browsers are stored hashed.
pub(super) fn hash(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// The stored hash of the id in a cookie.
pub(super) fn id_hash(id: Id) -> [u8; 32] {
    hash(&id.0.to_le_bytes())
}

/// Gives this browser the session that a sign-in wrote under `id`. Its earlier
/// session must have ended: none of its data is kept (SEC-B2).
pub(super) async fn adopt(session: &Session, id: Id) -> Result<(), tower_sessions::session::Error> {
    // As text, because JSON numbers can't hold 128 bits.
    session.insert(ROW_ID_KEY, id.to_string()).await
}

impl Auth {
    /// The name of the session cookie; browsers bind the `__Host-` prefix to
    /// this host.
    pub(super) fn session_cookie(&self) -> &'static str {
        if self.0.settings.site.is_https() {
            "__Host-atrium"
        } else {
            "atrium"
        }
    }

    /// The name of the cookie that binds a login attempt to its browser.
    pub(super) fn login_cookie(&self) -> &'static str {
        if self.0.settings.site.is_https() {
            "__Host-atrium-login"
        } else {
            "atrium-login"
        }
    }

    /// A `Set-Cookie` value with all required attributes (SEC-B1).
    pub(super) fn cookie(&self, name: &str, value: &str, seconds: i64) -> String {
        Cookie::build((name, value))
            .path("/")
            .max_age(time::Duration::seconds(seconds))
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.0.settings.site.is_https())
            .to_string()
    }
}

/// How long requests with the id from before a rotation are accepted: as long
/// as a page may take to load its resources.
pub(super) const ROTATION_GRACE: time::Duration = time::Duration::seconds(30);

/// SHA-256 of a member's privileges: roles, permissions, led teams and operator
/// rights.
pub(super) fn privileges_hash(record: &ActorRecord) -> [u8; 32] {
    let permissions = record.profile.permissions.iter();
    let permissions: BTreeSet<_> = permissions.map(|permission| permission.key()).collect();
    let led: BTreeSet<_> = record.led_team_ids.iter().map(|id| id.0).collect();
    let privileges = json!([record.role_keys, permissions, led, record.is_operator]);
    hash(privileges.to_string().as_bytes())
}

/// The value of the cookie `name`; `None` if it is missing or duplicated.
pub(super) fn cookie_value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(Cookie::split_parse)
        .flatten()
        .filter(|cookie| cookie.name() == name);
    let first = values.next()?.value_raw();
    first.filter(|_| values.next().is_none())
}

/// The layer that reads and writes the cookie. The row decides when a session
/// ends; the cookie expires at the latest possible time.
pub(super) fn session_layer(auth: &Auth) -> SessionManagerLayer<SessionRows> {
    SessionManagerLayer::new(SessionRows(auth.clone()))
        .with_name(auth.session_cookie())
        .with_secure(auth.0.settings.site.is_https())
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(auth.0.settings.lifetimes.absolute))
}

/// Adds the attributes to the removal of the session cookie that browsers
/// require: a `__Host-` cookie can't be changed without `Secure`.
pub(super) async fn removal_layer(
    State(auth): State<Auth>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let empty = format!("{}=;", auth.session_cookie());
    if let header::Entry::Occupied(mut cookies) = response.headers_mut().entry(header::SET_COOKIE) {
        let removal = auth.cookie(auth.session_cookie(), "", 0);
        for value in cookies.iter_mut() {
            if value.as_bytes().starts_with(empty.as_bytes())
                && let Ok(removal) = HeaderValue::from_str(&removal)
            {
                *value = removal;
            }
        }
    }
    response
}

/// The `SessionStore` over our rows.
#[derive(Clone)]
pub(super) struct SessionRows(Auth);

impl fmt::Debug for SessionRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionRows")
    }
}

fn backend_error(error: impl fmt::Display) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}

#[async_trait]
impl SessionStore for SessionRows {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let row_id = record.data.remove(ROW_ID_KEY);
        let row_id = row_id.as_ref().and_then(|id| id.as_str()?.parse().ok());
        record.id = row_id.ok_or_else(|| backend_error("only signing in makes a session"))?;
        Ok(())
    }

    /// No session data is stored besides the row.
    async fn save(&self, _record: &Record) -> session_store::Result<()> {
        Ok(())
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let now = self.0.0.ctx.clock.now();
        let mut tx = self
            .0
            .0
            .ctx
            .store
            .begin_auth()
            .await
            .map_err(backend_error)?;
        let row = session_load(&mut tx, &id_hash(*id), now)
            .await
            .map_err(backend_error)?;
        Ok(row.map(|row| Record {
            id: *id,
            data: HashMap::new(),
            expiry_date: row.absolute_expires_at,
        }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let now = self.0.0.ctx.clock.now();
        let mut tx = self
            .0
            .0
            .ctx
            .store
            .begin_auth()
            .await
            .map_err(backend_error)?;
        session_delete(&mut tx, &id_hash(*id), now)
            .await
            .map_err(backend_error)?;
        tx.commit().await.map_err(backend_error)
    }
}
