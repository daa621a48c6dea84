//! Invite links. Only the SHA-256 of a link's token is stored. The hash can be
//! read in an [`AuthTx`] only, which finds the tenant by it, never in an
//! organisation's own transactions.

use crate::{
    AuthTx, StoreError, TenantTx,
    cursor::{List, Place},
};
use domain::{
    InviteId, Page, RoleId, TeamId, TenantId, Timestamp, UserId,
    email::EmailAddress,
    invite::{INVITE_SORTS, Invite, InviteListInput, InviteStatus},
    role::RoleRef,
    team::TeamRef,
};

/// An invite to be stored.
#[derive(Clone, Debug)]
pub struct NewInviteRow<'a> {
    pub id: InviteId,
    /// Only this address can accept the invite, if it is set.
    pub email: Option<&'a EmailAddress>,
    pub token_hash: &'a [u8; 32],
    pub role_id: Option<RoleId>,
    /// The team that the member joins.
    pub team_id: Option<TeamId>,
    /// The invite is rejected from this moment on.
    pub expires_at: Timestamp,
}

/// An invite with the inviter whose permissions it depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredInvite {
    pub invite: Invite,
    /// `None` for invites of Atrium itself.
    pub inviter: Option<UserId>,
    /// The number of times that the link was replaced.
    pub renewals: i32,
}

struct InviteRow {
    id: InviteId,
    email: Option<String>,
    role_id: Option<RoleId>,
    role_key: Option<String>,
    role_name: Option<String>,
    team_id: Option<TeamId>,
    team_name: Option<String>,
    invited_by: Option<UserId>,
    inviter: Option<String>,
    renewals: i32,
    status: InviteStatus,
    created_at: Timestamp,
    expires_at: Timestamp,
    accepted_at: Option<Timestamp>,
    accepter: Option<String>,
}

impl From<InviteRow> for StoredInvite {
    fn from(row: InviteRow) -> Self {
        let role = row.role_id.zip(row.role_key.zip(row.role_name));
        let team = row.team_id.zip(row.team_name);
        Self {
            inviter: row.invited_by,
            renewals: row.renewals,
            invite: Invite {
                id: row.id,
                email: row.email,
                role: role.map(|(id, (key, name))| RoleRef { id, key, name }),
                team: team.map(|(id, name)| TeamRef { id, name }),
                invited_by: row.inviter,
                created_at: row.created_at,
                expires_at: row.expires_at,
                status: row.status,
                accepted_by: row.accepter,
                accepted_at: row.accepted_at,
            },
        }
    }
}

/// Stores an invite of the transaction's member, or of Atrium itself.
///
/// # Errors
/// [`StoreError::Constraint`] if the tenant has no such role or team,
/// [`StoreError::Other`] if the actor may not invite.
pub async fn invite_create(
    tx: &mut TenantTx,
    new: &NewInviteRow<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (tenant_id, invited_by) = (tx.tenant_id(), tx.user_id());
    sqlx::query!(
        "INSERT INTO invites
             (tenant_id, id, email, token_hash, role_id, team_id, invited_by, renewals, status, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 'pending', $8, $9)",
        tenant_id as _,
        new.id as _,
        new.email.map(EmailAddress::as_str),
        new.token_hash.as_slice(),
        new.role_id as _,
        new.team_id as _,
        invited_by as _,
        now,
        new.expires_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn invite_get(tx: &mut TenantTx, id: InviteId) -> Result<StoredInvite, StoreError> {
    let row = sqlx::query_as!(
        InviteRow,
        r#"SELECT i.id, i.email, i.role_id, r.key AS "role_key?", r.name AS "role_name?",
                  i.team_id, g.name AS "team_name?", i.invited_by, u.display_name AS "inviter?",
                  i.renewals, i.status, i.created_at, i.expires_at, i.accepted_at, a.display_name AS "accepter?"
             FROM invites i
             LEFT JOIN roles r ON r.tenant_id = i.tenant_id AND r.id = i.role_id
             LEFT JOIN teams g ON g.tenant_id = i.tenant_id AND g.id = i.team_id
             LEFT JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.invited_by
             LEFT JOIN users a ON a.tenant_id = i.tenant_id AND a.id = i.accepted_by
            WHERE i.tenant_id = $1 AND i.id = $2"#,
        tx.tenant_id() as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(row.into())
}

/// Locks an invite until the transaction ends and returns it. Of two people who
/// accept it at the same moment, the second sees the first one's change.
pub async fn invite_lock(tx: &mut TenantTx, id: InviteId) -> Result<StoredInvite, StoreError> {
    sqlx::query_scalar!(
        "SELECT id FROM invites WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
        tx.tenant_id() as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    invite_get(tx, id).await
}

/// One page of invites, newest first.
///
/// # Errors
/// [`StoreError::Cursor`] for a cursor of another list, [`StoreError::Filter`]
/// for an unknown status.
pub async fn invite_list(
    tx: &mut TenantTx,
    input: &InviteListInput,
    now: Timestamp,
    size: u16,
) -> Result<Page<Invite>, StoreError> {
    let status = match input.status.as_str() {
        "" => None,
        key => Some(InviteStatus::from_key(key).ok_or(StoreError::Filter("status"))?),
    };
    let (tenant_id, after) = (tx.tenant_id(), input.after.as_deref());
    let place = Place::parse(List::Invite, tenant_id, &INVITE_SORTS, &input.sort, after)?;
    let rows = sqlx::query!(
        r#"WITH matching AS MATERIALIZED (
               SELECT i.id, s.status,
                      CASE $4 WHEN 'email' THEN lower(coalesce(i.email, ''))
                              WHEN 'status' THEN s.status
                              WHEN 'expires_at' THEN sort_time(i.expires_at)
                              ELSE sort_time(i.created_at) END COLLATE "C" AS key
                 FROM invites i
                CROSS JOIN LATERAL (
                         SELECT CASE WHEN i.status = 'pending' AND i.expires_at <= $3 THEN 'expired'
                                     ELSE i.status END AS status
                     ) AS s
                WHERE i.tenant_id = $1 AND ($2::text IS NULL OR s.status = $2)
           )
           SELECT i.id, i.email, i.role_id, r.key AS "role_key?", r.name AS "role_name?",
                  i.team_id, g.name AS "team_name?", u.display_name AS "inviter?",
                  m.status AS "status!: InviteStatus", i.created_at, i.expires_at, i.accepted_at,
                  a.display_name AS "accepter?", m.key AS "key!", (SELECT count(*) FROM (SELECT FROM matching LIMIT 1001) AS counted) AS "total!"
             FROM matching m
             JOIN invites i ON i.tenant_id = $1 AND i.id = m.id
             LEFT JOIN roles r ON r.tenant_id = i.tenant_id AND r.id = i.role_id
             LEFT JOIN teams g ON g.tenant_id = i.tenant_id AND g.id = i.team_id
             LEFT JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.invited_by
             LEFT JOIN users a ON a.tenant_id = i.tenant_id AND a.id = i.accepted_by
            WHERE ($5::text IS NULL OR CASE WHEN $7 THEN (m.key, m.id) < ($5, $6) ELSE (m.key, m.id) > ($5, $6) END)
            ORDER BY CASE WHEN $7 THEN m.key END DESC, CASE WHEN $7 THEN m.id END DESC, m.key, m.id
            LIMIT $8"#,
        tenant_id as _,
        status as _,
        now,
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
    Ok(page.map(|row| {
        let role = row.role_id.zip(row.role_key.zip(row.role_name));
        let team = row.team_id.zip(row.team_name);
        Invite {
            id: row.id,
            email: row.email,
            role: role.map(|(id, (key, name))| RoleRef { id, key, name }),
            team: team.map(|(id, name)| TeamRef { id, name }),
            invited_by: row.inviter,
            created_at: row.created_at,
            expires_at: row.expires_at,
            status: row.status,
            accepted_by: row.accepter,
            accepted_at: row.accepted_at,
        }
    }))
}

/// Replaces the token and expiry of a visible, pending invite, which
/// invalidates sign-ins begun with the old token. The invite depends on the
/// actor's permissions from then on.
///
/// # Errors
/// [`StoreError::NotFound`] also if it was accepted or revoked.
pub async fn invite_renew(
    tx: &mut TenantTx,
    id: InviteId,
    token_hash: &[u8; 32],
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let (tenant_id, invited_by) = (tx.tenant_id(), tx.user_id());
    let done = sqlx::query!(
        "UPDATE invites SET token_hash = $3, expires_at = $4, invited_by = $5, renewals = renewals + 1
          WHERE tenant_id = $1 AND id = $2 AND status = 'pending'",
        tenant_id as _,
        id as _,
        token_hash.as_slice(),
        expires_at,
        invited_by as _,
    )
    .execute(tx.conn())
    .await?;
    not_found_if_zero(done.rows_affected())
}

/// Revokes a visible, pending invite.
///
/// # Errors
/// [`StoreError::NotFound`] also if it was accepted or revoked.
pub async fn invite_revoke(tx: &mut TenantTx, id: InviteId) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE invites SET status = 'revoked' WHERE tenant_id = $1 AND id = $2 AND status = 'pending'",
        tx.tenant_id() as _,
        id as _,
    )
    .execute(tx.conn())
    .await?;
    not_found_if_zero(done.rows_affected())
}

/// Revokes all pending invites of Atrium itself and returns their ids.
pub async fn invite_revoke_system(tx: &mut TenantTx) -> Result<Vec<InviteId>, StoreError> {
    Ok(sqlx::query_scalar!(
        "UPDATE invites SET status = 'revoked'
          WHERE tenant_id = $1 AND invited_by IS NULL AND status = 'pending'
         RETURNING id",
        tx.tenant_id() as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Marks an invite as accepted.
///
/// # Errors
/// [`StoreError::NotFound`] also if it is not pending.
pub async fn invite_accept(
    tx: &mut TenantTx,
    id: InviteId,
    accepted_by: UserId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE invites SET status = 'accepted', accepted_by = $3, accepted_at = $4
          WHERE tenant_id = $1 AND id = $2 AND status = 'pending'",
        tx.tenant_id() as _,
        id as _,
        accepted_by as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    not_found_if_zero(done.rows_affected())
}

/// The invite with this token hash and its organisation, whatever its status.
pub async fn invite_find(
    tx: &mut AuthTx,
    token_hash: &[u8; 32],
) -> Result<Option<(TenantId, InviteId)>, StoreError> {
    let row = sqlx::query!(
        "SELECT tenant_id, id FROM invites WHERE token_hash = $1",
        token_hash.as_slice(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.tenant_id, row.id)))
}

fn not_found_if_zero(rows: u64) -> Result<(), StoreError> {
    if rows == 0 {
        Err(StoreError::NotFound)
    } else {
        Ok(())
    }
}
