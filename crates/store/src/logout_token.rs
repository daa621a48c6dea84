//! Used logout tokens, so that each works only once.

use domain::Timestamp;

use crate::{AuthTx, StoreError};

/// Stores a token by the SHA-256 of its issuer and id until it expires. Returns
/// false if it was used before.
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

/// Deletes expired tokens and returns how many.
pub async fn logout_token_purge(tx: &mut AuthTx, now: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query!("DELETE FROM logout_tokens WHERE expires_at <= $1", now)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}
