//! Letting a member go: roles, teams and shared memories.

use domain::{MemoryId, RoleId, TeamId, Timestamp, UserId};

use crate::{StoreError, TenantTx};

/// How many memories of a member others can see, and how many nobody else can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedMemories {
    /// Shared with a team or everybody.
    pub shared: i64,
    /// The member's alone.
    pub private: i64,
}

/// Counts a member's memories; both are 0 for an actor who may not let go of
/// members.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn user_memories_count(
    tx: &mut TenantTx,
    id: UserId,
) -> Result<OwnedMemories, StoreError> {
    Ok(sqlx::query_as!(
        OwnedMemories,
        r#"SELECT shared AS "shared!", private AS "private!" FROM user_memories_count($1)"#,
        id.0,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Gives at most `limit` of a member's shared memories to another; tells which.
///
/// # Errors
/// [`StoreError::Constraint`] when the tenant has no such heir.
pub async fn user_memories_hand_over(
    tx: &mut TenantTx,
    from: UserId,
    to: UserId,
    limit: i64,
    reason: &str,
    now: Timestamp,
) -> Result<Vec<MemoryId>, StoreError> {
    let handed = sqlx::query_scalar!(
        r#"SELECT handed_id AS "id!" FROM user_memories_hand_over($1, $2, $3, $4, $5)"#,
        from.0,
        to.0,
        limit,
        reason,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(handed.into_iter().map(MemoryId).collect())
}

/// Withdraws what a member has proposed and nobody has decided; says how much
/// that was.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn user_proposals_withdraw(
    tx: &mut TenantTx,
    id: UserId,
    reason: &str,
    now: Timestamp,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT user_proposals_withdraw($1, $2, $3) AS "ended!""#,
        id.0,
        reason,
        now,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// How many keys act as a member now.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn user_keys_count(
    tx: &mut TenantTx,
    id: UserId,
    now: Timestamp,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM api_keys
            WHERE tenant_id = $1 AND user_id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)"#,
        tx.tenant_id().0,
        id.0,
        now,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Teams that nobody leads once a member is gone, by name.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn teams_led_alone(tx: &mut TenantTx, id: UserId) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        "SELECT g.name FROM team_members m
           JOIN teams g ON g.tenant_id = m.tenant_id AND g.id = m.team_id
          WHERE m.tenant_id = $1 AND m.user_id = $2 AND m.role = 'lead'
            AND NOT EXISTS (
                SELECT FROM team_members o
                 WHERE o.tenant_id = $1 AND o.team_id = m.team_id AND o.user_id <> $2 AND o.role = 'lead')
          ORDER BY g.sort_name",
        tx.tenant_id().0,
        id.0,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Takes a member out of all teams and tells which.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn user_teams_leave(tx: &mut TenantTx, id: UserId) -> Result<Vec<TeamId>, StoreError> {
    let left = sqlx::query_scalar!(
        "DELETE FROM team_members WHERE tenant_id = $1 AND user_id = $2 RETURNING team_id",
        tx.tenant_id().0,
        id.0,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(left.into_iter().map(TeamId).collect())
}

/// Takes all roles from a member who is deactivated, whatever their source,
/// and tells which.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn user_roles_drop(tx: &mut TenantTx, id: UserId) -> Result<Vec<RoleId>, StoreError> {
    // Who is out by then: that nobody takes the last owner's role this way is
    // held where members are put out.
    let dropped = sqlx::query_scalar!(
        "DELETE FROM user_roles
          WHERE tenant_id = $1
            AND user_id = (SELECT id FROM users WHERE tenant_id = $1 AND id = $2 AND status = 'deactivated')
         RETURNING role_id",
        tx.tenant_id().0,
        id.0,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(dropped.into_iter().map(RoleId).collect())
}
