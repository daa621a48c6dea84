//! Who runs the installation. Only the command line of the machine says so:
//! these acts have no actor, and are audited in the member's organisation.

use domain::{AppError, TenantId, UserId, audit::Outcome};
use store::{
    audit::{AuditEvent, audit_append},
    identity::{IdentityKey, identity_find},
    operator::OperatorListed,
};

use crate::Ctx;

/// Makes the member with this identity an operator; false when they are one
/// already.
///
/// # Errors
/// [`AppError::NotFound`] when the organisation knows no such member.
pub async fn operator_add(
    ctx: &Ctx,
    tenant_id: TenantId,
    identity: &IdentityKey,
) -> Result<bool, AppError> {
    let user_id = member_of(ctx, tenant_id, identity).await?;
    let mut tx = ctx.store.begin_operator().await?;
    let now = ctx.clock.now();
    let is_new = store::operator::operator_add(&mut tx, tenant_id, user_id, now).await?;
    if is_new {
        finish(ctx, tx, tenant_id, user_id, "operator.add").await?;
    }
    Ok(is_new)
}

/// Makes the operator with this identity a mere member again; false when they
/// are none.
///
/// # Errors
/// [`AppError::NotFound`] when the organisation knows no such member.
pub async fn operator_remove(
    ctx: &Ctx,
    tenant_id: TenantId,
    identity: &IdentityKey,
) -> Result<bool, AppError> {
    let user_id = member_of(ctx, tenant_id, identity).await?;
    let mut tx = ctx.store.begin_operator().await?;
    let was_one = store::operator::operator_remove(&mut tx, tenant_id, user_id).await?;
    if was_one {
        finish(ctx, tx, tenant_id, user_id, "operator.remove").await?;
    }
    Ok(was_one)
}

/// The operators among an organisation's members.
///
/// # Errors
/// [`AppError::Unavailable`] when the database is away.
pub async fn operator_list(
    ctx: &Ctx,
    tenant_id: TenantId,
) -> Result<Vec<OperatorListed>, AppError> {
    let mut tx = ctx.store.begin_as_system(tenant_id).await?;
    Ok(store::operator::operator_list(&mut tx).await?)
}

async fn member_of(
    ctx: &Ctx,
    tenant_id: TenantId,
    identity: &IdentityKey,
) -> Result<UserId, AppError> {
    let mut tx = ctx.store.begin_auth().await?;
    let found = identity_find(&mut tx, tenant_id, identity).await?;
    Ok(found.ok_or(AppError::NotFound)?.user_id)
}

async fn finish(
    ctx: &Ctx,
    tx: store::OperatorTx,
    tenant_id: TenantId,
    user_id: UserId,
    action: &str,
) -> Result<(), AppError> {
    let mut tx = tx.enter_as_system(tenant_id).await?;
    let event = AuditEvent {
        resource_type: Some("user".to_owned()),
        resource_id: Some(user_id.to_string()),
        ..AuditEvent::by_system(action, Outcome::Success, ctx.clock.now())
    };
    audit_append(&mut tx, &[event]).await?;
    tx.commit().await?;
    Ok(())
}
