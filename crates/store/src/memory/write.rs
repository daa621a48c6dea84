//! Creates and changes memories. Members can change only their own.

use domain::{
    MemoryId, PersonaId, Timestamp,
    memory::{MemoryChange, NewMemory, Visibility},
};

use super::{thread::memory_thread_follow, trash::unchanged_error};
use crate::{StoreError, TenantTx};

/// Creates a private memory of the member.
///
/// # Errors
/// [`StoreError::Constraint`] if the text breaks a rule that
/// [`domain::memory::MemoryText`] should have ensured, or the persona is not
/// the member's.
pub async fn memory_create(
    tx: &mut TenantTx,
    id: MemoryId,
    memory: &NewMemory,
    now: Timestamp,
) -> Result<(), StoreError> {
    memory_insert(tx, id, memory, None, now).await
}

/// Inserts a private memory. A reply has the expiry and allowed vendors of its
/// root, and no persona.
///
/// # Errors
/// [`StoreError::NotFound`] for a root that the member doesn't see, that is in
/// the trash or expired, or is a reply itself.
pub(super) async fn memory_insert(
    tx: &mut TenantTx,
    id: MemoryId,
    memory: &NewMemory,
    root: Option<MemoryId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let NewMemory {
        text,
        attributes,
        origin,
        source_session_id,
    } = memory;
    let inserted = sqlx::query!(
        "INSERT INTO memories (
             tenant_id, id, user_id, kind, title, content, tags, visibility, origin, importance, version,
             created_at, updated_at, expires_at, persona_id, allowed_vendors, source_session_id, parent_id
         )
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $11,
                CASE WHEN $16::uuid IS NULL THEN $12 ELSE root.expires_at END,
                CASE WHEN $16::uuid IS NULL THEN $13::uuid END,
                CASE WHEN $16::uuid IS NULL THEN $14 ELSE root.allowed_vendors END,
                $15, $16
           FROM (SELECT) AS one
           LEFT JOIN memories root ON root.tenant_id = $1 AND root.id = $16
          WHERE $16::uuid IS NULL
             OR root.id IS NOT NULL AND root.parent_id IS NULL AND root.deleted_at IS NULL
                AND (root.expires_at IS NULL OR root.expires_at > $11)",
        tx.tenant_id() as _,
        id as _,
        tx.member_id()? as _,
        text.kind as _,
        text.title,
        text.content,
        &text.tags,
        Visibility::Private as _,
        origin as _,
        attributes.importance,
        now,
        attributes.expires_at,
        attributes.persona_id as _,
        attributes.allowed_vendors as _,
        source_session_id.as_deref(),
        root as _,
    )
    .execute(tx.conn())
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    Ok(())
}

/// Changes the member's own memory and stores the previous text as a version. A
/// change of the text deletes the embedding.
///
/// # Errors
/// [`StoreError::NotFound`] if the member has no such memory;
/// [`StoreError::Conflict`] if it is not at `version` any more or in the trash;
/// [`StoreError::Constraint`] if the persona is not the member's;
/// [`StoreError::Other`] if the change needs others' approval.
pub async fn memory_update(
    tx: &mut TenantTx,
    id: MemoryId,
    version: i32,
    change: &MemoryChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    let MemoryChange {
        text,
        attributes,
        reason,
    } = change;
    let attributes = attributes.as_ref();
    let edited = sqlx::query_scalar!(
        "SELECT memory_edit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        id as _,
        version,
        text.kind as _,
        text.title,
        text.content,
        &text.tags,
        attributes.is_some(),
        attributes.and_then(|attributes| attributes.expires_at),
        attributes.map(|attributes| attributes.importance),
        attributes.map(|attributes| &attributes.allowed_vendors) as _,
        reason.as_deref(),
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    if edited.is_none() {
        return Err(unchanged_error(tx, id).await);
    }
    if let Some(attributes) = attributes {
        let parent_id = persona_set(tx, id, attributes.persona_id).await?;
        if parent_id.is_none() {
            memory_thread_follow(tx, id, None).await?;
        }
    }
    Ok(())
}

/// Moves the member's own memory to another persona. Personas are private, so
/// the version stays.
///
/// # Errors
/// [`StoreError::NotFound`] if the member has no such memory;
/// [`StoreError::Conflict`] if it is not at `version` any more or in the trash;
/// [`StoreError::Constraint`] if the persona is not the member's.
pub async fn memory_persona_set(
    tx: &mut TenantTx,
    id: MemoryId,
    version: i32,
    persona: Option<PersonaId>,
) -> Result<(), StoreError> {
    let found = sqlx::query!(
        "SELECT id FROM memories
          WHERE tenant_id = $1 AND id = $2 AND user_id = $3 AND version = $4 AND deleted_at IS NULL
            FOR UPDATE",
        tx.tenant_id() as _,
        id as _,
        tx.member_id()? as _,
        version,
    )
    .fetch_optional(tx.conn())
    .await?;
    if found.is_none() {
        return Err(unchanged_error(tx, id).await);
    }
    persona_set(tx, id, persona).await?;
    Ok(())
}

/// Returns the id of the memory that it replies to.
async fn persona_set(
    tx: &mut TenantTx,
    id: MemoryId,
    persona: Option<PersonaId>,
) -> Result<Option<MemoryId>, StoreError> {
    Ok(sqlx::query_scalar!(
        "UPDATE memories SET persona_id = $3 WHERE tenant_id = $1 AND id = $2 RETURNING parent_id",
        tx.tenant_id() as _,
        id as _,
        persona as _,
    )
    .fetch_one(tx.conn())
    .await?)
}
