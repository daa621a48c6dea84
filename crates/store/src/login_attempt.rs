//! Sign-ins that are on their way to the issuer and back.

use domain::{InviteId, TenantId, Timestamp};

use crate::{AuthTx, StoreError};

/// The link of an invite, as it was when somebody followed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowedInvite {
    /// The organisation.
    pub tenant_id: TenantId,
    /// The invite.
    pub id: InviteId,
    /// How often it had got another link by then.
    pub renewals: i32,
}

/// What must still be known when the browser comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginAttempt {
    /// SHA-256 of the browser's own secret, which its cookie holds.
    pub browser_hash: [u8; 32],
    /// The name of the issuer that was asked.
    pub issuer_name: String,
    /// The issuer that was asked, as it spells itself.
    pub issuer: String,
    /// The nonce that the ID token must carry.
    pub nonce: String,
    /// The PKCE verifier behind the challenge that was sent.
    pub pkce_verifier: String,
    /// Where the person wanted to go.
    pub return_to: String,
    /// By which invite the person comes.
    pub invite: Option<FollowedInvite>,
    /// From when on it doesn't count any more.
    pub expires_at: Timestamp,
}

/// Remembers a sign-in under the SHA-256 of its `state`.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
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
        attempt.invite.map(|invite| invite.tenant_id.0),
        attempt.invite.map(|invite| invite.id.0),
        attempt.invite.map(|invite| invite.renewals),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes a sign-in out, so that its `state` counts once (SEC-A1). `None` when
/// it is unknown, was taken already, or is too old. The caller compares
/// browser and issuer, and commits in any case.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
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
                tenant_id: tenant_id.into(),
                id: id.into(),
                renewals,
            }),
        expires_at: row.expires_at,
    }))
}

/// Removes sign-ins that were never finished, and tells how many.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn login_attempt_purge(tx: &mut AuthTx, now: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query!("DELETE FROM login_attempts WHERE expires_at <= $1", now)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}
