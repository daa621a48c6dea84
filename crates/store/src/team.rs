//! Teams and who belongs to them.

use domain::{TeamId, Timestamp, UserId};

use crate::{StoreError, TenantTx};

/// Creates a team.
///
/// # Errors
/// [`StoreError::Constraint`] when the name is taken or not acceptable.
pub async fn team_create(
    tx: &mut TenantTx,
    id: TeamId,
    name: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let tenant_id = tx.tenant_id();
    sqlx::query!(
        "INSERT INTO teams (tenant_id, id, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)",
        tenant_id.0,
        id.0,
        name,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Adds a member to a team by hand. Adding one who was already changes nothing.
///
/// # Errors
/// [`StoreError::Constraint`] when the tenant has no such team or member.
pub async fn team_member_add(
    tx: &mut TenantTx,
    team_id: TeamId,
    user_id: UserId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let tenant_id = tx.tenant_id();
    sqlx::query!(
        "INSERT INTO team_members (tenant_id, team_id, user_id, role, source, added_at)
         VALUES ($1, $2, $3, 'member', 'manual', $4)
         ON CONFLICT (tenant_id, team_id, user_id, source) DO NOTHING",
        tenant_id.0,
        team_id.0,
        user_id.0,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
