//! Offboards a member: roles, teams and shared memories.

use domain::{MemoryId, RoleId, TeamId, Timestamp, UserId};

use crate::{StoreError, TenantTx};

/// Counts of a member's memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedMemories {
    /// Shared with a team or everybody.
    pub shared: i64,
    /// Visible to the member only.
    pub private: i64,
}

/// Counts a member's memories; both are 0 if the actor may not offboard
/// members.
pub async fn user_memories_count(
    tx: &mut TenantTx,
    id: UserId,
) -> Result<OwnedMemories, StoreError> {
    Ok(sqlx::query_as!(
        OwnedMemories,
        r#"SELECT shared AS "shared!", private AS "private!" FROM user_memories_count($1)"#,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Transfers at most `limit` of a member's shared memories to another member
/// and returns their ids.
///
/// # Errors
/// [`StoreError::Constraint`] if the tenant has no member `to`.
pub async fn user_memories_transfer(
    tx: &mut TenantTx,
    from: UserId,
    to: UserId,
    limit: i64,
    reason: &str,
    now: Timestamp,
) -> Result<Vec<MemoryId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT handed_id AS "id!: MemoryId" FROM user_memories_hand_over($1, $2, $3, $4, $5)"#,
        from as _,
        to as _,
        limit,
        reason,
        now,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Withdraws a member's pending proposals and returns how many there were.
pub async fn user_proposals_withdraw(
    tx: &mut TenantTx,
    id: UserId,
    reason: &str,
    now: Timestamp,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT user_proposals_withdraw($1, $2, $3) AS "ended!""#,
        id as _,
        reason,
        now,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Number of active API keys that act as a member.
pub async fn user_keys_count(
    tx: &mut TenantTx,
    id: UserId,
    now: Timestamp,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM api_keys
            WHERE tenant_id = $1 AND user_id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)"#,
        tx.tenant_id() as _,
        id as _,
        now,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Names of the teams that would have no lead without the member, sorted.
pub async fn teams_with_sole_lead(
    tx: &mut TenantTx,
    id: UserId,
) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        "SELECT g.name FROM team_members m
           JOIN teams g ON g.tenant_id = m.tenant_id AND g.id = m.team_id
          WHERE m.tenant_id = $1 AND m.user_id = $2 AND m.role = 'lead'
            AND NOT EXISTS (
                SELECT FROM team_members o
                 WHERE o.tenant_id = $1 AND o.team_id = m.team_id AND o.user_id <> $2 AND o.role = 'lead')
          ORDER BY g.sort_name",
        tx.tenant_id() as _,
        id as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Removes a member from all teams and returns their ids.
pub async fn user_teams_remove(tx: &mut TenantTx, id: UserId) -> Result<Vec<TeamId>, StoreError> {
    Ok(sqlx::query_scalar!(
        "DELETE FROM team_members WHERE tenant_id = $1 AND user_id = $2 RETURNING team_id",
        tx.tenant_id() as _,
        id as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Removes all roles of a deactivated member, whatever their source, and
/// returns their ids.
pub async fn user_roles_remove(tx: &mut TenantTx, id: UserId) -> Result<Vec<RoleId>, StoreError> {
    // Only deactivated members, because deactivation already ensures that the
    // last owner stays.
    Ok(sqlx::query_scalar!(
        "DELETE FROM user_roles
          WHERE tenant_id = $1
            AND user_id = (SELECT id FROM users WHERE tenant_id = $1 AND id = $2 AND status = 'deactivated')
         RETURNING role_id",
        tx.tenant_id() as _,
        id as _,
    )
    .fetch_all(tx.conn())
    .await?)
}
