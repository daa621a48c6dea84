//! Who holds which role. Every path that takes a role or a member away goes
//! through the guard here: a tenant keeps at least one active owner (SEC-A11).

use domain::{Timestamp, UserId};

use crate::{StoreError, TenantTx, error::LAST_OWNER};

/// Why a member holds a role; each reason comes and goes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleSource {
    /// Somebody granted it.
    Manual,
    /// A group that the issuer tells of.
    Group,
    /// An app role that the issuer tells of.
    AppRole,
}

impl RoleSource {
    /// As stored.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Group => "group",
            Self::AppRole => "app_role",
        }
    }
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
    let tenant_id = tx.tenant_id();
    let granted_by = tx.user_id().map(|id| id.0);
    let role_id = role_find(tx, role_key).await?;
    sqlx::query!(
        "INSERT INTO user_roles (tenant_id, user_id, role_id, source, granted_by, granted_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant_id, user_id, role_id, source) DO NOTHING",
        tenant_id.0,
        user_id.0,
        role_id,
        source.key(),
        granted_by,
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

/// Passes when taking `user_id` away leaves an active owner, or takes none.
pub(crate) async fn owners_other_than(
    tx: &mut TenantTx,
    user_id: UserId,
) -> Result<(), StoreError> {
    let tenant_id = tx.tenant_id();
    let owners = sqlx::query!(
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
    .await?;
    if owners.is_one && !owners.others {
        Err(StoreError::Constraint(LAST_OWNER.into()))
    } else {
        Ok(())
    }
}
