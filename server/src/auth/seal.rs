//! Encryption of stored tokens (SEC-A12): AES-256-GCM under a key derived for
//! this purpose, with session and organisation as associated data.

use std::fmt;

use aes_gcm::{
    Aes256Gcm, Key, KeyInit as _,
    aead::{Aead as _, Payload},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{SessionId, TenantId};
use hkdf::Hkdf;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

/// The purpose that the key is derived for, which is also the format version.
const PURPOSE: &[u8] = b"atrium session tokens v1";
const NONCE_BYTES: usize = 12;

/// The deployment's secret, from which all keys are derived.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("master_key: it is 32 bytes in base64; make one with `openssl rand -base64 32`.")]
pub struct MasterKeyError;

impl MasterKey {
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Derives the key for one purpose.
    ///
    /// # Panics
    /// Never: HKDF-SHA256 can output 32 bytes.
    pub fn derive(&self, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, self.0.as_ref())
            .expand(purpose, key.as_mut())
            .expect("32 bytes are within what HKDF-SHA256 gives");
        key
    }

    /// Parses 32 bytes in base64.
    pub fn from_base64(text: &SecretString) -> Result<Self, MasterKeyError> {
        let bytes = Zeroizing::new(
            STANDARD
                .decode(text.expose_secret().trim())
                .map_err(|_| MasterKeyError)?,
        );
        let bytes = bytes.as_slice().try_into().map_err(|_| MasterKeyError)?;
        Ok(Self::new(bytes))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(redacted)")
    }
}

/// The stored tokens: enough to renew the session and to end it at the issuer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tokens {
    /// Sent to the issuer as a hint at sign-out.
    pub id_token: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(redacted)")
    }
}

/// Encrypts and decrypts [`Tokens`].
#[derive(Clone)]
pub(super) struct Sealer(Aes256Gcm);

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    pub(super) fn new(master: &MasterKey) -> Self {
        let key = master.derive(PURPOSE);
        Self(Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(key.as_ref())))
    }

    /// Returns the nonce followed by the ciphertext; `None` if encryption
    /// fails, and the session then has no tokens.
    pub(super) fn seal(
        &self,
        nonce: [u8; NONCE_BYTES],
        tenant: TenantId,
        session: SessionId,
        tokens: &Tokens,
    ) -> Option<Vec<u8>> {
        let mut plain = serde_json::to_vec(tokens).ok()?;
        let payload = Payload {
            msg: &plain,
            aad: &associated_data(tenant, session),
        };
        let sealed = self.0.encrypt(&nonce.into(), payload).ok();
        plain.zeroize();
        Some([&nonce[..], &sealed?].concat())
    }

    /// `None` unless this key encrypted it for this session.
    pub(super) fn open(
        &self,
        tenant: TenantId,
        session: SessionId,
        sealed: &[u8],
    ) -> Option<Tokens> {
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_BYTES)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().ok()?;
        let payload = Payload {
            msg: ciphertext,
            aad: &associated_data(tenant, session),
        };
        let plain = Zeroizing::new(self.0.decrypt(&nonce.into(), payload).ok()?);
        serde_json::from_slice(&plain).ok()
    }
}

/// Associated data, so that ciphertext copied to another row doesn't decrypt.
fn associated_data(tenant: TenantId, session: SessionId) -> Vec<u8> {
    [PURPOSE, tenant.0.as_bytes(), session.0.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    // SEC-A12
    #[test]
    fn tokens_decrypt_only_with_their_key_and_row() {
        let sealer = Sealer::new(&MasterKey::new([7; 32]));
        let (tenant, session) = (TenantId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)));
        let tokens = Tokens {
            id_token: "canary".into(),
            refresh_token: Some("second".into()),
        };
        let encrypted = sealer.seal([9; 12], tenant, session, &tokens).unwrap();

        assert_eq!(
            sealer.open(tenant, session, &encrypted),
            Some(tokens.clone())
        );
        assert!(!encrypted.windows(6).any(|w| w == b"canary"));
        assert!(!format!("{tokens:?}").contains("canary"));

        let other = Uuid::from_u128(3);
        assert_eq!(sealer.open(TenantId(other), session, &encrypted), None);
        assert_eq!(sealer.open(tenant, SessionId(other), &encrypted), None);
        assert_eq!(
            Sealer::new(&MasterKey::new([8; 32])).open(tenant, session, &encrypted),
            None
        );
        for i in 0..encrypted.len() {
            let mut changed = encrypted.clone();
            changed[i] ^= 1;
            assert_eq!(sealer.open(tenant, session, &changed), None, "byte {i}");
        }
        for length in 0..=NONCE_BYTES {
            assert_eq!(sealer.open(tenant, session, &encrypted[..length]), None);
        }
    }

    // SEC-D1, SEC-G: one key for one purpose.
    #[test]
    fn keys_differ_by_purpose() {
        let master = MasterKey::new([7; 32]);
        assert_eq!(master.derive(b"a"), master.derive(b"a"));
        assert_ne!(master.derive(b"a"), master.derive(b"b"));
        assert_ne!(*master.derive(b""), [7; 32]);
        assert_ne!(master.derive(b"a"), MasterKey::new([8; 32]).derive(b"a"));
    }

    #[test]
    fn master_key_is_32_bytes_in_base64() {
        let parse = |text: &str| MasterKey::from_base64(&text.to_owned().into());
        assert!(parse(&STANDARD.encode([1; 32])).is_ok());
        assert!(parse(&format!("{}\n", STANDARD.encode([1; 32]))).is_ok());
        for bad in [
            "",
            "hunter2",
            &STANDARD.encode([1; 31]),
            &STANDARD.encode([1; 33]),
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
