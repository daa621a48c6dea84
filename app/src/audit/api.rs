//! Server functions of the audit log.

use domain::{
    AppError, Page,
    audit::{AuditEntry, AuditListInput},
};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::api;

/// One page of the log, newest first.
#[server(endpoint = "audit_list")]
pub(crate) async fn audit_list(
    #[server(default)] list: AuditListInput,
) -> Result<Page<AuditEntry>, AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::AuditList>(&ctx, &actor, list).await
}
