//! Reads many memories in full, for exports.

use domain::{
    MemoryId, Timestamp,
    memory::{MemoryAttributes, MemoryText, MemoryVersion, Origin, Visibility},
};
use sqlx::types::Json;

use crate::{StoreError, TenantTx};

/// A memory in an export.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportRow {
    pub id: MemoryId,
    /// The memory that it replies to, if that is visible.
    pub parent_id: Option<MemoryId>,
    pub text: MemoryText,
    pub attributes: MemoryAttributes,
    /// The persona's name, which only the owner sees.
    pub persona: Option<String>,
    pub origin: Origin,
    /// The id of the conversation that it was made in.
    pub source_session_id: Option<String>,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub visibility: Visibility,
    pub owner: String,
    pub is_own: bool,
}

/// The visible memories among `ids` in that order, each followed by its visible
/// replies: those in the trash if `trash` is set, the others if not. A reply
/// among `ids` comes with its root, or by itself if the root is not visible.
pub async fn export_rows(
    tx: &mut TenantTx,
    ids: &[MemoryId],
    trash: bool,
    now: Timestamp,
) -> Result<Vec<ExportRow>, StoreError> {
    let member_id = tx.member_id()?;
    let rows = sqlx::query!(
        r#"SELECT memories.id, root.id AS "root_id?", memories.kind, memories.title, memories.content, memories.tags,
                  memory_attributes(memories) AS "attributes!: Json<MemoryAttributes>", personas.name AS "persona?",
                  memories.origin, memories.source_session_id, memories.version, memories.created_at,
                  memories.updated_at, memories.visibility, memories.user_id, display_name
             FROM (
                 SELECT id, id AS first, place FROM unnest($2::uuid[]) WITH ORDINALITY AS asked (id, place)
                 UNION
                 SELECT replies.id, asked.id, place
                   FROM unnest($2::uuid[]) WITH ORDINALITY AS asked (id, place)
                   JOIN memories replies ON replies.tenant_id = $1 AND replies.parent_id = asked.id
                  WHERE (replies.deleted_at IS NOT NULL) = $3
                    AND (replies.deleted_at IS NOT NULL OR replies.expires_at IS NULL OR replies.expires_at > $4)
             ) AS wanted
             JOIN memories ON memories.tenant_id = $1 AND memories.id = wanted.id
             JOIN users ON users.tenant_id = $1 AND users.id = memories.user_id
             LEFT JOIN memories root ON root.tenant_id = $1 AND root.id = memories.parent_id
             LEFT JOIN personas ON personas.tenant_id = $1 AND personas.id = memories.persona_id
            WHERE wanted.first <> wanted.id OR root.id IS NULL
            ORDER BY wanted.place, (wanted.first <> wanted.id), memories.created_at, memories.id"#,
        tx.tenant_id() as _,
        ids as _,
        trash,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ExportRow {
            id: row.id,
            parent_id: row.root_id,
            text: MemoryText {
                title: row.title,
                content: row.content,
                kind: row.kind,
                tags: row.tags,
            },
            attributes: row.attributes.into(),
            persona: row.persona,
            origin: row.origin,
            source_session_id: row.source_session_id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            visibility: row.visibility,
            owner: row.display_name,
            is_own: row.user_id == member_id,
        })
        .collect())
}

/// Earlier versions of the member's own memories, oldest first. Versions of
/// others' memories are hidden: they may contain what was removed before
/// sharing.
pub async fn export_versions(
    tx: &mut TenantTx,
    ids: &[MemoryId],
) -> Result<Vec<(MemoryId, MemoryVersion)>, StoreError> {
    let rows = sqlx::query!(
        "SELECT memory_id, version, title, content, memory_versions.kind, tags, display_name, changed_at,
                change_reason, visibility
           FROM memory_versions
           JOIN users ON users.tenant_id = memory_versions.tenant_id AND users.id = changed_by
          WHERE memory_versions.tenant_id = $1 AND memory_id = ANY ($2)
          ORDER BY memory_id, version",
        tx.tenant_id() as _,
        ids as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let version = MemoryVersion {
                version: row.version,
                title: row.title,
                content: row.content,
                kind: row.kind,
                tags: row.tags,
                changed_by_name: row.display_name,
                changed_at: row.changed_at,
                reason: row.change_reason,
                visibility: row.visibility,
            };
            (row.memory_id, version)
        })
        .collect())
}
