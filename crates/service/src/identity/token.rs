//! The secret in the session cookie (SEC-B1).

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Timestamp;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::Ids;

/// A token for the browser.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    pub token: SessionToken,
    /// When its session ends in any case.
    pub expires_at: Timestamp,
}

/// 16 random bytes that name a session. Only their SHA-256 is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(Zeroizing<[u8; 16]>);

impl SessionToken {
    pub(super) fn generate(ids: &Ids) -> Self {
        Self(Zeroizing::new(ids.bytes()))
    }

    /// Reads the value of a cookie; `None` unless it has the format of a token.
    pub fn parse(cookie: &str) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(cookie).ok()?);
        Some(Self(Zeroizing::new(bytes.as_slice().try_into().ok()?)))
    }

    /// The value for the cookie: 22 characters of URL-safe base64.
    pub fn to_cookie(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.as_slice())
    }

    pub(super) fn hash(&self) -> [u8; 32] {
        sha256(self.0.as_slice())
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(redacted)")
    }
}

/// Browsers' secrets are stored as their SHA-256.
pub(super) fn sha256(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, Entropy};

    #[test]
    fn token_round_trips_through_its_cookie_and_is_not_printed() {
        let ids = Ids::new(Clock::system(), Entropy::system());
        let token = SessionToken::generate(&ids);
        let cookie = token.to_cookie();
        assert_eq!(cookie.len(), 22);
        assert_eq!(SessionToken::parse(&cookie), Some(token.clone()));
        assert_ne!(SessionToken::generate(&ids), token);
        assert!(!format!("{token:?}").contains(&cookie));
    }

    // SEC-B10
    #[test]
    fn malformed_cookie_is_no_token() {
        for cookie in [
            "",
            "AAAA",
            "not-base64!",
            "AAAAAAAAAAAAAAAAAAAAAA==",
            "AAAAAAAAAAAAAAAAAAAAAB",
            "AAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(SessionToken::parse(cookie), None, "{cookie:?}");
        }
    }
}
