//! Logout tokens that were used: each counts once.

use domain::Timestamp;

use crate::{AuthTx, StoreError};

/// Remembers a token by the SHA-256 of its issuer and id until it is too old
/// to count anyway. False when it was used before.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn logout_token_use(
    tx: &mut AuthTx,
    id_hash: &[u8; 32],
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO logout_tokens (id_hash, used_at, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (id_hash) DO NOTHING",
        id_hash.as_slice(),
        now,
        expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes tokens that are too old to count, and tells how many.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn logout_token_purge(tx: &mut AuthTx, now: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query!("DELETE FROM logout_tokens WHERE expires_at <= $1", now)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}
