//! Encryption of stored tokens (SEC-A12): AES-256-GCM under a key of its own,
//! with session and organisation as associated data.

use std::fmt;

use aes_gcm::{
    Aes256Gcm, Key, KeyInit as _,
    aead::{Aead as _, Payload},
};
use domain::{SessionId, TenantId};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

const NONCE_BYTES: usize = 12;

/// The stored tokens: enough to renew the session and to end it at the issuer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
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
pub struct TokenSealer(Aes256Gcm);

impl fmt::Debug for TokenSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSealer")
    }
}

impl TokenSealer {
    /// The purpose to derive the key for, which is also the format version.
    pub const PURPOSE: &'static [u8] = b"atrium session tokens v1";

    pub fn new(key: &Zeroizing<[u8; 32]>) -> Self {
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
    [
        TokenSealer::PURPOSE,
        tenant.0.as_bytes(),
        session.0.as_bytes(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    // SEC-A12
    #[test]
    fn tokens_decrypt_only_with_their_key_and_row() {
        let sealer = TokenSealer::new(&Zeroizing::new([7; 32]));
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
            TokenSealer::new(&Zeroizing::new([8; 32])).open(tenant, session, &encrypted),
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
}
