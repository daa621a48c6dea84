//! Calls of API clients that must not run twice, and their responses (SEC-F5).

use domain::{ApiKeyId, Timestamp};

use crate::{StoreError, TenantTx, WorkerTx};

/// An earlier call with the same idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCall {
    /// SHA-256 of the request.
    pub request_hash: [u8; 32],
    /// The encrypted response; `None` while the call is running.
    pub answer: Option<Vec<u8>>,
}

/// Records a call of the member's API key under `key`. If an earlier one has
/// not expired, records nothing and returns the earlier call.
///
/// # Errors
/// [`StoreError::Constraint`] for an invalid key.
pub async fn idempotency_begin(
    tx: &mut TenantTx,
    api_key_id: ApiKeyId,
    key: &str,
    request_hash: &[u8; 32],
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<Option<StoredCall>, StoreError> {
    let (tenant_id, user_id) = (tx.tenant_id(), tx.member_id()?);
    sqlx::query!(
        "DELETE FROM idempotency_keys
          WHERE tenant_id = $1 AND api_key_id = $2 AND key = $3 AND expires_at <= $4",
        tenant_id as _,
        api_key_id as _,
        key,
        now,
    )
    .execute(tx.conn())
    .await?;
    let inserted = sqlx::query!(
        "INSERT INTO idempotency_keys (tenant_id, user_id, api_key_id, key, request_hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (tenant_id, api_key_id, key) DO NOTHING",
        tenant_id as _,
        user_id as _,
        api_key_id as _,
        key,
        request_hash.as_slice(),
        now,
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(None);
    }
    let row = sqlx::query!(
        "SELECT request_hash, answer FROM idempotency_keys
          WHERE tenant_id = $1 AND api_key_id = $2 AND key = $3",
        tenant_id as _,
        api_key_id as _,
        key,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Some(StoredCall {
        request_hash: row
            .request_hash
            .try_into()
            .map_err(|_| StoreError::other("a request's hash is not 32 bytes long"))?,
        answer: row.answer,
    }))
}

/// Stores the encrypted response for repeated calls.
///
/// # Errors
/// [`StoreError::NotFound`] if no call was recorded under `key`.
pub async fn idempotency_answer(
    tx: &mut TenantTx,
    api_key_id: ApiKeyId,
    key: &str,
    answer: &[u8],
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE idempotency_keys SET answer = $4 WHERE tenant_id = $1 AND api_key_id = $2 AND key = $3",
        tx.tenant_id() as _,
        api_key_id as _,
        key,
        answer,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        Err(StoreError::NotFound)
    } else {
        Ok(())
    }
}

/// Deletes a call that changed nothing, so that it can be repeated.
pub async fn idempotency_forget(
    tx: &mut TenantTx,
    api_key_id: ApiKeyId,
    key: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM idempotency_keys WHERE tenant_id = $1 AND api_key_id = $2 AND key = $3",
        tx.tenant_id() as _,
        api_key_id as _,
        key,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Deletes expired calls and returns how many.
pub async fn idempotency_purge(tx: &mut WorkerTx, now: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query!("DELETE FROM idempotency_keys WHERE expires_at <= $1", now)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}
