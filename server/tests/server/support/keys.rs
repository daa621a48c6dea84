//! Keys and signatures of the hostile issuer, built by hand so that each part
//! can be wrong.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use rsa::{Pkcs1v15Sign, Pss, RsaPrivateKey, traits::PublicKeyParts as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Three keys, each created when first used.
static RSA: [LazyLock<RsaPrivateKey>; 3] = [const { LazyLock::new(rsa_key) }; 3];

fn rsa_key() -> RsaPrivateKey {
    RsaPrivateKey::new(&mut rand::rngs::OsRng, 2048).unwrap()
}

fn ec_key(n: usize) -> SigningKey {
    SigningKey::from_slice(&[u8::try_from(n).unwrap() + 1; 32]).unwrap()
}

/// How a token is signed.
#[derive(Clone, Debug)]
pub(crate) enum Sign {
    /// With RSA key `n`.
    Rs256(usize),
    /// With RSA key `n`, PSS.
    Ps256(usize),
    /// With EC key `n`.
    Es256(usize),
    /// With a shared secret.
    Hs256(Vec<u8>),
    /// Not at all.
    None,
}

impl Sign {
    pub(crate) fn alg(&self) -> &'static str {
        match self {
            Self::Rs256(_) => "RS256",
            Self::Ps256(_) => "PS256",
            Self::Es256(_) => "ES256",
            Self::Hs256(_) => "HS256",
            Self::None => "none",
        }
    }

    /// The compact form of a token.
    pub(crate) fn token(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = match self {
            Self::Rs256(n) => {
                let digest = Sha256::digest(&message);
                RSA[*n]
                    .sign(Pkcs1v15Sign::new::<Sha256>(), &digest)
                    .unwrap()
            }
            Self::Ps256(n) => {
                let digest = Sha256::digest(&message);
                RSA[*n]
                    .sign_with_rng(&mut rand::rngs::OsRng, Pss::new::<Sha256>(), &digest)
                    .unwrap()
            }
            Self::Es256(n) => {
                let signature: Signature = ec_key(*n).sign(message.as_bytes());
                signature.to_bytes().to_vec()
            }
            Self::Hs256(secret) => {
                let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
                mac.update(message.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
            Self::None => Vec::new(),
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// RSA key `n` as its issuer publishes it.
pub(crate) fn rsa_jwk(n: usize, kid: Option<&str>) -> Value {
    let key = &*RSA[n];
    let mut jwk = json!({
        "kty": "RSA",
        "use": "sig",
        "n": URL_SAFE_NO_PAD.encode(key.n().to_bytes_be()),
        "e": URL_SAFE_NO_PAD.encode(key.e().to_bytes_be()),
    });
    if let Some(kid) = kid {
        jwk["kid"] = json!(kid);
    }
    jwk
}

/// The modulus of RSA key `n`, which is public.
pub(crate) fn rsa_modulus(n: usize) -> Vec<u8> {
    RSA[n].n().to_bytes_be()
}

/// EC key `n` as its issuer publishes it.
pub(crate) fn ec_jwk(n: usize, kid: &str) -> Value {
    let point = ec_key(n).verifying_key().to_sec1_point(false);
    json!({
        "kty": "EC",
        "use": "sig",
        "crv": "P-256",
        "kid": kid,
        "x": URL_SAFE_NO_PAD.encode(point.x().unwrap()),
        "y": URL_SAFE_NO_PAD.encode(point.y().unwrap()),
    })
}
