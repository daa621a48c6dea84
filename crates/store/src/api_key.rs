//! API keys, with which programs act as a member. Only the SHA-256 of a key is
//! stored (SEC-D5). The hash can be read in an [`AuthTx`] only, never in an
//! organisation's own transactions.

use domain::{
    ApiKeyId, AppError, Page, Permission, TenantId, Timestamp, UserId, Vendor,
    api_key::{ApiKey, ApiKeyListInput, ApiKeyScope, NewApiKey, ServiceAccount},
};
use time::macros::datetime;
use uuid::Uuid;

use crate::{
    AuthTx, StoreError, TenantTx,
    cursor::{Cursor, List},
    error::ConstraintErrors,
    user::UserStatus,
};

pub(crate) const CONSTRAINTS: ConstraintErrors = &[("api_keys_label_check", || {
    AppError::field("label", "Enter a name of 1 to 100 characters.")
})];

/// Sorts after every row, so the first page starts here.
const FIRST_PAGE: Cursor<ApiKeyId> = Cursor {
    at: datetime!(9999-12-31 00:00 UTC),
    key: ApiKeyId(Uuid::max()),
};

/// A key as authentication reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredApiKey {
    pub tenant_id: TenantId,
    pub id: ApiKeyId,
    /// The member that the key acts as.
    pub user_id: UserId,
    /// SHA-256 of the key.
    pub key_hash: [u8; 32],
    /// Upper bound of the permissions.
    pub scopes: Vec<Permission>,
    /// Vendor of the product that uses the key.
    pub vendor: Vendor,
    /// The key is rejected from this moment on.
    pub expires_at: Option<Timestamp>,
    /// Accurate to the minute.
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// The stored forms of a new key's secret.
#[derive(Clone, Copy, Debug)]
pub struct ApiKeySecret<'a> {
    /// SHA-256 of the key.
    pub hash: &'a [u8; 32],
    /// The first characters, shown so that people recognise the key.
    pub prefix: &'a str,
}

/// Stores a key of `owner`.
///
/// # Errors
/// [`StoreError::Constraint`] for an invalid label, [`StoreError::Other`] if
/// the actor may not create the key.
pub async fn api_key_create(
    tx: &mut TenantTx,
    id: ApiKeyId,
    owner: UserId,
    mark: ApiKeySecret<'_>,
    key: &NewApiKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (tenant_id, created_by) = (tx.tenant_id(), tx.member_id()?);
    let scopes: Vec<_> = key.scopes.iter().map(|p| p.key().to_owned()).collect();
    sqlx::query!(
        "INSERT INTO api_keys
             (tenant_id, id, user_id, label, prefix, key_hash, scopes, created_by, created_at, expires_at, vendor)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        tenant_id as _,
        id as _,
        owner as _,
        key.label,
        mark.prefix,
        mark.hash.as_slice(),
        &scopes,
        created_by as _,
        now,
        key.lifetime.map(|lifetime| now + lifetime),
        key.vendor as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn api_key_get(tx: &mut TenantTx, id: ApiKeyId) -> Result<ApiKey, StoreError> {
    Ok(sqlx::query_as!(
        ApiKey,
        "SELECT k.id, label, prefix, k.user_id AS owner_id, u.display_name AS owner_name, u.kind AS owner_kind, scopes, vendor,
                k.created_at, expires_at, last_used_at, revoked_at
           FROM api_keys k
           JOIN users u ON u.tenant_id = k.tenant_id AND u.id = k.user_id
          WHERE k.tenant_id = $1 AND k.id = $2",
        tx.tenant_id() as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// One page of keys, newest first: the member's own, or all visible ones.
///
/// # Errors
/// [`StoreError::Cursor`] for a cursor of another list.
pub async fn api_key_list(
    tx: &mut TenantTx,
    scope: ApiKeyScope,
    input: &ApiKeyListInput,
    now: Timestamp,
    size: u16,
) -> Result<Page<ApiKey>, StoreError> {
    let after = input.after.as_deref().filter(|after| !after.is_empty());
    let cursor = after.map_or(Ok(FIRST_PAGE), |text| {
        Cursor::parse(text, List::ApiKey, tx.tenant_id())
    })?;
    let owner = match scope {
        ApiKeyScope::Any => None,
        ApiKeyScope::Own => Some(tx.member_id()?),
    };
    let keys = sqlx::query_as!(
        ApiKey,
        "SELECT k.id, label, prefix, k.user_id AS owner_id, u.display_name AS owner_name, u.kind AS owner_kind, scopes, vendor,
                k.created_at, expires_at, last_used_at, revoked_at
           FROM api_keys k
           JOIN users u ON u.tenant_id = k.tenant_id AND u.id = k.user_id
          WHERE k.tenant_id = $1
            AND k.created_at <= $2 AND (k.created_at, k.id) < ($2, $3)
            AND ($4::uuid IS NULL OR k.user_id = $4)
            AND (revoked_at IS NOT NULL OR expires_at IS NOT NULL AND expires_at <= $5) = $6
          ORDER BY k.created_at DESC, k.id DESC
          LIMIT $7",
        tx.tenant_id() as _,
        cursor.at,
        cursor.key as _,
        owner as _,
        now,
        input.ended,
        i64::from(size) + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(Page::cut(keys, usize::from(size), |key| {
        Cursor {
            at: key.created_at,
            key: key.id,
        }
        .to_text(List::ApiKey, tx.tenant_id())
    }))
}

/// The newest visible keys that act as `owner`, including expired and revoked
/// ones.
pub async fn api_key_list_for_member(
    tx: &mut TenantTx,
    owner: UserId,
    limit: u16,
) -> Result<Vec<ApiKey>, StoreError> {
    Ok(sqlx::query_as!(
        ApiKey,
        "SELECT k.id, label, prefix, k.user_id AS owner_id, u.display_name AS owner_name, u.kind AS owner_kind, scopes, vendor,
                k.created_at, expires_at, last_used_at, revoked_at
           FROM api_keys k
           JOIN users u ON u.tenant_id = k.tenant_id AND u.id = k.user_id
          WHERE k.tenant_id = $1 AND k.user_id = $2
          ORDER BY k.created_at DESC, k.id DESC
          LIMIT $3",
        tx.tenant_id() as _,
        owner as _,
        i64::from(limit),
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Revokes a visible key, which is rejected from the next request on.
///
/// # Errors
/// [`StoreError::NotFound`] also if it was revoked already.
pub async fn api_key_revoke(
    tx: &mut TenantTx,
    id: ApiKeyId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE api_keys SET revoked_at = $3 WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL",
        tx.tenant_id() as _,
        id as _,
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

/// Revokes all keys of a member and returns how many were active.
pub async fn api_key_revoke_all(
    tx: &mut TenantTx,
    owner: UserId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "UPDATE api_keys SET revoked_at = $3
          WHERE tenant_id = $1 AND user_id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)",
        tx.tenant_id() as _,
        owner as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// The key with this hash, including expired and revoked ones.
pub async fn api_key_find(
    tx: &mut AuthTx,
    key_hash: &[u8; 32],
) -> Result<Option<StoredApiKey>, StoreError> {
    let row = sqlx::query!(
        "SELECT tenant_id, id, user_id, key_hash, scopes, vendor, expires_at, last_used_at, revoked_at
           FROM api_keys WHERE key_hash = $1",
        key_hash.as_slice(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|row| {
        Ok(StoredApiKey {
            tenant_id: row.tenant_id,
            id: row.id,
            user_id: row.user_id,
            key_hash: row
                .key_hash
                .try_into()
                .map_err(|_| StoreError::other("a key's hash is not 32 bytes long"))?,
            scopes: row.scopes.into(),
            vendor: row.vendor,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        })
    })
    .transpose()
}

/// Records that a key was used, at most once a minute.
pub async fn api_key_touch(
    tx: &mut AuthTx,
    key_hash: &[u8; 32],
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE api_keys SET last_used_at = $2
          WHERE key_hash = $1 AND (last_used_at IS NULL OR last_used_at <= $2::timestamptz - interval '1 minute')",
        key_hash.as_slice(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The organisation's agents and services, sorted by name, with the number of
/// active keys of each.
pub async fn service_account_list(
    tx: &mut TenantTx,
    now: Timestamp,
    limit: u16,
) -> Result<Vec<ServiceAccount>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT u.id, u.display_name, u.kind, u.status,
                  ARRAY(
                      SELECT r.name FROM roles r
                       WHERE r.tenant_id = $1 AND r.id IN (
                           SELECT ur.role_id FROM user_roles ur WHERE ur.tenant_id = $1 AND ur.user_id = u.id)
                       ORDER BY r.name
                  ) AS "roles!",
                  (SELECT count(*) FROM api_keys k
                    WHERE k.tenant_id = $1 AND k.user_id = u.id AND revoked_at IS NULL
                      AND (expires_at IS NULL OR expires_at > $2)) AS "keys!"
             FROM users u
            WHERE u.tenant_id = $1 AND u.kind IN ('agent', 'service')
            ORDER BY u.display_name, u.id
            LIMIT $3"#,
        tx.tenant_id() as _,
        now,
        i64::from(limit),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ServiceAccount {
            id: row.id,
            name: row.display_name,
            kind: row.kind,
            is_active: row.status == UserStatus::Active,
            roles: row.roles,
            key_count: row.keys,
        })
        .collect())
}
