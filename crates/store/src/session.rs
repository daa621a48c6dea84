//! Browser sessions. Only the SHA-256 of the cookie's id is stored (SEC-B1),
//! and an ended session stays ended: changes update a live row and never insert
//! (SEC-B2). For a short time after the id was rotated, requests in
//! flight with the previous id still succeed; they can end the session but not
//! change it.

use std::net::IpAddr;

use domain::{SessionId, TenantId, Timestamp, UserId, profile::Session};
use uuid::Uuid;

use crate::{AuthTx, StoreError};

#[derive(Clone, Debug)]
pub struct NewSession {
    pub id: SessionId,
    /// SHA-256 of the cookie's id.
    pub id_hash: [u8; 32],
    pub tenant_id: TenantId,
    pub user_id: UserId,
    /// When the session ends unless it is used.
    pub idle_expires_at: Timestamp,
    /// When the session ends in any case.
    pub absolute_expires_at: Timestamp,
    pub ip: Option<IpAddr>,
    pub user_agent: Option<String>,
    /// The member's identity that was used to sign in.
    pub identity_id: Option<Uuid>,
    /// The name of the configured issuer.
    pub issuer_name: Option<String>,
    /// `iss` of the ID token.
    pub oidc_issuer: Option<String>,
    /// `sub` of the ID token.
    pub oidc_subject: Option<String>,
    /// The issuer's own session id, for its logout messages.
    pub oidc_sid: Option<String>,
    /// The issuer's tokens, encrypted.
    pub tokens_encrypted: Option<Vec<u8>>,
    /// When the tokens are due for renewal; `None` if they can't be renewed.
    pub refresh_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSession {
    pub id: SessionId,
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub created_at: Timestamp,
    /// Accurate to the minute.
    pub last_seen_at: Timestamp,
    /// When the session ends unless it is used.
    pub idle_expires_at: Timestamp,
    /// When the session ends in any case.
    pub absolute_expires_at: Timestamp,
    /// The name of the configured issuer; `None` in sessions from before there
    /// were several.
    pub issuer_name: Option<String>,
    /// `iss` of the ID token.
    pub oidc_issuer: Option<String>,
    /// `sub` of the ID token.
    pub oidc_subject: Option<String>,
    /// The issuer's own session id.
    pub oidc_sid: Option<String>,
    /// The issuer's tokens, encrypted.
    pub tokens_encrypted: Option<Vec<u8>>,
    /// When the tokens are due for renewal; `None` if they can't be renewed.
    pub refresh_at: Option<Timestamp>,
    /// While a process renews the tokens: when its claim expires.
    pub refresh_lease_until: Option<Timestamp>,
    /// SHA-256 of the member's privileges (roles, permissions, led teams,
    /// operator) when the cookie's id was issued.
    pub privileges_hash: Option<Vec<u8>>,
    /// True if the session was found by its previous id.
    pub by_previous_id: bool,
}

/// Renewed tokens of a session.
#[derive(Clone, Debug)]
pub struct RefreshedTokens {
    /// The issuer's tokens, encrypted.
    pub sealed: Option<Vec<u8>>,
    /// When the tokens are due for renewal again.
    pub refresh_at: Timestamp,
}

/// A session that was just ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedSession {
    pub id: SessionId,
    pub tenant_id: TenantId,
    pub user_id: UserId,
}

/// Creates a session.
///
/// # Errors
/// [`StoreError::Constraint`] if the id or its hash is taken.
pub async fn session_create(
    tx: &mut AuthTx,
    session: &NewSession,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO web_sessions (
             tenant_id, id, id_hash, user_id, created_at, last_seen_at, idle_expires_at, absolute_expires_at,
             ip, user_agent, identity_id, issuer_name, oidc_issuer, oidc_subject, oidc_sid, tokens_encrypted, refresh_at
         ) VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8::text::inet, $9, $10, $11, $12, $13, $14, $15, $16)",
        session.tenant_id as _,
        session.id as _,
        session.id_hash.as_slice(),
        session.user_id as _,
        now,
        session.idle_expires_at.min(session.absolute_expires_at),
        session.absolute_expires_at,
        session.ip.map(|ip| ip.to_string()),
        session.user_agent,
        session.identity_id,
        session.issuer_name,
        session.oidc_issuer,
        session.oidc_subject,
        session.oidc_sid,
        session.tokens_encrypted,
        session.refresh_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The live session with this id hash, or with this one as the previous id;
/// `None` if it is unknown, revoked or expired.
pub async fn session_load(
    tx: &mut AuthTx,
    id_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<StoredSession>, StoreError> {
    let row = sqlx::query_as!(
        StoredSession,
        r#"SELECT id, tenant_id, user_id, created_at, last_seen_at, idle_expires_at, absolute_expires_at,
                  issuer_name, oidc_issuer, oidc_subject, oidc_sid, tokens_encrypted, refresh_at,
                  refresh_lease_until, privileges_hash, id_hash <> $1 AS "by_previous_id!"
             FROM web_sessions
            WHERE (id_hash = $1 OR previous_id_hash = $1 AND previous_id_until > $2)
              AND revoked_at IS NULL AND idle_expires_at > $2 AND absolute_expires_at > $2"#,
        id_hash.as_slice(),
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

/// The member of a live session, by its public id; `None` if it is unknown,
/// revoked or expired.
pub async fn session_user(
    tx: &mut AuthTx,
    tenant_id: TenantId,
    id: SessionId,
    now: Timestamp,
) -> Result<Option<UserId>, StoreError> {
    Ok(sqlx::query_scalar!(
        "SELECT user_id FROM web_sessions
          WHERE tenant_id = $1 AND id = $2
            AND revoked_at IS NULL AND idle_expires_at > $3 AND absolute_expires_at > $3",
        tenant_id as _,
        id as _,
        now,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Stores the hash of the member's privileges, if the session has none yet.
pub async fn session_privileges_set(
    tx: &mut AuthTx,
    id_hash: &[u8; 32],
    privileges: &[u8; 32],
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE web_sessions SET privileges_hash = $2
          WHERE id_hash = $1 AND privileges_hash IS NULL
            AND revoked_at IS NULL AND idle_expires_at > $3 AND absolute_expires_at > $3",
        id_hash.as_slice(),
        privileges.as_slice(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Claims the renewal of a live session's tokens until `lease` and returns
/// them; `None` if they are not due, or another process has claimed them.
pub async fn session_refresh_claim(
    tx: &mut AuthTx,
    tenant_id: TenantId,
    id: SessionId,
    lease: Timestamp,
    now: Timestamp,
) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"UPDATE web_sessions SET refresh_lease_until = $3
            WHERE tenant_id = $1 AND id = $2 AND tokens_encrypted IS NOT NULL AND refresh_at <= $4
              AND (refresh_lease_until IS NULL OR refresh_lease_until <= $4)
              AND revoked_at IS NULL AND idle_expires_at > $4 AND absolute_expires_at > $4
            RETURNING tokens_encrypted AS "tokens_encrypted!""#,
        tenant_id as _,
        id as _,
        lease,
        now,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Replaces the tokens of a live session, as the holder of the claim with this
/// `lease`. Returns false if the session ended, or the claim expired and was
/// taken over by another process.
pub async fn session_refresh_finish(
    tx: &mut AuthTx,
    tenant_id: TenantId,
    id: SessionId,
    lease: Timestamp,
    tokens: &RefreshedTokens,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE web_sessions SET tokens_encrypted = $4, refresh_at = $5, refresh_lease_until = NULL
          WHERE tenant_id = $1 AND id = $2 AND refresh_lease_until = $3
            AND revoked_at IS NULL AND idle_expires_at > $6 AND absolute_expires_at > $6",
        tenant_id as _,
        id as _,
        lease,
        tokens.sealed,
        tokens.refresh_at,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Records that a live session was used, at most once a minute, and moves its
/// idle expiry, but never past the absolute one.
pub async fn session_touch(
    tx: &mut AuthTx,
    id_hash: &[u8; 32],
    idle_expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE web_sessions SET last_seen_at = $2, idle_expires_at = least($3, absolute_expires_at)
          WHERE id_hash = $1 AND revoked_at IS NULL AND idle_expires_at > $2 AND absolute_expires_at > $2
            AND last_seen_at <= $2 - interval '1 minute'",
        id_hash.as_slice(),
        now,
        idle_expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A new id for a session whose member's privileges changed.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// SHA-256 of the new id.
    pub id_hash: [u8; 32],
    /// SHA-256 of the member's current privileges.
    pub privileges: [u8; 32],
    /// Until when requests with the previous id still succeed.
    pub previous_until: Timestamp,
}

/// Gives a live session a new id. Returns false if it ended meanwhile, or
/// another request rotated it first.
///
/// # Errors
/// [`StoreError::Constraint`] if the new hash is taken.
pub async fn session_rotate(
    tx: &mut AuthTx,
    id_hash: &[u8; 32],
    rotation: &Rotation,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE web_sessions
            SET id_hash = $2, privileges_hash = $3, previous_id_hash = $1, previous_id_until = $4
          WHERE id_hash = $1 AND revoked_at IS NULL AND idle_expires_at > $5 AND absolute_expires_at > $5",
        id_hash.as_slice(),
        rotation.id_hash.as_slice(),
        rotation.privileges.as_slice(),
        rotation.previous_until,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The live sessions of a member, last used first.
pub async fn session_list(
    tx: &mut AuthTx,
    tenant_id: TenantId,
    user_id: UserId,
    current: Option<SessionId>,
    now: Timestamp,
) -> Result<Vec<Session>, StoreError> {
    let rows = sqlx::query!(
        "SELECT id, created_at, last_seen_at, absolute_expires_at, host(ip) AS ip, user_agent
           FROM web_sessions
          WHERE tenant_id = $1 AND user_id = $2
            AND revoked_at IS NULL AND idle_expires_at > $3 AND absolute_expires_at > $3
          ORDER BY last_seen_at DESC, id DESC",
        tenant_id as _,
        user_id as _,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Session {
            id: row.id,
            is_current: current == Some(row.id),
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            absolute_expires_at: row.absolute_expires_at,
            ip: row.ip,
            user_agent: row.user_agent,
        })
        .collect())
}

/// Ends one session of a member, by its public id, and deletes its tokens.
///
/// # Errors
/// [`StoreError::NotFound`] also if it ended already.
pub async fn session_revoke(
    tx: &mut AuthTx,
    tenant_id: TenantId,
    user_id: UserId,
    id: SessionId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE web_sessions SET revoked_at = $4, tokens_encrypted = NULL
          WHERE tenant_id = $1 AND user_id = $2 AND id = $3 AND revoked_at IS NULL",
        tenant_id as _,
        user_id as _,
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

/// Ends all sessions of a member except `current` (`None`: all) and returns how
/// many were live.
pub async fn session_revoke_others(
    tx: &mut AuthTx,
    tenant_id: TenantId,
    user_id: UserId,
    current: Option<SessionId>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "UPDATE web_sessions SET revoked_at = $4, tokens_encrypted = NULL
          WHERE tenant_id = $1 AND user_id = $2 AND id IS DISTINCT FROM $3
            AND revoked_at IS NULL AND idle_expires_at > $4 AND absolute_expires_at > $4",
        tenant_id as _,
        user_id as _,
        current as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// Ends the sessions that an issuer's logout message names: all of a `subject`,
/// the one with the issuer's session id `sid`, or the one with both. Without
/// `issuer` those of any issuer; `sid` is then required.
pub async fn session_revoke_by_issuer(
    tx: &mut AuthTx,
    issuer: Option<&str>,
    subject: Option<&str>,
    sid: Option<&str>,
    now: Timestamp,
) -> Result<Vec<EndedSession>, StoreError> {
    Ok(sqlx::query_as!(
        EndedSession,
        "UPDATE web_sessions SET revoked_at = $4, tokens_encrypted = NULL
          WHERE ($1::text IS NULL OR oidc_issuer = $1)
            AND ($2::text IS NULL OR oidc_subject = $2)
            AND ($3::text IS NULL OR oidc_sid = $3)
            AND ($3 IS NOT NULL OR num_nonnulls($1, $2) = 2)
            AND revoked_at IS NULL AND idle_expires_at > $4 AND absolute_expires_at > $4
         RETURNING tenant_id, user_id, id",
        issuer,
        subject,
        sid,
        now,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Deletes the session with this id hash, or with this one as the previous id,
/// at sign-out. Returns false if there was none.
pub async fn session_delete(
    tx: &mut AuthTx,
    id_hash: &[u8; 32],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "DELETE FROM web_sessions WHERE id_hash = $1 OR previous_id_hash = $1 AND previous_id_until > $2",
        id_hash.as_slice(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes ended sessions and returns how many.
pub async fn session_purge(tx: &mut AuthTx, now: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "DELETE FROM web_sessions WHERE absolute_expires_at <= $1 OR idle_expires_at <= $1 OR revoked_at <= $1",
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}
