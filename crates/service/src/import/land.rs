//! Converts a record of a file to a memory: fills in defaults and rejects
//! invalid records with a reason.

use domain::{
    AppError, PersonaId, Timestamp,
    memory::{MAX_SESSION_CHARS, MemoryAttributes, MemoryText, NewMemory, Origin},
};
use interchange::{Item, Record};
use sha2::{Digest, Sha256};
use store::import::EarlierVersion;

const MAX_PERSONA_CHARS: usize = 50;
const MAX_REASON_CHARS: usize = 500;

/// The problem with a persona's name, if any; an empty one is valid.
pub(super) fn persona_problem(name: &str) -> Option<String> {
    let bad = name.trim().chars().count() > MAX_PERSONA_CHARS || name.chars().any(char::is_control);
    bad.then(|| {
        format!(
            "A persona’s name has at most {MAX_PERSONA_CHARS} characters and no control character."
        )
    })
}

/// Replaces a record that can't become a memory by the reason, so that the
/// database never rejects one. Only the persona's id is still missing then.
pub(super) fn checked(item: Item, now: Timestamp) -> Item {
    let record = item.record.and_then(|record| match problem(&record, now) {
        None => Ok(record),
        Some(reason) => Err(reason),
    });
    Item { record, ..item }
}

fn problem(record: &Record, now: Timestamp) -> Option<String> {
    if let Some(reason) = record.persona.as_deref().and_then(persona_problem) {
        return Some(reason);
    }
    if record
        .attributes
        .expires_at
        .flatten()
        .is_some_and(|at| at <= now)
    {
        return Some("It has already expired.".to_owned());
    }
    let too_long =
        |reason: &String| reason.chars().count() > MAX_REASON_CHARS || reason.contains('\0');
    if record
        .earlier
        .iter()
        .filter_map(|earlier| earlier.change_reason.as_ref())
        .any(too_long)
    {
        return Some(format!(
            "A reason for a change has at most {MAX_REASON_CHARS} characters."
        ));
    }
    new_memory(record, None, now)
        .err()
        .map(|error| match error {
            AppError::Invalid { fields } => fields
                .into_iter()
                .map(|field| field.message)
                .collect::<Vec<_>>()
                .join(" "),
            other => other.to_string(),
        })
}

/// The memory that a record becomes.
pub(super) fn new_memory(
    record: &Record,
    persona_id: Option<PersonaId>,
    now: Timestamp,
) -> Result<NewMemory, AppError> {
    let session = record.source_session_id.as_deref().map(str::trim);
    Ok(NewMemory {
        text: record.text.clone(),
        attributes: record
            .attributes
            .apply_to(MemoryAttributes::default(), now)?,
        persona_id,
        origin: record
            .origin
            .as_deref()
            .and_then(Origin::from_key)
            .unwrap_or(Origin::Import),
        // An invalid session id is dropped instead of failing the record.
        source_session_id: session
            .filter(|session| {
                !session.is_empty()
                    && session.chars().count() <= MAX_SESSION_CHARS
                    && !session.chars().any(char::is_control)
            })
            .map(str::to_owned),
    })
}

/// Creation and last change of a record, clamped so that neither is in the
/// future and the change is not before the creation.
pub(super) fn moments(record: &Record, now: Timestamp) -> (Timestamp, Timestamp) {
    let created = record
        .created_at
        .or(record.updated_at)
        .unwrap_or(now)
        .min(now);
    let updated = record
        .updated_at
        .or(record.created_at)
        .unwrap_or(now)
        .min(now);
    (created, updated.max(created))
}

/// The earlier versions of a record.
pub(super) fn earlier(record: &Record, now: Timestamp) -> Vec<EarlierVersion> {
    record
        .earlier
        .iter()
        .map(|earlier| EarlierVersion {
            version: earlier.version,
            text: earlier.text.clone(),
            changed_at: earlier.changed_at.min(now),
            change_reason: earlier.change_reason.clone(),
        })
        .collect()
}

/// Identifies duplicates: a digest of the record's text, kind, tags and its key
/// in the file.
pub(super) fn digest_of(record: &Record) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    };
    let MemoryText {
        title,
        content,
        kind,
        tags,
    } = &record.text;
    for text in [title.as_str(), content, kind.key()] {
        part(text);
    }
    for tag in tags {
        part(tag);
    }
    if let Some(key) = &record.key {
        hash.update([0xff]);
        hash.update(key);
    }
    hash.finalize().into()
}
