//! Operators of the installation. Only the command line adds or removes them,
//! without an actor; audited in the member's organisation.

use domain::{AppError, TenantId, UserId, audit::Outcome, identity::IdentityKey};
use store::{
    audit::{AuditEvent, audit_append},
    identity::identity_find,
    operator::OperatorSummary,
};

use crate::Ctx;

/// Makes the member with this identity an operator; false if they already are.
pub async fn operator_add(
    ctx: &Ctx,
    tenant_id: TenantId,
    identity: &IdentityKey,
) -> Result<bool, AppError> {
    let user_id = find_member(ctx, tenant_id, identity).await?;
    let mut tx = ctx.store.begin_operator().await?;
    let now = ctx.clock.now();
    let is_new = store::operator::operator_add(&mut tx, tenant_id, user_id, now).await?;
    if is_new {
        audit_and_commit(ctx, tx, tenant_id, user_id, "operator.add").await?;
    }
    Ok(is_new)
}

/// Removes the operator with this identity; false if they are none.
pub async fn operator_remove(
    ctx: &Ctx,
    tenant_id: TenantId,
    identity: &IdentityKey,
) -> Result<bool, AppError> {
    let user_id = find_member(ctx, tenant_id, identity).await?;
    let mut tx = ctx.store.begin_operator().await?;
    let was_operator = store::operator::operator_remove(&mut tx, tenant_id, user_id).await?;
    if was_operator {
        audit_and_commit(ctx, tx, tenant_id, user_id, "operator.remove").await?;
    }
    Ok(was_operator)
}

/// The operators among an organisation's members.
pub async fn operator_list(
    ctx: &Ctx,
    tenant_id: TenantId,
) -> Result<Vec<OperatorSummary>, AppError> {
    let mut tx = ctx.store.begin_as_system(tenant_id).await?;
    Ok(store::operator::operator_list(&mut tx).await?)
}

async fn find_member(
    ctx: &Ctx,
    tenant_id: TenantId,
    identity: &IdentityKey,
) -> Result<UserId, AppError> {
    let mut tx = ctx.store.begin_auth().await?;
    let found = identity_find(&mut tx, tenant_id, identity).await?;
    Ok(found.ok_or(AppError::NotFound)?.user_id)
}

async fn audit_and_commit(
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
