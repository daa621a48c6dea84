//! Cookies of browser sessions and of logins that began.

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite};
use service::identity::{IssuedToken, SessionToken};

use super::Auth;

impl Auth {
    /// The name of the session cookie; browsers bind the `__Host-` prefix to
    /// this host.
    fn session_cookie(&self) -> &'static str {
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

    /// The session that the browser names.
    pub(super) fn session_token(&self, headers: &HeaderMap) -> Option<SessionToken> {
        SessionToken::parse(cookie_value(headers, self.session_cookie())?)
    }

    /// Gives the browser a session, whose row decides when it ends: the cookie
    /// expires at the latest possible time.
    pub(super) fn set_session(&self, headers: &mut HeaderMap, issued: &IssuedToken) {
        let IssuedToken { token, expires_at } = issued;
        let seconds = (*expires_at - self.0.ctx.clock.now()).whole_seconds();
        let cookie = self.cookie(self.session_cookie(), &token.to_cookie(), seconds);
        append_cookie(headers, &cookie);
    }

    /// Takes the session cookie from the browser.
    pub(super) fn remove_session(&self, headers: &mut HeaderMap) {
        append_cookie(headers, &self.cookie(self.session_cookie(), "", 0));
    }
}

pub(super) fn append_cookie(headers: &mut HeaderMap, cookie: &str) {
    // Names, base64 and numbers are valid in a header.
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        headers.append(header::SET_COOKIE, cookie);
    }
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
