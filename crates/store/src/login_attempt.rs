//! Sign-ins that were sent to the issuer and have not returned yet.

use domain::{InviteId, TenantId, Timestamp};

use crate::{AuthTx, StoreError};

/// The link of an invite when it was followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowedInvite {
    pub tenant_id: TenantId,
    pub id: InviteId,
    /// The number of times that the link had been replaced by then.
    pub renewals: i32,
}

/// The state of a login for the callback, when the browser returns from the issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginAttempt {
    /// SHA-256 of the secret in the browser's cookie.
    pub browser_hash: [u8; 32],
    /// The configured name of the issuer.
    pub issuer_name: String,
    /// The issuer's own identifier.
    pub issuer: String,
    /// The nonce that the ID token must contain.
    pub nonce: String,
    /// The PKCE verifier of the challenge that was sent.
    pub pkce_verifier: String,
    /// The page to open after the sign-in.
    pub return_to: String,
    /// The invite that the person followed.
    pub invite: Option<FollowedInvite>,
    /// The callback is rejected from this moment on.
    pub expires_at: Timestamp,
}

/// Stores a sign-in under the SHA-256 of its `state`.
pub async fn login_attempt_create(
    tx: &mut AuthTx,
    state_hash: &[u8; 32],
    attempt: &LoginAttempt,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO login_attempts
             (state_hash, browser_hash, issuer_name, issuer, nonce, pkce_verifier, return_to, created_at, expires_at,
              invite_tenant_id, invite_id, invite_renewals)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        state_hash.as_slice(),
        attempt.browser_hash.as_slice(),
        attempt.issuer_name,
        attempt.issuer,
        attempt.nonce,
        attempt.pkce_verifier,
        attempt.return_to,
        now,
        attempt.expires_at,
        attempt.invite.map(|invite| invite.tenant_id) as _,
        attempt.invite.map(|invite| invite.id) as _,
        attempt.invite.map(|invite| invite.renewals),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes and returns a sign-in, so that its `state` works only once (SEC-A1).
/// `None` if it is unknown, was used already or has expired. The caller
/// compares browser and issuer, and commits in any case.
pub async fn login_attempt_take(
    tx: &mut AuthTx,
    state_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<LoginAttempt>, StoreError> {
    let row = sqlx::query!(
        "DELETE FROM login_attempts WHERE state_hash = $1
         RETURNING browser_hash, issuer_name, issuer, nonce, pkce_verifier, return_to, expires_at,
                   invite_tenant_id, invite_id, invite_renewals",
        state_hash.as_slice(),
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row.filter(|row| row.expires_at > now) else {
        return Ok(None);
    };
    Ok(Some(LoginAttempt {
        browser_hash: row
            .browser_hash
            .try_into()
            .map_err(|_| StoreError::other("a browser hash is not 32 bytes long"))?,
        issuer_name: row.issuer_name,
        issuer: row.issuer,
        nonce: row.nonce,
        pkce_verifier: row.pkce_verifier,
        return_to: row.return_to,
        invite: row
            .invite_tenant_id
            .zip(row.invite_id.zip(row.invite_renewals))
            .map(|(tenant_id, (id, renewals))| FollowedInvite {
                tenant_id,
                id,
                renewals,
            }),
        expires_at: row.expires_at,
    }))
}

/// Deletes expired sign-ins and returns how many.
pub async fn login_attempt_purge(tx: &mut AuthTx, now: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query!("DELETE FROM login_attempts WHERE expires_at <= $1", now)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}
