//! Server functions of the audit log.

use domain::{
    AppError, Page,
    audit::{AuditEntry, AuditFilter},
};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::api;

/// One page of the log, newest first; `after` is where it begins, or empty.
#[server(endpoint = "audit_list")]
pub(crate) async fn audit_list(
    #[server(default)] filter: AuditFilter,
    #[server(default)] after: String,
) -> Result<Page<AuditEntry>, AppError> {
    let (ctx, actor) = api::caller()?;
    let after = Some(after).filter(|after| !after.is_empty());
    service::audit_list(&ctx, &actor, &filter, after.as_deref()).await
}
