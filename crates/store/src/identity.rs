//! From what an issuer calls a person to the member that this is. Never by
//! e-mail (SEC-A9).

use domain::{TenantId, Timestamp, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{AuthTx, OperatorTx, StoreError};

/// What identifies a person for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityKey {
    /// Any OpenID Connect issuer.
    Subject {
        /// The `iss` of its tokens.
        issuer: String,
        /// The `sub`, unique at that issuer.
        subject: String,
    },
    /// Entra ID: its `sub` differs from application to application.
    Entra {
        /// The directory's id, `tid`.
        tid: Uuid,
        /// The person's object id in it, `oid`.
        oid: Uuid,
    },
}

/// An identity of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its id.
    pub id: Uuid,
    /// The member.
    pub user_id: UserId,
}

impl IdentityKey {
    fn columns(&self) -> (Option<&str>, Option<&str>, Option<Uuid>, Option<Uuid>) {
        match self {
            Self::Subject { issuer, subject } => (Some(issuer), Some(subject), None, None),
            Self::Entra { tid, oid } => (None, None, Some(*tid), Some(*oid)),
        }
    }
}

/// The identity of a member of `tenant_id` with this key.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn identity_find(
    tx: &mut AuthTx,
    tenant_id: TenantId,
    key: &IdentityKey,
) -> Result<Option<Identity>, StoreError> {
    Ok(match key {
        IdentityKey::Subject { issuer, subject } => {
            sqlx::query_as!(
                Identity,
                "SELECT id, user_id FROM identities WHERE tenant_id = $1 AND issuer = $2 AND subject = $3",
                tenant_id.0,
                issuer,
                subject,
            )
            .fetch_optional(tx.conn())
            .await?
        }
        IdentityKey::Entra { tid, oid } => {
            sqlx::query_as!(
                Identity,
                "SELECT id, user_id FROM identities WHERE tenant_id = $1 AND entra_tid = $2 AND entra_oid = $3",
                tenant_id.0,
                tid,
                oid,
            )
            .fetch_optional(tx.conn())
            .await?
        }
    })
}

/// Ties an identity to a member.
///
/// # Errors
/// [`StoreError::Constraint`] when it belongs to a member of that tenant
/// already.
pub async fn identity_create(
    tx: &mut AuthTx,
    id: Uuid,
    tenant_id: TenantId,
    user_id: UserId,
    key: &IdentityKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    insert(tx.conn(), id, tenant_id, user_id, key, now).await
}

/// Ties an identity to a member whom the operator adds.
///
/// # Errors
/// [`StoreError::Constraint`] when it belongs to a member of that tenant
/// already.
pub async fn identity_add(
    tx: &mut OperatorTx,
    id: Uuid,
    tenant_id: TenantId,
    user_id: UserId,
    key: &IdentityKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.tenant_set(tenant_id).await?;
    insert(tx.conn(), id, tenant_id, user_id, key, now).await
}

async fn insert(
    conn: &mut PgConnection,
    id: Uuid,
    tenant_id: TenantId,
    user_id: UserId,
    key: &IdentityKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (issuer, subject, tid, oid) = key.columns();
    sqlx::query!(
        "INSERT INTO identities (tenant_id, id, user_id, issuer, subject, entra_tid, entra_oid, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        tenant_id.0,
        id,
        user_id.0,
        issuer,
        subject,
        tid,
        oid,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
