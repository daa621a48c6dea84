//! Server functions of the audit log.

use domain::{
    AppError, Page,
    audit::{AuditEntry, AuditListInput},
};

use crate::api;

/// One page of the log, newest first.
pub(crate) async fn audit_list(list: AuditListInput) -> Result<Page<AuditEntry>, AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::AuditList>(&ctx, &actor, list).await
}
