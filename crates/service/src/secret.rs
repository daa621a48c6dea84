//! Secrets that Atrium gives out as text and keeps as a hash: API keys, the
//! tokens of invites.
//!
//! `atr_` + 160 random bits in base62 + the CRC-32 of what stands before it,
//! in base62 as well. The beginning tells people and secret scanners what it
//! is, and that one kind can't pass for another; the checksum tells a secret
//! that was cut or mistyped from one that is not known.

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
/// Random characters that are shown after the secret is gone.
const SHOWN_CHARS: usize = 4;

/// What a secret is for. Each kind opens its own door only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretKind {
    /// A program's key.
    ApiKey,
    /// What stands in the link of an invite.
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

/// A whole secret, wiped from memory when it is let go.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    /// A new one that nobody can guess.
    pub(crate) fn make(kind: SecretKind, ids: &Ids) -> Self {
        let random = Zeroizing::new(ids.bytes::<RANDOM_BYTES>());
        let mut text = Zeroizing::new(String::with_capacity(64));
        text.push_str(kind.prefix());
        text.push_str(&Zeroizing::new(base62::<RANDOM_CHARS>(random.as_slice())));
        let check = checksum(&text);
        text.push_str(&check);
        Self(text)
    }

    /// Takes what somebody brought, if it can be one of this kind: without
    /// asking anybody.
    pub(crate) fn parse(kind: SecretKind, text: &str) -> Option<Self> {
        let (body, check) = text.split_at_checked(text.len().checked_sub(CHECK_CHARS)?)?;
        let random = body.strip_prefix(kind.prefix())?;
        let is_whole = random.len() == RANDOM_CHARS
            && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && checksum(body) == check;
        is_whole.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// As which it is kept.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// How it begins, for showing.
    pub(crate) fn shown(&self) -> &str {
        let prefix = self.0.find('_').map_or(0, |at| at + 1);
        &self.0[..prefix + SHOWN_CHARS]
    }

    /// The secret itself, for the one who asked for it.
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

/// A number in `N` digits of base 62, the most significant one first.
fn base62<const N: usize>(number: &[u8]) -> String {
    let mut number = Zeroizing::new(number.to_vec());
    let mut digits = Zeroizing::new([0; N]);
    for digit in digits.iter_mut().rev() {
        // Long division by 62; the rest is the next digit.
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
    fn numbers_are_written_to_the_base_of_62() {
        assert_eq!(base62::<3>(&[0]), "000");
        assert_eq!(base62::<3>(&[61]), "00z");
        assert_eq!(base62::<3>(&[62]), "010");
        assert_eq!(base62::<6>(&u32::MAX.to_be_bytes()), "4gfFC3");
        // The largest number fits its digits exactly: nothing was cut off.
        let largest = base62::<RANDOM_CHARS>(&[0xff; RANDOM_BYTES]);
        assert_eq!(base62::<28>(&[0xff; RANDOM_BYTES]), format!("0{largest}"));
        assert_ne!(&largest[..1], "0");
    }

    // SEC-D5
    #[test]
    fn a_secret_holds_160_random_bits_and_a_checksum() {
        let secret = Secret::make(SecretKind::ApiKey, &ids(0xa5));
        let text = secret.expose();
        assert_eq!(text.len(), 4 + RANDOM_CHARS + CHECK_CHARS);
        assert!(text.starts_with("atr_"));
        assert_eq!(secret.shown(), &text[..8]);
        assert_eq!(
            Secret::parse(SecretKind::ApiKey, text).unwrap().hash(),
            secret.hash()
        );

        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let entropy = Entropy::from_fn({
            let asked = asked.clone();
            move |buffer| {
                asked.fetch_add(buffer.len() * 8, std::sync::atomic::Ordering::Relaxed);
            }
        });
        Secret::make(SecretKind::ApiKey, &Ids::new(Clock::system(), entropy));
        assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 160);

        let real = Ids::new(Clock::system(), Entropy::system());
        let many: BTreeSet<_> = (0..1_000)
            .map(|_| Secret::make(SecretKind::ApiKey, &real).expose().to_owned())
            .collect();
        assert_eq!(many.len(), 1_000);
    }

    // SEC-D5
    #[test]
    fn whatever_was_not_made_here_is_refused_without_asking() {
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
    fn a_secret_is_not_in_its_debug() {
        let secret = Secret::make(SecretKind::ApiKey, &ids(7));
        assert!(!format!("{secret:?}").contains(&secret.expose()[4..]));
    }
}
