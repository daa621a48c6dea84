//! Creates and changes memories. Members can change only their own.

use domain::{
    MemoryId, PersonaId, Timestamp,
    memory::{MemoryChange, NewMemory},
};
use serde::Serialize;
use sqlx::types::Json;

use super::trash::unchanged_error;
use crate::{StoreError, TenantTx};

/// A new memory as `memory_insert` takes it: the keys are columns.
#[derive(Serialize)]
pub(crate) struct NewRow<'a> {
    pub(crate) id: MemoryId,
    #[serde(flatten)]
    pub(crate) memory: &'a NewMemory,
    pub(crate) parent_id: Option<MemoryId>,
    pub(crate) version: i32,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: Timestamp,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) updated_at: Timestamp,
    /// In the format of `bytea`.
    pub(crate) source_digest: Option<String>,
}

impl<'a> NewRow<'a> {
    pub(crate) const fn of(id: MemoryId, memory: &'a NewMemory, now: Timestamp) -> Self {
        Self {
            id,
            memory,
            parent_id: None,
            version: 1,
            created_at: now,
            updated_at: now,
            source_digest: None,
        }
    }
}

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
    memory_insert(tx, &[NewRow::of(id, memory, now)], now).await?;
    Ok(())
}

/// Inserts private memories of the member and returns the ids of the new ones:
/// those with a digest that the member has already are left out, and replies to
/// what can't be replied to.
pub(crate) async fn memory_insert(
    tx: &mut TenantTx,
    rows: &[NewRow<'_>],
    now: Timestamp,
) -> Result<Vec<MemoryId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT memory_insert($1, $2) AS "id!: MemoryId""#,
        Json(rows) as _,
        now,
    )
    .fetch_all(tx.conn())
    .await?)
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
        persona_id,
        reason,
    } = change;
    let edited = sqlx::query_scalar!(
        "SELECT memory_edit($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id as _,
        version,
        text.kind as _,
        text.title,
        text.content,
        &text.tags,
        attributes.as_ref().map(Json) as _,
        reason.as_deref(),
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    if edited.is_none() {
        return Err(unchanged_error(tx, id).await);
    }
    if let Some(persona_id) = persona_id {
        persona_set(tx, id, *persona_id).await?;
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
    persona_set(tx, id, persona).await
}

async fn persona_set(
    tx: &mut TenantTx,
    id: MemoryId,
    persona: Option<PersonaId>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE memories SET persona_id = $3 WHERE tenant_id = $1 AND id = $2",
        tx.tenant_id() as _,
        id as _,
        persona as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
