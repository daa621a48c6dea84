//! Keys and tokens of the demo's issuer, with the types of `openidconnect`.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Timestamp;
use openidconnect::{
    AccessToken, Audience, EmptyAdditionalClaims, EmptyExtraTokenFields, EndUserEmail, EndUserName,
    IssuerUrl, JsonWebKeyId, Nonce, PrivateSigningKey as _, StandardClaims, SubjectIdentifier,
    core::{
        CoreIdToken, CoreIdTokenClaims, CoreIdTokenFields, CoreJsonWebKeySet,
        CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey, CoreTokenResponse, CoreTokenType,
    },
};
use rsa::pkcs1::{EncodeRsaPrivateKey as _, LineEnding};
use sha2::{Digest as _, Sha256};

use super::DemoPerson;
use crate::auth::token::chrono_time;

const KEY_BITS: usize = 2048;
const LIFETIME: time::Duration = time::Duration::minutes(5);

/// Signs tokens with a key that exists for this run only.
pub(super) struct Signer(CoreRsaPrivateSigningKey);

impl Signer {
    pub(super) fn generate() -> Result<Self, String> {
        let key = rsa::RsaPrivateKey::new(&mut rand::rngs::OsRng, KEY_BITS)
            .map_err(|error| error.to_string())?;
        let pem = key
            .to_pkcs1_pem(LineEnding::LF)
            .map_err(|error| error.to_string())?;
        let id = JsonWebKeyId::new("demo".to_owned());
        CoreRsaPrivateSigningKey::from_pem(&pem, Some(id)).map(Self)
    }

    pub(super) fn keys(&self) -> CoreJsonWebKeySet {
        CoreJsonWebKeySet::new(vec![self.0.as_verification_key()])
    }

    pub(super) fn answer(
        &self,
        issuer: &IssuerUrl,
        client_id: &str,
        person: &DemoPerson,
        nonce: Option<String>,
        access_token: String,
        now: Timestamp,
    ) -> Option<CoreTokenResponse> {
        let access_token = AccessToken::new(access_token);
        let claims = StandardClaims::new(SubjectIdentifier::new(person.subject.to_owned()))
            .set_name(Some(EndUserName::new(person.name.to_owned()).into()))
            .set_email(Some(EndUserEmail::new(person.email.to_owned())));
        let claims = CoreIdTokenClaims::new(
            issuer.clone(),
            vec![Audience::new(client_id.to_owned())],
            chrono_time(now + LIFETIME),
            chrono_time(now),
            claims,
            EmptyAdditionalClaims {},
        )
        .set_nonce(nonce.map(Nonce::new));
        let id_token = CoreIdToken::new(
            claims,
            &self.0,
            CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            Some(&access_token),
            None,
        )
        .ok()?;
        let fields = CoreIdTokenFields::new(Some(id_token), EmptyExtraTokenFields {});
        Some(CoreTokenResponse::new(
            access_token,
            CoreTokenType::Bearer,
            fields,
        ))
    }
}

/// The S256 code challenge of a verifier (RFC 7636).
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}
