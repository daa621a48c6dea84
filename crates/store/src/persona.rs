//! Personas: contexts that a member files memories under. Only the member sees
//! them.

use domain::{
    AppError, PersonaId, Timestamp,
    persona::{ParsedPersona, Persona},
};
use uuid::Uuid;

use crate::{StoreError, TenantTx, error::ConstraintErrors};

pub(crate) const CONSTRAINTS: ConstraintErrors = &[
    ("personas_name_key", || {
        AppError::field("name", "You have a persona with this name already.")
    }),
    ("memories_persona_id_fkey", || {
        AppError::field("persona_id", "Choose one of your personas.")
    }),
];

struct PersonaRow {
    id: Uuid,
    name: String,
    description: String,
    memories: i64,
}

impl From<PersonaRow> for Persona {
    fn from(row: PersonaRow) -> Self {
        Self {
            id: PersonaId(row.id),
            name: row.name,
            description: row.description,
            memory_count: row.memories,
        }
    }
}

/// The member's personas, sorted by name.
pub async fn persona_list(tx: &mut TenantTx) -> Result<Vec<Persona>, StoreError> {
    let rows = sqlx::query_as!(
        PersonaRow,
        r#"SELECT id, name, description,
                  (SELECT count(*) FROM memories
                    WHERE memories.tenant_id = $1 AND memories.user_id = $2 AND persona_id = personas.id
                      AND deleted_at IS NULL) AS "memories!"
             FROM personas
            WHERE tenant_id = $1 AND user_id = $2
            ORDER BY lower(name), id"#,
        tx.tenant_id() as _,
        tx.member_id()? as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Persona::from).collect())
}

pub async fn persona_get(tx: &mut TenantTx, id: PersonaId) -> Result<Persona, StoreError> {
    let row = sqlx::query_as!(
        PersonaRow,
        r#"SELECT id, name, description,
                  (SELECT count(*) FROM memories
                    WHERE memories.tenant_id = $1 AND memories.user_id = $2 AND persona_id = personas.id
                      AND deleted_at IS NULL) AS "memories!"
             FROM personas
            WHERE tenant_id = $1 AND user_id = $2 AND id = $3"#,
        tx.tenant_id() as _,
        tx.member_id()? as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(row.into())
}

/// Stores a new persona of the member.
///
/// # Errors
/// [`StoreError::Constraint`] if the member has one with this name.
pub async fn persona_create(
    tx: &mut TenantTx,
    id: PersonaId,
    text: &ParsedPersona,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO personas (tenant_id, id, user_id, name, description, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)",
        tx.tenant_id() as _,
        id as _,
        tx.member_id()? as _,
        text.name,
        text.description,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Changes a persona of the member.
///
/// # Errors
/// [`StoreError::Constraint`] if another one has this name.
pub async fn persona_update(
    tx: &mut TenantTx,
    id: PersonaId,
    text: &ParsedPersona,
    now: Timestamp,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE personas SET name = $4, description = $5, updated_at = $6
          WHERE tenant_id = $1 AND user_id = $2 AND id = $3",
        tx.tenant_id() as _,
        tx.member_id()? as _,
        id as _,
        text.name,
        text.description,
        now,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    Ok(())
}

/// Deletes a persona of the member and removes it from its memories. Returns
/// how many there were, including the trash.
pub async fn persona_delete(tx: &mut TenantTx, id: PersonaId) -> Result<u64, StoreError> {
    let (tenant_id, user_id) = (tx.tenant_id(), tx.member_id()?);
    let updated = sqlx::query!(
        "UPDATE memories SET persona_id = NULL WHERE tenant_id = $1 AND user_id = $2 AND persona_id = $3",
        tenant_id as _,
        user_id as _,
        id as _,
    )
    .execute(tx.conn())
    .await?;
    let done = sqlx::query!(
        "DELETE FROM personas WHERE tenant_id = $1 AND user_id = $2 AND id = $3",
        tenant_id as _,
        user_id as _,
        id as _,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    Ok(updated.rows_affected())
}
