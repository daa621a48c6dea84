//! Members of an organisation.

use domain::{ActorKind, AppError, Timestamp, UserId, profile::Profile};

pub use domain::member::UserStatus;

use crate::{
    StoreError, TenantTx,
    actor::actor_load,
    error::ConstraintErrors,
    role::{ensure_other_owner, owners_lock},
};

pub(crate) const CONSTRAINTS: ConstraintErrors = &[
    ("users_handle_key", || {
        AppError::field("handle", "A member with this handle already exists.")
    }),
    ("users_display_name_check", || {
        AppError::field("display_name", "Enter a name of 1 to 200 characters.")
    }),
];

#[derive(Clone, Debug)]
pub struct NewUser<'a> {
    pub id: UserId,
    /// Display name.
    pub display_name: &'a str,
    /// As sent by the issuer; never used to identify the member.
    pub email: Option<&'a str>,
    pub kind: ActorKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    /// Display name.
    pub display_name: String,
    /// As sent by the issuer; never used to identify the member.
    pub email: Option<String>,
    pub kind: ActorKind,
    pub status: UserStatus,
    /// Accurate to the minute.
    pub last_seen_at: Option<Timestamp>,
}

/// Creates an active member of the transaction's tenant, without any role.
///
/// # Errors
/// [`StoreError::Constraint`] if the name is invalid.
pub async fn user_create(
    tx: &mut TenantTx,
    user: &NewUser<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let tenant_id = tx.tenant_id();
    sqlx::query!(
        "INSERT INTO users (tenant_id, id, display_name, email, kind, status, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, 'active', $6, $6)",
        tenant_id as _,
        user.id as _,
        user.display_name,
        user.email,
        user.kind as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn user_find(tx: &mut TenantTx, id: UserId) -> Result<User, StoreError> {
    let tenant_id = tx.tenant_id();
    let row = sqlx::query!(
        "SELECT display_name, email, kind, status, last_seen_at FROM users WHERE tenant_id = $1 AND id = $2",
        tenant_id as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(User {
        id,
        display_name: row.display_name,
        email: row.email,
        kind: row.kind,
        status: row.status,
        last_seen_at: row.last_seen_at,
    })
}

/// The transaction's own member, as the interface shows it.
pub async fn profile_get(tx: &mut TenantTx) -> Result<Profile, StoreError> {
    let id = tx.member_id()?;
    Ok(actor_load(tx, id).await?.profile)
}

/// Updates a member's name and e-mail from the issuer's claims.
pub async fn user_profile_set(
    tx: &mut TenantTx,
    id: UserId,
    display_name: &str,
    email: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let tenant_id = tx.tenant_id();
    let done = sqlx::query!(
        "UPDATE users
            SET updated_at = CASE WHEN (display_name, email) IS DISTINCT FROM ($3, $4) THEN $5 ELSE updated_at END,
                display_name = $3,
                email = $4
          WHERE tenant_id = $1 AND id = $2",
        tenant_id as _,
        id as _,
        display_name,
        email,
        now,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        Err(StoreError::NotFound)
    } else {
        Ok(())
    }
}

/// Records that a member was active, at most once a minute.
pub async fn user_touch(tx: &mut TenantTx, id: UserId, now: Timestamp) -> Result<(), StoreError> {
    let tenant_id = tx.tenant_id();
    sqlx::query!(
        "UPDATE users SET last_seen_at = $3
          WHERE tenant_id = $1 AND id = $2
            AND (last_seen_at IS NULL OR last_seen_at <= $3::timestamptz - interval '1 minute')",
        tenant_id as _,
        id as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Activates, suspends or deactivates a member.
///
/// # Errors
/// [`StoreError::Constraint`] with [`crate::role::LAST_OWNER`] if the tenant
/// would have no active owner.
pub async fn user_status_set(
    tx: &mut TenantTx,
    id: UserId,
    status: UserStatus,
    now: Timestamp,
) -> Result<(), StoreError> {
    if status != UserStatus::Active {
        owners_lock(tx).await?;
        ensure_other_owner(tx, id).await?;
    }
    let tenant_id = tx.tenant_id();
    let done = sqlx::query!(
        "UPDATE users SET status = $3, updated_at = $4 WHERE tenant_id = $1 AND id = $2",
        tenant_id as _,
        id as _,
        status as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        Err(StoreError::NotFound)
    } else {
        Ok(())
    }
}
