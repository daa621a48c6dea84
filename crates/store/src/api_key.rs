//! API keys, with which programs act as a member. Only the SHA-256 of a key is
//! stored (SEC-D5). The hash can be read in an [`AuthTx`] only, never in an
//! organisation's own transactions.

use domain::{
    ApiKeyId, AppError, Page, Permission, TenantId, Timestamp, UserId, Vendor,
    api_key::{API_KEY_SORTS, ApiKey, ApiKeyListInput, ApiKeyScope, NewApiKey, ServiceAccount},
};

use crate::{
    AuthTx, StoreError, TenantTx,
    cursor::{List, Place},
    error::ConstraintErrors,
    user::UserStatus,
};

pub(crate) const CONSTRAINTS: ConstraintErrors = &[("api_keys_label_check", || {
    AppError::field("label", "Enter a name of 1 to 100 characters.")
})];

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
    let owner = match scope {
        ApiKeyScope::Any => None,
        ApiKeyScope::Own => Some(tx.member_id()?),
    };
    let (tenant_id, after) = (tx.tenant_id(), input.after.as_deref());
    let place = Place::parse(List::ApiKey, tenant_id, &API_KEY_SORTS, &input.sort, after)?;
    let rows = sqlx::query!(
        r#"WITH matching AS MATERIALIZED (
               SELECT k.id,
                      CASE $6 WHEN 'label' THEN lower(k.label)
                              WHEN 'owner' THEN u.sort_name
                              WHEN 'last_used_at' THEN sort_time(k.last_used_at)
                              WHEN 'expires_at' THEN coalesce(nullif(sort_time(k.expires_at), ''), '9')
                              ELSE sort_time(k.created_at) END COLLATE "C" AS key
                 FROM api_keys k
                 JOIN users u ON u.tenant_id = k.tenant_id AND u.id = k.user_id
                WHERE k.tenant_id = $1
                  AND ($2::uuid IS NULL OR k.user_id = $2)
                  AND (k.revoked_at IS NOT NULL OR k.expires_at IS NOT NULL AND k.expires_at <= $3) = $4
                  AND ($5 = '' OR strpos(lower(concat_ws(E'\n', k.label, u.display_name)), lower($5)) > 0
                               OR k.prefix ^@ $5 OR $5 ^@ k.prefix)
           )
           SELECT k.id, k.label, k.prefix, k.user_id AS owner_id, u.display_name AS owner_name, u.kind AS owner_kind,
                  k.scopes, k.vendor, k.created_at, k.expires_at, k.last_used_at, k.revoked_at, m.key AS "key!",
                  (SELECT count(*) FROM (SELECT FROM matching LIMIT 1001) AS counted) AS "total!"
             FROM matching m
             JOIN api_keys k ON k.tenant_id = $1 AND k.id = m.id
             JOIN users u ON u.tenant_id = $1 AND u.id = k.user_id
            WHERE ($7::text IS NULL OR CASE WHEN $9 THEN (m.key, m.id) < ($7, $8) ELSE (m.key, m.id) > ($7, $8) END)
            ORDER BY CASE WHEN $9 THEN m.key END DESC, CASE WHEN $9 THEN m.id END DESC, m.key, m.id
            LIMIT $10"#,
        tenant_id as _,
        owner as _,
        now,
        input.ended,
        input.query.trim(),
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
    Ok(page.map(|row| ApiKey {
        id: row.id,
        label: row.label,
        prefix: row.prefix,
        owner_id: row.owner_id,
        owner_name: row.owner_name,
        owner_kind: row.owner_kind,
        scopes: row.scopes.into(),
        vendor: row.vendor,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
        revoked_at: row.revoked_at,
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
