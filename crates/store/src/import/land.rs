//! Creates memories from the records of imported files.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
};

use domain::{
    MemoryId, PersonaId, Timestamp,
    memory::{MemoryKind, MemoryText, NewMemory, Origin, Visibility},
};

use crate::{
    StoreError, TenantTx,
    memory::{NewRow, memory_insert},
};

/// A record of an imported file.
#[derive(Clone, Debug)]
pub struct ImportedMemory {
    /// The id of the memory, if it is created.
    pub id: MemoryId,
    pub memory: NewMemory,
    /// The memory that it replies to, one of [`import_parents`].
    pub parent_id: Option<MemoryId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i32,
    pub earlier: Vec<EarlierVersion>,
    /// SHA-256 of the record: a member can import a record only once.
    pub digest: [u8; 32],
}

/// A version of an imported memory before a change.
#[derive(Clone, Debug)]
pub struct EarlierVersion {
    /// Lower than the memory's own version.
    pub version: i32,
    pub text: MemoryText,
    /// When this version was replaced.
    pub changed_at: Timestamp,
    /// At most 500 characters.
    pub change_reason: Option<String>,
}

/// A memory that imported replies can be attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParentMemory {
    pub id: MemoryId,
    /// Digest of the record that it was created from.
    pub digest: [u8; 32],
}

/// Creates private memories of the member from a file's records, with their
/// earlier versions. Returns the ids of the new ones; the others existed
/// already.
///
/// # Errors
/// [`StoreError::Constraint`] if a record breaks a rule that its types should
/// have ensured, or names somebody else's persona; then none is created.
pub async fn memory_insert_imported(
    tx: &mut TenantTx,
    memories: &[ImportedMemory],
    now: Timestamp,
) -> Result<Vec<MemoryId>, StoreError> {
    let rows: Vec<_> = memories
        .iter()
        .map(|imported| NewRow {
            id: imported.id,
            memory: &imported.memory,
            parent_id: imported.parent_id,
            version: imported.version,
            created_at: imported.created_at,
            updated_at: imported.updated_at,
            source_digest: Some(bytea(&imported.digest)),
        })
        .collect();
    let created_ids = memory_insert(tx, &rows, now).await?;
    versions_insert(tx, memories, &created_ids).await?;
    Ok(created_ids)
}

/// Bytes as Postgres reads them from text.
fn bytea(bytes: &[u8]) -> String {
    bytes.iter().fold("\\x".to_owned(), |mut text, byte| {
        // Writing to a `String` can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Stores the earlier versions of the new memories. The file has only the name
/// of whoever changed them, so they count as changed by the member.
async fn versions_insert(
    tx: &mut TenantTx,
    memories: &[ImportedMemory],
    created_ids: &[MemoryId],
) -> Result<(), StoreError> {
    let created_ids: HashSet<MemoryId> = created_ids.iter().copied().collect();
    let earlier: Vec<_> = memories
        .iter()
        .filter(|memory| created_ids.contains(&memory.id))
        .flat_map(|memory| memory.earlier.iter().map(move |earlier| (memory, earlier)))
        .collect();
    if earlier.is_empty() {
        return Ok(());
    }
    let ids: Vec<MemoryId> = earlier.iter().map(|(memory, _)| memory.id).collect();
    let numbers: Vec<i32> = earlier.iter().map(|(_, e)| e.version).collect();
    let kinds: Vec<MemoryKind> = earlier.iter().map(|(_, e)| e.text.kind).collect();
    let titles: Vec<&str> = earlier.iter().map(|(_, e)| e.text.title.as_str()).collect();
    let contents: Vec<&str> = earlier
        .iter()
        .map(|(_, e)| e.text.content.as_str())
        .collect();
    let tags: Vec<String> = earlier.iter().map(|(_, e)| e.text.tags.join(",")).collect();
    let origins: Vec<Origin> = earlier
        .iter()
        .map(|(memory, _)| memory.memory.origin)
        .collect();
    let changed: Vec<Timestamp> = earlier.iter().map(|(_, e)| e.changed_at).collect();
    let reasons: Vec<Option<&str>> = earlier
        .iter()
        .map(|(_, e)| e.change_reason.as_deref())
        .collect();
    sqlx::query!(
        "INSERT INTO memory_versions (
             tenant_id, memory_id, version, user_id, kind, title, content, tags, visibility, origin,
             changed_by, changed_at, change_reason
         )
         SELECT $1, memory_id, version, $2, kind, title, content, string_to_array(tags, ','), $3, origin,
                $2, changed_at, reason
           FROM unnest(
                    $4::uuid[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                    $11::timestamptz[], $12::text[]
                ) AS earlier (memory_id, version, kind, title, content, tags, origin, changed_at, reason)",
        tx.tenant_id() as _,
        tx.member_id()? as _,
        Visibility::Private as _,
        ids as _,
        &numbers,
        kinds as _,
        titles as Vec<&str>,
        contents as Vec<&str>,
        &tags,
        origins as _,
        &changed,
        reasons as Vec<Option<&str>>,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The member's memories from these records that imported replies can be
/// attached to: private as the replies will be, not in the trash, not expired,
/// and no replies themselves.
pub async fn import_parents(
    tx: &mut TenantTx,
    digests: &[[u8; 32]],
    now: Timestamp,
) -> Result<Vec<ParentMemory>, StoreError> {
    let digests: Vec<&[u8]> = digests.iter().map(<[u8; 32]>::as_slice).collect();
    let rows = sqlx::query!(
        r#"SELECT id, source_digest AS "digest!" FROM memories
            WHERE tenant_id = $1 AND user_id = $2 AND source_digest = ANY ($3)
              AND parent_id IS NULL AND deleted_at IS NULL AND visibility = 'private'
              AND (expires_at IS NULL OR expires_at > $4)"#,
        tx.tenant_id() as _,
        tx.member_id()? as _,
        digests as Vec<&[u8]>,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(ParentMemory {
                id: row.id,
                digest: row.digest.try_into().ok()?,
            })
        })
        .collect())
}

/// The member's personas with these names, created where missing; each name
/// comes with the id for a new persona.
///
/// # Errors
/// [`StoreError::Constraint`] for an invalid name.
pub async fn persona_ensure(
    tx: &mut TenantTx,
    names: &[(PersonaId, String)],
    now: Timestamp,
) -> Result<HashMap<String, PersonaId>, StoreError> {
    let ids: Vec<PersonaId> = names.iter().map(|(id, _)| *id).collect();
    let texts: Vec<&str> = names.iter().map(|(_, name)| name.as_str()).collect();
    let (tenant_id, user_id) = (tx.tenant_id(), tx.member_id()?);
    sqlx::query!(
        "INSERT INTO personas (tenant_id, id, user_id, name, description, created_at, updated_at)
         SELECT $1, id, $2, name, '', $5, $5 FROM unnest($3::uuid[], $4::text[]) AS named (id, name)
         ON CONFLICT (tenant_id, user_id, name) DO NOTHING",
        tenant_id as _,
        user_id as _,
        ids as _,
        texts.clone() as Vec<&str>,
        now,
    )
    .execute(tx.conn())
    .await?;
    let rows = sqlx::query!(
        "SELECT id, name FROM personas WHERE tenant_id = $1 AND user_id = $2 AND name = ANY ($3)",
        tenant_id as _,
        user_id as _,
        texts as Vec<&str>,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.id)).collect())
}
