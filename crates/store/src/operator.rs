//! Members who also operate the installation. Operators are set on the command
//! line only.

use domain::{TenantId, Timestamp, UserId};

use crate::{OperatorTx, StoreError, TenantTx};

/// An operator, as the command line lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorSummary {
    pub user_id: UserId,
    pub display_name: String,
    pub granted_at: Timestamp,
}

/// Makes a member an operator. Returns false if they are one already.
///
/// # Errors
/// [`StoreError::Constraint`] if the organisation has no such member.
pub async fn operator_add(
    tx: &mut OperatorTx,
    tenant_id: TenantId,
    user_id: UserId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    tx.tenant_set(tenant_id).await?;
    let done = sqlx::query!(
        "INSERT INTO platform_operators (tenant_id, user_id, granted_at) VALUES ($1, $2, $3)
         ON CONFLICT (tenant_id, user_id) DO NOTHING",
        tenant_id as _,
        user_id as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Makes an operator an ordinary member. Returns false if they are no operator.
pub async fn operator_remove(
    tx: &mut OperatorTx,
    tenant_id: TenantId,
    user_id: UserId,
) -> Result<bool, StoreError> {
    tx.tenant_set(tenant_id).await?;
    let done = sqlx::query!(
        "DELETE FROM platform_operators WHERE tenant_id = $1 AND user_id = $2",
        tenant_id as _,
        user_id as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The operators among the members of the transaction's organisation.
pub async fn operator_list(tx: &mut TenantTx) -> Result<Vec<OperatorSummary>, StoreError> {
    Ok(sqlx::query_as!(
        OperatorSummary,
        "SELECT o.user_id, u.display_name, o.granted_at
           FROM platform_operators o
           JOIN users u ON u.tenant_id = o.tenant_id AND u.id = o.user_id
          WHERE o.tenant_id = $1
          ORDER BY u.display_name, o.user_id",
        tx.tenant_id() as _,
    )
    .fetch_all(tx.conn())
    .await?)
}
