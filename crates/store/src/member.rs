//! Reads members: a page of them, or one with roles and teams.

use std::collections::HashMap;

use domain::{
    ActorKind, Page, TeamId, UserId,
    access::SystemRole,
    member::{
        HeldRole, HeldTeam, MEMBER_SORTS, Member, MemberListInput, MemberSummary, UserStatus,
    },
    role::RoleRef,
    team::TeamRole,
};

use crate::{
    StoreError, TenantTx,
    cursor::{List, Place},
    role::owner_status,
};

/// A page of the tenant's members.
///
/// # Errors
/// [`StoreError::Cursor`] for a cursor of another list, [`StoreError::Filter`]
/// for an invalid status, kind, team or order.
pub async fn member_list(
    tx: &mut TenantTx,
    input: &MemberListInput,
    size: u16,
) -> Result<Page<MemberSummary>, StoreError> {
    if !input.status.is_empty() && UserStatus::from_key(&input.status).is_none() {
        return Err(StoreError::Filter("status"));
    }
    if !input.kind.is_empty() && ActorKind::from_key(&input.kind).is_none() {
        return Err(StoreError::Filter("kind"));
    }
    let team: Option<TeamId> = match input.team.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| StoreError::Filter("team"))?),
    };
    let (tenant_id, after) = (tx.tenant_id(), input.after.as_deref());
    let place = Place::parse(List::Member, tenant_id, &MEMBER_SORTS, &input.sort, after)?;
    let rows = sqlx::query!(
        r#"WITH matching AS MATERIALIZED (
               SELECT u.id,
                      CASE $7 WHEN 'name' THEN u.sort_name
                              WHEN 'status' THEN u.status
                              WHEN 'last_seen_at' THEN sort_time(u.last_seen_at)
                              ELSE sort_time(u.created_at) END COLLATE "C" AS key
                 FROM users u
                WHERE u.tenant_id = $1
                  AND ($2 = '' OR strpos(lower(concat_ws(E'\n', u.display_name, u.email, u.handle)), lower($2)) > 0)
                  AND ($3 = '' OR u.status = $3)
                  AND ($4 = '' OR u.kind = $4)
                  AND ($5 = '' OR EXISTS (
                          SELECT FROM user_roles ur JOIN roles r ON r.tenant_id = ur.tenant_id AND r.id = ur.role_id
                           WHERE ur.tenant_id = $1 AND ur.user_id = u.id AND r.key = $5))
                  AND ($6::uuid IS NULL OR EXISTS (
                          SELECT FROM team_members m
                           WHERE m.tenant_id = $1 AND m.user_id = u.id AND m.team_id = $6))
           )
           SELECT u.id, u.display_name, u.email, u.kind, u.status, u.last_seen_at, m.key AS "key!",
                  (SELECT count(*) FROM (SELECT FROM matching LIMIT 1001) AS counted) AS "total!",
                  ARRAY(
                      SELECT r.name FROM roles r
                       WHERE r.tenant_id = $1 AND r.id IN (
                           SELECT ur.role_id FROM user_roles ur WHERE ur.tenant_id = $1 AND ur.user_id = u.id)
                       ORDER BY r.name
                  ) AS "roles!",
                  ARRAY(
                      SELECT g.name FROM teams g
                       WHERE g.tenant_id = $1 AND g.id IN (
                           SELECT m.team_id FROM team_members m WHERE m.tenant_id = $1 AND m.user_id = u.id)
                       ORDER BY g.name
                  ) AS "teams!"
             FROM matching m
             JOIN users u ON u.tenant_id = $1 AND u.id = m.id
            WHERE ($8::text IS NULL OR CASE WHEN $10 THEN (m.key, m.id) < ($8, $9) ELSE (m.key, m.id) > ($8, $9) END)
            ORDER BY CASE WHEN $10 THEN m.key END DESC, CASE WHEN $10 THEN m.id END DESC, m.key, m.id
            LIMIT $11"#,
        tenant_id as _,
        input.query.trim(),
        input.status,
        input.kind,
        input.role,
        team as _,
        place.column(),
        place.key(),
        place.id(),
        place.is_descending(),
        i64::from(size) + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    let total = rows.first().map_or(0, |row| row.total);
    let page = place.page(rows, size, total, |row| (row.key.clone(), row.id.0));
    Ok(page.map(|row| MemberSummary {
        id: row.id,
        display_name: row.display_name,
        email: row.email,
        kind: row.kind,
        status: row.status,
        roles: row.roles,
        teams: row.teams,
        last_seen_at: row.last_seen_at,
    }))
}

/// The names of those of these members that the tenant has.
pub async fn member_names(
    tx: &mut TenantTx,
    ids: &[UserId],
) -> Result<HashMap<UserId, String>, StoreError> {
    let rows = sqlx::query!(
        "SELECT id, display_name FROM users WHERE tenant_id = $1 AND id = ANY ($2)",
        tx.tenant_id() as _,
        ids as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, row.display_name))
        .collect())
}

/// A member with roles and teams.
pub async fn member_get(tx: &mut TenantTx, id: UserId) -> Result<Member, StoreError> {
    let tenant_id = tx.tenant_id();
    let row = sqlx::query!(
        "SELECT display_name, email, handle, kind, status, last_seen_at, created_at
           FROM users WHERE tenant_id = $1 AND id = $2",
        tenant_id as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    let roles = member_roles(tx, id).await?;
    let teams = sqlx::query_as!(
        HeldTeam,
        r#"SELECT g.id, g.name, min(m.role) AS "role!: TeamRole"
             FROM team_members m JOIN teams g ON g.tenant_id = m.tenant_id AND g.id = m.team_id
            WHERE m.tenant_id = $1 AND m.user_id = $2
            GROUP BY g.id, g.name
            ORDER BY g.name"#,
        tenant_id as _,
        id as _,
    )
    .fetch_all(tx.conn())
    .await?;
    let is_owner = roles
        .iter()
        .any(|held| held.role.key == SystemRole::Owner.key());
    Ok(Member {
        id,
        display_name: row.display_name,
        email: row.email,
        handle: row.handle,
        kind: row.kind,
        status: row.status,
        is_owner,
        is_last_owner: is_owner && owner_status(tx, id).await?.is_last(),
        last_seen_at: row.last_seen_at,
        created_at: row.created_at,
        roles,
        teams,
    })
}

async fn member_roles(tx: &mut TenantTx, id: UserId) -> Result<Vec<HeldRole>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT r.id, r.key, r.name, ur.source, ur.granted_at, g.display_name AS "granted_by?"
             FROM user_roles ur
             JOIN roles r ON r.tenant_id = ur.tenant_id AND r.id = ur.role_id
             LEFT JOIN users g ON g.tenant_id = ur.tenant_id AND g.id = ur.granted_by
            WHERE ur.tenant_id = $1 AND ur.user_id = $2
            ORDER BY r.is_system DESC, r.name, ur.source"#,
        tx.tenant_id() as _,
        id as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| HeldRole {
            role: RoleRef {
                id: row.id,
                key: row.key,
                name: row.name,
            },
            source: row.source,
            granted_by: row.granted_by,
            granted_at: row.granted_at,
        })
        .collect())
}
