//! Mappings from the issuer's groups and app roles to roles and teams, each
//! member's most recent claims, and the grants that follow from both (SEC-A10).

use std::collections::BTreeSet;

use domain::{
    AppError, GroupMappingId, RoleId, TeamId, Timestamp, UserId,
    access::SystemRole,
    group_mapping::{Grant, Grants, GroupClaims, GroupId, GroupMapping, GroupSource},
};

use crate::{
    StoreError, TenantTx,
    error::ConstraintErrors,
    role::{ensure_other_owner, owners_lock},
};

pub(crate) const CONSTRAINTS: ConstraintErrors = &[
    ("group_mappings_grant_key", || {
        AppError::field("group_id", "This rule already exists.")
    }),
    ("group_mappings_grant_check", || {
        AppError::field("role_id", "Choose a role, a team, or both.")
    }),
    ("group_mappings_group_id_check", || {
        AppError::field(
            "group_id",
            "Enter a group ID or name of 1 to 255 characters.",
        )
    }),
    ("group_mappings_label_check", || {
        AppError::field("label", "Enter a name of 1 to 255 characters.")
    }),
    ("group_mappings_priority_check", || {
        AppError::field("priority", "Enter a whole number from 0 to 1000.")
    }),
];

/// Adds a mapping. It takes effect at each member's next sign-in or refresh.
///
/// # Errors
/// [`StoreError::Constraint`] if the same mapping exists, or the tenant has no
/// such role or team.
pub async fn group_mapping_create(
    tx: &mut TenantTx,
    mapping: &GroupMapping,
    now: Timestamp,
) -> Result<(), StoreError> {
    let tenant_id = tx.tenant_id();
    sqlx::query!(
        "INSERT INTO group_mappings
             (tenant_id, id, source, group_id, label, role_id, team_id, priority, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
        tenant_id as _,
        mapping.id as _,
        mapping.source as _,
        mapping.group_id.as_str(),
        mapping.label,
        mapping.role_id as _,
        mapping.team_id as _,
        mapping.priority,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Changes a mapping.
///
/// # Errors
/// As [`group_mapping_create`]; [`StoreError::NotFound`] if there is no such
/// mapping.
pub async fn group_mapping_update(
    tx: &mut TenantTx,
    mapping: &GroupMapping,
    now: Timestamp,
) -> Result<(), StoreError> {
    let tenant_id = tx.tenant_id();
    let done = sqlx::query!(
        "UPDATE group_mappings
            SET source = $3, group_id = $4, label = $5, role_id = $6, team_id = $7, priority = $8, updated_at = $9
          WHERE tenant_id = $1 AND id = $2",
        tenant_id as _,
        mapping.id as _,
        mapping.source as _,
        mapping.group_id.as_str(),
        mapping.label,
        mapping.role_id as _,
        mapping.team_id as _,
        mapping.priority,
        now,
    )
    .execute(tx.conn())
    .await?;
    not_found_if_zero(done.rows_affected())
}

/// Deletes a mapping. Its grants end at each member's next sign-in or refresh.
pub async fn group_mapping_delete(tx: &mut TenantTx, id: GroupMappingId) -> Result<(), StoreError> {
    let tenant_id = tx.tenant_id();
    let done = sqlx::query!(
        "DELETE FROM group_mappings WHERE tenant_id = $1 AND id = $2",
        tenant_id as _,
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

/// All mappings, in order of precedence.
pub async fn group_mapping_list(tx: &mut TenantTx) -> Result<Vec<GroupMapping>, StoreError> {
    let tenant_id = tx.tenant_id();
    sqlx::query!(
        r#"SELECT id, source, group_id, label, role_id, team_id, priority FROM group_mappings
            WHERE tenant_id = $1 ORDER BY priority DESC, group_id COLLATE "C", source DESC, id"#,
        tenant_id as _,
    )
    .fetch_all(tx.conn())
    .await?
    .into_iter()
    .map(|row| {
        Ok(GroupMapping {
            id: row.id,
            source: row.source,
            group_id: GroupId::parse(&row.group_id)
                .map_err(|_| StoreError::other("a group id can't be one"))?,
            label: row.label,
            role_id: row.role_id,
            team_id: row.team_id,
            priority: row.priority,
        })
    })
    .collect()
}

/// Stores the claims that the issuer just sent for a member.
///
/// # Errors
/// [`StoreError::Constraint`] if the tenant has no such member.
pub async fn user_claims_set(
    tx: &mut TenantTx,
    user_id: UserId,
    claims: &GroupClaims,
    now: Timestamp,
) -> Result<(), StoreError> {
    let tenant_id = tx.tenant_id();
    let texts = |ids: &BTreeSet<GroupId>| -> Vec<String> {
        ids.iter().map(|id| id.as_str().to_owned()).collect()
    };
    sqlx::query!(
        "INSERT INTO user_claims (tenant_id, user_id, groups, app_roles, told_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, user_id) DO UPDATE
            SET groups = EXCLUDED.groups, app_roles = EXCLUDED.app_roles, told_at = EXCLUDED.told_at",
        tenant_id as _,
        user_id as _,
        &texts(&claims.groups),
        &texts(&claims.app_roles),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The most recent claims of a member and their time; `None` before the first
/// sign-in.
pub async fn user_claims_get(
    tx: &mut TenantTx,
    user_id: UserId,
) -> Result<Option<(GroupClaims, Timestamp)>, StoreError> {
    let tenant_id = tx.tenant_id();
    let row = sqlx::query!(
        "SELECT groups, app_roles, told_at FROM user_claims WHERE tenant_id = $1 AND user_id = $2",
        tenant_id as _,
        user_id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (GroupClaims::new(row.groups, row.app_roles), row.told_at)))
}

/// The changes to a member's grants, by role key and team name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantChanges {
    pub roles_gained: Vec<String>,
    pub roles_lost: Vec<String>,
    pub teams_gained: Vec<String>,
    pub teams_lost: Vec<String>,
    /// No mapping makes the member an owner any more, but there is no other
    /// owner. The role stays, because nobody could repair an organisation
    /// without an owner (SEC-A11).
    pub keeps_last_owner: bool,
}

impl GrantChanges {
    /// True if the member's roles or teams changed.
    pub fn is_change(&self) -> bool {
        let all = [
            &self.roles_gained,
            &self.roles_lost,
            &self.teams_gained,
            &self.teams_lost,
        ];
        all.iter().any(|names| !names.is_empty())
    }
}

/// Sets the roles and teams that a member has from groups and app roles to
/// exactly `grants`. Manual grants stay.
pub async fn user_grants_set(
    tx: &mut TenantTx,
    user_id: UserId,
    grants: &Grants,
    now: Timestamp,
) -> Result<GrantChanges, StoreError> {
    let (roles, keeps_last_owner) = user_roles_set(tx, user_id, &grants.roles, now).await?;
    let teams = team_members_set(tx, user_id, &grants.teams, now).await?;
    Ok(GrantChanges {
        roles_gained: difference(&roles.added, &roles.removed),
        roles_lost: difference(&roles.removed, &roles.added),
        teams_gained: difference(&teams.added, &teams.removed),
        teams_lost: difference(&teams.removed, &teams.added),
        keeps_last_owner,
    })
}

/// A grant that only changed its source was neither gained nor lost.
fn difference(these: &BTreeSet<String>, without: &BTreeSet<String>) -> Vec<String> {
    these.difference(without).cloned().collect()
}

/// Names of the roles or teams whose rows were written.
struct GrantDelta {
    added: BTreeSet<String>,
    removed: BTreeSet<String>,
}

fn columns<Id: Copy>(grants: &[Grant<Id>]) -> (Vec<Id>, Vec<GroupSource>) {
    grants.iter().map(|grant| (grant.id, grant.source)).unzip()
}

async fn user_roles_set(
    tx: &mut TenantTx,
    user_id: UserId,
    grants: &[Grant<RoleId>],
    now: Timestamp,
) -> Result<(GrantDelta, bool), StoreError> {
    let tenant_id = tx.tenant_id();
    let (role_ids, sources) = columns(grants);
    let owner_kept = if is_losing_ownership(tx, user_id, &role_ids).await? {
        owners_lock(tx).await?;
        match ensure_other_owner(tx, user_id).await {
            Err(StoreError::Constraint(_)) => true,
            other => other.map(|()| false)?,
        }
    } else {
        false
    };
    let added = sqlx::query_scalar!(
        "WITH added AS (
             INSERT INTO user_roles (tenant_id, user_id, role_id, source, granted_at)
             SELECT $1, $2, role_id, source, $5 FROM unnest($3::uuid[], $4::text[]) AS grants (role_id, source)
             ON CONFLICT (tenant_id, user_id, role_id, source) DO NOTHING
             RETURNING role_id
         )
         SELECT r.key FROM roles r JOIN added a ON a.role_id = r.id WHERE r.tenant_id = $1",
        tenant_id as _,
        user_id as _,
        &role_ids as &[RoleId],
        &sources as &[GroupSource],
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    let removed = sqlx::query_scalar!(
        "WITH removed AS (
             DELETE FROM user_roles ur
              WHERE ur.tenant_id = $1 AND ur.user_id = $2 AND ur.source IN ('group', 'app_role')
                AND NOT EXISTS (
                    SELECT FROM unnest($3::uuid[], $4::text[]) AS grants (role_id, source)
                     WHERE grants.role_id = ur.role_id AND grants.source = ur.source)
                AND NOT ($5 AND ur.role_id IN (SELECT id FROM roles WHERE tenant_id = $1 AND key = 'owner'))
             RETURNING ur.role_id
         )
         SELECT r.key FROM roles r JOIN removed d ON d.role_id = r.id WHERE r.tenant_id = $1",
        tenant_id as _,
        user_id as _,
        &role_ids as &[RoleId],
        &sources as &[GroupSource],
        owner_kept,
    )
    .fetch_all(tx.conn())
    .await?;
    let written = GrantDelta {
        added: added.into_iter().collect(),
        removed: removed.into_iter().collect(),
    };
    Ok((written, owner_kept))
}

/// True if the member is an owner only through groups or app roles and
/// `role_ids` has no owner role.
async fn is_losing_ownership(
    tx: &mut TenantTx,
    user_id: UserId,
    role_ids: &[RoleId],
) -> Result<bool, StoreError> {
    let tenant_id = tx.tenant_id();
    Ok(sqlx::query_scalar!(
        r#"SELECT coalesce(bool_and(ur.source IN ('group', 'app_role') AND r.id <> ALL ($3)), false) AS "losing!"
             FROM user_roles ur
             JOIN roles r ON r.tenant_id = ur.tenant_id AND r.id = ur.role_id
            WHERE ur.tenant_id = $1 AND ur.user_id = $2 AND r.key = $4"#,
        tenant_id as _,
        user_id as _,
        role_ids as _,
        SystemRole::Owner.key(),
    )
    .fetch_one(tx.conn())
    .await?)
}

async fn team_members_set(
    tx: &mut TenantTx,
    user_id: UserId,
    grants: &[Grant<TeamId>],
    now: Timestamp,
) -> Result<GrantDelta, StoreError> {
    let tenant_id = tx.tenant_id();
    let (team_ids, sources) = columns(grants);
    let added = sqlx::query_scalar!(
        "WITH added AS (
             INSERT INTO team_members (tenant_id, team_id, user_id, role, source, added_at)
             SELECT $1, team_id, $2, 'member', source, $5
               FROM unnest($3::uuid[], $4::text[]) AS grants (team_id, source)
             ON CONFLICT (tenant_id, team_id, user_id, source) DO NOTHING
             RETURNING team_id
         )
         SELECT t.name FROM teams t JOIN added a ON a.team_id = t.id WHERE t.tenant_id = $1",
        tenant_id as _,
        user_id as _,
        &team_ids as &[TeamId],
        &sources as &[GroupSource],
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    let removed = sqlx::query_scalar!(
        "WITH removed AS (
             DELETE FROM team_members m
              WHERE m.tenant_id = $1 AND m.user_id = $2 AND m.source IN ('group', 'app_role')
                AND NOT EXISTS (
                    SELECT FROM unnest($3::uuid[], $4::text[]) AS grants (team_id, source)
                     WHERE grants.team_id = m.team_id AND grants.source = m.source)
             RETURNING m.team_id
         )
         SELECT t.name FROM teams t JOIN removed d ON d.team_id = t.id WHERE t.tenant_id = $1",
        tenant_id as _,
        user_id as _,
        &team_ids as &[TeamId],
        &sources as &[GroupSource],
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(GrantDelta {
        added: added.into_iter().collect(),
        removed: removed.into_iter().collect(),
    })
}
