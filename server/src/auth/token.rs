//! Whether an ID token may be believed (SEC-A3 to A6, A8).
//!
//! `openidconnect` checks signature, `iss`, `aud`, `exp` and `nonce`. What it
//! leaves open is checked here: `nbf`, `iat`, `azp`, a sole audience, a key
//! that is named where there are several, `at_hash`.

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

/// How far the issuer's clock and ours may be apart (SEC-A6).
pub(super) const SKEW: time::Duration = time::Duration::seconds(60);

/// Claims beside the standard ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ExtraClaims {
    /// Not valid before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<serde_json::Number>,
    /// Entra: the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tid: Option<String>,
    /// Entra: the person in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oid: Option<String>,
    /// The session at the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The groups that the person is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Value>,
    /// Entra: the app roles that the person was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Value>,
    /// Claims that are elsewhere (OpenID Connect Core, section 5.6.2). Only
    /// their names count: where they are said to be is never asked.
    #[serde(
        default,
        rename = "_claim_names",
        skip_serializing_if = "Option::is_none"
    )]
    pub claim_names: Option<Value>,
    /// Entra, in its other spelling: there are more groups than fit.
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
pub(super) type TokenAnswer = StandardTokenResponse<TokenFields, CoreTokenType>;

/// `openidconnect`'s client with [`ExtraClaims`], made from discovery.
pub(super) type RelyingParty = Client<
    ExtraClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    TokenAnswer,
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

/// What a token must agree with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub issuer: &'a IssuerUrl,
    pub client_id: &'a ClientId,
    pub keys: &'a KeySet,
    /// Beside RS256, which every issuer has.
    pub algorithms: &'a [CoreJwsSigningAlgorithm],
    pub nonce: Nonces<'a>,
    pub access_token: &'a AccessToken,
    pub now: Timestamp,
}

/// Which nonce a token carries.
#[derive(Clone, Copy, Debug)]
pub(super) enum Nonces<'a> {
    /// The one of this sign-in.
    QueryParams(&'a Nonce),
    /// Tokens are renewed without one.
    NotAsked,
}

impl NonceVerifier for Nonces<'_> {
    fn verify(self, claimed: Option<&Nonce>) -> Result<(), String> {
        match self {
            Self::QueryParams(asked) => asked.verify(claimed),
            Self::NotAsked => Ok(()),
        }
    }
}

/// Why a token is not believed.
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
    /// Whether newer keys could change the verdict.
    pub(super) fn may_be_stale_keys(&self, token: &Token) -> bool {
        match self {
            Self::UnknownKey | Self::KeyNotNamed => true,
            // Without a name the only key was tried; it may be yesterday's.
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

/// The claims of a token that holds in every respect.
///
/// # Errors
/// The first rule that it breaks.
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

    // As for a public client, even with a secret: the secret must never serve
    // as a key with which somebody who knows it signs tokens (HS256).
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
        // The crate knows no skew: it is told an earlier time.
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
    if !expected.keys.speak_for(kid.as_deref(), issuer, directory) {
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

/// The directory that claims name.
fn directory(claims: &ExtraClaims) -> Option<Uuid> {
    claims.tid.as_deref()?.parse().ok()
}

/// The directory that a token claims to be of, before anything of it is
/// believed: to know which issuer it must be from.
pub(super) fn claimed_directory(token: &Token) -> Option<Uuid> {
    directory(&part(token, 1)?)
}

/// The `kid` of the header, which the crate keeps to itself.
fn key_name(token: &Token) -> Result<Option<String>, TokenFault> {
    #[derive(Deserialize)]
    struct Header {
        kid: Option<String>,
    }
    let header: Header = part(token, 0).ok_or(TokenFault::Header)?;
    Ok(header.kid)
}

/// One of a compact token's parts.
fn part<T: DeserializeOwned>(token: &Token, n: usize) -> Option<T> {
    let text = token.to_string();
    let bytes = URL_SAFE_NO_PAD.decode(text.split('.').nth(n)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Our time in the crate's type.
pub(super) fn chrono_time(time: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp(time.unix_timestamp(), time.nanosecond()).unwrap_or_default()
}
