//! Validation of logout tokens (OpenID Connect Back-Channel Logout 1.0, section
//! 2.6; SEC-A13, A14).
//!
//! `openidconnect` only supports ID tokens. A logout token must never pass for
//! an ID token or the reverse, hence the checks of `typ`, `events` and `nonce`.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Timestamp;
use openidconnect::{
    ClientId, JsonWebKey as _, JsonWebKeyUse,
    core::{CoreJsonWebKey, CoreJwsSigningAlgorithm},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{keys::KeySet, token::SKEW};

const TYPE: &str = "logout+jwt";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const MAX_CHARS: usize = 255;

/// A parsed token that is not verified yet.
#[derive(Debug)]
pub(super) struct LogoutToken {
    header: Header,
    claims: Claims,
    message: String,
    signature: Vec<u8>,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: CoreJwsSigningAlgorithm,
    kid: Option<String>,
    typ: Option<String>,
    /// Extensions that must be understood; we support none.
    crit: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    iat: f64,
    exp: f64,
    nbf: Option<f64>,
    jti: String,
    sub: Option<String>,
    sid: Option<String>,
    events: Map<String, Value>,
    nonce: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    /// True if `client_id` is the only audience.
    fn is(&self, client_id: &ClientId) -> bool {
        match self {
            Self::One(one) => one == client_id.as_str(),
            Self::Many(many) => matches!(many.as_slice(), [one] if one == client_id.as_str()),
        }
    }
}

/// The values that a token is verified against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    /// The directory in `iss`, which decides the accepted keys.
    pub directory: Option<Uuid>,
    pub client_id: &'a ClientId,
    pub keys: &'a KeySet,
    /// Accepted besides RS256, which every issuer supports.
    pub algorithms: &'a [CoreJwsSigningAlgorithm],
    pub now: Timestamp,
}

/// The sessions to end: of a subject, of a session at the issuer, or of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogoutTarget<'t> {
    pub issuer: &'t str,
    pub subject: Option<&'t str>,
    pub sid: Option<&'t str>,
    /// The token's `jti`, which is accepted once.
    pub token_id: &'t str,
    /// When the token expires, including clock skew.
    pub expires_at: Timestamp,
}

/// The reason why a token is rejected. The text is also its stable name in the
/// audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LogoutFault {
    #[error("malformed")]
    Malformed,
    #[error("type")]
    Type,
    #[error("algorithm")]
    Algorithm,
    #[error("key_not_named")]
    KeyNotNamed,
    #[error("unknown_key")]
    UnknownKey,
    #[error("signature")]
    Signature,
    #[error("issuer")]
    Issuer,
    #[error("audience")]
    Audience,
    #[error("issued_in_the_future")]
    IssuedInTheFuture,
    #[error("expired")]
    Expired,
    #[error("not_yet_valid")]
    NotYetValid,
    #[error("event")]
    Event,
    #[error("nonce")]
    Nonce,
    #[error("nobody_named")]
    NoSubject,
    #[error("token_id")]
    TokenId,
    #[error("replayed")]
    Replayed,
}

impl LogoutFault {
    /// True if fetching the keys again could change the result.
    pub(super) fn may_be_stale_keys(self) -> bool {
        matches!(self, Self::UnknownKey | Self::KeyNotNamed | Self::Signature)
    }
}

impl LogoutToken {
    /// Parses a compact token; a missing claim is [`LogoutFault::Malformed`].
    pub(super) fn parse(text: &str) -> Result<Self, LogoutFault> {
        let mut parts = text.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(LogoutFault::Malformed);
        };
        Ok(Self {
            message: format!("{header}.{claims}"),
            header: decode(header)?,
            claims: decode(claims)?,
            signature: decode_base64(signature)?,
        })
    }

    /// The unverified audience is this client.
    pub(super) fn has_audience(&self, client_id: &ClientId) -> bool {
        self.claims.aud.is(client_id)
    }

    /// The unverified `iss`, to choose the keys.
    pub(super) fn claimed_issuer(&self) -> &str {
        &self.claims.iss
    }

    /// Verifies the token and returns its target.
    ///
    /// # Errors
    /// The first check that fails.
    pub(super) fn verify(&self, expected: &Expected<'_>) -> Result<LogoutTarget<'_>, LogoutFault> {
        self.verify_signature(expected)?;
        let claims = &self.claims;
        let kid = self.header.kid.as_deref();
        if !expected
            .keys
            .may_sign_for(kid, &claims.iss, expected.directory)
        {
            return Err(LogoutFault::Issuer);
        }
        if !claims.aud.is(expected.client_id) {
            return Err(LogoutFault::Audience);
        }
        let latest = seconds(expected.now + SKEW);
        if claims.iat > latest {
            return Err(LogoutFault::IssuedInTheFuture);
        }
        if claims.nbf.is_some_and(|not_before| not_before > latest) {
            return Err(LogoutFault::NotYetValid);
        }
        if claims.exp <= seconds(expected.now - SKEW) {
            return Err(LogoutFault::Expired);
        }
        let expires_at = timestamp(claims.exp).ok_or(LogoutFault::Malformed)? + SKEW;
        if !claims.events.get(EVENT).is_some_and(Value::is_object) {
            return Err(LogoutFault::Event);
        }
        if claims.nonce.is_some() {
            return Err(LogoutFault::Nonce);
        }
        let subject = check_identifier(claims.sub.as_deref())?;
        let sid = check_identifier(claims.sid.as_deref())?;
        if subject.is_none() && sid.is_none() {
            return Err(LogoutFault::NoSubject);
        }
        if claims.jti.is_empty() {
            return Err(LogoutFault::TokenId);
        }
        Ok(LogoutTarget {
            issuer: &claims.iss,
            subject,
            sid,
            token_id: &claims.jti,
            expires_at,
        })
    }

    fn verify_signature(&self, expected: &Expected<'_>) -> Result<(), LogoutFault> {
        let header = &self.header;
        let typ = header.typ.as_deref().unwrap_or_default();
        let typ = typ.strip_prefix("application/").unwrap_or(typ);
        if !typ.eq_ignore_ascii_case(TYPE) || header.crit.is_some() {
            return Err(LogoutFault::Type);
        }
        let is_allowed = header.alg == CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256
            || expected.algorithms.contains(&header.alg);
        if !is_allowed {
            return Err(LogoutFault::Algorithm);
        }
        let is_signing_key =
            |key: &&CoreJsonWebKey| key.key_use().is_none_or(JsonWebKeyUse::allows_signature);
        let mut keys: Vec<_> = expected
            .keys
            .keys
            .keys()
            .iter()
            .filter(is_signing_key)
            .collect();
        match &header.kid {
            Some(name) => {
                keys.retain(|key| key.key_id().is_some_and(|id| id.as_str() == name));
                if keys.is_empty() {
                    return Err(LogoutFault::UnknownKey);
                }
            }
            None if keys.len() > 1 => return Err(LogoutFault::KeyNotNamed),
            None => {}
        }
        let message = self.message.as_bytes();
        let is_valid = |key: &&CoreJsonWebKey| {
            key.verify_signature(&header.alg, message, &self.signature)
                .is_ok()
        };
        if keys.iter().any(is_valid) {
            Ok(())
        } else {
            Err(LogoutFault::Signature)
        }
    }
}

fn decode_base64(part: &str) -> Result<Vec<u8>, LogoutFault> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| LogoutFault::Malformed)
}

fn decode<T: DeserializeOwned>(part: &str) -> Result<T, LogoutFault> {
    serde_json::from_slice(&decode_base64(part)?).map_err(|_| LogoutFault::Malformed)
}

/// Rejects an empty or over-long `sub` or `sid`.
fn check_identifier(claim: Option<&str>) -> Result<Option<&str>, LogoutFault> {
    match claim {
        Some(text) if text.trim().is_empty() || text.chars().count() > MAX_CHARS => {
            Err(LogoutFault::NoSubject)
        }
        other => Ok(other),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "seconds since 1970 are exact in an f64"
)]
fn seconds(time: Timestamp) -> f64 {
    time.unix_timestamp() as f64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a value out of range is no valid time"
)]
fn timestamp(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_unix_timestamp(seconds as i64).ok()
}
