//! Reading the audit log.

use domain::{
    Action, Actor, AppError, Page, TenantId,
    audit::{AuditEntry, AuditFilter},
    paging::PAGE_SIZE,
};

use store::audit::AuditVerdict;

use crate::{Ctx, act::Act};

/// One page of the organisation's audit log, newest first.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::Invalid`] for a broken `cursor` or
/// filter.
pub async fn audit_list(
    ctx: &Ctx,
    actor: &Actor,
    filter: &AuditFilter,
    cursor: Option<&str>,
) -> Result<Page<AuditEntry>, AppError> {
    let mut act = Act::begin(ctx, actor, Action::AuditList).await?;
    Ok(store::audit::audit_list(&mut act.tx, filter, cursor, PAGE_SIZE).await?)
}

/// Recomputes an organisation's whole chain (SEC-E2). For the command line,
/// which acts for nobody.
///
/// # Errors
/// [`AppError::Unavailable`] when the database is away.
pub async fn audit_verify(ctx: &Ctx, tenant_id: TenantId) -> Result<AuditVerdict, AppError> {
    let mut tx = ctx.store.begin_as_system(tenant_id).await?;
    Ok(store::audit::audit_verify(&mut tx, None).await?)
}
