//! Roles and their holders. Everything that removes a role or deactivates a
//! member goes through the guard here: a tenant keeps at least one active owner
//! (SEC-A11).

use std::collections::BTreeSet;

use domain::{
    AppError, Permission, RoleId, Timestamp, UserId,
    access::SystemRole,
    role::{ParsedRole, Role, RoleHolder},
};

pub use domain::role::RoleSource;

use crate::{StoreError, TenantTx, error::ConstraintErrors};

/// A tenant keeps at least one active owner.
pub const LAST_OWNER: &str = "last_owner";

pub(crate) const CONSTRAINTS: ConstraintErrors = &[
    ("roles_key_key", || {
        AppError::field("name", "A role with this or a similar name already exists.")
    }),
    (LAST_OWNER, || AppError::Conflict {
        message: "This is the organisation's last owner. Make another member an owner first."
            .into(),
    }),
];

struct RoleRow {
    id: RoleId,
    key: String,
    name: String,
    description: String,
    permissions: StoredPermissions,
    is_system: bool,
    version: i32,
    updated_at: Timestamp,
    holders: i64,
}

impl From<RoleRow> for Role {
    fn from(row: RoleRow) -> Self {
        Self {
            id: row.id,
            permissions: if row.is_system {
                permissions_of_system(&row.key)
            } else {
                row.permissions.known().collect()
            },
            key: row.key,
            name: row.name,
            description: row.description,
            is_system: row.is_system,
            version: row.version,
            updated_at: row.updated_at,
            holder_count: row.holders,
        }
    }
}

/// The permissions of a system role. The program defines them, not the row.
pub(crate) fn permissions_of_system(key: &str) -> BTreeSet<Permission> {
    let role: Option<SystemRole> = key.parse().ok();
    role.map(|role| role.permissions().iter().copied().collect())
        .unwrap_or_default()
}

/// Permission keys as stored in a custom role or an API key.
#[derive(Debug, sqlx::Type)]
#[sqlx(transparent, no_pg_array)]
pub(crate) struct StoredPermissions(Vec<String>);

impl StoredPermissions {
    /// Leaves out those that this version of Atrium doesn't know or that no
    /// role can hold.
    pub(crate) fn known(&self) -> impl Iterator<Item = Permission> {
        self.0
            .iter()
            .filter_map(|key| Permission::for_role(key).ok())
    }
}

impl From<StoredPermissions> for Vec<Permission> {
    fn from(stored: StoredPermissions) -> Self {
        stored.known().collect()
    }
}

/// All roles of the tenant: system roles first, the most powerful at the top,
/// then custom roles sorted by name.
pub async fn role_list(tx: &mut TenantTx) -> Result<Vec<Role>, StoreError> {
    let rows = sqlx::query_as!(
        RoleRow,
        r#"SELECT id, key, name, description, permissions, is_system, version, updated_at,
                  (SELECT count(DISTINCT user_id) FROM user_roles ur
                    WHERE ur.tenant_id = $1 AND ur.role_id = roles.id) AS "holders!"
             FROM roles
            WHERE tenant_id = $1
            ORDER BY array_position('{owner,admin,member,viewer,billing}', key), lower(name), id"#,
        tx.tenant_id() as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Role::from).collect())
}

pub async fn role_get(tx: &mut TenantTx, id: RoleId) -> Result<Role, StoreError> {
    let row = sqlx::query_as!(
        RoleRow,
        r#"SELECT id, key, name, description, permissions, is_system, version, updated_at,
                  (SELECT count(DISTINCT user_id) FROM user_roles ur
                    WHERE ur.tenant_id = $1 AND ur.role_id = roles.id) AS "holders!"
             FROM roles
            WHERE tenant_id = $1 AND id = $2"#,
        tx.tenant_id() as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(row.into())
}

/// At most `limit` members who hold a role, sorted by name.
pub async fn role_holders(
    tx: &mut TenantTx,
    id: RoleId,
    limit: i64,
) -> Result<Vec<RoleHolder>, StoreError> {
    Ok(sqlx::query_as!(
        RoleHolder,
        "SELECT id, display_name FROM users
          WHERE tenant_id = $1
            AND id IN (SELECT user_id FROM user_roles WHERE tenant_id = $1 AND role_id = $2)
          ORDER BY sort_name, id
          LIMIT $3",
        tx.tenant_id() as _,
        id as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Creates a custom role.
///
/// # Errors
/// [`StoreError::Constraint`] if its key is taken.
pub async fn role_create(
    tx: &mut TenantTx,
    id: RoleId,
    text: &ParsedRole,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO roles (
             tenant_id, id, key, name, description, permissions, is_system, version, created_at, updated_at
         )
         VALUES ($1, $2, $3, $4, $5, $6, false, 1, $7, $7)",
        tx.tenant_id() as _,
        id as _,
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

/// Changes a custom role that is still at `version`. Its key stays.
///
/// # Errors
/// [`StoreError::Conflict`] if it was changed or deleted meanwhile.
pub async fn role_update(
    tx: &mut TenantTx,
    id: RoleId,
    version: i32,
    text: &ParsedRole,
    now: Timestamp,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE roles
            SET name = $4, description = $5, permissions = $6, version = version + 1, updated_at = $7
          WHERE tenant_id = $1 AND id = $2 AND version = $3 AND NOT is_system",
        tx.tenant_id() as _,
        id as _,
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

/// Removes a custom role from all its holders, whatever the source, and returns
/// them.
pub async fn role_revoke_all(
    tx: &mut TenantTx,
    id: RoleId,
) -> Result<BTreeSet<UserId>, StoreError> {
    // System roles are excluded: removing the owner role needs the guard below.
    let user_ids = sqlx::query_scalar!(
        "DELETE FROM user_roles
          WHERE tenant_id = $1 AND role_id = $2
            AND role_id IN (SELECT id FROM roles WHERE tenant_id = $1 AND NOT is_system)
         RETURNING user_id",
        tx.tenant_id() as _,
        id as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(user_ids.into_iter().collect())
}

/// Deletes a custom role that nobody holds.
///
/// # Errors
/// [`StoreError::Conflict`] if it was changed or deleted meanwhile;
/// [`StoreError::Constraint`] if something still refers to it.
pub async fn role_delete(tx: &mut TenantTx, id: RoleId, version: i32) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "DELETE FROM roles WHERE tenant_id = $1 AND id = $2 AND version = $3 AND NOT is_system",
        tx.tenant_id() as _,
        id as _,
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

/// Grants a member the role with this key. Has no effect if the member has it
/// from this source already.
///
/// # Errors
/// [`StoreError::NotFound`] if the tenant has no such role,
/// [`StoreError::Constraint`] if it has no such member.
pub async fn user_role_grant(
    tx: &mut TenantTx,
    user_id: UserId,
    role_key: &str,
    source: RoleSource,
    now: Timestamp,
) -> Result<(), StoreError> {
    let granted_by = tx.user_id();
    let role_id = role_find(tx, role_key).await?;
    user_role_grant_by(tx, user_id, role_id, source, granted_by, now).await
}

/// As [`user_role_grant`], by the role's id and on behalf of `granted_by`
/// (`None`: Atrium itself): an invite is accepted before the new member can
/// act.
///
/// # Errors
/// [`StoreError::Constraint`] if the tenant has no such role or member.
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
        tenant_id as _,
        user_id as _,
        role_id as _,
        source as _,
        granted_by as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes the grant of a role that comes from `source`.
///
/// # Errors
/// [`StoreError::Constraint`] with [`LAST_OWNER`] if the tenant would have no
/// active owner, [`StoreError::NotFound`] if the member has no such grant.
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
        let has_other_source = sqlx::query_scalar!(
            r#"SELECT EXISTS (
                   SELECT FROM user_roles
                    WHERE tenant_id = $1 AND user_id = $2 AND role_id = $3 AND source <> $4
               ) AS "held!""#,
            tenant_id as _,
            user_id as _,
            role_id as _,
            source as _,
        )
        .fetch_one(tx.conn())
        .await?;
        if !has_other_source {
            ensure_other_owner(tx, user_id).await?;
        }
    }
    let done = sqlx::query!(
        "DELETE FROM user_roles WHERE tenant_id = $1 AND user_id = $2 AND role_id = $3 AND source = $4",
        tenant_id as _,
        user_id as _,
        role_id as _,
        source as _,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        Err(StoreError::NotFound)
    } else {
        Ok(())
    }
}

async fn role_find(tx: &mut TenantTx, key: &str) -> Result<RoleId, StoreError> {
    let tenant_id = tx.tenant_id();
    Ok(sqlx::query_scalar!(
        "SELECT id FROM roles WHERE tenant_id = $1 AND key = $2",
        tenant_id as _,
        key
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Serialises transactions that remove owners: two owners who remove each other
/// at the same moment would each see the other one as remaining.
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

/// The active owners of a tenant, relative to one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnerStatus {
    is_one: bool,
    others: bool,
}

impl OwnerStatus {
    pub(crate) fn is_last(self) -> bool {
        self.is_one && !self.others
    }
}

/// Finds out if `user_id` is an active owner, and if there are others.
pub(crate) async fn owner_status(
    tx: &mut TenantTx,
    user_id: UserId,
) -> Result<OwnerStatus, StoreError> {
    let tenant_id = tx.tenant_id();
    Ok(sqlx::query_as!(
        OwnerStatus,
        r#"SELECT coalesce(bool_or(u.id = $2), false) AS "is_one!",
                  coalesce(bool_or(u.id <> $2), false) AS "others!"
             FROM user_roles ur
             JOIN roles r ON r.tenant_id = ur.tenant_id AND r.id = ur.role_id
             JOIN users u ON u.tenant_id = ur.tenant_id AND u.id = ur.user_id
            WHERE ur.tenant_id = $1 AND r.key = 'owner' AND u.status = 'active'"#,
        tenant_id as _,
        user_id as _,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Fails with [`LAST_OWNER`] if `user_id` is the only active owner.
pub(crate) async fn ensure_other_owner(
    tx: &mut TenantTx,
    user_id: UserId,
) -> Result<(), StoreError> {
    if owner_status(tx, user_id).await?.is_last() {
        Err(StoreError::Constraint(LAST_OWNER.into()))
    } else {
        Ok(())
    }
}
