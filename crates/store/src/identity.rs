//! Maps an issuer's identity of a person to a member. Never by e-mail (SEC-A9).

use domain::{AppError, TenantId, Timestamp, UserId, identity::IdentityKey};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{AuthTx, OperatorTx, StoreError, error::ConstraintErrors};

pub(crate) const CONSTRAINTS: ConstraintErrors = &[
    ("identities_subject_key", identity_taken),
    ("identities_entra_key", identity_taken),
];

fn identity_taken() -> AppError {
    AppError::Conflict {
        message: "This identity already belongs to a member.".into(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub id: Uuid,
    pub user_id: UserId,
}

fn columns(key: &IdentityKey) -> (Option<&str>, Option<&str>, Option<Uuid>, Option<Uuid>) {
    match key {
        IdentityKey::Subject { issuer, subject } => (Some(issuer), Some(subject), None, None),
        IdentityKey::Entra { tid, oid } => (None, None, Some(*tid), Some(*oid)),
    }
}

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
                tenant_id as _,
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
                tenant_id as _,
                tid,
                oid,
            )
            .fetch_optional(tx.conn())
            .await?
        }
    })
}

/// Links an identity to a member.
///
/// # Errors
/// [`StoreError::Constraint`] if it is linked to a member of that tenant
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

/// As [`identity_create`], for a member whom the operator adds.
///
/// # Errors
/// [`StoreError::Constraint`] if it is linked to a member of that tenant
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
    let (issuer, subject, tid, oid) = columns(key);
    sqlx::query!(
        "INSERT INTO identities (tenant_id, id, user_id, issuer, subject, entra_tid, entra_oid, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        tenant_id as _,
        id,
        user_id as _,
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
