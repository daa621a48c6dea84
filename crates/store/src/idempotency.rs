//! Calls of programs that must not happen twice, and their answers (SEC-F5).

use domain::{ApiKeyId, Timestamp};

use crate::{StoreError, TenantTx, WorkerTx};

/// What a caller asked before under the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCall {
    /// SHA-256 of what was asked.
    pub request_hash: [u8; 32],
    /// What was answered, sealed; `None` while it is being worked on.
    pub answer: Option<Vec<u8>>,
}

/// Notes that the member's API key asks under `key`. Where it did so before
/// and that has not expired, nothing is noted and the earlier call is told.
///
/// # Errors
/// [`StoreError::Constraint`] for a key that is not acceptable.
pub async fn idempotency_begin(
    tx: &mut TenantTx,
    api_key_id: ApiKeyId,
    key: &str,
    request_hash: &[u8; 32],
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<Option<StoredCall>, StoreError> {
    let (tenant_id, user_id) = (tx.tenant_id().0, tx.member_id()?.0);
    sqlx::query!(
        "DELETE FROM idempotency_keys
          WHERE tenant_id = $1 AND api_key_id = $2 AND key = $3 AND expires_at <= $4",
        tenant_id,
        api_key_id.0,
        key,
        now,
    )
    .execute(tx.conn())
    .await?;
    let pending_notify = sqlx::query!(
        "INSERT INTO idempotency_keys (tenant_id, user_id, api_key_id, key, request_hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (tenant_id, api_key_id, key) DO NOTHING",
        tenant_id,
        user_id,
        api_key_id.0,
        key,
        request_hash.as_slice(),
        now,
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    if pending_notify.rows_affected() == 1 {
        return Ok(None);
    }
    let row = sqlx::query!(
        "SELECT request_hash, answer FROM idempotency_keys
          WHERE tenant_id = $1 AND api_key_id = $2 AND key = $3",
        tenant_id,
        api_key_id.0,
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

/// Keeps the sealed answer for whoever asks again.
///
/// # Errors
/// [`StoreError::NotFound`] when nothing was noted under `key`.
pub async fn idempotency_answer(
    tx: &mut TenantTx,
    api_key_id: ApiKeyId,
    key: &str,
    answer: &[u8],
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE idempotency_keys SET answer = $4 WHERE tenant_id = $1 AND api_key_id = $2 AND key = $3",
        tx.tenant_id().0,
        api_key_id.0,
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

/// Forgets a call that changed nothing, so that it can be made again.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn idempotency_forget(
    tx: &mut TenantTx,
    api_key_id: ApiKeyId,
    key: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM idempotency_keys WHERE tenant_id = $1 AND api_key_id = $2 AND key = $3",
        tx.tenant_id().0,
        api_key_id.0,
        key,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes what is past its time, and tells how much.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn idempotency_purge(tx: &mut WorkerTx, now: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query!("DELETE FROM idempotency_keys WHERE expires_at <= $1", now)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}
