//! Validation of ID tokens (SEC-A3 to A6, A8).
//!
//! `openidconnect` checks signature, `iss`, `aud`, `exp` and `nonce`. This
//! module checks the rest: `nbf`, `iat`, `azp`, a sole audience, `at_hash`, and
//! a named key if the issuer has several.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use domain::Timestamp;
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, ClaimsVerificationError, Client, ClientId,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdToken, IdTokenClaims,
    IdTokenFields, IdTokenVerifier, IssuerUrl, JsonWebKey as _, JsonWebKeyUse, Nonce,
    NonceVerifier, SignatureVerificationError, StandardErrorResponse, StandardTokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreRevocableToken,
        CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use uuid::Uuid;

use super::keys::KeySet;

/// Accepted difference between the issuer's clock and ours (SEC-A6).
pub(super) const SKEW: time::Duration = time::Duration::seconds(60);

/// Claims besides the standard ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ExtraClaims {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<serde_json::Number>,
    /// Entra: the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tid: Option<String>,
    /// Entra: the person's object id in the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oid: Option<String>,
    /// The session at the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Value>,
    /// Entra: the person's app roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Value>,
    /// Distributed claims (OpenID Connect Core, section 5.6.2). Only the names
    /// are used; their endpoints are never requested.
    #[serde(
        default,
        rename = "_claim_names",
        skip_serializing_if = "Option::is_none"
    )]
    pub claim_names: Option<Value>,
    /// Entra's other marker for more groups than fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hasgroups: Option<Value>,
}

impl AdditionalClaims for ExtraClaims {}

pub(super) type Claims = IdTokenClaims<ExtraClaims, CoreGenderClaim>;
pub(super) type Token = IdToken<
    ExtraClaims,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type TokenFields = IdTokenFields<
    ExtraClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
pub(super) type TokenResponse = StandardTokenResponse<TokenFields, CoreTokenType>;

/// The client of `openidconnect` with [`ExtraClaims`], built from the metadata.
pub(super) type RelyingParty = Client<
    ExtraClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    TokenResponse,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The values that a token is verified against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub issuer: &'a IssuerUrl,
    pub client_id: &'a ClientId,
    pub keys: &'a KeySet,
    /// Accepted besides RS256, which every issuer supports.
    pub algorithms: &'a [CoreJwsSigningAlgorithm],
    pub nonce: Nonces<'a>,
    pub access_token: &'a AccessToken,
    pub now: Timestamp,
}

/// The expected nonce.
#[derive(Clone, Copy, Debug)]
pub(super) enum Nonces<'a> {
    /// The nonce of this sign-in.
    Expected(&'a Nonce),
    /// Not checked: renewed tokens have none.
    Unchecked,
}

impl NonceVerifier for Nonces<'_> {
    fn verify(self, claimed: Option<&Nonce>) -> Result<(), String> {
        match self {
            Self::Expected(expected) => expected.verify(claimed),
            Self::Unchecked => Ok(()),
        }
    }
}

/// The reason why a token is rejected.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenFault {
    #[error("the token answer holds no ID token")]
    Missing,
    #[error("the ID token's header can't be read")]
    Header,
    #[error("the ID token names no key although the issuer has several")]
    KeyNotNamed,
    #[error("no key of the issuer's signed it")]
    UnknownKey,
    #[error("the key that signed it is another directory's")]
    ForeignKey,
    #[error(transparent)]
    Claims(ClaimsVerificationError),
    #[error("{0}")]
    Rule(&'static str),
}

impl TokenFault {
    /// True if fetching the keys again could change the result.
    pub(super) fn may_be_stale_keys(&self, token: &Token) -> bool {
        match self {
            Self::UnknownKey | Self::KeyNotNamed => true,
            // Without a `kid` the only key was tried, which may be outdated.
            Self::Claims(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::CryptoError(_),
            )) => matches!(key_name(token), Ok(None)),
            _ => false,
        }
    }

    /// A stable name for the audit row.
    pub(super) fn key(&self) -> &'static str {
        match self {
            Self::Missing => "id_token_missing",
            Self::Header => "header",
            Self::KeyNotNamed => "key_not_named",
            Self::UnknownKey => "unknown_key",
            Self::ForeignKey => "foreign_key",
            Self::Claims(error) => match error {
                ClaimsVerificationError::Expired(_) => "expired",
                ClaimsVerificationError::InvalidAudience(_) => "audience",
                ClaimsVerificationError::InvalidIssuer(_) => "issuer",
                ClaimsVerificationError::InvalidNonce(_) => "nonce",
                ClaimsVerificationError::InvalidSubject(_) => "subject",
                ClaimsVerificationError::SignatureVerification(_) => "signature",
                _ => "claims",
            },
            Self::Rule(_) => "claims",
        }
    }
}

/// Verifies a token and returns its claims.
///
/// # Errors
/// The first check that fails.
pub(super) fn verify<'t>(
    token: &'t Token,
    expected: &Expected<'_>,
) -> Result<&'t Claims, TokenFault> {
    let keys = &expected.keys.keys;
    let signing_keys = keys
        .keys()
        .iter()
        .filter(|k| k.key_use().is_none_or(JsonWebKeyUse::allows_signature));
    let kid = key_name(token)?;
    if kid.is_none() && signing_keys.count() > 1 {
        return Err(TokenFault::KeyNotNamed);
    }

    // As for a public client, even with a secret: the secret must never be
    // accepted as the key of an HS256 signature, which anybody who knows it
    // could make.
    let verifier = IdTokenVerifier::new_public_client(
        expected.client_id.clone(),
        expected.issuer.clone(),
        keys.clone(),
    )
    .set_allowed_algs(
        [CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256]
            .into_iter()
            .chain(expected.algorithms.iter().cloned()),
    )
    .set_time_fn({
        // The crate has no setting for clock skew, so it gets an earlier time.
        let earlier = chrono_time(expected.now - SKEW);
        move || earlier
    });
    let claims = token
        .claims(&verifier, expected.nonce)
        .map_err(|error| match error {
            ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            ) => TokenFault::UnknownKey,
            error => TokenFault::Claims(error),
        })?;

    let issuer = claims.issuer().as_str();
    let directory = directory(claims.additional_claims());
    if !expected
        .keys
        .may_sign_for(kid.as_deref(), issuer, directory)
    {
        return Err(TokenFault::ForeignKey);
    }

    let latest = chrono_time(expected.now + SKEW);
    if claims.issue_time() > latest {
        return Err(TokenFault::Rule("iat is in the future"));
    }
    if let Some(not_before) = &claims.additional_claims().nbf {
        #[expect(
            clippy::cast_precision_loss,
            reason = "seconds since 1970 are exact in an f64"
        )]
        let latest = latest.timestamp() as f64;
        if not_before
            .as_f64()
            .is_none_or(|not_before| not_before > latest)
        {
            return Err(TokenFault::Rule("nbf is in the future"));
        }
    }
    if claims.audiences().len() != 1 {
        return Err(TokenFault::Rule("aud names others beside us"));
    }
    if claims
        .authorized_party()
        .is_some_and(|party| party != expected.client_id)
    {
        return Err(TokenFault::Rule("azp is another client"));
    }
    let subject = claims.subject().as_str();
    if subject.trim().is_empty() || subject.chars().count() > 255 {
        return Err(TokenFault::Rule("sub is empty or too long"));
    }
    if let Some(claimed) = claims.access_token_hash() {
        let actual = token
            .signing_alg()
            .ok()
            .zip(token.signing_key(&verifier).ok())
            .and_then(|(alg, key)| {
                AccessTokenHash::from_token(expected.access_token, alg, key).ok()
            });
        if actual.as_ref() != Some(claimed) {
            return Err(TokenFault::Rule("at_hash belongs to another access token"));
        }
    }
    Ok(claims)
}

fn directory(claims: &ExtraClaims) -> Option<Uuid> {
    claims.tid.as_deref()?.parse().ok()
}

/// The unverified directory of a token, to choose the expected issuer.
pub(super) fn claimed_directory(token: &Token) -> Option<Uuid> {
    directory(&decode_part(token, 1)?)
}

/// The `kid` of the header, which the crate doesn't expose.
fn key_name(token: &Token) -> Result<Option<String>, TokenFault> {
    #[derive(Deserialize)]
    struct Header {
        kid: Option<String>,
    }
    let header: Header = decode_part(token, 0).ok_or(TokenFault::Header)?;
    Ok(header.kid)
}

/// Decodes part `n` of a compact token.
fn decode_part<T: DeserializeOwned>(token: &Token, n: usize) -> Option<T> {
    let text = token.to_string();
    let bytes = URL_SAFE_NO_PAD.decode(text.split('.').nth(n)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Converts to the crate's time type.
pub(super) fn chrono_time(time: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp(time.unix_timestamp(), time.nanosecond()).unwrap_or_default()
}
