//! Secrets that are handed out as text and stored as a hash: API keys and
//! invite tokens.
//!
//! The format is a prefix such as `atr_`, 160 random bits in base62 and the
//! CRC-32 of everything before it, also in base62. The prefix identifies the
//! secret for people and secret scanners and keeps the kinds apart; the
//! checksum tells a truncated or mistyped secret from an unknown one.

use std::fmt;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::Ids;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_BYTES: usize = 20;
/// 62^27 is the first power above 2^160.
const RANDOM_CHARS: usize = 27;
/// 62^6 is the first power above 2^32.
const CHECK_CHARS: usize = 6;
/// Random characters that stay visible in lists.
const VISIBLE_CHARS: usize = 4;

/// The use of a secret; one kind is never accepted as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretKind {
    ApiKey,
    /// The token in an invite's link.
    Invite,
}

impl SecretKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::ApiKey => "atr_",
            Self::Invite => "atri_",
        }
    }
}

/// A complete secret, zeroed in memory on drop.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    pub(crate) fn make(kind: SecretKind, ids: &Ids) -> Self {
        let random = Zeroizing::new(ids.bytes::<RANDOM_BYTES>());
        let mut text = Zeroizing::new(String::with_capacity(64));
        text.push_str(kind.prefix());
        text.push_str(&Zeroizing::new(base62::<RANDOM_CHARS>(random.as_slice())));
        let check = checksum(&text);
        text.push_str(&check);
        Self(text)
    }

    /// `None` if the text is not well-formed for this kind; no database access.
    pub(crate) fn parse(kind: SecretKind, text: &str) -> Option<Self> {
        let (body, check) = text.split_at_checked(text.len().checked_sub(CHECK_CHARS)?)?;
        let random = body.strip_prefix(kind.prefix())?;
        let is_valid = random.len() == RANDOM_CHARS
            && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && checksum(body) == check;
        is_valid.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The SHA-256 hash that is stored instead of the secret.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The prefix and first characters, which may be displayed.
    pub(crate) fn shown(&self) -> &str {
        let prefix = self.0.find('_').map_or(0, |at| at + 1);
        &self.0[..prefix + VISIBLE_CHARS]
    }

    /// The complete secret.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

fn checksum(body: &str) -> String {
    base62::<CHECK_CHARS>(&crc32fast::hash(body.as_bytes()).to_be_bytes())
}

/// A big-endian number in `N` base62 digits, most significant first.
fn base62<const N: usize>(number: &[u8]) -> String {
    let mut number = Zeroizing::new(number.to_vec());
    let mut digits = Zeroizing::new([0; N]);
    for digit in digits.iter_mut().rev() {
        // Long division by 62; the remainder is the next digit.
        let mut rest = 0_u16;
        for byte in number.iter_mut() {
            let part = rest << 8 | u16::from(*byte);
            *byte = u8::try_from(part / 62).expect("61 × 256 + 255 is below 62 × 256");
            rest = part % 62;
        }
        *digit = ALPHABET[usize::from(rest)];
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use super::*;
    use crate::{Clock, Entropy};

    fn ids(byte: u8) -> Ids {
        Ids::new(
            Clock::system(),
            Entropy::from_fn(move |buffer| buffer.fill(byte)),
        )
    }

    #[test]
    fn numbers_encode_to_base62() {
        assert_eq!(base62::<3>(&[0]), "000");
        assert_eq!(base62::<3>(&[61]), "00z");
        assert_eq!(base62::<3>(&[62]), "010");
        assert_eq!(base62::<6>(&u32::MAX.to_be_bytes()), "4gfFC3");
        // The largest number fits exactly, so nothing is truncated.
        let largest = base62::<RANDOM_CHARS>(&[0xff; RANDOM_BYTES]);
        assert_eq!(base62::<28>(&[0xff; RANDOM_BYTES]), format!("0{largest}"));
        assert_ne!(&largest[..1], "0");
    }

    // SEC-D5
    #[test]
    fn secret_has_160_random_bits_and_a_checksum() {
        let secret = Secret::make(SecretKind::ApiKey, &ids(0xa5));
        let text = secret.expose();
        assert_eq!(text.len(), 4 + RANDOM_CHARS + CHECK_CHARS);
        assert!(text.starts_with("atr_"));
        assert_eq!(secret.shown(), &text[..8]);
        assert_eq!(
            Secret::parse(SecretKind::ApiKey, text).unwrap().hash(),
            secret.hash()
        );

        let random_bits = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let entropy = Entropy::from_fn({
            let random_bits = random_bits.clone();
            move |buffer| {
                random_bits.fetch_add(buffer.len() * 8, std::sync::atomic::Ordering::Relaxed);
            }
        });
        Secret::make(SecretKind::ApiKey, &Ids::new(Clock::system(), entropy));
        assert_eq!(random_bits.load(std::sync::atomic::Ordering::Relaxed), 160);

        let real = Ids::new(Clock::system(), Entropy::system());
        let secrets: BTreeSet<_> = (0..1_000)
            .map(|_| Secret::make(SecretKind::ApiKey, &real).expose().to_owned())
            .collect();
        assert_eq!(secrets.len(), 1_000);
    }

    // SEC-D5
    #[test]
    fn malformed_secrets_are_rejected() {
        let secret = Secret::make(SecretKind::ApiKey, &ids(7));
        let text = secret.expose();
        let parse = |text: &str| Secret::parse(SecretKind::ApiKey, text);
        for bad in [
            "",
            "atr_",
            "atr",
            "é",
            "éééééé",
            "' OR 1=1 --",
            &format!("{text} "),
            &format!(" {text}"),
            &text[1..],
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
        for length in 0..text.len() {
            assert!(parse(&text[..length]).is_none(), "{length}");
        }
        for (at, old) in text.char_indices() {
            for new in ['0', 'Z', '_', 'é'] {
                if new != old {
                    let mut changed = text.to_owned();
                    changed.replace_range(at..=at, new.encode_utf8(&mut [0; 4]));
                    assert!(parse(&changed).is_none(), "{changed}");
                }
            }
        }
        assert!(parse(&text.to_lowercase()).is_none());
    }

    // SEC-D3, SEC-D5
    #[test]
    fn debug_output_hides_the_secret() {
        let secret = Secret::make(SecretKind::ApiKey, &ids(7));
        assert!(!format!("{secret:?}").contains(&secret.expose()[4..]));
    }
}
