//! Teams and their members.

use domain::{
    AppError, MemoryId, Page, TeamId, Timestamp, UserId,
    team::{TEAM_SORTS, TeamListInput, TeamMember, TeamName, TeamRef, TeamRole, TeamSummary},
};

use crate::{
    StoreError, TenantTx,
    cursor::{List, Place},
    error::ConstraintErrors,
};

pub(crate) const CONSTRAINTS: ConstraintErrors = &[
    ("teams_name_key", || {
        AppError::field("name", "A team with this name already exists.")
    }),
    ("teams_name_check", || {
        AppError::field("name", "Enter a name of 1 to 100 characters.")
    }),
];

/// Creates a team.
///
/// # Errors
/// [`StoreError::Constraint`] if the name is taken or invalid.
pub async fn team_create(
    tx: &mut TenantTx,
    id: TeamId,
    name: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let tenant_id = tx.tenant_id();
    sqlx::query!(
        "INSERT INTO teams (tenant_id, id, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)",
        tenant_id as _,
        id as _,
        name,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Adds a member to a team manually. Has no effect if the member was added
/// manually before.
///
/// # Errors
/// [`StoreError::Constraint`] if the tenant has no such team or member.
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
        tenant_id as _,
        team_id as _,
        user_id as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The tenant's teams, sorted by name.
pub async fn team_names(tx: &mut TenantTx) -> Result<Vec<TeamRef>, StoreError> {
    Ok(sqlx::query_as!(
        TeamRef,
        "SELECT id, name FROM teams WHERE tenant_id = $1 ORDER BY name",
        tx.tenant_id() as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// A page of the tenant's teams.
///
/// # Errors
/// [`StoreError::Cursor`] for a cursor of another list, [`StoreError::Filter`]
/// for an unknown order.
pub async fn team_list(
    tx: &mut TenantTx,
    input: &TeamListInput,
    size: u16,
) -> Result<Page<TeamSummary>, StoreError> {
    let (tenant_id, after) = (tx.tenant_id(), input.after.as_deref());
    let place = Place::parse(List::Team, tenant_id, &TEAM_SORTS, &input.sort, after)?;
    let rows = sqlx::query!(
        r#"WITH matching AS MATERIALIZED (
               SELECT g.id, c.members,
                      CASE $3 WHEN 'name' THEN g.sort_name
                              ELSE lpad(c.members::text, 20, '0') END COLLATE "C" AS key
                 FROM teams g
                CROSS JOIN LATERAL (
                         SELECT count(DISTINCT m.user_id) AS members FROM team_members m
                          WHERE m.tenant_id = $1 AND m.team_id = g.id
                     ) AS c
                WHERE g.tenant_id = $1 AND ($2 = '' OR strpos(g.sort_name, lower($2)) > 0)
           )
           SELECT g.id, g.name, m.members AS "members!", m.key AS "key!", (SELECT count(*) FROM (SELECT FROM matching LIMIT 1001) AS counted) AS "total!",
                  ARRAY(
                      SELECT u.display_name FROM users u
                       WHERE u.tenant_id = $1 AND u.id IN (
                           SELECT m.user_id FROM team_members m
                            WHERE m.tenant_id = $1 AND m.team_id = g.id AND m.role = 'lead')
                       ORDER BY u.sort_name LIMIT 5
                  ) AS "leads!",
                  EXISTS (
                      SELECT FROM team_members m
                       WHERE m.tenant_id = $1 AND m.team_id = g.id AND m.user_id = $7
                  ) AS "is_own!"
             FROM matching m
             JOIN teams g ON g.tenant_id = $1 AND g.id = m.id
            WHERE ($4::text IS NULL OR CASE WHEN $6 THEN (m.key, m.id) < ($4, $5) ELSE (m.key, m.id) > ($4, $5) END)
            ORDER BY CASE WHEN $6 THEN m.key END DESC, CASE WHEN $6 THEN m.id END DESC, m.key, m.id
            LIMIT $8"#,
        tenant_id as _,
        input.query.trim(),
        place.column(),
        place.key(),
        place.id(),
        place.is_descending(),
        tx.user_id() as _,
        i64::from(size) + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    let total = rows.first().map_or(0, |row| row.total);
    let page = place.page(rows, size, total, |row| (row.key.clone(), row.id.0));
    Ok(page.map(|row| TeamSummary {
        id: row.id,
        name: row.name,
        member_count: row.members,
        leads: row.leads,
        is_own: row.is_own,
    }))
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    pub id: TeamId,
    pub name: String,
    pub created_at: Timestamp,
    /// Number of members.
    pub members: i64,
}

pub async fn team_get(tx: &mut TenantTx, id: TeamId) -> Result<Team, StoreError> {
    let row = sqlx::query!(
        r#"SELECT name, created_at,
                  (SELECT count(DISTINCT user_id) FROM team_members WHERE tenant_id = $1 AND team_id = $2) AS "members!"
             FROM teams WHERE tenant_id = $1 AND id = $2"#,
        tx.tenant_id() as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Team {
        id,
        name: row.name,
        created_at: row.created_at,
        members: row.members,
    })
}

/// The members of a team, leads first, then sorted by name, at most `limit`.
pub async fn team_members(
    tx: &mut TenantTx,
    id: TeamId,
    limit: i64,
) -> Result<Vec<TeamMember>, StoreError> {
    // A membership has one row per source; a member who leads by one of them is
    // a lead.
    Ok(sqlx::query_as!(
        TeamMember,
        r#"SELECT u.id, u.display_name, u.email, u.kind, u.status, m.role AS "role!: TeamRole",
                  m.added_at AS "added_at!", m.from_issuer AS "from_issuer!"
             FROM (
                 SELECT user_id, min(role) AS role, min(added_at) AS added_at,
                        bool_or(source <> 'manual') AS from_issuer
                   FROM team_members
                  WHERE tenant_id = $1 AND team_id = $2
                  GROUP BY user_id
             ) AS m
             JOIN users u ON u.tenant_id = $1 AND u.id = m.user_id
            ORDER BY m.role, u.sort_name, u.id
            LIMIT $3"#,
        tx.tenant_id() as _,
        id as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// A member's role in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    pub role: TeamRole,
    /// True if the issuer's groups grant the membership, so that it can't be
    /// removed here.
    pub from_issuer: bool,
}

/// A member's role in a team; `None` for a non-member.
pub async fn team_membership(
    tx: &mut TenantTx,
    id: TeamId,
    user_id: UserId,
) -> Result<Option<Membership>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT min(role) AS "role: TeamRole", coalesce(bool_or(source <> 'manual'), false) AS "from_issuer!"
             FROM team_members WHERE tenant_id = $1 AND team_id = $2 AND user_id = $3"#,
        tx.tenant_id() as _,
        id as _,
        user_id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(row.role.map(|role| Membership {
        role,
        from_issuer: row.from_issuer,
    }))
}

/// Renames a team.
///
/// # Errors
/// [`StoreError::Constraint`] if the name is taken.
pub async fn team_rename(
    tx: &mut TenantTx,
    id: TeamId,
    name: &TeamName,
    now: Timestamp,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE teams SET name = $3, updated_at = $4 WHERE tenant_id = $1 AND id = $2",
        tx.tenant_id() as _,
        id as _,
        name.as_str(),
        now,
    )
    .execute(tx.conn())
    .await?;
    not_found_if_zero(done.rows_affected())
}

/// Sets a member's role in a team manually, and adds the member if necessary.
///
/// # Errors
/// [`StoreError::Constraint`] if the tenant has no such team or member.
pub async fn team_role_set(
    tx: &mut TenantTx,
    id: TeamId,
    user_id: UserId,
    role: TeamRole,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO team_members (tenant_id, team_id, user_id, role, source, added_at)
         VALUES ($1, $2, $3, $4, 'manual', $5)
         ON CONFLICT (tenant_id, team_id, user_id, source) DO UPDATE SET role = excluded.role",
        tx.tenant_id() as _,
        id as _,
        user_id as _,
        role as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes a manual membership.
///
/// # Errors
/// [`StoreError::NotFound`] if the member was not added manually.
pub async fn team_member_remove(
    tx: &mut TenantTx,
    id: TeamId,
    user_id: UserId,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "DELETE FROM team_members
          WHERE tenant_id = $1 AND team_id = $2 AND user_id = $3 AND source = 'manual'",
        tx.tenant_id() as _,
        id as _,
        user_id as _,
    )
    .execute(tx.conn())
    .await?;
    not_found_if_zero(done.rows_affected())
}

/// Number of memories that are shared with a team, of all owners; 0 for an
/// actor who may not delete teams.
pub async fn team_memories_count(tx: &mut TenantTx, id: TeamId) -> Result<i64, StoreError> {
    Ok(
        sqlx::query_scalar!(r#"SELECT team_memories_count($1) AS "count!""#, id as _)
            .fetch_one(tx.conn())
            .await?,
    )
}

/// Makes at most `limit` of the memories that are shared with a team private
/// and returns their ids.
pub async fn team_memories_unshare(
    tx: &mut TenantTx,
    id: TeamId,
    limit: i64,
    reason: &str,
    now: Timestamp,
) -> Result<Vec<MemoryId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT released_id AS "id!: MemoryId" FROM team_memories_release($1, $2, $3, $4)"#,
        id as _,
        limit,
        reason,
        now,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Ends the proposals to a team and returns how many were pending.
pub async fn team_proposals_close(
    tx: &mut TenantTx,
    id: TeamId,
    reason: &str,
    now: Timestamp,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT team_proposals_release($1, $2, $3) AS "ended!""#,
        id as _,
        reason,
        now,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Deletes a team that no memory is shared with or proposed to.
///
/// # Errors
/// [`StoreError::Constraint`] if something else still refers to the team.
pub async fn team_delete(tx: &mut TenantTx, id: TeamId) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "DELETE FROM teams WHERE tenant_id = $1 AND id = $2",
        tx.tenant_id() as _,
        id as _,
    )
    .execute(tx.conn())
    .await?;
    not_found_if_zero(done.rows_affected())
}

fn not_found_if_zero(rows: u64) -> Result<(), StoreError> {
    if rows == 0 {
        Err(StoreError::NotFound)
    } else {
        Ok(())
    }
}
