//! Signed notes, version 1.0.0 of <https://c2sp.org/signed-note>, with Ed25519
//! signatures.

use std::{fmt, str::FromStr};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The signature type for Ed25519 over the text.
const ED25519: u8 = 1;
const DASH: &str = "\u{2014} ";
/// More than one, because other keys may cosign.
const MAX_SIGNATURES: usize = 64;

/// An error of parsing or verifying a note or a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("it is not a signed note: {0}")]
    Malformed(&'static str),
    #[error("it is not a verifier key: name+hash+base64 of an Ed25519 key")]
    Key,
    /// The note has no signature of the key.
    #[error("it has no signature of the key {0}")]
    Unsigned(KeyId),
    /// A signature under the key's name and id does not verify.
    #[error("the signature of the key {0} does not fit the text")]
    Forged(KeyId),
}

/// The first four bytes of a hash over a key and its name. Identifies a key but
/// proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(pub [u8; 4]);

impl KeyId {
    fn new(name: &str, public_key: &[u8; 32]) -> Self {
        let digest = Sha256::new()
            .chain_update(name)
            .chain_update(b"\n")
            .chain_update([ED25519])
            .chain_update(public_key)
            .finalize();
        Self([digest[0], digest[1], digest[2], digest[3]])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

fn is_valid_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+' || c.is_control())
}

/// A signing key and its name.
#[derive(Clone)]
pub struct NoteKey {
    name: String,
    key: SigningKey,
}

impl fmt::Debug for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteKey({})", self.verifier())
    }
}

impl NoteKey {
    /// Derives the key from its seed.
    ///
    /// # Errors
    /// [`NoteError::Key`] for a name that is empty or contains white space,
    /// control characters or `+`.
    pub fn new(name: &str, seed: &Zeroizing<[u8; 32]>) -> Result<Self, NoteError> {
        if !is_valid_name(name) {
            return Err(NoteError::Key);
        }
        Ok(Self {
            name: name.to_owned(),
            key: SigningKey::from_bytes(seed),
        })
    }

    /// The public key.
    pub fn verifier(&self) -> NoteVerifier {
        NoteVerifier {
            name: self.name.clone(),
            key: self.key.verifying_key(),
        }
    }

    /// Signs a text, which must end with a newline.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] for a text without a final newline or with
    /// control characters.
    pub fn sign(&self, text: &str) -> Result<String, NoteError> {
        check_text(text)?;
        let id = self.verifier().id();
        let signature = self.key.sign(text.as_bytes());
        let signature = BASE64_STANDARD.encode([&id.0[..], &signature.to_bytes()].concat());
        Ok(format!("{text}\n{DASH}{} {signature}\n", self.name))
    }
}

/// A public key and its name. Its text form is `name+hash+base64`, the verifier
/// key format of the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteVerifier {
    name: String,
    key: VerifyingKey,
}

impl NoteVerifier {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn id(&self) -> KeyId {
        KeyId::new(&self.name, self.key.as_bytes())
    }

    /// The same key under another name.
    ///
    /// # Errors
    /// [`NoteError::Key`] for a name that is empty or contains white space,
    /// control characters or `+`.
    pub fn renamed(&self, name: &str) -> Result<Self, NoteError> {
        if !is_valid_name(name) {
            return Err(NoteError::Key);
        }
        Ok(Self {
            name: name.to_owned(),
            key: self.key,
        })
    }

    /// Checks that the note is signed by this key.
    ///
    /// # Errors
    /// [`NoteError::Unsigned`] without a signature of this key;
    /// [`NoteError::Forged`] if any signature that claims to be of this key
    /// does not verify.
    pub fn verify(&self, note: &Note) -> Result<(), NoteError> {
        let id = self.id();
        let is_ours =
            |signature: &&NoteSignature| signature.name == self.name && signature.key == id;
        let mut has_signature = false;
        for signature in note.signatures.iter().filter(is_ours) {
            has_signature = true;
            let bytes = <[u8; 64]>::try_from(signature.bytes.as_slice());
            let is_valid = bytes.is_ok_and(|bytes| {
                let signature = Signature::from_bytes(&bytes);
                let text = note.text.as_bytes();
                self.key.verify_strict(text, &signature).is_ok()
            });
            if !is_valid {
                return Err(NoteError::Forged(id));
            }
        }
        if has_signature {
            Ok(())
        } else {
            Err(NoteError::Unsigned(id))
        }
    }
}

impl fmt::Display for NoteVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = BASE64_STANDARD.encode([&[ED25519][..], self.key.as_bytes()].concat());
        write!(f, "{}+{}+{key}", self.name, self.id())
    }
}

impl FromStr for NoteVerifier {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key);
        };
        let key = BASE64_STANDARD.decode(key).map_err(|_| NoteError::Key)?;
        let Some((&ED25519, key)) = key.split_first() else {
            return Err(NoteError::Key);
        };
        let key = <[u8; 32]>::try_from(key).map_err(|_| NoteError::Key)?;
        let key = VerifyingKey::from_bytes(&key).map_err(|_| NoteError::Key)?;
        let verifier = Self {
            name: name.to_owned(),
            key,
        };
        if !is_valid_name(name) || verifier.id().to_string() != id {
            return Err(NoteError::Key);
        }
        Ok(verifier)
    }
}

/// An unverified signature of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// The name of the key.
    pub name: String,
    pub key: KeyId,
    bytes: Vec<u8>,
}

/// A parsed note, not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The signed text, with its final newline.
    pub text: String,
    /// At least one.
    pub signatures: Vec<NoteSignature>,
}

impl FromStr for Note {
    type Err = NoteError;

    fn from_str(note: &str) -> Result<Self, NoteError> {
        let malformed = |reason| NoteError::Malformed(reason);
        let split = note
            .rfind("\n\n")
            .ok_or_else(|| malformed("no empty line"))?;
        let (text, signatures) = (&note[..=split], &note[split + 2..]);
        check_text(text)?;
        let signatures = signatures
            .strip_suffix('\n')
            .ok_or_else(|| malformed("no newline at its end"))?;
        if signatures.split('\n').count() > MAX_SIGNATURES {
            return Err(malformed("too many signatures"));
        }
        let signatures = signatures
            .split('\n')
            .map(|line| parse_signature(line).ok_or_else(|| malformed("a bad signature line")))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            text: text.to_owned(),
            signatures,
        })
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if !text.ends_with('\n') {
        return Err(NoteError::Malformed("no newline at the end of its text"));
    }
    if text.contains(|c: char| c < ' ' && c != '\n') {
        return Err(NoteError::Malformed("control characters"));
    }
    Ok(())
}

fn parse_signature(line: &str) -> Option<NoteSignature> {
    let (name, encoded) = line.strip_prefix(DASH)?.split_once(' ')?;
    let bytes = BASE64_STANDARD.decode(encoded).ok()?;
    let (id, bytes) = bytes.split_first_chunk::<4>()?;
    (is_valid_name(name) && !bytes.is_empty()).then(|| NoteSignature {
        name: name.to_owned(),
        key: KeyId(*id),
        bytes: bytes.to_vec(),
    })
}

impl Note {
    /// Splits a file of concatenated notes. Does not support notes whose text
    /// contains empty lines; checkpoints have none.
    pub fn in_file(file: &str) -> Vec<Result<Self, NoteError>> {
        let mut notes = Vec::new();
        let mut current = String::new();
        let mut in_signatures = false;
        let mut finish = |current: &mut String| {
            let note = std::mem::take(current);
            if !note.trim().is_empty() {
                notes.push(note.parse());
            }
        };
        for line in file.lines() {
            let is_signature = line.starts_with(DASH);
            let starts_new_note = in_signatures && !is_signature
                || current.ends_with("\n\n") && !is_signature && !line.is_empty();
            if starts_new_note {
                finish(&mut current);
                in_signatures = false;
            }
            in_signatures |= is_signature;
            // Empty lines between notes belong to neither.
            let is_gap = line.is_empty() && (current.is_empty() || current.ends_with("\n\n"));
            if !is_gap {
                current.push_str(line);
                current.push('\n');
            }
        }
        finish(&mut current);
        notes
    }
}

#[cfg(test)]
mod tests;
