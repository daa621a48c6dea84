//! Roles and who holds which. Every path that takes a role or a member away
//! goes through the guard here: a tenant keeps at least one active owner
//! (SEC-A11).

use std::collections::BTreeSet;

use domain::{
    Permission, RoleId, Timestamp, UserId,
    access::SystemRole,
    role::{Role, RoleHolder, RoleText},
};
use uuid::Uuid;

pub use domain::role::RoleSource;

use crate::{StoreError, TenantTx, error::LAST_OWNER};

struct RoleRow {
    id: Uuid,
    key: String,
    name: String,
    description: String,
    permissions: Vec<String>,
    is_system: bool,
    version: i32,
    updated_at: Timestamp,
    holders: i64,
}

impl From<RoleRow> for Role {
    fn from(row: RoleRow) -> Self {
        Self {
            id: RoleId(row.id),
            permissions: if row.is_system {
                permissions_of_system(&row.key)
            } else {
                permissions_of_custom(&row.permissions)
            },
            key: row.key,
            name: row.name,
            description: row.description,
            is_system: row.is_system,
            version: row.version,
            updated_at: row.updated_at,
            holders: row.holders,
        }
    }
}

/// What a system role allows: the program says so, and not its row.
pub(crate) fn permissions_of_system(key: &str) -> BTreeSet<Permission> {
    let role: Option<SystemRole> = key.parse().ok();
    role.map(|role| role.permissions().iter().copied().collect())
        .unwrap_or_default()
}

/// What rows of custom roles allow. A permission that only another version of
/// Atrium knows, or that no role can hold, allows nothing.
pub(crate) fn permissions_of_custom(stored: &[String]) -> BTreeSet<Permission> {
    stored
        .iter()
        .filter_map(|key| Permission::for_role(key).ok())
        .collect()
}

/// All roles of the tenant: what came with it first, the most powerful at the
/// top, then its own by name.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn role_list(tx: &mut TenantTx) -> Result<Vec<Role>, StoreError> {
    let rows = sqlx::query_as!(
        RoleRow,
        r#"SELECT id, key, name, description, permissions, is_system, version, updated_at,
                  (SELECT count(DISTINCT user_id) FROM user_roles ur
                    WHERE ur.tenant_id = $1 AND ur.role_id = roles.id) AS "holders!"
             FROM roles
            WHERE tenant_id = $1
            ORDER BY array_position('{owner,admin,member,viewer,billing}', key), lower(name), id"#,
        tx.tenant_id().0,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Role::from).collect())
}

/// One role.
///
/// # Errors
/// [`StoreError::NotFound`] when the tenant has no such role.
pub async fn role_get(tx: &mut TenantTx, id: RoleId) -> Result<Role, StoreError> {
    let row = sqlx::query_as!(
        RoleRow,
        r#"SELECT id, key, name, description, permissions, is_system, version, updated_at,
                  (SELECT count(DISTINCT user_id) FROM user_roles ur
                    WHERE ur.tenant_id = $1 AND ur.role_id = roles.id) AS "holders!"
             FROM roles
            WHERE tenant_id = $1 AND id = $2"#,
        tx.tenant_id().0,
        id.0,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(row.into())
}

/// Members who hold a role, by name, at most `limit`.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn role_holders(
    tx: &mut TenantTx,
    id: RoleId,
    limit: i64,
) -> Result<Vec<RoleHolder>, StoreError> {
    let rows = sqlx::query!(
        "SELECT id, display_name FROM users
          WHERE tenant_id = $1
            AND id IN (SELECT user_id FROM user_roles WHERE tenant_id = $1 AND role_id = $2)
          ORDER BY sort_name, id
          LIMIT $3",
        tx.tenant_id().0,
        id.0,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| RoleHolder {
            id: UserId(row.id),
            display_name: row.display_name,
        })
        .collect())
}

/// Creates a custom role.
///
/// # Errors
/// [`StoreError::Constraint`] when its key is taken.
pub async fn role_create(
    tx: &mut TenantTx,
    id: RoleId,
    text: &RoleText,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO roles (
             tenant_id, id, key, name, description, permissions, is_system, version, created_at, updated_at
         )
         VALUES ($1, $2, $3, $4, $5, $6, false, 1, $7, $7)",
        tx.tenant_id().0,
        id.0,
        text.key(),
        text.name,
        text.description,
        &keys_of(&text.permissions),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Changes a custom role from its version `version`. Its key stays.
///
/// # Errors
/// [`StoreError::Conflict`] when it was changed or deleted meanwhile.
pub async fn role_update(
    tx: &mut TenantTx,
    id: RoleId,
    version: i32,
    text: &RoleText,
    now: Timestamp,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE roles
            SET name = $4, description = $5, permissions = $6, version = version + 1, updated_at = $7
          WHERE tenant_id = $1 AND id = $2 AND version = $3 AND NOT is_system",
        tx.tenant_id().0,
        id.0,
        version,
        text.name,
        text.description,
        &keys_of(&text.permissions),
        now,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        Err(StoreError::Conflict)
    } else {
        Ok(())
    }
}

/// Takes a custom role from everybody who holds it, whatever the source, and
/// tells who did.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn role_take_from_all(
    tx: &mut TenantTx,
    id: RoleId,
) -> Result<BTreeSet<UserId>, StoreError> {
    // The owner's role has a guard of its own and does not come this way.
    let taken = sqlx::query_scalar!(
        "DELETE FROM user_roles
          WHERE tenant_id = $1 AND role_id = $2
            AND role_id IN (SELECT id FROM roles WHERE tenant_id = $1 AND NOT is_system)
         RETURNING user_id",
        tx.tenant_id().0,
        id.0,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(taken.into_iter().map(UserId).collect())
}

/// Deletes a custom role that nobody holds.
///
/// # Errors
/// [`StoreError::Conflict`] when it was changed or deleted meanwhile;
/// [`StoreError::Constraint`] when something still names it.
pub async fn role_delete(tx: &mut TenantTx, id: RoleId, version: i32) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "DELETE FROM roles WHERE tenant_id = $1 AND id = $2 AND version = $3 AND NOT is_system",
        tx.tenant_id().0,
        id.0,
        version,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        Err(StoreError::Conflict)
    } else {
        Ok(())
    }
}

fn keys_of(permissions: &BTreeSet<Permission>) -> Vec<String> {
    permissions.iter().map(|p| p.key().to_owned()).collect()
}

/// Gives a member the role with this key. Granting what is held already
/// changes nothing.
///
/// # Errors
/// [`StoreError::NotFound`] when the tenant has no such role,
/// [`StoreError::Constraint`] when it has no such member.
pub async fn user_role_grant(
    tx: &mut TenantTx,
    user_id: UserId,
    role_key: &str,
    source: RoleSource,
    now: Timestamp,
) -> Result<(), StoreError> {
    let granted_by = tx.user_id();
    let role_id = RoleId(role_find(tx, role_key).await?);
    user_role_grant_by(tx, user_id, role_id, source, granted_by, now).await
}

/// As [`user_role_grant`], by a role's id and in the name of another, `None`
/// for Atrium itself: an invite is followed when nobody is known yet.
///
/// # Errors
/// [`StoreError::Constraint`] when the tenant has no such role or member.
pub async fn user_role_grant_by(
    tx: &mut TenantTx,
    user_id: UserId,
    role_id: RoleId,
    source: RoleSource,
    granted_by: Option<UserId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let tenant_id = tx.tenant_id();
    sqlx::query!(
        "INSERT INTO user_roles (tenant_id, user_id, role_id, source, granted_by, granted_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant_id, user_id, role_id, source) DO NOTHING",
        tenant_id.0,
        user_id.0,
        role_id.0,
        source.key(),
        granted_by.map(|id| id.0),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes from a member the role with this key, as far as it comes from
/// `source`.
///
/// # Errors
/// [`StoreError::Constraint`] with [`LAST_OWNER`] when nobody would be left to
/// run the tenant, [`StoreError::NotFound`] when the member doesn't hold it
/// from there.
pub async fn user_role_revoke(
    tx: &mut TenantTx,
    user_id: UserId,
    role_key: &str,
    source: RoleSource,
) -> Result<(), StoreError> {
    let tenant_id = tx.tenant_id();
    let role_id = role_find(tx, role_key).await?;
    if role_key == domain::access::SystemRole::Owner.key() {
        owners_lock(tx).await?;
        let held_otherwise = sqlx::query_scalar!(
            r#"SELECT EXISTS (
                   SELECT FROM user_roles
                    WHERE tenant_id = $1 AND user_id = $2 AND role_id = $3 AND source <> $4
               ) AS "held!""#,
            tenant_id.0,
            user_id.0,
            role_id,
            source.key(),
        )
        .fetch_one(tx.conn())
        .await?;
        if !held_otherwise {
            owners_other_than(tx, user_id).await?;
        }
    }
    let done = sqlx::query!(
        "DELETE FROM user_roles WHERE tenant_id = $1 AND user_id = $2 AND role_id = $3 AND source = $4",
        tenant_id.0,
        user_id.0,
        role_id,
        source.key(),
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        Err(StoreError::NotFound)
    } else {
        Ok(())
    }
}

async fn role_find(tx: &mut TenantTx, key: &str) -> Result<uuid::Uuid, StoreError> {
    let tenant_id = tx.tenant_id();
    Ok(sqlx::query_scalar!(
        "SELECT id FROM roles WHERE tenant_id = $1 AND key = $2",
        tenant_id.0,
        key
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Lets one transaction at a time take owners away, until it ends: two owners
/// who remove each other at the same moment would both see the other one.
pub(crate) async fn owners_lock(tx: &mut TenantTx) -> Result<(), StoreError> {
    let name = format!("atrium.owners:{}", tx.tenant_id());
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
        name
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Who is among the tenant's active owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnerStanding {
    is_one: bool,
    others: bool,
}

impl OwnerStanding {
    /// Nobody would be left to run the tenant.
    pub(crate) fn is_last(self) -> bool {
        self.is_one && !self.others
    }
}

/// Whether `user_id` is an active owner, and whether others are.
pub(crate) async fn owner_standing(
    tx: &mut TenantTx,
    user_id: UserId,
) -> Result<OwnerStanding, StoreError> {
    let tenant_id = tx.tenant_id();
    Ok(sqlx::query_as!(
        OwnerStanding,
        r#"SELECT coalesce(bool_or(u.id = $2), false) AS "is_one!",
                  coalesce(bool_or(u.id <> $2), false) AS "others!"
             FROM user_roles ur
             JOIN roles r ON r.tenant_id = ur.tenant_id AND r.id = ur.role_id
             JOIN users u ON u.tenant_id = ur.tenant_id AND u.id = ur.user_id
            WHERE ur.tenant_id = $1 AND r.key = 'owner' AND u.status = 'active'"#,
        tenant_id.0,
        user_id.0,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Passes when taking `user_id` away leaves an active owner, or takes none.
pub(crate) async fn owners_other_than(
    tx: &mut TenantTx,
    user_id: UserId,
) -> Result<(), StoreError> {
    if owner_standing(tx, user_id).await?.is_last() {
        Err(StoreError::Constraint(LAST_OWNER.into()))
    } else {
        Ok(())
    }
}
