//! The deployment's secret, from which a key is derived for each purpose.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hkdf::Hkdf;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use zeroize::Zeroizing;

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

#[cfg(test)]
mod tests {
    use super::*;

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
